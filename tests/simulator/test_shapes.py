"""The size, length and sound of what a graph makes, rounded as the real nodes round (measured on ComfyUI 0.30.0)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from comfy_headless.media.card import Card
from comfy_headless.media.encode import write_video
from comfy_headless.media.tone import Sound
from comfy_headless.simulator.shapes import Shape, Walk
from tests.simulator.talk import node

SIZE = {"width": 136, "height": 104}


def measure(graph: dict[str, Any], node_id: str, folder: Path = Path("/nowhere")) -> Shape | None:
    """Return the shape of one node's result."""
    return Walk(graph, folder).shape(node_id)


@pytest.mark.parametrize(
    ("class_type", "more", "expected"),
    [
        ("EmptyHunyuanLatentVideo", {"length": 12}, (136, 104, 9)),
        ("EmptyHunyuanVideo15Latent", {"length": 12}, (128, 96, 9)),
        ("EmptyLTXVLatentVideo", {"length": 12}, (128, 96, 9)),
        ("EmptyMochiLatentVideo", {"length": 12}, (136, 104, 7)),
        ("EmptyCosmosLatentVideo", {"length": 12}, (136, 104, 9)),
        ("Wan22ImageToVideoLatent", {"length": 12}, (128, 96, 9)),
        ("WanImageToVideo", {"length": 12}, (136, 104, 9)),
        ("WanFirstLastFrameToVideo", {"length": 13}, (136, 104, 13)),
        ("SVD_img2vid_Conditioning", {"video_frames": 14}, (136, 104, 14)),
        ("EmptyLatentImage", {"batch_size": 16}, (136, 104, 16)),
        ("EmptyImage", {"batch_size": 2}, (136, 104, 2)),
        ("EmptyFlux2LatentImage", {"batch_size": 1}, (128, 96, 1)),
    ],
)
def test_latents_round_as_their_nodes_do(class_type: str, more: dict[str, int], expected: tuple[int, int, int]) -> None:
    """width // 8, 16 or 32, and (length - 1) // 4, 6 or 8 steps, as decoded."""
    shape = measure({"1": node(class_type, **SIZE, **more)}, "1")
    assert shape is not None
    assert (shape.width, shape.height, shape.frames) == expected


def latent(**after: dict[str, Any]) -> dict[str, Any]:
    """Return a graph with an LTXV latent as node 1 and these nodes."""
    return {"1": node("EmptyLTXVLatentVideo", width=64, height=96, length=17), **after}


@pytest.mark.parametrize(
    ("graph", "expected"),
    [
        (latent(x=node("LTXVLatentUpsampler", samples=["1", 0])), (128, 192, 17)),
        (latent(x=node("LatentUpscaleBy", samples=["1", 0], scale_by=1.5)), (96, 144, 17)),
        (latent(x=node("LatentUpscale", samples=["1", 0], width=100, height=0)), (96, 144, 17)),
        (latent(x=node("ImageScale", image=["1", 0], width=200, height=100)), (200, 100, 17)),
        (latent(x=node("ImageFromBatch", image=["1", 0], batch_index=4, length=4096)), (64, 96, 13)),
        (latent(x=node("RepeatImageBatch", image=["1", 0], amount=2)), (64, 96, 34)),
        (latent(x=node("ImageBatch", image1=["1", 0], image2=["1", 0])), (64, 96, 34)),
        (latent(x=node("KSampler", model=["9", 0], latent_image=["1", 0])), (64, 96, 17)),
        (latent(x=node("TrimVideoLatent", samples=["1", 0], trim_amount=1)), (64, 96, 13)),
        (latent(x=node("UnknownPackNode", anything=["1", 0])), (64, 96, 17)),
    ],
)
def test_nodes_behind_change_the_shape(graph: dict[str, Any], expected: tuple[int, int, int]) -> None:
    """Upscaling, cutting and joining; a node that nobody knows passes it on."""
    shape = measure(graph, "x")
    assert shape is not None
    assert (shape.width, shape.height, shape.frames) == expected


def test_a_size_may_come_from_a_primitive_node() -> None:
    """A linked number is followed to its value."""
    graph = {
        "1": node("PrimitiveInt", value=96),
        "2": node("EmptyLTXVLatentVideo", width=["1", 0], height=64, length=9),
    }
    assert measure(graph, "2") == Shape(96, 64, 9)


def test_a_video_has_a_rate_and_sound_if_there_is_some() -> None:
    """CreateVideo sets fps; the sound is cut to the pictures' length."""
    graph = latent(
        a=node("LTXVEmptyLatentAudio", frames_number=17, frame_rate=10),
        both=node("LTXVConcatAVLatent", video_latent=["1", 0], audio_latent=["a", 0]),
        parts=node("LTXVSeparateAVLatent", av_latent=["both", 0]),
        pictures=node("VAEDecode", samples=["parts", 0]),
        sound=node("LTXVAudioVAEDecode", samples=["parts", 1]),
        silent=node("CreateVideo", images=["pictures", 0], fps=16.0),
        loud=node("CreateVideo", images=["pictures", 0], audio=["sound", 0], fps=16.0),
    )
    assert measure(graph, "silent") == Shape(64, 96, 17, fps=16.0)
    assert measure(graph, "loud") == Shape(64, 96, 17, fps=16.0, seconds=17 / 16)
    assert measure(graph, "sound") == Shape(seconds=1.7)


def test_loaded_files_are_measured(tmp_path: Path) -> None:
    """LoadImage and LoadVideo give what their file is; an unreadable file is taken for something ordinary."""
    Image.new("RGB", (30, 20)).save(tmp_path / "a.png")
    write_video(tmp_path / "b.mp4", Card(64, 32, 6).pictures(), fps=12, sound=Sound(0.5))
    (tmp_path / "c.mp4").write_text("no video")
    graph = {
        "a": node("LoadImage", image="a.png"),
        "b": node("LoadVideo", file="b.mp4"),
        "c": node("LoadVideo", file="c.mp4"),
        "d": node("GetVideoComponents", video=["b", 0]),
    }
    assert measure(graph, "a", tmp_path) == Shape(30, 20)
    loaded = measure(graph, "d", tmp_path)
    assert loaded is not None
    assert (loaded.width, loaded.height, loaded.frames, loaded.fps) == (64, 32, 6, 12.0)
    assert loaded.seconds == pytest.approx(0.5, abs=0.05)
    assert measure(graph, "c", tmp_path) == Shape()


def test_what_cannot_be_measured_is_none() -> None:
    """A cycle, an absent node and a text have no shape."""
    assert measure({"1": node("A", x=["2", 0]), "2": node("B", x=["1", 0])}, "1") is None
    assert measure({}, "1") is None
    assert measure({"1": node("PrimitiveString", value="x")}, "1") is None
