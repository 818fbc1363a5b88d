"""The calls for node classes and model files, on both clients, against the simulator and a real server."""

from __future__ import annotations

import io
import time
from typing import Any

import pytest
from PIL import Image

from comfy_headless import ComfyClient, ComfyUIConnectionError, ValidationError
from tests.faults.clients import Person

from .comfyui.weights import Folders

KINDS = pytest.mark.parametrize("kind", ["sync", pytest.param("async", marks=pytest.mark.slow)])
LISTS = {
    "checkpoints": ("CheckpointLoaderSimple", "ckpt_name"),
    "loras": ("LoraLoader", "lora_name"),
    "vaes": ("VAELoader", "vae_name"),
    "upscale_models": ("UpscaleModelLoader", "model_name"),
    "hypernetworks": ("HypernetworkLoader", "hypernetwork_name"),
    "samplers": ("KSampler", "sampler_name"),
    "schedulers": ("KSampler", "scheduler"),
}


@KINDS
def test_the_lists_of_loaders(server: str, kind: str) -> None:
    """Each is what the input of its node class offers, as old classes and as new ones tell it."""
    ask = Person(kind, server).call
    with ComfyClient(server) as client:
        everything = client.object_info()
    for call, (node_class, name) in LISTS.items():
        first, more = (*everything[node_class]["input"]["required"][name], {})[:2]
        offered = more["options"] if first == "COMBO" else first
        assert ask(call) == tuple(offered) == ask("choices", node_class, name)
    assert "euler" in ask("samplers")
    assert "normal" in ask("schedulers")
    assert ask("object_info", "KSampler") == {"KSampler": everything["KSampler"]}
    assert ask("object_info", "Nope") == {}


@KINDS
def test_what_cannot_be_chosen_from(server: str, kind: str) -> None:
    """An unknown class, an unknown input and an input that is no list are told apart."""
    ask = Person(kind, server).call
    with pytest.raises(ComfyUIConnectionError, match=r"has no node class 'KSampelr'"):
        ask("choices", "KSampelr", "seed")
    with pytest.raises(ComfyUIConnectionError, match=r"has no input of KSampler named 'sampler'; did you mean"):
        ask("choices", "KSampler", "sampler")
    with pytest.raises(ValidationError, match=r"KSampler.seed is no list"):
        ask("choices", "KSampler", "seed")


@KINDS
def test_model_folders(server: str, kind: str) -> None:
    """Their names, where they lie, and what is in them, as loader nodes want it."""
    ask = Person(kind, server).call
    names = ask("model_folders")
    assert {"checkpoints", "loras", "vae", "diffusion_models", "text_encoders"} <= set(names)
    places = {place.name: place for place in ask("model_locations")}
    assert set(places) <= set(names)
    assert any("loras" in folder for folder in places["loras"].folders)
    assert ".safetensors" in places["loras"].extensions
    assert set(ask("models", "vae")) <= set(ask("vaes"))
    assert ask("embeddings") == tuple(name.rpartition(".")[0] for name in ask("models", "embeddings"))


@KINDS
def test_model_files(server: str, kind: str) -> None:
    """Each with its size in bytes and its times in seconds; the names are those of the plain list."""
    ask = Person(kind, server).call
    files = ask("model_files", "loras")
    assert {each.name for each in files} == set(ask("models", "loras"))
    for each in files:
        assert each.size is not None and each.size >= 0
        assert 1e9 < each.modified <= time.time() + 60
        assert each.path_index == 0


@KINDS
@pytest.mark.parametrize("call", ["models", "model_files"])
def test_a_folder_that_is_not_there(server: str, kind: str, call: str) -> None:
    """The nearest one is named, and all that there are."""
    with pytest.raises(
        ComfyUIConnectionError, match=r"no model folder 'lora'; did you mean 'loras'.* There are: .*vae"
    ):
        Person(kind, server).call(call, "lora")


@KINDS
def test_metadata_and_pictures_of_no_file(server: str, kind: str) -> None:
    """A file that is not there is told from one without metadata or picture."""
    ask = Person(kind, server).call
    for call in ("view_metadata", "model_preview"):
        with pytest.raises(ComfyUIConnectionError, match=r"has no file in .*'loras'.* named 'nope.safetensors'"):
            ask(call, "loras", "nope.safetensors")
    for name in ask("models", "upscale_models")[:1]:
        assert ask("view_metadata", "upscale_models", name) is None
        words = (
            f"there is no picture for '{name}'|the picture of '{name}': .* 403.* a link that leads out of the folder"
        )
        with pytest.raises(ComfyUIConnectionError, match=words):  # the real server's files are links in these tests
            ask("model_preview", "upscale_models", name)


@KINDS
def test_metadata_and_picture_of_a_file(real_server: str, real_server_folders: Folders | None, kind: str) -> None:
    """What is written in a safetensors head, and the picture that lies beside the file."""
    if real_server_folders is None:
        pytest.skip("the models of the server that COMFY_HEADLESS_TEST_URL names are not ours")
    ask = Person(kind, real_server).call
    folder = real_server_folders.models / "loras"
    head = b'{"__metadata__":{"author":"nobody"}}'
    (folder / "own/with_head.safetensors").parent.mkdir(exist_ok=True)
    (folder / "own/with_head.safetensors").write_bytes(len(head).to_bytes(8, "little") + head)
    Image.new("RGB", (12, 8)).save(folder / "own/with_head.preview.png")
    name = "own/with_head.safetensors"
    assert name in ask("models", "loras")
    assert ask("view_metadata", "loras", name) == {"author": "nobody"}
    shown: Any = Image.open(io.BytesIO(ask("model_preview", "loras", name)))
    assert (shown.format, shown.size) == ("WEBP", (12, 8))
    for path in (folder / "own").iterdir():
        path.unlink()
