"""The simulator against a real ComfyUI: how large, long and loud the result of small graphs is.

No sampler runs; latents go straight to the VAE. What whole presets make is held in ``test_presets.py``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.simulator.talk import Graph, node, talking

from .comfyui.weights import Folders
from .decoded import Decoded, decode

PICTURES = {"1": node("EmptyImage", width=100, height=76, batch_size=5, color=255)}
LATENT = {
    "loader": node("CheckpointLoaderSimple", ckpt_name="ltx-video-2b-v0.9.5.safetensors"),
    "1": node("EmptyLTXVLatentVideo", width=64, height=96, length=17, batch_size=1),
}
VIDEO = {
    "video": node("CreateVideo", images=["x", 0], fps=8.0),
    "save": node("SaveVideo", video=["video", 0], filename_prefix="shapes/x", format="auto", codec="auto"),
}


def resized(resize_type: str, **asked: Any) -> Graph:
    """Pictures that ResizeImageMaskNode resizes."""
    dotted = {f"resize_type.{name}": value for name, value in asked.items()}
    resize = node("ResizeImageMaskNode", input=["1", 0], resize_type=resize_type, scale_method="area", **dotted)
    return {**PICTURES, "2": node("EmptyImage", width=66, height=88, batch_size=1, color=0), "x": resize, **VIDEO}


def decoded(**changed: Any) -> Graph:
    """An LTXV latent that these nodes change; the last of them is decoded."""
    last = list(changed)[-1]
    slot = 2 if "positive" in changed[last]["inputs"] else 0
    return {**LATENT, **changed, "x": node("VAEDecode", samples=[last, slot], vae=["loader", 2]), **VIDEO}


def guided(batch: int, frame_idx: int, *, crop: bool) -> Graph:
    """An LTXV latent with a guide at its start and another one."""
    places = {"strength": 1.0, "vae": ["loader", 2]}
    nodes = {
        "clip": node("CLIPLoader", clip_name="t5xxl_fp16.safetensors", type="ltxv"),
        "text": node("CLIPTextEncode", clip=["clip", 0], text="a"),
        "one": node("EmptyImage", width=64, height=96, batch_size=1, color=1),
        "some": node("EmptyImage", width=64, height=96, batch_size=batch, color=1),
    }
    first = {"positive": ["text", 0], "negative": ["text", 0], "latent": ["1", 0], "image": ["one", 0], "frame_idx": 0}
    second = {"positive": ["first", 0], "negative": ["first", 1], "latent": ["first", 2], "image": ["some", 0]}
    nodes["first"] = node("LTXVAddGuide", **first, **places)
    nodes["second"] = node("LTXVAddGuide", **second, frame_idx=frame_idx, **places)
    if crop:
        wires = {"positive": ["second", 0], "negative": ["second", 1], "latent": ["second", 2]}
        nodes["cropped"] = node("LTXVCropGuides", **wires)
    return decoded(**nodes)


CASES: dict[str, Graph] = {
    "resized by": resized("scale by multiplier", multiplier=1.5),
    "resized to a width": resized("scale dimensions", width=200, height=0, crop="center"),
    "resized longer": resized("scale longer dimension", longer_size=250),
    "resized shorter": resized("scale shorter dimension", shorter_size=38),
    "resized wider": resized("scale width", width=50),
    "resized to pixels": resized("scale total pixels", megapixels=0.02),
    "resized to match": resized("match size", match=["2", 0], crop="center"),
    "resized to a multiple": resized("scale to multiple", multiple=16),
    "latent resized": decoded(
        up=node("LatentUpscale", samples=["1", 0], upscale_method="bilinear", width=100, height=0, crop="disabled")
    ),
    "latent enlarged": decoded(up=node("LatentUpscaleBy", samples=["1", 0], upscale_method="bilinear", scale_by=1.5)),
    "latent trimmed": decoded(cut=node("TrimVideoLatent", samples=["1", 0], trim_amount=1)),
    "guides left in": guided(1, -1, crop=False),
    "a long guide left in": guided(9, -9, crop=False),
    "guides cropped": guided(9, -9, crop=True),
    "size of a picture": {
        **PICTURES,
        "size": node("GetImageSize", image=["1", 0]),
        "x": node("EmptyImage", width=["size", 1], height=["size", 0], batch_size=["size", 2], color=0),
        **VIDEO,
    },
    "a sum": {
        **PICTURES,
        "sum": node("ComfyMathExpression", **{"expression": "max(a * 2, 3) // 1", "values.a": 12.5}),
        "video": node("CreateVideo", images=["1", 0], fps=["sum", 0]),
        "save": VIDEO["save"],
    },
    "sound": {
        **PICTURES,
        "sound": node("EmptyAudio", duration=3.0, sample_rate=44100, channels=2),
        "video": node("CreateVideo", images=["1", 0], audio=["sound", 0], fps=8.0),
        "save": VIDEO["save"],
    },
    "webm": {**PICTURES, "save": node("SaveWEBM", images=["1", 0], filename_prefix="x", codec="vp9", fps=12.5, crf=32)},
}


def make(url: str, graph: Graph, folder: Path) -> Decoded:
    """Run a graph and return what its file holds."""
    with talking(url) as talk:
        entry = talk.run(graph)
        assert entry["status"]["status_str"] == "success", entry["status"]["messages"][-1]
        (made,) = entry["outputs"]["save"]["images"]
        path = folder / made["filename"]
        path.write_bytes(talk.fetch(made).content)
    return decode(path)


@pytest.mark.parametrize("name", CASES)
def test_both_servers_make_the_same(
    simulated_server: str, real_server: str, real_server_folders: Folders | None, name: str, tmp_path: Path
) -> None:
    """Width, height, frames, frame rate and sound of the file are equal."""
    if real_server_folders is not None:
        real_server_folders.place(CASES[name])
    assert make(simulated_server, CASES[name], tmp_path) == make(real_server, CASES[name], tmp_path)
