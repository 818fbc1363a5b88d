"""Previews as terminals take them, decoded again and held against the picture."""

from __future__ import annotations

import io
import re

import pytest
from PIL import Image, ImageChops, ImageStat

from comfy_headless.errors import MediaError
from comfy_headless.media.picture import Cell, cells, fit, png, sixel, size
from tests.media.clips import scene
from tests.media.previews import BLUE, GREEN, RED, WHITE, encoded, quarters, unsixel


def apart(one: Image.Image, other: Image.Image) -> float:
    """How far two pictures of one size are from each other, on average, of 255."""
    assert one.size == other.size
    return max(ImageStat.Stat(ImageChops.difference(one, other)).mean)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_the_size_of_a_preview(kind: str) -> None:
    """It is read from the header, whatever the format."""
    assert size(encoded(quarters(48), kind)) == (48, 48)


@pytest.mark.parametrize(
    ("of", "room", "fitted"),
    [
        ((512, 512), (40, 30), (30, 30)),
        ((1280, 720), (40, 30), (40, 22)),
        ((720, 1280), (40, 30), (17, 30)),
        ((4, 4), (40, 30), (30, 30)),
        ((4000, 1), (40, 30), (40, 1)),
        ((1, 4000), (1, 1), (1, 1)),
    ],
)
def test_fitting_keeps_proportions(of: tuple[int, int], room: tuple[int, int], fitted: tuple[int, int]) -> None:
    """The box is filled in one direction, and nothing vanishes."""
    assert fit(*of, room) == fitted


@pytest.mark.parametrize(
    ("of", "room", "expected"),
    [((640, 384), (320, 320), (320, 192)), ((100, 60), (320, 320), (100, 60)), ((100, 60), (50, 320), (50, 30))],
)
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_png_fits_and_is_not_enlarged(
    of: tuple[int, int], room: tuple[int, int], expected: tuple[int, int], kind: str
) -> None:
    """It has the proportions of the preview, at most its size, and shows the same."""
    source = scene(of)
    with Image.open(io.BytesIO(png(encoded(source, kind), *room))) as made:
        assert made.format == "PNG"
        assert made.size == expected
        assert apart(made.convert("RGB"), source.resize(expected, Image.Resampling.BOX)) < 8


def test_half_blocks_have_the_colours_of_the_picture() -> None:
    """A square picture is twice as many columns as rows, and each quarter keeps its colour."""
    made = cells(encoded(quarters()), 40, 4)
    assert [len(row) for row in made] == [8, 8, 8, 8]
    assert made[0][0] == Cell(RED, RED)
    assert made[0][7] == Cell(GREEN, GREEN)
    assert made[3][0] == Cell(BLUE, BLUE)
    assert made[3][7] == Cell(WHITE, WHITE)


@pytest.mark.parametrize("of", [(512, 512), (1280, 720), (480, 832), (1, 900), (900, 1)])
def test_half_blocks_stay_in_their_box(of: tuple[int, int]) -> None:
    """Never more columns or rows than there is room for, and all rows are as long."""
    made = cells(encoded(Image.new("RGB", of, RED)), 40, 15)
    assert 1 <= len(made) <= 15
    assert {len(row) for row in made} == {len(made[0])}
    assert 1 <= len(made[0]) <= 40


@pytest.mark.parametrize("of", [(64, 64), (160, 90), (91, 161)])
@pytest.mark.parametrize("room", [(240, 180), (61, 37), (5, 5)])
def test_sixels_show_the_picture(of: tuple[int, int], room: tuple[int, int]) -> None:
    """Decoded, every pixel has a colour near that of the picture in the box's size."""
    source = scene(of)
    fitted = fit(*of, room)
    assert apart(unsixel(sixel(encoded(source), *room)), source.resize(fitted, Image.Resampling.BILINEAR)) < 8


@pytest.mark.parametrize("colours", [2, 16, 256])
def test_sixels_use_no_more_colours_than_allowed(colours: int) -> None:
    """A terminal has so many registers: 4 in the VT330's days, 256 in most."""
    text = sixel(encoded(scene()), 160, 96, colours)
    registers = {int(number) for number in re.findall(r"#(\d+);2;", text)}
    assert len(registers) <= colours
    assert max(registers) < colours


def test_sixels_are_short_where_nothing_changes() -> None:
    """Equal neighbours are counted: a plain picture takes a few characters a line."""
    assert len(sixel(encoded(Image.new("RGB", (64, 64), RED)), 240, 240)) < 500


def test_transparent_and_grey_previews() -> None:
    """Other kinds of pixels become colours."""
    for mode in ("L", "LA", "RGBA", "P", "1", "CMYK"):
        source = Image.new(mode, (8, 8))
        assert len(cells(encoded(source, "TIFF"), 4, 2)) == 2


@pytest.mark.parametrize("make", [size, lambda data: png(data, 9, 9), lambda data: cells(data, 9, 9), sixel])
@pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"no picture" * 99], ids=repr)
def test_broken_bytes_are_a_media_error(make: object, data: bytes) -> None:
    """What is no picture is said to be none, with its length."""
    call = make if make is not sixel else lambda data: sixel(data, 9, 9)
    assert callable(call)
    with pytest.raises(MediaError, match=rf"cannot show a preview of {len(data)} bytes: \w"):
        call(data)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_preview_cut_off_is_a_media_error(kind: str) -> None:
    """Half a picture is none, at whatever place it ends."""
    whole = encoded(scene(), kind)
    for part in range(1, 8):
        with pytest.raises(MediaError, match="cannot show a preview"):
            png(whole[: len(whole) * part // 8], 99, 99)


def test_a_huge_preview_is_refused() -> None:
    """A few bytes that unfold to gigabytes are refused by their header."""
    with pytest.raises(MediaError, match="8000x8000 pixels is too large"):
        cells(encoded(Image.new("1", (8000, 8000))), 40, 15)
