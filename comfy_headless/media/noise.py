"""Tell noise from pictures: by strangers for neighbours, everywhere, and nothing larger behind them.

That is a sampler that did not denoise, a latent that was not decoded, a VAE of another family. Soft coloured blobs are
not called noise: confetti and flowers measure the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PIL import Image, ImageChops, ImageStat

# Encoded white noise correlates by 0.37 at most with what lies so near (right, down), textures by 0.48 or more, regular
# patterns by 0.9 somewhere.
_NEIGHBOURS: Final = ((1, 0), (0, 1), (1, 1), (2, 0), (0, 2), (4, 0), (0, 4))
_CORRELATED: Final = 0.42
# Half of the neighbours differ by 0.55 deviations or more; snow, stars and confetti leave most places alone.
_DIFFERENT: Final = 0.5
# Variance that is left in means of 16x16 pixels: 0.004 of white noise, 0.02 encoded, 0.24 of a picture under grain.
_COARSE: Final = 0.05
# The same for blocks, in means of 4x4 blocks; white noise has 0.06.
_COARSE_BLOCKS: Final = 0.15
# A latent shown as a picture is one colour in each 8x8 block: no variance is lost from 4x4 pixels to 8x8.
_FLAT: Final = 0.9
# Least variances; the grain of films is grey and fainter than broken grey.
_FAINT, _FAINT_GREY, _FAINT_COLOUR = 64.0, 400.0, 8.0
_SMALLEST, _CROP = 16, 256  # pixels


def is_noise(crop: Image.Image, quarters: Image.Image, cells: Image.Image, colours: Callable[[], Image.Image]) -> bool:
    """Say whether a frame is noise, pixel by pixel or block by block.

    Args:
        crop: the light of its middle at full size.
        quarters: the light of the whole frame, means of 4x4 pixels.
        cells: the same, means of 8x8 pixels.
        colours: gives the middle in RGB; asked for in doubt only.
    """
    variance = _variance(crop)
    if variance >= _FAINT and _is_strange(crop, variance, _variance(_reduced(cells, 2)) / variance, _COARSE):
        return variance >= _FAINT_GREY or _colour(colours()) > _FAINT_COLOUR
    variance = _variance(cells)
    return (
        variance >= _FAINT_GREY
        and variance >= _FLAT * _variance(quarters)
        and _is_strange(cells, variance, _variance(_reduced(cells, 4)) / variance, _COARSE_BLOCKS)
    )


def middle(picture: Image.Image) -> Image.Image:
    """Return the middle of a picture, at most 256x256 pixels."""
    width, height = min(_CROP, picture.width), min(_CROP, picture.height)
    left, top = (picture.width - width) // 2, (picture.height - height) // 2
    return picture.crop((left, top, left + width, top + height))


def _is_strange(picture: Image.Image, variance: float, coarse: float, limit: float) -> bool:
    """Say whether neighbours tell nothing of each other, and no more than ``limit`` of the variance is coarse."""
    if coarse > limit or min(picture.size) < _SMALLEST:
        return False
    here, there = _pair(picture, 1, 0)
    if ImageStat.Stat(ImageChops.difference(here, there)).median[0] < _DIFFERENT * variance**0.5:
        return False
    return all(abs(_correlation(picture, *step, variance)) <= _CORRELATED for step in _NEIGHBOURS)


def _pair(picture: Image.Image, right: int, down: int) -> tuple[Image.Image, Image.Image]:
    """Return the picture, and the picture so far to the right and below, where both are."""
    width, height = picture.width - right, picture.height - down
    return picture.crop((0, 0, width, height)), picture.crop((right, down, right + width, down + height))


def _correlation(picture: Image.Image, right: int, down: int, variance: float) -> float:
    """Return how much a pixel tells of the one so far to the right and below: 1 all, 0 nothing."""
    difference = ImageChops.difference(*_pair(picture, right, down))
    return 1 - ImageStat.Stat(difference).sum2[0] / (difference.width * difference.height) / (2 * variance)


def _reduced(picture: Image.Image, times: int) -> Image.Image:
    size = max(1, picture.width // times), max(1, picture.height // times)
    return picture.resize(size, Image.Resampling.BOX)


def _colour(picture: Image.Image) -> float:
    """Return the variance of colour."""
    red, green, blue = picture.split()
    return sum(_variance(ImageChops.subtract(band, green, 2, 128)) for band in (red, blue))


def _variance(picture: Image.Image) -> float:
    return ImageStat.Stat(picture).var[0]
