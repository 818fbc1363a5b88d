"""What a prompt asks for that a negative prompt would forbid, or that an addition would contradict.

``asked.toml`` is for the negative prompts of families, ``contrary.toml`` for those of styles, ``against.toml`` for
additions. Words are looked for in the prompt's own language, in English, and in scripts that few languages share. A
word too many costs a piece of a negative prompt, or an addition; so the lists are wide. What a prompt says it does not
want is not asked for, and an addition that speaks of it is left out all the same.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final

from comfy_headless.ai.analysis import PromptAnalysis
from comfy_headless.ai.denying import without_denied
from comfy_headless.ai.folding import alike
from comfy_headless.ai.reading import read
from comfy_headless.ai.subject_roles import find_parts
from comfy_headless.ai.wordings import Wordings, names_in, wordings

DATA: Final = tuple(Path(__file__).with_name(f"{name}.toml") for name in ("asked", "contrary", "against"))

_ALL: Final = "all"
SURE_LANGUAGE: Final = 0.6
"""How sure it must be which language a prompt has; else words of all count."""
_PAIRS: Final[Mapping[str, frozenset[str]]] = {
    "handheld": frozenset({"shaky", "filmed"}),
    "static": frozenset({"still", "filmed"}),
}
_KINDS: Final[Mapping[str, str]] = {
    "vehicle": "vehicle",
    "place": "place",
    "weather": "weather",
    "event": "wild",
    "abstract": "pattern",
    "shape": "pattern",
}
"""What a word of the lists of subjects asks for, by its kind."""
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
    "vintage": frozenset({"rough", "lit", "tinted"}),
    "noir": frozenset({"grey", "lit", "tinted"}),
    "horror": frozenset({"ugly", "lit", "tinted"}),
    "fantasy": frozenset({"colourful", "lit", "tinted"}),
    "scifi": frozenset({"colourful", "lit", "tinted"}),
    "dramatic": frozenset({"lit"}),
    "dreamy": frozenset({"blurred", "lit", "tinted"}),
}
"""What a style asks for beside its words; a look that comes with a light of its own is lit."""


def asked_in(analysis: PromptAnalysis) -> frozenset[str]:
    """Return the names of what a prompt asks for, by its words and by what was found in it."""
    return named_in(without_denied(read(analysis.text)), _language(analysis)) | _found(analysis)


def spoken_of(analysis: PromptAnalysis) -> frozenset[str]:
    """Return the names of what a prompt speaks of: what it asks for, what it does not want, and what is shown."""
    kinds = {kind for part in find_parts(read(analysis.text)) for kind in part.hit.kinds}
    shown = {name for kind, name in _KINDS.items() if kind in kinds}
    return named_in(analysis.text, _language(analysis)) | _found(analysis) | shown


def _language(analysis: PromptAnalysis) -> str:
    return analysis.language if analysis.confidence.get("language", 1.0) >= SURE_LANGUAGE else ""


def _found(analysis: PromptAnalysis) -> frozenset[str]:
    found: set[str] = set()
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
    """Return the names of what the words of a text ask for.

    Args:
        language: ISO 639-1; empty: any.
    """
    return names_in(alike(text, language), _wordings(language))


@lru_cache(maxsize=4096)
def forbids(piece: str) -> frozenset[str]:
    """Return the names of what a piece of a negative prompt, in English or Chinese, forbids.

    >>> sorted(forbids("still frame"))
    ['letterboxed', 'still']
    """
    own = {name for name, entry in _table().items() if piece.casefold() in map(str.casefold, entry.get("pieces", ()))}
    return named_in(piece, "en") - _against() | own


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
    return {name: entry for file in DATA for name, entry in _read(file).items()}


@cache
def _against() -> frozenset[str]:
    return frozenset(_read(DATA[-1]))


@cache
def _read(file: Path) -> Mapping[str, Any]:
    return tomllib.loads(file.read_text(encoding="utf-8"))


@cache
def _wordings(language: str) -> Wordings:
    spoken = {"en", language, _ALL}
    return wordings(
        ((alike(word, language), name) for name, entry in _table().items() for word in _words(entry["words"], spoken)),
    )


def _words(listed: str, spoken: set[str]) -> Iterator[str]:
    language = ""
    for word in listed.split():
        if word.endswith(":"):
            language = word[:-1]
        elif language in spoken or "" in spoken:
            yield word
