"""How long each picture of an animated webp, png or gif stands, read from the file without decoding where that can be.

Pillow, with which ComfyUI writes them, keeps frames that are equal as one that stands longer.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

from PIL import Image, ImageSequence


def durations(picture: Image.Image, file: BinaryIO) -> list[float]:
    """Return the milliseconds of each picture; one of 0.0 for a still.

    Args:
        picture: opened by Pillow.
        file: its bytes; read from the beginning.
    """
    match picture.format:
        case "WEBP":
            found = list(_webp(file))
        case "PNG":
            found = list(_png(file))
        case _ if getattr(picture, "n_frames", 1) > 1:
            found = [float(shown.info.get("duration", 0)) for shown in ImageSequence.Iterator(picture)]
            picture.seek(0)
        case _:
            found = []
    return found or [0.0]


def _webp(file: BinaryIO) -> Iterator[float]:
    """Yield the 24 bits of each ANMF chunk (Google's container specification, "Animation")."""
    file.seek(12)
    while len(head := file.read(8)) == 8:
        name, length = struct.unpack("<4sI", head)
        length += length % 2
        if name == b"ANMF" and len(start := file.read(16)) == 16:
            yield float(int.from_bytes(start[12:15], "little"))
            length -= 16
        file.seek(length, 1)


def _png(file: BinaryIO) -> Iterator[float]:
    """Yield numerator over denominator of each fcTL chunk (PNG, third edition, 11.3.6.2)."""
    file.seek(8)
    while len(head := file.read(8)) == 8:
        length, name = struct.unpack(">I4s", head)
        if name == b"fcTL" and len(body := file.read(26)) == 26:
            numerator, denominator = struct.unpack(">HH", body[20:24])
            yield 1000 * numerator / (denominator or 100)
            length -= 26
        file.seek(length + 4, 1)
