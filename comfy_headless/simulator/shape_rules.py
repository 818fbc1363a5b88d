"""What each node class does to a shape; a class without a rule passes on what comes in.

The sizes are those the real nodes make, rounding included (ComfyUI 0.30.0, nodes.py and comfy_extras/nodes_*.py): a
latent has width // 8 columns, or 16 or 32, and (length - 1) // 4 + 1 frames, or 6 or 8; decoding gives whole multiples.
What a model file would tell, such as how much an upscaler enlarges, is read off the file's name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from comfy_headless.simulator import shape_media as media
from comfy_headless.simulator import shape_sizes as sizes
from comfy_headless.simulator.measured import Node, Shape

Rule = Callable[[Node], Shape | None]


@dataclass(frozen=True, slots=True)
class Grid:
    """How a node that makes a latent rounds: pixels a column, frames a step, and where the length stands."""

    pixels: int = 8
    step: int = 4
    length: str = "length"


_STILL = Grid(8, 1, "batch_size")
_GRIDS: dict[str, Grid] = {
    "ADE_EmptyLatentImageLarge": _STILL,
    "EmptyLatentImage": _STILL,
    "EmptySD3LatentImage": _STILL,
    "EmptyFlux2LatentImage": Grid(16, 1, "batch_size"),
    "EmptyHunyuanImageLatent": Grid(32, 1, "batch_size"),
    "EmptyHunyuanVideo15Latent": Grid(16, 4),
    "HunyuanVideo15ImageToVideo": Grid(16, 4),
    "Wan22ImageToVideoLatent": Grid(16, 4),
    "EmptyLTXVLatentVideo": Grid(32, 8),
    "LTXVImgToVideo": Grid(32, 8),
    "EmptyMochiLatentVideo": Grid(8, 6),
    "EmptyCosmosLatentVideo": Grid(8, 8),
    "CosmosImageToVideoLatent": Grid(8, 8),
    "SVD_img2vid_Conditioning": Grid(8, 1, "video_frames"),
    "EmptyImage": Grid(1, 1, "batch_size"),
}


def find_rule(class_type: str) -> Rule:
    """Return what a node class does to a shape."""
    return _RULES.get(class_type, _any_node)


def _on_grid(node: Node, grid: Grid) -> Shape | None:
    width, height = node.whole("width"), node.whole("height")
    if width is None or height is None:
        return node.any_shape()
    length = max(1, node.whole(grid.length) or 1)
    return Shape(
        max(grid.pixels, width // grid.pixels * grid.pixels),
        max(grid.pixels, height // grid.pixels * grid.pixels),
        (length - 1) // grid.step * grid.step + 1,
        cell=grid.pixels,
        step=grid.step,
    )


def _any_node(node: Node) -> Shape | None:
    if node.class_type.startswith("LTXVEmptyLatentAudio"):
        return None
    if "length" in node.inputs and "width" in node.inputs:
        return _on_grid(node, Grid())
    if "width" in node.inputs and "height" in node.inputs and node.any_shape() is None:
        return _on_grid(node, _STILL)
    return node.any_shape()


def _some_frames(node: Node) -> Shape | None:
    shape = node.any_shape()
    if shape is None:
        return None
    start = min(max(0, node.whole("batch_index") or 0), shape.frames - 1)
    return replace(shape, frames=max(1, min(node.whole("length") or 1, shape.frames - start)))


def _repeated(node: Node) -> Shape | None:
    shape = node.any_shape()
    return None if shape is None else replace(shape, frames=shape.frames * (node.whole("amount") or 1))


def _joined(node: Node) -> Shape | None:
    first, second = node.shape("image1", "images1"), node.shape("image2", "images2")
    if first is None or second is None:
        return first or second
    return replace(first, frames=first.frames + second.frames)


def _interpolated(node: Node) -> Shape | None:
    shape = node.shape("images")
    if shape is None or shape.frames < 2:
        return shape
    return replace(shape, frames=(shape.frames - 1) * (node.whole("multiplier") or 2) + 1)


def _trimmed(node: Node) -> Shape | None:
    shape = node.shape("samples")
    if shape is None:
        return None
    return replace(shape, frames=max(1, shape.frames - shape.step * (node.whole("trim_amount") or 0)))


def _guided(node: Node) -> Shape | None:
    """LTXV's guides are appended to the latent, and stay in the video unless LTXVCropGuides takes them off."""
    shape = node.shape("latent")
    return None if shape is None else replace(shape, frames=shape.frames + _guide_frames(node))


def _cropped(node: Node) -> Shape | None:
    shape, guided = node.shape("latent"), node.source("positive")
    if shape is None:
        return None
    frames, passed = shape.frames, list[Node]()
    while guided is not None and guided not in passed and guided.class_type != "LTXVCropGuides":
        passed.append(guided)
        frames -= _guide_frames(guided) if guided.class_type == "LTXVAddGuide" else 0
        guided = guided.source("positive") or guided.source("conditioning")
    return replace(shape, frames=max(1, frames))


def _guide_frames(node: Node) -> int:
    """Return how many frames a guide adds: 8 a latent, of which several frames within the video make one fewer."""
    guide = node.shape("image")
    frames = guide.frames if guide else 1
    inside = frames > 8 and node.whole("frame_idx") != 0
    return 8 * (frames // 8 if inside else (frames - 1) // 8 + 1)


def _cog_frames(node: Node) -> Shape | None:
    """CogVideoX decodes latents two by two; an even number of them gives 4 frames each, an odd one 3 fewer.

    Its size is that of the latent given (CogVideoXWrapper fdb8abd, nodes.py and pipeline_cogvideox.py; diffusers
    0.42.1, AutoencoderKLCogVideoX).
    """
    shape = node.shape("image_cond_latents", "samples")
    if shape is None:
        return None
    latents = (max(1, node.whole("num_frames") or 1) - 1) // 4 + 1
    size = {"width": max(8, shape.width // 8 * 8), "height": max(8, shape.height // 8 * 8)}
    return replace(shape, **size, frames=4 * latents - 3 * (latents % 2), cell=8, step=4)


_RULES: dict[str, Rule] = {
    **{name: partial(_on_grid, grid=grid) for name, grid in _GRIDS.items()},
    "CogVideoSampler": _cog_frames,
    "CreateVideo": media.video,
    "EmptyAudio": partial(media.sound, length="duration"),
    "EmptyLatentAudio": media.sound,
    "FrameInterpolate": _interpolated,
    "GetVideoComponents": media.parts,
    "HunyuanVideo15LatentUpscaleWithModel": partial(sizes.sized_latent, unit=16),
    "ImageBatch": _joined,
    "ImageFromBatch": _some_frames,
    "ImageScale": sizes.sized,
    "ImageScaleBy": sizes.scaled,
    "ImageUpscaleWithModel": sizes.enlarged,
    "LTXVAddGuide": _guided,
    "LTXVAudioVAEDecode": partial(media.decoded_sound, rate=24000),  # measured: LTX-2 on ComfyUI 0.30.0
    "LTXVConcatAVLatent": media.both,
    "LTXVCropGuides": _cropped,
    "LTXVEmptyLatentAudio": media.ltx_sound,
    "LTXVLatentUpsampler": sizes.upsampled,
    "LatentUpscale": sizes.sized_latent,
    "LatentUpscaleBy": sizes.scaled_latent,
    "LoadAudio": media.loaded_media,
    "LoadImage": media.loaded_image,
    "LoadVideo": media.loaded_media,
    "RepeatImageBatch": _repeated,
    "RepeatLatentBatch": _repeated,
    "ResizeImageMaskNode": sizes.resized,
    "TrimVideoLatent": _trimmed,
    "VAEDecodeAudio": media.decoded_sound,
    "VAEEncode": sizes.encoded,
    "VHS_VideoCombine": media.combined,
}
