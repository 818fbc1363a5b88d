"""What a prompt asks for that a negative prompt would forbid, or that an addition would contradict: ``asked.toml``.

Words are looked for in the prompt's own language, in English, and in scripts that few languages share. A word too many
costs a piece of a negative prompt, or an addition; so the lists are wide.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final

from comfy_headless.ai.analysis import PromptAnalysis

DATA: Final = Path(__file__).with_name("asked.toml")

_ALL: Final = "all"
_SPACELESS: Final = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff]")
_HANGUL: Final = re.compile(r"[\uac00-\ud7af]")
_PAIRS: Final[Mapping[str, frozenset[str]]] = {
    "handheld": frozenset({"shaky", "filmed"}),
    "static": frozenset({"still", "filmed"}),
}
_STYLES: Final[Mapping[str, frozenset[str]]] = {
    "cinematic": frozenset({"lit"}),
    "photorealistic": frozenset({"photographic"}),
    "documentary": frozenset({"photographic", "shaky"}),
    "anime": frozenset({"cartoon", "painted"}),
    "cartoon": frozenset({"cartoon", "painted"}),
    "3d": frozenset({"cartoon", "game"}),
    "painting": frozenset({"painted"}),
    "watercolor": frozenset({"painted"}),
    "sketch": frozenset({"painted", "grey"}),
    "pixel": frozenset({"game", "rough", "painted"}),
    "vintage": frozenset({"rough", "lit"}),
    "noir": frozenset({"grey", "lit"}),
    "horror": frozenset({"ugly", "lit"}),
    "fantasy": frozenset({"colourful", "lit"}),
    "scifi": frozenset({"colourful", "lit"}),
    "dramatic": frozenset({"lit"}),
    "dreamy": frozenset({"blurred", "lit"}),
}
"""What a style asks for beside its words; a look that comes with a light of its own is lit."""


def asked_in(analysis: PromptAnalysis) -> frozenset[str]:
    """Return the names of what a prompt asks for, by its words and by what was found in it."""
    found = set(named_in(analysis.text, analysis.language))
    for camera in analysis.camera:
        found |= _PAIRS.get(camera, {"filmed"})
    for style in analysis.styles:
        found |= _STYLES.get(style, frozenset())
    found |= {name for name, there in _by_fields(analysis) if there}
    return frozenset(found)


def asked_of_style(style: str) -> frozenset[str]:
    """Return the names of what a style of ``styles.toml`` asks for."""
    return _STYLES.get(style, frozenset())


def named_in(text: str, language: str) -> frozenset[str]:
    """Return the names of what the words of a text ask for."""
    plain = text.casefold()
    return frozenset(name for name, words in _patterns(language).items() if words.search(plain))


@lru_cache(maxsize=4096)
def forbids(piece: str) -> frozenset[str]:
    """Return the names of what a piece of a negative prompt, in English or Chinese, forbids.

    >>> sorted(forbids("still frame"))
    ['letterboxed', 'still']
    """
    own = {name for name, entry in _table().items() if piece.casefold() in map(str.casefold, entry.get("pieces", ()))}
    return named_in(piece, "en") | own


def _by_fields(analysis: PromptAnalysis) -> Iterator[tuple[str, bool]]:
    yield "lit", bool(analysis.lighting)
    yield "heard", analysis.sound
    yield "filmed", analysis.shot is not None
    kinds = {risk.kind for risk in analysis.risks}
    yield "lettering", "text" in kinds
    yield "crowd", "crowd" in kinds
    yield "limbs", "hands" in kinds


@cache
def _table() -> Mapping[str, Any]:
    return tomllib.loads(DATA.read_text(encoding="utf-8"))


@cache
def _patterns(language: str) -> Mapping[str, re.Pattern[str]]:
    spoken = {"en", language, _ALL}
    return {name: _pattern(_words(entry["words"], spoken)) for name, entry in _table().items()}


def _words(listed: str, spoken: set[str]) -> Iterator[str]:
    language = ""
    for word in listed.split():
        if word.endswith(":"):
            language = word[:-1]
        elif language in spoken:
            yield word


def _pattern(words: Iterator[str]) -> re.Pattern[str]:
    anywhere, whole, stems = [], [], []
    for word in words:
        plain = re.escape(word.rstrip("*")).replace(r"\-", r"[\s\u200c-]?")
        if _SPACELESS.search(word):
            anywhere.append(plain)
        elif word.endswith("*") or _HANGUL.search(word):
            stems.append(plain)
        else:
            whole.append(plain)
    begins = rf"(?<!\w)(?:(?:{'|'.join(whole)})(?!\w)|{'|'.join(stems) or '(?!)'})"
    return re.compile("|".join([*anywhere, begins]))
