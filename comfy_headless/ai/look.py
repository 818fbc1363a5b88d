"""How a prompt wants its film to look: styles, light and mood, by the words that ask for them.

A style counts where a phrase names it, and no word before or after says that it is not wanted. The phrases stand in
``ai/words/look``, one file a language, and ``common.toml`` for words that prompts in every language use.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from comfy_headless.ai.reading import Found, Reading, Span
from comfy_headless.ai.video.phrases import NOTHING, Match, Phrases, find_phrases
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


class Look(NamedTuple):
    """How a prompt wants its film to look; words stand as they stand in the prompt."""

    styles: Found[list[str]]
    light: Found[tuple[str, ...]]
    mood: Found[tuple[str, ...]]


def find_look(reading: Reading) -> Look:
    """Return the styles that are asked for, the most telling first, and the words of light and of mood."""
    phrases = find_phrases(reading, FOLDER)
    light = _asked(reading, phrases, "lighting")
    return Look(
        _styles(reading, phrases, light), _words(reading, light), _words(reading, _asked(reading, phrases, "mood"))
    )


def _styles(reading: Reading, phrases: Phrases, light: Sequence[Match]) -> Found[list[str]]:
    asked = _asked(reading, phrases, "styles")
    named = {each.value for each in asked}
    # Neon and science fiction are the light and the genre of one film look (Blade Runner, 1982, and all that followed).
    if "scifi" in named and not named & _DRAWN and any(reading.text.startswith(_NEON, each.start) for each in light):
        named.add("cinematic")
    return Found([style for style in STYLES if style in named], 0.9 if named else 0.8, _spans(reading, asked))


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
