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


def measured(graph: dict[str, Any], node_id: str) -> tuple[int, int, int] | None:
    """Return width, height and frames of one node's result."""
    shape = measure(graph, node_id)
    return None if shape is None else (shape.width, shape.height, shape.frames)


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


def test_hunyuan_15_is_enlarged_to_multiples_of_16() -> None:
    """1920x1080 becomes 1920x1072; no side is below 64 pixels."""
    graph = {
        "1": node("EmptyHunyuanVideo15Latent", width=1280, height=720, length=121),
        "x": node("HunyuanVideo15LatentUpscaleWithModel", samples=["1", 0], width=1920, height=1080),
        "low": node("HunyuanVideo15LatentUpscaleWithModel", samples=["1", 0], width=1920, height=16),
    }
    assert measured(graph, "x") == (1920, 1072, 121)
    assert measured(graph, "low") == (1920, 64, 121)


def latent(**after: dict[str, Any]) -> dict[str, Any]:
    """Return a graph with an LTXV latent as node 1 and these nodes."""
    return {"1": node("EmptyLTXVLatentVideo", width=64, height=96, length=17), **after}


@pytest.mark.parametrize(
    ("graph", "expected"),
    [
        (latent(x=node("LTXVLatentUpsampler", samples=["1", 0])), (128, 192, 17)),
        (latent(x=node("LatentUpscaleBy", samples=["1", 0], scale_by=1.5)), (96, 128, 17)),
        (latent(x=node("LatentUpscale", samples=["1", 0], width=100, height=0)), (384, 576, 17)),
        (latent(x=node("LatentUpscale", samples=["1", 0], width=0, height=0)), (64, 96, 17)),
        (latent(x=node("ImageScaleBy", image=["1", 0], scale_by=0.7)), (45, 67, 17)),
        (latent(x=node("FrameInterpolate", images=["1", 0], multiplier=3)), (64, 96, 49)),
        (latent(x=node("VAEEncode", pixels=["1", 0])), (64, 96, 17)),
        (latent(x=node("ImageScale", image=["1", 0], width=200, height=100)), (200, 100, 17)),
        (latent(x=node("ImageFromBatch", image=["1", 0], batch_index=4, length=4096)), (64, 96, 13)),
        (latent(x=node("RepeatImageBatch", image=["1", 0], amount=2)), (64, 96, 34)),
        (latent(x=node("ImageBatch", image1=["1", 0], image2=["1", 0])), (64, 96, 34)),
        (latent(x=node("KSampler", model=["9", 0], latent_image=["1", 0])), (64, 96, 17)),
        (latent(x=node("TrimVideoLatent", samples=["1", 0], trim_amount=1)), (64, 96, 9)),
        (latent(x=node("UnknownPackNode", anything=["1", 0])), (64, 96, 17)),
    ],
)
def test_nodes_behind_change_the_shape(graph: dict[str, Any], expected: tuple[int, int, int]) -> None:
    """Upscaling, cutting and joining; a node that nobody knows passes it on."""
    shape = measure(graph, "x")
    assert shape is not None
    assert (shape.width, shape.height, shape.frames) == expected


def upscaler(class_type: str, input_name: str, file: str) -> dict[str, Any]:
    """Return a latent that a model named so enlarges."""
    return latent(
        loader=node("ModelLoader", model_name=file),
        x=node(class_type, upscale_model=["loader", 0], **{input_name: ["1", 0]}),
    )


@pytest.mark.parametrize(
    ("graph", "expected"),
    [
        (upscaler("ImageUpscaleWithModel", "image", "RealESRGAN_x2plus.pth"), (128, 192, 17)),
        (upscaler("ImageUpscaleWithModel", "image", "4x-UltraSharp.pth"), (256, 384, 17)),
        (upscaler("ImageUpscaleWithModel", "image", "any_1920x1080.pth"), (256, 384, 17)),
        (upscaler("LTXVLatentUpsampler", "samples", "ltx-2-spatial-upscaler-x2-1.0.safetensors"), (128, 192, 17)),
        (upscaler("LTXVLatentUpsampler", "samples", "ltx-2.3-spatial-upscaler-x1.5-1.0.safetensors"), (96, 144, 17)),
        (upscaler("LTXVLatentUpsampler", "samples", "ltx-2-temporal-upscaler-x2-1.0.safetensors"), (64, 96, 33)),
    ],
)
def test_an_upscaler_is_told_by_its_name(graph: dict[str, Any], expected: tuple[int, int, int]) -> None:
    """How much a model enlarges stands in its file's name; where it does not, pictures grow 4 times."""
    assert measured(graph, "x") == expected


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"resize_type": "scale by multiplier", "resize_type.multiplier": 1.5}, (150, 105)),
        ({"resize_type": "scale dimensions", "resize_type.width": 200, "resize_type.height": 0}, (200, 140)),
        ({"resize_type": "scale dimensions", "resize_type.width": 0, "resize_type.height": 0}, (100, 70)),
        ({"resize_type": "scale longer dimension", "resize_type.longer_size": 240}, (240, 168)),
        ({"resize_type": "scale shorter dimension", "resize_type.shorter_size": 84}, (120, 84)),
        ({"resize_type": "scale width", "resize_type.width": 60}, (60, 42)),
        ({"resize_type": "scale height", "resize_type.height": 35}, (50, 35)),
        ({"resize_type": "scale total pixels", "resize_type.megapixels": 0.01}, (122, 86)),
        ({"resize_type": "match size", "resize_type.match": ["2", 0]}, (66, 88)),
        ({"resize_type": "scale to multiple", "resize_type.multiple": 16}, (96, 64)),
        ({"resize_type": "scale to multiple", "resize_type.multiple": 90}, (100, 70)),
    ],
)
def test_pictures_are_resized_in_every_way(asked: dict[str, Any], expected: tuple[int, int]) -> None:
    """Each choice of ResizeImageMaskNode gives the real node's width and height."""
    graph = {
        "1": node("EmptyImage", width=100, height=70, batch_size=5),
        "2": node("EmptyImage", width=66, height=88),
        "x": node("ResizeImageMaskNode", input=["1", 0], **asked),
    }
    assert measured(graph, "x") == (*expected, 5)


def guided(*, crop: bool, batch: int = 1, frame_idx: int = -1) -> dict[str, Any]:
    """Return an LTXV latent with a guide at its start and another one."""
    guides = latent(
        text=node("CLIPTextEncode", text="a"),
        one=node("EmptyImage", width=64, height=96, batch_size=1),
        some=node("EmptyImage", width=64, height=96, batch_size=batch),
        first=node("LTXVAddGuide", positive=["text", 0], latent=["1", 0], image=["one", 0], frame_idx=0),
        second=node("LTXVAddGuide", positive=["first", 0], latent=["first", 2], image=["some", 0], frame_idx=frame_idx),
        rate=node("LTXVConditioning", positive=["second", 0], frame_rate=24.0),
        cropped=node("LTXVCropGuides", positive=["rate", 0], latent=["second", 2]),
    )
    return {**guides, "x": node("VAEDecode", samples=["cropped" if crop else "second", 2])}


def test_guides_stay_unless_they_are_cropped() -> None:
    """LTXVAddGuide appends frames; LTXVCropGuides takes off as many as the conditioning knows of."""
    assert measured(guided(crop=False), "x") == (64, 96, 33)
    assert measured(guided(crop=False, batch=9, frame_idx=-9), "x") == (64, 96, 33)
    assert measured(guided(crop=False, batch=9, frame_idx=0), "x") == (64, 96, 41)
    assert measured(guided(crop=True), "x") == (64, 96, 17)
    assert measured(guided(crop=True, batch=9, frame_idx=-9), "x") == (64, 96, 17)
    ring = latent(
        a=node("LTXVConditioning", positive=["b", 0]),
        b=node("LTXVConditioning", positive=["a", 0]),
        x=node("LTXVCropGuides", positive=["a", 0], latent=["1", 0]),
    )
    assert measured(ring, "x") == (64, 96, 17)


@pytest.mark.parametrize(
    ("asked", "made"), [(1, 1), (5, 8), (8, 8), (9, 9), (14, 16), (48, 48), (49, 49), (81, 81), (85, 88)]
)
def test_cogvideo_makes_four_frames_of_an_even_latent(asked: int, made: int) -> None:
    """An odd number of latents gives 4n + 1 frames, an even one 4n; the size is that of the latent or image."""
    graph = {
        "1": node("EmptyLatentImage", width=725, height=480, batch_size=1),
        "2": node("CogVideoSampler", samples=["1", 0], num_frames=asked),
        "x": node("CogVideoDecode", samples=["2", 0]),
        "3": node("EmptyImage", width=1360, height=768),
        "4": node("CogVideoImageEncode", start_image=["3", 0]),
        "5": node("CogVideoSampler", image_cond_latents=["4", 0], num_frames=asked),
    }
    assert measured(graph, "x") == (720, 480, made)
    assert measured(graph, "5") == (1360, 768, made)


def test_animatediff_makes_as_many_frames_as_its_latent_has_pictures() -> None:
    """The motion model is no size: the length is the batch of EmptyLatentImage, through every node of the pack."""
    graph = {
        "1": node("EmptyLatentImage", width=512, height=384, batch_size=32),
        "2": node("ADE_LoadAnimateDiffModel", model_name="v3_sd15_mm.ckpt"),
        "3": node("ADE_ApplyAnimateDiffModelSimple", motion_model=["2", 0]),
        "4": node("ADE_UseEvolvedSampling", m_models=["3", 0]),
        "5": node("KSampler", model=["4", 0], latent_image=["1", 0]),
        "x": node("VAEDecode", samples=["5", 0]),
        "large": node("ADE_EmptyLatentImageLarge", width=512, height=384, batch_size=5000),
    }
    assert measured(graph, "x") == (512, 384, 32)
    assert measured(graph, "large") == (512, 384, 5000)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, Shape(102, 72, 5, fps=8.0)),
        ({"pingpong": True}, Shape(102, 72, 8, fps=8.0)),
        ({"loop_count": 2}, Shape(102, 72, 15, fps=8.0)),
        ({"format": "image/webp", "loop_count": 2}, Shape(101, 71, 5, fps=8.0)),
        ({"audio": ["2", 0]}, Shape(102, 72, 5, fps=8.0, seconds=5 / 8, rate=44100)),
        ({"audio": ["2", 0], "trim_to_audio": True}, Shape(102, 72, 5, fps=8.0, seconds=0.25, rate=44100)),
        ({"audio": ["2", 0], "format": "image/gif"}, Shape(101, 71, 5, fps=8.0)),
    ],
)
def test_videohelpersuite_combines(asked: dict[str, Any], expected: Shape) -> None:
    """Back and forth, repeated, padded to an even size, and with sound of the same length."""
    graph = {
        "1": node("EmptyImage", width=101, height=71, batch_size=5),
        "2": node("EmptyAudio", duration=0.25, sample_rate=44100),
        "x": node("VHS_VideoCombine", **{"images": ["1", 0], "frame_rate": 8.0, "format": "video/h264-mp4", **asked}),
    }
    assert measure(graph, "x") == expected


def test_a_number_may_come_from_another_node() -> None:
    """A size that is asked of a picture, and a sum."""
    graph = {
        "1": node("EmptyImage", width=100, height=70, batch_size=5),
        "2": node("GetImageSize", image=["1", 0]),
        "3": node("EmptyImage", width=["2", 1], height=["2", 0], batch_size=["2", 2]),
        "4": node("PrimitiveFloat", value=12.5),
        "5": node("ComfyMathExpression", **{"expression": "max(a * 2, b) // 1 + -1", "values.a": ["4", 0]}),
        "6": node("CreateVideo", images=["3", 0], fps=["5", 0]),
        "7": node("ComfyMathExpression", **{"expression": "min(a, 3) ** (", "values.a": 1}),
        "8": node("EmptyImage", width=["7", 1], height=64),
        "9": node("GetImageSize"),
        "10": node("EmptyImage", width=["9", 0], height=64),
    }
    graph["5"]["inputs"]["values.b"] = 4
    assert measure(graph, "6") == Shape(70, 100, 5, fps=24.0)
    assert measure(graph, "8") is None
    assert measure(graph, "10") is None


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
    assert measure(graph, "loud") == Shape(64, 96, 17, fps=16.0, seconds=17 / 16, rate=24000)
    assert measure(graph, "sound") == Shape(seconds=1.7, rate=24000)


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
