"""What the output nodes write: one small function per node class, and what each reports back.

The reports have ComfyUI's shapes: a video is ``{"images": [...], "animated": [True]}``, never "video" or "gifs"
(but VHS_VideoCombine, a custom pack's node).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from comfy_headless.media.card import Card
from comfy_headless.media.encode import write_animation, write_audio, write_image, write_video
from comfy_headless.media.spoil import Pictures, pictures
from comfy_headless.media.tone import Sound
from comfy_headless.simulator.faults import Spoiled
from comfy_headless.simulator.folders import Folders, FolderType, Slot, preview_prefix
from comfy_headless.simulator.order import Graph, is_link
from comfy_headless.simulator.shapes import Shape, Walk
from comfy_headless.simulator.words import prompt_text, seed_of

Report = dict[str, list[Any]]

_WEBP_MOST = 16383
"""Pixels of a side that webp can have."""
_PACK_SUFFIXES = {"video/ProRes": "mov"}
"""Of VideoHelperSuite's formats, the one that does not end in its suffix."""


class TooLargeError(Exception):
    """A picture is larger than its format can be; the message is Pillow's, as a real server shows it."""


@dataclass(frozen=True, slots=True)
class Order:
    """One output node, and all that is needed to render for it.

    Args:
        spoil: what is to be off with the result; None for nothing.
    """

    graph: Graph
    node_id: str
    folders: Folders
    extra_pnginfo: Mapping[str, Any]
    spoil: Spoiled | None = None

    @property
    def inputs(self) -> Mapping[str, Any]:
        """The node's inputs."""
        found: Mapping[str, Any] = self.graph[self.node_id].get("inputs", {})
        return found

    @property
    def shape(self) -> Shape:
        """What the node was given."""
        return _spoiled(Walk(self.graph, self.folders.input).shape(self.node_id) or Shape(), self.spoil)

    @property
    def metadata(self) -> dict[str, str]:
        """What ComfyUI keeps inside the file: the prompt and the workflow."""
        kept = {"prompt": self.graph, **self.extra_pnginfo}
        return {key: json.dumps(value) for key, value in kept.items()}

    def pictures(self, shape: Shape) -> Pictures:
        """Return the pictures to show."""
        text, seed = prompt_text(self.graph, self.node_id), seed_of(self.graph, self.node_id)
        return pictures(Card(shape.width, shape.height, shape.frames, text, seed), self.spoil)

    def slot(self, kind: FolderType = "output", *, prefix: str | None = None) -> Slot:
        """Return a free name for the node's prefix."""
        shape = self.shape
        wanted = prefix if prefix is not None else str(self.inputs.get("filename_prefix", "ComfyUI"))
        return self.folders.slot(wanted, kind, width=shape.width, height=shape.height)

    def fps(self, shape: Shape) -> float:
        """Return the frame rate the node was given itself, or the video's."""
        own = Walk(self.graph, self.folders.input).value(self.inputs.get("fps", self.inputs.get("frame_rate")))
        rate = float(own) if isinstance(own, int | float) else shape.fps or 24.0
        return rate / 2 if self.spoil == "fps" else rate


def _spoiled(shape: Shape, kind: Spoiled | None) -> Shape:
    match kind:
        case "size":
            return replace(shape, width=max(2, shape.width // 4 * 2), height=max(2, shape.height // 4 * 2))
        case "frames":
            return replace(shape, frames=max(1, shape.frames // 2))
        case "sound":
            return replace(shape, seconds=None if shape.seconds else 1.0)
        case _:
            return shape


def _entry(slot: Slot, name: str, kind: FolderType = "output") -> dict[str, str]:
    return {"filename": name, "subfolder": slot.subfolder, "type": kind}


def _video(order: Order, *, suffix: str = "mp4", codec: str = "h264", tail: str = "_") -> Report:
    shape, slot = order.shape, order.slot()
    name = slot.file(suffix, tail=tail)
    sound = Sound(shape.seconds, rate=shape.rate) if shape.seconds else None
    shown, fps = order.pictures(shape), order.fps(shape)
    write_video(slot.folder / name, shown, fps=fps, codec=codec, sound=sound, metadata=order.metadata)
    return {"images": [_entry(slot, name)], "animated": [True]}


def _webm(order: Order) -> Report:
    return _video(order, suffix="webm", codec=str(order.inputs.get("codec", "vp9")))


def _combined(order: Order) -> Report:
    """Write what VideoHelperSuite 1.7.9 writes: a picture that holds the workflow, the video, and again with sound."""
    wanted = str(order.inputs.get("format", "video/h264-mp4"))
    kind: FolderType = "temp" if order.inputs.get("save_output") is False else "output"
    shape, slot, fps = order.shape, order.slot(kind), order.fps(order.shape)
    still, suffix = slot.file("png", tail=""), _PACK_SUFFIXES.get(wanted, wanted.replace("/", "-").rsplit("-", 1)[-1])
    write_image(slot.folder / still, next(order.pictures(shape)), metadata=order.metadata)
    name, codec = slot.file(suffix, tail=""), "vp9" if suffix == "webm" else "h264"
    if suffix in ("gif", "webp"):
        _hold_to_webp(shape, suffix)
        write_animation(slot.folder / name, order.pictures(shape), fps=fps, metadata=order.metadata)
    else:
        write_video(slot.folder / name, order.pictures(shape), fps=fps, codec=codec, metadata=order.metadata)
    if shape.seconds:
        name, sound = slot.file(suffix, tail="-audio"), Sound(shape.seconds, rate=shape.rate)
        shown = order.pictures(shape)
        write_video(slot.folder / name, shown, fps=fps, codec=codec, sound=sound, metadata=order.metadata)
    about = {"format": wanted, "frame_rate": fps, "workflow": still, "fullpath": str(slot.folder / name)}
    return {"gifs": [{**_entry(slot, name, kind), **about}]}


def _animation(order: Order, *, suffix: str, tail: str = "_") -> Report:
    shape, slot = order.shape, order.slot()
    _hold_to_webp(shape, suffix)
    name = slot.file(suffix, tail=tail)
    write_animation(slot.folder / name, order.pictures(shape), fps=order.fps(shape), metadata=order.metadata)
    return {"images": [_entry(slot, name)], "animated": [True]}


def _hold_to_webp(shape: Shape, suffix: str) -> None:
    if suffix == "webp" and max(shape.width, shape.height) > _WEBP_MOST:
        raise TooLargeError(f"encoding error 5: Image size exceeds WebP limit of {_WEBP_MOST} pixels")


def _images(order: Order, *, kind: FolderType = "output", suffix: str = "png") -> Report:
    slot = order.slot(kind, prefix=preview_prefix() if kind == "temp" else None)
    entries = []
    for number, picture in enumerate(order.pictures(order.shape)):
        name = slot.file(suffix, batch=number)
        write_image(slot.folder / name, picture, metadata=order.metadata)
        entries.append(_entry(slot, name, kind))
    return {"images": entries}


def _audio(order: Order, *, suffix: str = "flac", kind: FolderType = "output") -> Report:
    slot = order.slot(kind, prefix=preview_prefix() if kind == "temp" else None)
    name, shape = slot.file(suffix, tail=""), order.shape
    write_audio(slot.folder / name, Sound(shape.seconds or 1.0, rate=shape.rate), metadata=order.metadata)
    return {"audio": [_entry(slot, name, kind)]}


def _text(order: Order) -> Report:
    value = order.inputs.get("source")
    if is_link(value):
        assert isinstance(value, list)
        value = order.graph[value[0]].get("inputs", {}).get("value", f"SIMULATED {order.graph[value[0]]['class_type']}")
    return {"text": [value if isinstance(value, str) else json.dumps(value, indent=4)]}


_RENDERS: dict[str, Callable[[Order], Report]] = {
    "SaveVideo": _video,
    "SaveWEBM": _webm,
    "SaveAnimatedWEBP": lambda order: _animation(order, suffix="webp"),
    "SaveAnimatedPNG": lambda order: _animation(order, suffix="png"),
    "SaveImage": _images,
    "PreviewImage": lambda order: _images(order, kind="temp"),
    "SaveAudio": _audio,
    "SaveAudioMP3": lambda order: _audio(order, suffix="mp3"),
    "SaveAudioOpus": lambda order: _audio(order, suffix="opus"),
    "PreviewAudio": lambda order: _audio(order, kind="temp"),
    "PreviewAny": _text,
    "VHS_VideoCombine": _combined,
}


def render(order: Order) -> Report | None:
    """Write what an output node would and return its report; None for a class that is not simulated.

    Raises:
        MediaError: the encoder refused, as the real one would.
        OutsideFolderError: the file name prefix leads out of the folder.
        TooLargeError: the format has no room for a picture of that size.
    """
    make = _RENDERS.get(order.graph[order.node_id]["class_type"])
    return make(order) if make else None
