"""What is measured on one frame, and what the measures of a clip's frames say: black, one colour, noise, frozen.

Every threshold is measured, on the made clips of the tests in eight codecs (h264 at crf 19 to 40): what a still picture
does in the hands of an encoder on one side, the faintest motion on the other. A cell is 8x8 pixels, the block of most
codecs: the noise of encoding averages out in it, motion does not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageChops, ImageFilter, ImageStat

from comfy_headless.media.noise import is_noise, middle
from comfy_headless.media.timeline import Place

CELL: Final = 8
# Black: no pixel is lighter. The darkest night scene that shows anything on a screen has lighter ones.
_BLACK: Final = 6
# One colour: the means of 4x4 pixels differ by no more in any channel, no two pixels by more in light (a star does),
# and no cell changes by more from frame to frame (a fade does).
_PLAIN_MEANS, _PLAIN_PIXELS, _PLAIN_TIME = 6, 32, 12
# Frozen: how far encoding moves the light of a cell in a still picture, over all frames looked at. Once settled by 4 at
# most (crf 36), within a group of frames by 11 (crf 40), from group to group by 17; the faintest breathing moves one by
# 5 to 13. An edge may move by a 32nd of its contrast more. Without enough settled frames, crf 30 is allowed for.
_SETTLED, _GROUP, _LIGHT, _COLOUR = 5, 12, 20, 24
_UNSETTLED_GROUP, _UNSETTLED_LIGHT, _ENOUGH = 5, 8, 4
# In a clip of few frames little can happen, so less is called motion, and nothing frozen that is shorter still.
_SHORT, _SHORT_LIGHT, _SHORTEST = 12, 3, 4
_EDGE: Final = 32
# The mean difference of pixels of a fine pattern that moves where cells see none; encoding makes 18 (crf 40).
_FINE: Final = 24


@dataclass(frozen=True, slots=True)
class Glance:
    """What is kept of one frame: a small picture and a few numbers, whatever the size of the frame.

    Args:
        cells: means of 8x8 pixels, RGB.
        middle: the light of its middle at full size.
        place: where it stands among the frames that it was encoded with.
        lightest: the lightest pixel, 0-255.
        plain: it is one colour.
        noise: it is noise.
        detail: how much there is to see, for choosing a thumbnail.
    """

    cells: Image.Image
    middle: Image.Image
    place: Place
    lightest: int
    plain: bool
    noise: bool
    detail: float


def glance(
    light: Image.Image,
    quarters: Image.Image,
    cells: Image.Image,
    colours: Callable[[], Image.Image],
    place: Place,
) -> Glance:
    """Measure one frame.

    Args:
        light: the frame's light, at full size.
        quarters: means of 4x4 pixels, RGB.
        cells: means of 8x8 pixels, RGB.
        colours: gives the middle of the frame at full size, RGB; asked for in doubt only.
    """
    darkest, lightest = _extremes(light)
    plain = lightest - darkest <= _PLAIN_PIXELS and _widest(quarters) <= _PLAIN_MEANS
    grey = cells.convert("L")
    crop = middle(light)
    noise = not plain and is_noise(crop, quarters.convert("L"), grey, colours)
    return Glance(cells, crop, place, lightest, plain, noise, _detail(grey))


def verdict(glances: Sequence[Glance]) -> str | None:
    """Return "black", "one_colour", "noise" or "frozen", the first that holds for all frames; None if none does."""
    if all(seen.lightest <= _BLACK for seen in glances):
        return "black"
    if all(seen.plain for seen in glances) and _travelled([seen.cells for seen in glances]) <= _PLAIN_TIME:
        return "one_colour"
    if sum(seen.noise for seen in glances) * 4 >= len(glances) * 3:
        return "noise"
    return "frozen" if len(glances) >= _SHORTEST and not _moves(glances) else None


def _moves(glances: Sequence[Glance]) -> bool:
    """Say whether anything changes by more than encoding a still picture changes it."""
    first = glances[0]
    if any(_mean_difference(seen.middle, first.middle) >= _FINE for seen in glances):
        return True
    all_cells, allowed = [seen.cells for seen in glances], _edges(first.cells)
    groups: dict[int, list[Image.Image]] = {}
    settled: dict[int, list[Image.Image]] = {}
    for seen in glances:
        groups.setdefault(seen.place.group, []).append(seen.cells)
        if seen.place.settled:
            settled.setdefault(seen.place.group, []).append(seen.cells)
    count = sum(map(len, settled.values()))
    if len(glances) < _SHORT:
        return _travelled(all_cells, allowed) >= _SHORT_LIGHT
    known = count >= _ENOUGH and (len(groups) == 1 or 2 * count >= len(glances))
    return (
        _travelled(all_cells) >= _COLOUR
        or _travelled(all_cells, allowed) >= (_LIGHT if known else _UNSETTLED_LIGHT)
        or any(_travelled(cells, allowed) >= _SETTLED for cells in settled.values())
        or any(_travelled(cells, allowed) >= (_GROUP if known else _UNSETTLED_GROUP) for cells in groups.values())
    )


def _edges(cells: Image.Image) -> Image.Image:
    """Return what encoding may move at the edges of a picture."""
    light = cells.convert("L")
    contrast = ImageChops.subtract(light.filter(ImageFilter.MaxFilter(3)), light.filter(ImageFilter.MinFilter(3)))
    return contrast.point([level // _EDGE for level in range(256)])


def _travelled(pictures: Sequence[Image.Image], allowed: Image.Image | None = None) -> int:
    """Return how far any pixel goes from its least to its most over the pictures, in any channel.

    Args:
        allowed: compare the light alone, and take off so much.
    """
    if allowed is not None:
        pictures = [picture.convert("L") for picture in pictures]
    low = high = pictures[0]
    for picture in pictures[1:]:
        low, high = ImageChops.darker(low, picture), ImageChops.lighter(high, picture)
    way = ImageChops.subtract(high, low)
    return max(_extremes(band)[1] for band in (way if allowed is None else ImageChops.subtract(way, allowed)).split())


def _mean_difference(one: Image.Image, other: Image.Image) -> float:
    return ImageStat.Stat(ImageChops.difference(one, other)).mean[0]


def _widest(picture: Image.Image) -> int:
    """Return the largest span of any channel."""
    return max(most - least for least, most in map(_extremes, picture.split()))


def _extremes(band: Image.Image) -> tuple[int, int]:
    least, most = band.getextrema()
    assert isinstance(least, int | float)
    assert isinstance(most, int | float)
    return int(least), int(most)


def _detail(grey: Image.Image) -> float:
    """Return the spread of light, less for a frame that is very dark or very light as a whole."""
    stat = ImageStat.Stat(grey)
    return stat.stddev[0] * (1 - abs(stat.mean[0] - 128) / 160)
