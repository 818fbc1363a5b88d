"""Preview bytes as a terminal takes them: a small PNG, pairs of colours for half blocks, or sixels.

A picture keeps its proportions; whoever shows it chooses the box.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import reduce
from typing import Final, NamedTuple, TypeAlias

from PIL import Image, UnidentifiedImageError

from comfy_headless.errors import MediaError
from comfy_headless.media.probe import PICTURE_ERRORS

Colour: TypeAlias = tuple[int, int, int]
"""Red, green and blue, 0-255."""

_MOST_PIXELS: Final = 1 << 25  # ComfyUI's previews are at most 512 pixels wide unless its options say otherwise
_SMOOTH: Final = Image.Resampling.BILINEAR
_QUICK: Final = (
    Image.Quantize.FASTOCTREE
)  # 1 ms for 400x240 where median cut takes 53, and hardly further off (measured)
_BAND: Final = 6  # rows of pixels in one line of sixels


class Cell(NamedTuple):
    """Both colours of one half block."""

    top: Colour
    bottom: Colour


def size(data: bytes) -> tuple[int, int]:
    """Return width and height in pixels, read from the header alone.

    Raises:
        MediaError: it is no picture that Pillow knows, or one too large for a preview.
    """
    with _opened(data) as picture:
        return picture.size


def fit(width: int, height: int, room: tuple[int, int]) -> tuple[int, int]:
    """Return the largest width and height of these proportions that have room, each at least 1."""
    scale = min(room[0] / width, room[1] / height)
    return _whole(width * scale, room[0]), _whole(height * scale, room[1])


def png(data: bytes, width: int, height: int) -> bytes:
    """Return a PNG that fits into so many pixels; a smaller picture is not enlarged, its terminal does that.

    Raises:
        MediaError: the bytes are no whole picture.
    """
    with _opened(data) as picture, io.BytesIO() as buffer:
        room = min(width, picture.width), min(height, picture.height)
        _shown(picture, fit(*picture.size, room)).save(buffer, format="PNG")
        return buffer.getvalue()


def cells(data: bytes, columns: int, rows: int) -> list[list[Cell]]:
    """Return rows of cells, each twice as high as wide, that fill the box in one direction.

    Raises:
        MediaError: the bytes are no whole picture.
    """
    with _opened(data) as picture:
        wide, high = fit(*picture.size, (columns, 2 * rows))
        lines = (high + 1) // 2
        pixels = _shown(picture, (wide, 2 * lines)).tobytes()
    colours = [(pixels[place], pixels[place + 1], pixels[place + 2]) for place in range(0, len(pixels), 3)]
    halves = [colours[start : start + wide] for start in range(0, len(colours), wide)]
    return [list(map(Cell, halves[line], halves[line + 1])) for line in range(0, 2 * lines, 2)]


def sixel(data: bytes, width: int, height: int, colours: int = 64) -> str:
    """Return the picture as sixels, made larger or smaller until it fits into so many pixels.

    The format is DEC's: "VT330/VT340 Programmer Reference Manual", volume 2, chapter 14. Raster attributes say that a
    pixel is square; colours are red, green and blue in percent; every pixel has a colour.

    Raises:
        MediaError: the bytes are no whole picture.
    """
    with _opened(data) as picture:
        wide, high = fit(*picture.size, (width, height))
        painted = _shown(picture, (wide, high)).quantize(colours, _QUICK, dither=Image.Dither.NONE)
    palette, pixels = painted.getpalette() or [], painted.tobytes()
    percent = [round(value * 100 / 255) for value in palette]
    registers = "".join(
        f"#{number};2;{percent[3 * number]};{percent[3 * number + 1]};{percent[3 * number + 2]}"
        for number in sorted(set(pixels))
    )
    bands = (pixels[start : start + _BAND * wide] for start in range(0, len(pixels), _BAND * wide))
    return f'\x1bP0;1;0q"1;1;{wide};{high}{registers}{"-".join(_band(band, wide) for band in bands)}\x1b\\'


def _band(band: bytes, wide: int) -> str:
    """Return six rows of pixels as one line of sixels, a pass for each colour."""
    rows = [band[start : start + wide] for start in range(0, len(band), wide)]
    return "$".join(f"#{colour}{_pass(rows, colour)}" for colour in sorted(set(band)))


def _pass(rows: list[bytes], colour: int) -> str:
    """Return one colour's sixels: a character's six bits are the pixels of a column, the lowest on top."""
    bits = (
        int.from_bytes(row.translate(bytes(colour) + bytes([1 << place]) + bytes(255 - colour)))
        for place, row in enumerate(rows)
    )
    sixels = reduce(int.__or__, bits).to_bytes(len(rows[0])).translate(_SIXELS)
    return _REPEATED.sub(lambda run: f"!{len(run[0])}{run[1]}", sixels.decode("ascii").rstrip("?"))


_SIXELS: Final = bytes(range(63, 127)) + bytes(192)
_REPEATED: Final = re.compile(r"(.)\1{3,}")


def _shown(picture: Image.Image, to: tuple[int, int]) -> Image.Image:
    picture.draft("RGB", to)
    whole = picture.convert("RGB")
    return whole if whole.size == to else whole.resize(to, _SMOOTH, reducing_gap=2.0)


def _whole(length: float, most: int) -> int:
    return max(1, min(most, round(length)))


@contextmanager
def _opened(data: bytes) -> Iterator[Image.Image]:
    """Open the bytes; whatever Pillow says of them inside is a MediaError."""
    try:
        with io.BytesIO(data) as file, Image.open(file) as picture:
            if picture.width * picture.height > _MOST_PIXELS:
                raise MediaError(f"a preview of {picture.width}x{picture.height} pixels is too large to show")
            yield picture
    except PICTURE_ERRORS as error:
        words = str(error) if not isinstance(error, UnidentifiedImageError) else "Pillow knows no such format"
        raise MediaError(f"cannot show a preview of {len(data)} bytes: {words or type(error).__name__}") from error
