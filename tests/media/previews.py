"""Made previews, and what a terminal makes of sixels."""

from __future__ import annotations

import io
import re

from PIL import Image

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def encoded(picture: Image.Image, kind: str = "PNG") -> bytes:
    """A picture as a server sends it."""
    with io.BytesIO() as buffer:
        picture.save(buffer, kind)
        return buffer.getvalue()


def quarters(side: int = 100) -> Image.Image:
    """Red and green above blue and white."""
    picture = Image.new("RGB", (2, 2))
    picture.putdata([RED, GREEN, BLUE, WHITE])
    return picture.resize((side, side), Image.Resampling.NEAREST)


def unsixel(text: str) -> Image.Image:
    """The picture that a terminal makes of sixels; any pixel without a colour fails."""
    found = re.fullmatch(r'\x1bP0;1;0q"1;1;(\d+);(\d+)([!-~]*)\x1b\\', text)
    assert found
    wide, high = int(found[1]), int(found[2])
    picture = Image.new("RGBA", (wide, high))
    palette: dict[str, tuple[int, int, int, int]] = {}
    column = band = 0
    colour = ""
    for word in re.finditer(r"#(\d+)(?:;2;(\d+);(\d+);(\d+))?|(\$)|(-)|(?:!(\d+))?([?-~])", found[3]):
        if word[2]:
            palette[word[1]] = (*(round(int(word[place]) * 2.55) for place in (2, 3, 4)), 255)
        elif word[1]:
            colour = word[1]
        elif word[5]:
            column = 0
        elif word[6]:
            column, band = 0, band + 1
        else:
            count, bits = int(word[7] or 1), ord(word[8]) - 63
            for bit in (bit for bit in range(6) if bits >> bit & 1):
                picture.paste(palette[colour], (column, 6 * band + bit, column + count, 6 * band + bit + 1))
            column += count
    assert picture.getextrema()[3] == (255, 255)
    return picture.convert("RGB")
