"""What ComfyUI 0.30.0 says of a picture it cannot load (nodes.py)."""

from __future__ import annotations

from pathlib import Path

import av
from PIL import Image

from comfy_headless.media.probe import PICTURE_ERRORS


def load_error(path: Path) -> tuple[str, str] | None:
    """Return the type and words of the error that LoadImage ends with; None if it loads the file.

    It asks ffmpeg first, of which it takes videos too, and Pillow if that gives no frame.
    """
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                return "ValueError", f"No video stream found in file '{path}'"
            if _has_frame(container):
                return None
    except av.error.FFmpegError as error:
        return _named(error)
    try:
        with Image.open(path):
            return None
    except PICTURE_ERRORS as error:
        return _named(error)


def _has_frame(container: av.container.InputContainer) -> bool:
    for packet in container.demux(container.streams.video[0]):
        try:
            if packet.decode():
                return True
        except av.error.InvalidDataError:
            continue
    return False


def _named(error: Exception) -> tuple[str, str]:
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return name, str(error)
