"""Which inputs name a file that people bring, and of what kind.

An input is one where object_info flags it (``image_upload`` and its like, ComfyUI 0.30.0), or where the table says so:
for graphs without schemas, and for packs that flag nothing (VideoHelperSuite 1.7.9).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from comfy_headless.graph.schemas import NodeSchema

Media: TypeAlias = Literal["image", "mask", "video", "audio", "file"]
"""What kind of file; "file" is any other."""

_LOADERS: Final[Mapping[tuple[str, str], Media]] = MappingProxyType(
    {
        ("LoadImage", "image"): "image",
        ("LoadImageMask", "image"): "mask",
        ("LoadAudio", "audio"): "audio",
        ("LoadVideo", "file"): "video",
        ("Load3D", "model_file"): "file",
        ("Load3DAdvanced", "model_file"): "file",
        ("Painter", "mask"): "mask",
        ("VHS_LoadVideo", "video"): "video",
        ("VHS_LoadVideoFFmpeg", "video"): "video",
        ("VHS_LoadAudioUpload", "audio"): "audio",
    }
)
_FLAGS: Final[Mapping[str, Media]] = MappingProxyType(
    {
        "image_upload": "image",
        "animated_image_upload": "image",
        "video_upload": "video",
        "audio_upload": "audio",
        "file_upload": "file",
    }
)
UPLOADS: Final[Mapping[str, str]] = MappingProxyType(dict(name for name, kind in _LOADERS.items() if kind != "file"))
"""The input of a loader that names a picture, video or sound, by class."""


def media_of(class_type: str, field: str, schema: NodeSchema | None = None) -> Media | None:
    """Return what kind of file an input names; None if it names none that people bring.

    ``LoadImageOutput`` lists what the server itself has made: nothing is brought there.
    """
    known = _LOADERS.get((class_type, field))
    found = schema.input(field) if schema is not None and known is None else None
    if found is None or found.options.get("image_folder", "input") != "input":
        return known
    return next((kind for flag, kind in _FLAGS.items() if found.options.get(flag)), None)
