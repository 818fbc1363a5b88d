"""How large, how long and how loud the thing on a wire is: found by walking the graph upstream.

The sizes are those the real nodes make, rounding included (ComfyUI 0.30.0, nodes.py and comfy_extras/nodes_*.py): a
latent has width // 8 columns, or 16 or 32, and (length - 1) // 4 + 1 frames, or 6 or 8; decoding gives whole multiples.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from comfy_headless.errors import MediaError
from comfy_headless.media.probe import image_size, probe
from comfy_headless.simulator.order import Graph, is_link, links


@dataclass(frozen=True, slots=True)
class Shape:
    """What a picture, video, latent or sound measures.

    Args:
        width: pixels.
        height: pixels.
        frames: pictures, as decoded.
        fps: known from CreateVideo or a file on.
        seconds: length of the sound; None for silence.
    """

    width: int = 512
    height: int = 512
    frames: int = 1
    fps: float | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Grid:
    """How a node that makes a latent rounds: pixels a column, frames a step, and where the length stands."""

    pixels: int = 8
    step: int = 4
    length: str = "length"


_STILL = Grid(8, 1, "batch_size")
_GRIDS: dict[str, Grid] = {
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
# Wires are followed through these inputs first; the rest in the graph's own order.
_MAIN_INPUTS = ("samples", "latent_image", "latent", "video_latent", "av_latent", "images", "image", "video", "pixels")


class Walk:
    """Measure wires of one graph.

    Args:
        graph: API-format.
        input_folder: where LoadImage and LoadVideo find their files.
    """

    def __init__(self, graph: Graph, input_folder: Path) -> None:
        self._graph = graph
        self._input_folder = input_folder
        self._known: dict[str, Shape | None] = {}

    def shape(self, node_id: str) -> Shape | None:
        """Return what the node makes, or None if it makes nothing that can be measured."""
        if node_id not in self._known:
            self._known[node_id] = None  # a cycle measures nothing
            node = self._graph.get(node_id)
            if node is not None:
                rule = _RULES.get(node["class_type"], _any_node)
                self._known[node_id] = rule(Node(node, self))
        return self._known[node_id]

    def value(self, value: object) -> object:
        """Return a literal, following a wire to a primitive node's value."""
        for _ in range(len(self._graph) + 1):
            if not is_link(value):
                return value
            assert isinstance(value, list)
            inputs = self._graph.get(value[0], {}).get("inputs", {})
            value = inputs.get("value", inputs.get("Number"))
        return None

    def file(self, name: object) -> Path | None:
        """Return the input file of that name, if it is there."""
        if not isinstance(name, str):
            return None
        path = self._input_folder / name.removesuffix("[input]").strip()
        return path if path.is_file() else None


@dataclass(frozen=True, slots=True)
class Node:
    """One node as the rules see it."""

    node: Mapping[str, Any]
    walk: Walk

    @property
    def inputs(self) -> Mapping[str, Any]:
        """The node's inputs as they stand in the graph."""
        found: Mapping[str, Any] = self.node.get("inputs", {})
        return found

    def number(self, name: str) -> float | None:
        """Return a number, also one given as text or by a primitive node."""
        value = self.walk.value(self.inputs.get(name))
        try:
            return None if value is None or isinstance(value, bool) else float(str(value))
        except ValueError:
            return None

    def whole(self, name: str) -> int | None:
        """Return a whole number."""
        value = self.number(name)
        return None if value is None else int(value)

    def shape(self, *names: str) -> Shape | None:
        """Return the first measurable shape on the named inputs."""
        return next(self._shapes(names), None)

    def _shapes(self, names: tuple[str, ...]) -> Iterator[Shape]:
        for name, source, _ in sorted(links(self.node), key=lambda link: _rank(link[0], names)):
            found = self.walk.shape(source) if name in names else None
            if found is not None:
                yield found

    def any_shape(self) -> Shape | None:
        """Return the shape of the main input, or of any."""
        others = [name for name in self.inputs if name not in _MAIN_INPUTS]
        return self.shape(*_MAIN_INPUTS, *others)


def _rank(name: str, names: tuple[str, ...]) -> int:
    return names.index(name) if name in names else len(names)


Rule = Callable[[Node], Shape | None]


def _on_grid(node: Node, grid: Grid) -> Shape | None:
    width, height = node.whole("width"), node.whole("height")
    if width is None or height is None:
        return node.any_shape()
    length = max(1, node.whole(grid.length) or 1)
    frames = ((length - 1) // grid.step) * grid.step + 1
    return Shape(
        max(grid.pixels, width // grid.pixels * grid.pixels),
        max(grid.pixels, height // grid.pixels * grid.pixels),
        frames,
    )


def _any_node(node: Node) -> Shape | None:
    if node.node["class_type"].startswith("LTXVEmptyLatentAudio"):
        return None
    if "length" in node.inputs and "width" in node.inputs:
        return _on_grid(node, Grid())
    if "width" in node.inputs and "height" in node.inputs and node.any_shape() is None:
        return _on_grid(node, _STILL)
    return node.any_shape()


def _sized(node: Node, *, pixels: int = 1) -> Shape | None:
    shape = node.any_shape() or Shape()
    width, height = node.whole("width") or 0, node.whole("height") or 0
    width = width or round(shape.width * height / shape.height)
    height = height or round(shape.height * width / shape.width)
    if not width or not height:
        return shape
    return dataclasses.replace(shape, width=width // pixels * pixels, height=height // pixels * pixels)


def _scaled(node: Node, *, factor: float | None = None) -> Shape | None:
    shape = node.any_shape()
    by = factor or node.number("scale_by") or 1.0
    if shape is None:
        return None
    return dataclasses.replace(shape, width=round(shape.width * by), height=round(shape.height * by))


def _some_frames(node: Node) -> Shape | None:
    shape = node.any_shape()
    if shape is None:
        return None
    start = min(max(0, node.whole("batch_index") or 0), shape.frames - 1)
    return dataclasses.replace(shape, frames=max(1, min(node.whole("length") or 1, shape.frames - start)))


def _repeated(node: Node) -> Shape | None:
    shape = node.any_shape()
    return None if shape is None else dataclasses.replace(shape, frames=shape.frames * (node.whole("amount") or 1))


def _joined(node: Node) -> Shape | None:
    first, second = node.shape("image1", "images1"), node.shape("image2", "images2")
    if first is None or second is None:
        return first or second
    return dataclasses.replace(first, frames=first.frames + second.frames)


def _loaded_image(node: Node) -> Shape | None:
    path = node.walk.file(node.inputs.get("image"))
    try:
        return Shape(*image_size(path)) if path else Shape()
    except MediaError:
        return Shape()


def _loaded_media(node: Node) -> Shape | None:
    path = node.walk.file(node.inputs.get("file", node.inputs.get("audio")))
    if path is None:
        return Shape()
    try:
        seen = probe(path)
    except MediaError:
        return Shape()
    seconds = seen.audio.duration if seen.audio is not None else None
    return Shape(seen.width or 512, seen.height or 512, max(1, seen.frames), seen.fps or None, seconds)


def _video(node: Node) -> Shape | None:
    pictures, sound = node.shape("images"), node.shape("audio")
    if pictures is None:
        return None
    fps = node.number("fps") or 30.0
    seconds = None if sound is None else min(sound.seconds or 0.0, pictures.frames / fps)
    return dataclasses.replace(pictures, fps=fps, seconds=seconds)


def _parts(node: Node) -> Shape | None:
    """A video taken apart gives pictures and sound on different slots; one shape serves both."""
    return node.shape("video")


def _sound(node: Node, *, length: str = "seconds") -> Shape | None:
    return Shape(seconds=node.number(length) or 1.0)


def _ltx_sound(node: Node) -> Shape | None:
    return Shape(seconds=(node.number("frames_number") or 1) / (node.number("frame_rate") or 25))


def _decoded_sound(node: Node) -> Shape | None:
    shape = node.shape("samples")
    if shape is not None and shape.seconds is not None:
        return Shape(seconds=shape.seconds)
    return Shape(seconds=shape.frames / (shape.fps or 24.0) if shape else 1.0)


def _both(node: Node) -> Shape | None:
    picture, sound = node.shape("video_latent"), node.shape("audio_latent")
    if picture is None:
        return sound
    return dataclasses.replace(picture, seconds=sound.seconds if sound else None)


def _trimmed(node: Node) -> Shape | None:
    shape = node.shape("samples")
    if shape is None:
        return None
    frames = max(1, shape.frames - 4 * (node.whole("trim_amount") or 0))
    return dataclasses.replace(shape, frames=frames)


_RULES: dict[str, Rule] = {
    **{name: functools.partial(_on_grid, grid=grid) for name, grid in _GRIDS.items()},
    "LTXVLatentUpsampler": functools.partial(_scaled, factor=2.0),
    "LatentUpscale": functools.partial(_sized, pixels=8),
    "LatentUpscaleBy": _scaled,
    "HunyuanVideo15LatentUpscaleWithModel": functools.partial(_sized, pixels=16),
    "ImageScale": _sized,
    "ImageScaleBy": _scaled,
    "ImageFromBatch": _some_frames,
    "RepeatImageBatch": _repeated,
    "RepeatLatentBatch": _repeated,
    "ImageBatch": _joined,
    "LoadImage": _loaded_image,
    "LoadVideo": _loaded_media,
    "LoadAudio": _loaded_media,
    "CreateVideo": _video,
    "GetVideoComponents": _parts,
    "EmptyAudio": functools.partial(_sound, length="duration"),
    "EmptyLatentAudio": _sound,
    "LTXVEmptyLatentAudio": _ltx_sound,
    "LTXVAudioVAEDecode": _decoded_sound,
    "VAEDecodeAudio": _decoded_sound,
    "LTXVConcatAVLatent": _both,
    "TrimVideoLatent": _trimmed,
}
