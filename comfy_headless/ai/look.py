"""How a prompt wants its film to look: styles, light and mood, by the words that ask for them.

A style counts where a phrase names it, and no word before or after says that it is not wanted. The phrases stand in
``ai/words/look``, one file a language, and ``common.toml`` for words that prompts in every language use.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from comfy_headless.ai.reading import Found, Reading, Span
from comfy_headless.ai.video.phrases import NOTHING, SURE, Match, Phrases, find_phrases
from comfy_headless.ai.video.values import is_denied

FOLDER: Final = "look"
STYLES: Final = (
    "pixel",
    "anime",
    "3d",
    "watercolor",
    "sketch",
    "painting",
    "cartoon",
    "noir",
    "horror",
    "scifi",
    "fantasy",
    "vintage",
    "documentary",
    "advertising",
    "photorealistic",
    "minimalist",
    "cinematic",
)
"""Every style, the most telling first: how it is made, then its genre, then its finish."""
_DRAWN: Final = frozenset({"pixel", "anime", "watercolor", "sketch", "painting", "cartoon"})
_NEON: Final = ("neon", "霓虹", "ネオン", "네온", "неон", "نيون", "नियॉन")


_LIGHT: Final = ("lighting", "lighting.near", "lighting.beside", "lighting.of")
_HOUR: Final = "hour"
_SIGNS: Final = 10
# What describes a word of light right before it, where no spaces stand between words: 朝の光, 昏暗的灯光, 金色阳光.
_DESCRIBING: Final = {
    "ja": re.compile("[\u4e00-\u9fff\u30a1-\u30fa\u30fc]+[\u3041-\u3096]{0,3}[いなの]$|[\u4e00-\u9fff]色$"),
    "zh": re.compile("[\u4e00-\u9fff]{2}的$|[\u4e00-\u9fff]色的?$|[暖冷强弱柔][色和]?的?$"),
}


class Look(NamedTuple):
    """How a prompt wants its film to look; words stand as they stand in the prompt."""

    styles: Found[list[str]]
    light: Found[tuple[str, ...]]
    mood: Found[tuple[str, ...]]


def find_look(reading: Reading) -> Look:
    """Return the styles that are asked for, the most telling first, and the words of light and of mood."""
    phrases = find_phrases(reading, FOLDER)
    light = _light(reading, phrases)
    return Look(
        _styles(reading, phrases, light), _words(reading, light), _words(reading, _asked(reading, phrases, "mood"))
    )


def _styles(reading: Reading, phrases: Phrases, light: Sequence[Match]) -> Found[list[str]]:
    asked = _asked(reading, phrases, "styles")
    named = {each.value for each in asked}
    # Neon and science fiction are the light and the genre of one film look (Blade Runner, 1982, and all that followed).
    if _asked(reading, phrases, "styles.grey") and _asked(reading, phrases, "styles.sleuth"):
        named.add("noir")
    neon = any(sign in reading.text[each.start : each.end] for each in light for sign in _NEON)
    if "scifi" in named and not named & _DRAWN and neon:
        named.add("cinematic")
    return Found([style for style in STYLES if style in named], 0.9 if named else 0.8, _spans(reading, asked))


def _light(reading: Reading, phrases: Phrases) -> list[Match]:
    """Return the words of light with what describes them, as far as they stand together: "light of a red lamp".

    A word such as "light" or "lamp", which may be no light of the picture, counts with a word that describes light; a
    night is its light where no other is named.
    """
    hidden = {at for each in phrases.of("lighting") if each.value == NOTHING for at in range(each.start, each.end)}
    pieces = [each for field in _LIGHT for each in phrases.of(field) if each.start not in hidden]
    runs: list[list[Match]] = []
    for piece in sorted(pieces, key=lambda each: (each.start, -each.end)):
        if runs and piece.clause == runs[-1][0].clause and _touch(reading, runs[-1], piece):
            runs[-1].append(piece)
        else:
            runs.append([piece])
    found = [_joined(reading, run) for run in map(_trimmed, runs) if _is_light(run)]
    asked = [each for each in found if not is_denied(reading, phrases, each)]
    return [each for each in asked if each.value != _HOUR] or asked


def _touch(reading: Reading, run: Sequence[Match], piece: Match) -> bool:
    return reading.text[max(each.end for each in run[-4:]) : piece.start].strip(" -的のな") == ""


def _trimmed(run: list[Match]) -> list[Match]:
    """A run without words at its ends that only link."""
    while run and run[-1].field == "lighting.of":
        run = run[:-1]
    while run and run[0].field == "lighting.of":
        run = run[1:]
    return run


def _is_light(run: Sequence[Match]) -> bool:
    if any(each.field == "lighting" for each in run):
        return True
    sources = [each for each in run if each.field == "lighting.near"]
    places = {each.start for each in run if each.field != "lighting.of"}
    return bool(sources) and len(places) > 1


def _joined(reading: Reading, run: Sequence[Match]) -> Match:
    start, end = run[0].start, max(each.end for each in run)
    if describing := _DESCRIBING.get(reading.language.code):
        first = reading.clauses[run[0].clause].start
        if before := describing.search(reading.text, max(first, start - _SIGNS), start):
            start = before.start()
    value = _HOUR if {each.value for each in run if each.field == "lighting"} == {_HOUR} else "light"
    return Match("lighting", value, SURE, start, end, run[0].clause)


def _words(reading: Reading, found: Sequence[Match]) -> Found[tuple[str, ...]]:
    words = once(reading.original(each.start, each.end) for each in found)
    return Found(words, 0.8 if words else 0.6, _spans(reading, found))


def _asked(reading: Reading, phrases: Phrases, field: str) -> list[Match]:
    """Return the phrases of a field that are not taken back."""
    return [each for each in phrases.of(field) if each.value != NOTHING and not is_denied(reading, phrases, each)]


def _spans(reading: Reading, found: Sequence[Match]) -> tuple[Span, ...]:
    return tuple(reading.span(each.start, each.end) for each in found)


def once(words: Iterable[str]) -> tuple[str, ...]:
    """Return words without those that come again, in capitals or not."""
    first: dict[str, str] = {}
    for word in words:
        first.setdefault(word.casefold(), word)
    return tuple(first.values())
