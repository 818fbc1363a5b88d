"""Pictures as a server gives them out anew, and a mask pasted into one (ComfyUI 0.30.0, server.py)."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Literal

from PIL import Image, PngImagePlugin

from comfy_headless.media.probe import reading


def preview(path: Path, kind: Literal["webp", "jpeg"], quality: int, *, opaque: bool = False) -> bytes:
    """Return a picture encoded anew, in its own size.

    Args:
        opaque: leave out what makes it transparent; JPEG always does.

    Raises:
        MediaError: Pillow cannot read it.
    """
    with reading(path), Image.open(path) as picture:
        return _encoded(picture.convert("RGB") if opaque or kind == "jpeg" else picture, kind, quality=quality)


def channel(path: Path, wanted: Literal["rgb", "a"]) -> bytes:
    """Return the colours of a picture as PNG, or black with its transparency, which only a RGBA picture has.

    Raises:
        MediaError: Pillow cannot read it.
    """
    with reading(path), Image.open(path) as picture:
        if wanted == "rgb":
            return _encoded(picture.convert("RGB"), "png")
        shown = Image.new("RGBA", picture.size)
        shown.putalpha(picture.getchannel("A") if picture.mode == "RGBA" else 255)
        return _encoded(shown, "png")


def paste_mask(original: Path, mask: bytes, target: Path) -> None:
    """Write a picture with the transparency of another one, in the format of the target's name.

    The texts of a PNG, such as its workflow, go along.

    Raises:
        MediaError: one of them is no picture, they differ in size, or the format has no transparency.
    """
    with reading(original), Image.open(original) as picture, Image.open(io.BytesIO(mask)) as drawn:
        texts = PngImagePlugin.PngInfo()
        for key, text in getattr(picture, "text", {}).items():
            texts.add_text(key, text)
        made = picture.convert("RGBA")
        made.putalpha(drawn.convert("RGBA").getchannel("A"))
        made.save(target, compress_level=4, pnginfo=texts)


def _encoded(picture: Image.Image, kind: str, **settings: int) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format=kind, **settings)
    return buffer.getvalue()
