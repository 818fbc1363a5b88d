"""Whether a LoRA was made for the model that a graph loads it onto, by what its file says in its head.

A server takes any LoRA: weights that its model does not have are left out with a line in its log, and the picture is
made as if there were none (ComfyUI 0.30.0, comfy/sd.py, load_lora_for_models: ``lora key not loaded``). Only a clash
that is sure is told: files that say nothing, and words that nobody knows, give no verdict.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from comfy_headless.catalog.files import ModelFiles
from comfy_headless.errors import ValidationError
from comfy_headless.graph.file_inputs import MODEL_INPUTS
from comfy_headless.graph.lines import put
from comfy_headless.graph.listed import file_name
from comfy_headless.graph.own_checks import looks_like_link
from comfy_headless.graph.source import Graph

_KEYS: Final = ("modelspec.architecture", "ss_base_model_version")

_OTHERS: Final = ""
"""Of models for which no network is described."""

MADE_FOR: Final[Mapping[str, tuple[str, ...]]] = {
    # musubi-tuner 30c658c: utils/sai_model_spec.py (architecture), dataset/architectures.py (base model version); it
    # writes one word for all of Wan.
    "hunyuan-video": ("hunyuan_",),
    "hunyuan_video": ("hunyuan_",),
    "hunyuan-video-1.5": ("hunyuan15_",),
    "hunyuan_video_1_5": ("hunyuan15_",),
    "wan": ("wan",),
    "wan2.1": ("wan",),
    "flux.1-dev": (_OTHERS,),
    "flux_kontext": (_OTHERS,),
    "flux.2-dev": (_OTHERS,),
    "flux_2_dev": (_OTHERS,),
    "kandinsky-5": (_OTHERS,),
    "kandinsky5": (_OTHERS,),
    "qwen-image": (_OTHERS,),
    "qwen-image-edit": (_OTHERS,),
    "qwen_image": (_OTHERS,),
    "qwen_image_edit": (_OTHERS,),
    "z-image": (_OTHERS,),
    "z_image": (_OTHERS,),
    # ai-toolkit 27a03a9: get_base_model_version of each model, toolkit/metadata.py
    "wan_2.1": ("wan21_", "wan22_14b"),
    "wan_2.2_14b": ("wan21_14b", "wan22_14b"),
    "wan_2.2_5b": ("wan22_5b",),
    "ltx2": ("ltx2",),
    "sd_1.5": ("animatediff_sd15",),
    "sd_2.1": (_OTHERS,),
    "sdxl_1.0": (_OTHERS,),
    "chroma": (_OTHERS,),
    "flux.1_kontext": (_OTHERS,),
    "flux2": (_OTHERS,),
    "hidream_i1": (_OTHERS,),
    "omnigen2": (_OTHERS,),
    "zimage": (_OTHERS,),
    # sd-scripts 48d368f: library/sai_model_spec.py, library/sdxl_model_util.py, library/flux_utils.py
    "stable-diffusion-v1": ("animatediff_sd15",),
    "stable-diffusion-v2-512": (_OTHERS,),
    "stable-diffusion-v2-768-v": (_OTHERS,),
    "stable-diffusion-xl-v1-base": (_OTHERS,),
    "sdxl_base_v1-0": (_OTHERS,),
    "stable-diffusion-3": (_OTHERS,),
    "flux-1-dev": (_OTHERS,),
    "flux-1-schnell": (_OTHERS,),
    "flux1": (_OTHERS,),
    "lumina-2": (_OTHERS,),
    "lumina2": (_OTHERS,),
    "hunyuan-image-2.1": (_OTHERS,),
}
"""What the head of a LoRA says -> how the networks are called that it fits, of ``networks.toml``.

A LoRA for Wan 2.1 of 14B works on Wan 2.2 of 14B and the other way round: their blocks have the same shapes (counted on
ComfyUI 0.30.0's classes, ``networks.toml``).
"""

_STRENGTH: Final = "strength_model"
"""How each node that puts a LoRA onto a model calls its strength (ComfyUI 0.30.0)."""

_DOWN: Final = (".lora_A.weight", ".lora_A.default.weight", ".lora_down.weight", ".lora.down.weight")
"""How the first of a LoRA's two matrices ends: as wide as what goes into the layer (comfy/weight_adapter/lora.py)."""

_MOST: Final = 64 * 2**20
"""Bytes; a safetensors file whose head is said to be longer is none (the largest of a LoRA have 1 MB)."""


class LoraUse(NamedTuple):
    """A LoRA in a graph.

    Args:
        name: its file, as the graph has it.
        network: what the model holds that it is loaded onto, of ``networks.toml``.
    """

    node_id: str
    class_type: str
    input: str
    name: str
    network: str


class Head(NamedTuple):
    """The head of a safetensors file: what its maker wrote there, and the shape of each tensor."""

    metadata: Mapping[str, Any]
    tensors: Mapping[str, tuple[int, ...]]


def loras_to_ask(graph: Graph, files: ModelFiles) -> tuple[LoraUse, ...]:
    """Return the LoRAs of a graph that are loaded onto a model that is described: of these a clash can be known."""
    return tuple(
        LoraUse(node_id, node["class_type"], name, value, network)
        for node_id, node in graph.items()
        for name, value in (node.get("inputs") or {}).items()
        if MODEL_INPUTS.get((node["class_type"], name)) == "loras" and isinstance(value, str)
        if node["inputs"].get(_STRENGTH)
        if (network := _network_below(graph, node_id, files)) is not None
    )


def lora_clash(
    metadata: Mapping[str, Any] | None,
    network: str,
    *,
    tensors: Mapping[str, tuple[int, ...]] | None = None,
    width: int | None = None,
) -> str | None:
    """Return why a LoRA does not fit a network, in words; None if it does, or if nobody can know.

    Args:
        metadata: what ``GET /view_metadata/loras`` says of the file.
        network: its name in ``networks.toml``.
        tensors: the shapes of its tensors by name, where the file itself can be read.
        width: of the network's attention.
    """
    for key in _KEYS:
        said = (metadata or {}).get(key)
        fitting = MADE_FOR.get(said.split("/")[0].strip().casefold()) if isinstance(said, str) else None
        if fitting is not None and not any(each and network.startswith(each) for each in fitting):
            return f"its file says {key}={said}, and the model is {network}"
    widths = {shape[-1] for name, shape in (tensors or {}).items() if name.endswith(_DOWN) and len(shape) == 2}
    if width is not None and widths and width not in widths:
        shown = ", ".join(map(str, sorted(widths)[:4]))
        return f"its layers are {shown} wide, and those of {network} are {width}"
    return None


def lora_remedy(use: LoraUse) -> str:
    """Return the line that switches a LoRA off."""
    return put(use.node_id, _STRENGTH, 0.0, f"or name a LoRA for {use.network} there")


def read_head(path: Path) -> Head:
    """Return the head of a safetensors file: eight bytes that say how long it is, then JSON.

    Raises:
        ValidationError: the file cannot be read, or is none.
    """
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            head = json.loads(file.read(length)) if 2 <= length <= _MOST else None
    except OSError as error:
        raise ValidationError(f"{path}: {error.strerror or error}") from error
    except ValueError:
        head = None
    if not isinstance(head, dict):
        raise ValidationError(f"{path}: no safetensors file")
    metadata = head.pop("__metadata__", None)
    tensors = {
        name: tuple(about["shape"])
        for name, about in head.items()
        if isinstance(about, dict) and isinstance(about.get("shape"), list)
    }
    return Head(metadata if isinstance(metadata, dict) else {}, tensors)


def _network_below(graph: Graph, node_id: str, files: ModelFiles) -> str | None:
    """Return the network of the one model that a LoRA's node is wired to; None if it is not known."""
    named = {
        file.network
        for name in _models_below(graph, node_id)
        for file in files.values()
        if file.network is not None and file_name(name) in (file.name, *file.also)
    }
    return named.pop() if len(named) == 1 else None


def _models_below(graph: Graph, node_id: str) -> Iterator[str]:
    """Yield the files that are loaded at the end of the wire of models."""
    seen: set[str] = set()
    waiting = [node_id]
    while waiting:
        current = waiting.pop()
        if current in seen or current not in graph:
            continue
        seen.add(current)
        inputs = graph[current].get("inputs") or {}
        wire: Any = inputs.get("model")
        if looks_like_link(wire):
            waiting.append(wire[0])
            continue
        yield from (
            value
            for name, value in inputs.items()
            if MODEL_INPUTS.get((graph[current]["class_type"], name)) in ("checkpoints", "diffusion_models")
            and isinstance(value, str)
        )
