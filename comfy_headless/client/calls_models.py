"""The routes of a server that tell of node classes and model files, as blocking calls."""

from __future__ import annotations

from typing import Any

from comfy_headless.protocol import routes, routes_models
from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.routes_models import ModelFile, ModelFolder
from comfy_headless.transport.sync import SyncTransport


class ModelCalls:
    """Node classes, model folders, model files, and the lists of loader nodes."""

    _server: Server
    _transport: SyncTransport

    def object_info(self, node_class: str | None = None) -> dict[str, Any]:
        """Return the schemas of all node classes of the server, or of one; a class that it has not is ``{}``."""
        return self._transport.drive(routes.object_info(self._server, node_class))

    def choices(self, node_class: str, input_name: str) -> tuple[str, ...]:
        """Return what one input of a node class can be chosen from, such as ``choices("CLIPLoader", "type")``."""
        return self._transport.drive(routes_models.choices(self._server, node_class, input_name))

    def checkpoints(self) -> tuple[str, ...]:
        """Return the checkpoints that CheckpointLoaderSimple can load."""
        return self.choices("CheckpointLoaderSimple", "ckpt_name")

    def loras(self) -> tuple[str, ...]:
        """Return the LoRAs that LoraLoader can load."""
        return self.choices("LoraLoader", "lora_name")

    def vaes(self) -> tuple[str, ...]:
        """Return the VAEs that VAELoader can load."""
        return self.choices("VAELoader", "vae_name")

    def upscale_models(self) -> tuple[str, ...]:
        """Return the models that UpscaleModelLoader can load."""
        return self.choices("UpscaleModelLoader", "model_name")

    def hypernetworks(self) -> tuple[str, ...]:
        """Return the hypernetworks that HypernetworkLoader can load."""
        return self.choices("HypernetworkLoader", "hypernetwork_name")

    def samplers(self) -> tuple[str, ...]:
        """Return the samplers of KSampler."""
        return self.choices("KSampler", "sampler_name")

    def schedulers(self) -> tuple[str, ...]:
        """Return the schedulers of KSampler."""
        return self.choices("KSampler", "scheduler")

    def embeddings(self) -> tuple[str, ...]:
        """Return the embeddings, without extension, as a prompt has them behind ``embedding:``."""
        return self._transport.drive(routes_models.embeddings(self._server))

    def model_folders(self) -> tuple[str, ...]:
        """Return the names of the server's folders for model files."""
        return self._transport.drive(routes_models.model_folders(self._server))

    def models(self, folder: str) -> tuple[str, ...]:
        """Return the files of a model folder, as loader nodes want them."""
        return self._transport.drive(routes_models.models(self._server, folder))

    def model_locations(self) -> tuple[ModelFolder, ...]:
        """Return the folders for model files, and where they lie on the server."""
        return self._transport.drive(routes_models.model_locations(self._server))

    def model_files(self, folder: str) -> tuple[ModelFile, ...]:
        """Return the files of a model folder with sizes (bytes) and times (seconds since 1970)."""
        return self._transport.drive(routes_models.model_files(self._server, folder))

    def model_preview(self, folder: str, name: str, *, path_index: int = 0) -> bytes:
        """Return the picture that lies beside a model file, as WebP.

        Args:
            path_index: in which of the folder's places the file lies, as ``model_files`` says.
        """
        return self._transport.drive(routes_models.model_preview(self._server, folder, name, path_index))

    def view_metadata(self, folder: str, name: str) -> dict[str, Any] | None:
        """Return what is written in the head of a safetensors file, None if the server finds nothing readable there."""
        return self._transport.drive(routes_models.view_metadata(self._server, folder, name))
