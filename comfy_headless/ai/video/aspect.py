"""The aspect ratio that a prompt asks for, in numbers or in words."""

from __future__ import annotations

import math
import re
from typing import Final

from comfy_headless.ai.reading import Found, Reading
from comfy_headless.ai.video.phrases import Phrases
from comfy_headless.ai.video.values import asked

RATIOS: Final = ("16:9", "9:16", "1:1", "4:3", "3:4", "3:2", "2:3", "4:5", "5:4", "21:9", "9:21", "2:1", "1:2")
_WIDE: Final = {
    "2.39:1": "21:9",
    "2.35:1": "21:9",
    "2.40:1": "21:9",
    "2.4:1": "21:9",
    "1.78:1": "16:9",
    "1.77:1": "16:9",
    "1.85:1": "1.85:1",
    "1.33:1": "4:3",
    "1.37:1": "4:3",
    "18:9": "2:1",
    "32:9": "32:9",
    "19.5:9": "19.5:9",
    "20:9": "20:9",
    "9:18": "1:2",
    "16:10": "16:10",
    "2.33:1": "21:9",
    "2.37:1": "21:9",
    "64:27": "21:9",
    "12:5": "21:9",
    "2.0:1": "2:1",
    "2.00:1": "2:1",
}
"""Ratios by other names: the wide ones of cinema are 21:9 on a screen."""
_PLAIN: Final = frozenset(("16:9", "9:16", "21:9", "9:21"))
"""Ratios that are hardly ever a score or a time."""
_NUMBERS: Final = re.compile(
    r"(?<!\d)(?<!\d[.,:/])(\d{1,4}(?:[.,]\d{1,2})?)\s?([:x*×∶/：х]|\s(?:by|to|zu|auf|на|per|por|par|op)\s)\s?(\d{1,4})(?![\d:/]|[.,]\d)"
)
_SURE: Final = 0.95
_UNSAID: Final = 0.9
_SMALLEST: Final = 200
_NEAR: Final = 0.06


def find_aspect(reading: Reading, phrases: Phrases) -> Found[str | None]:
    """Return width to height as asked for, None where nothing is said."""
    for match in _NUMBERS.finditer(reading.text):
        if ratio := _ratio(reading, phrases, match):
            return Found(ratio, _SURE, (reading.span(match.start(), match.end()),))
    for found in asked(reading, phrases, "aspect").wanted:
        return Found(found.value, _SURE if found.kind == "sure" else 0.8, (reading.span(found.start, found.end),))
    return Found(None, _UNSAID)


def _ratio(reading: Reading, phrases: Phrases, match: re.Match[str]) -> str | None:
    left, sign, right = _plain(match[1].replace(",", ".")), match[2].strip(), _plain(match[3])
    width, height = float(left), float(right)
    if not width or not height:
        return None
    if min(width, height) >= _SMALLEST and sign not in ":：∶/":
        return _nearest(width / height)
    name = f"{left}:{right}"
    if sign == "/" and name not in _PLAIN:
        return None
    if name not in RATIOS and name not in _WIDE:
        return None
    ratio = _WIDE.get(name, name)
    clause = reading.clause_at(match.start())

    def near(field: str, reach: int = 60) -> bool:
        found = phrases.around(field, match.start(), match.end(), reach)
        return any(each.clause == clause for each in found)

    if name in _PLAIN:
        return None if near("aspect.against", 2) else ratio
    if not near("aspect.context") and (near("aspect.against") or sign not in ":：∶"):  # a score, a grid of 3 x 2
        return None
    return ratio


def _plain(number: str) -> str:
    """A number in the digits of 0 to 9, whatever script it is written in."""
    return "".join(str(int(sign)) if sign.isdecimal() else sign for sign in number)


def _nearest(quotient: float) -> str | None:
    """The ratio that a size in pixels stands for; models round sizes to 16 or 64."""

    def distance(name: str) -> float:
        width, height = map(int, name.split(":"))
        return abs(math.log(quotient * height / width))

    best = min(RATIOS, key=distance)
    return best if distance(best) < _NEAR else None
