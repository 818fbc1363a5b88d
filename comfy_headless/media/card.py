"""Draw the test card: a moving picture that says what was asked for and that nothing real made it.

Everything that stands still is drawn once, so a frame costs one copy and a few small pastes.
"""

from __future__ import annotations

import hashlib
import math
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont, ImageOps

STAMP = "SIMULATED"


@dataclass(frozen=True, slots=True)
class Card:
    """What the card shows.

    Args:
        width: pixels.
        height: pixels.
        frames: how many pictures there are.
        text: the words on it, usually the prompt.
        seed: changes the colours, so that two seeds give two files.
    """

    width: int
    height: int
    frames: int = 1
    text: str = ""
    seed: int = 0

    def pictures(self) -> Iterator[Image.Image]:
        """Yield the frames as RGB pictures, each a new object."""
        still, caption, corner = _still(self)
        disc = Image.radial_gradient("L").resize((_disc_size(self),) * 2)
        glow = ImageOps.invert(disc).point([max(0, min(255, (level - 80) * 4)) for level in range(256)])
        for number in range(self.frames):
            picture = still.copy()
            picture.paste((255, 236, 190), _place(self, number), glow)
            if caption is not None:
                picture.paste((255, 255, 255), corner, caption)
            _bar(picture, (number + 1) / self.frames)
            yield picture


def _still(card: Card) -> tuple[Image.Image, Image.Image | None, tuple[int, int]]:
    """Return the background, the caption as a mask, and where the caption goes."""
    digest = hashlib.sha256(f"{card.seed} {card.text}".encode()).digest()
    top = (digest[0] // 4 + 10, digest[1] // 4 + 10, digest[2] // 3 + 60)
    bottom = (digest[3] // 3 + 140, digest[4] // 3 + 70, digest[5] // 3 + 30)
    slope = Image.linear_gradient("L").resize((card.width, card.height))
    still = ImageOps.colorize(slope, top, bottom)
    edge = max(4, min(card.width, card.height) // 12)
    stamp = _written(STAMP, max(6, min(card.width, card.height) // 14))
    still.paste((255, 255, 255), (edge // 2, edge // 2), stamp)
    size = max(6, min(card.width, card.height) // 18)
    words = textwrap.shorten(card.text, 240, placeholder=" ...")
    columns = max(8, int((card.width - edge) / (size * 0.56)))
    lines = textwrap.wrap(words, columns)[: max(1, card.height // (3 * size))]
    if not lines:
        return still, None, (0, 0)
    caption = _written("\n".join(lines), size)
    return still, caption, (edge // 2, max(0, card.height - caption.height - edge))


def _written(text: str, size: int) -> Image.Image:
    """Return ``text`` as a mask that fits it."""
    font = ImageFont.load_default(size)
    left, top, right, bottom = ImageDraw.Draw(Image.new("L", (1, 1))).multiline_textbbox((0, 0), text, font=font)
    mask = Image.new("L", (max(1, math.ceil(right - left)), max(1, math.ceil(bottom - top))))
    ImageDraw.Draw(mask).multiline_text((-left, -top), text, fill=255, font=font)
    return mask


def _disc_size(card: Card) -> int:
    return max(4, min(card.width, card.height) // 3)


def _place(card: Card, number: int) -> tuple[int, int]:
    """Return where the disc is: it crosses the card once in an arc."""
    done = number / max(1, card.frames - 1)
    size = _disc_size(card)
    left = done * (card.width - size)
    drop = (card.height - size) * (0.55 - 0.45 * math.sin(math.pi * done))
    return int(left), int(drop)


def _bar(picture: Image.Image, done: float) -> None:
    thick = max(1, picture.height // 90)
    length = max(1, int(picture.width * done))
    picture.paste((255, 255, 255), (0, picture.height - thick, length, picture.height))
