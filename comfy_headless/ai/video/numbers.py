"""Numbers as prompts write them: digits of all scripts, with commas or points, and words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Final, NamedTuple

from comfy_headless.ai.folding import fold
from comfy_headless.ai.video.phrases import lexicon

_HAN: Final = {**{sign: value for value, sign in enumerate("零一二三四五六七八九")}, "两": 2, "兩": 2, "〇": 0}
_SINO_KOREAN: Final = {sign: value for value, sign in enumerate("영일이삼사오육칠팔구")}
_DIGITS: Final = r"\d{1,5}(?:[.,٫]\d{1,2})?(?:\s?1⁄2)?"
_SIGNS: Final = "[零〇一二三四五六七八九十百两兩]{1,5}半?|半|[영일이삼사오육칠팔구십백]{1,5}|반"


class _Words(NamedTuple):
    """Number words of a language: their values, what looks for one that ends where a unit begins."""

    values: Mapping[str, float]
    at_end: re.Pattern[str]


class Number(NamedTuple):
    """A number and where it begins.

    Args:
        word: whether it was written in words.
    """

    value: float
    start: int
    word: bool


@cache
def _words(language: str) -> _Words:
    found = lexicon(language)
    table = found.data.get("numbers", {}) if found else {}
    values = {
        fold(word.strip(), language): float(number)
        for number, words in table.items()
        for word in words.split(",")
        if word.strip()
    }
    listed = "|".join(re.escape(word) for word in sorted(values, key=len, reverse=True))
    words = (
        rf"(?<![^\W\d_])(?:(?:{listed})[\s-]{{1,2}}(?:and |und |e |y |et |en |og |och |a )?)?(?:{listed})|"
        if listed
        else ""
    )
    clock = r"\d{1,2}:[0-5]\d"
    several = rf"(?:{_DIGITS}\s?(?:-|–|—|~|〜|to|bis|a|à|до|do|tot|till|ila|से|الى|至|到|から|에서)\s?)?"
    return _Words(
        values, re.compile(rf"(?:(?<!\d)(?<!\d[.,:])(?:{clock}|{several}{_DIGITS})|{words}{_SIGNS})[\s\-–‐]{{0,2}}$")
    )


def number_before(text: str, end: int, language: str) -> Number | None:
    """Return the number that stands right before ``end``, as a unit follows it."""
    words = _words(language)
    start = max(end - 40, 0)
    match = words.at_end.search(text[start:end])
    if match is None:
        return None
    written = match[0].strip(" -–‐")
    value = _value(written, words.values)
    return None if value is None else Number(value, start + match.start(), not any(map(str.isdigit, written)))


def _value(written: str, words: Mapping[str, float]) -> float | None:
    if ":" in written:
        minutes, seconds = written.split(":")
        return int(minutes) + int(seconds) / 60
    if any(map(str.isdigit, written)):
        return _of_digits(written)
    if written in words:
        return words[written]
    first, _, rest = written.partition(" ")
    pieces = [first, rest] if rest in words else re.split(r"[\s-]+", written)  # "une quinzaine de"
    parts = [words[part] for part in pieces if part in words]
    if parts:
        return sum(parts) if len(parts) == 2 and parts[0] >= 20 > parts[1] else parts[-1]
    return _of_signs(written)


def _of_digits(written: str) -> float | None:
    """The last number of "5-8"; ½ has become 1⁄2, behind the digits that it is added to."""
    half = 0.5 if "⁄" in written else 0.0
    digits = re.findall(r"\d+(?:[.,٫]\d+)?", written.replace("1⁄2", ""))
    return (float(re.sub("[,٫]", ".", digits[-1])) if digits else 0.0) + half if digits or half else None


def _of_signs(written: str) -> float | None:
    """Chinese, Japanese and Korean numerals up to some hundred."""
    half = 0.5 if written[-1] in "半반" else 0.0
    total = current = 0
    for sign in written.rstrip("半반"):
        if sign in "十십":
            total, current = total + (current or 1) * 10, 0
        elif sign in "百백":
            total, current = total + (current or 1) * 100, 0
        else:
            current = current * 10 + _HAN.get(sign, _SINO_KOREAN.get(sign, 0))
    return total + current + half or None
