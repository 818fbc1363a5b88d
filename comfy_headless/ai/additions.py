"""What a prompt may gain: ``additions.toml``; only what it says nothing of, and what nothing in it speaks against."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from comfy_headless.ai.analysis import PromptAnalysis
from comfy_headless.ai.target import Target

DATA: Final = Path(__file__).with_name("additions.toml")

WORDS_OF_PARTS: Final[Mapping[str, str]] = {
    "motion": "how things move",
    "shot": "the size of the picture",
    "camera": "the camera",
    "light": "the light",
    "colour": "colours",
    "sound": "sound",
    "quality": "details",
}
"""What each part is about, in words."""


_SURE: Final = 0.5
"""How sure an intent must be for what fits it alone."""
_ANY: Final = 5
"""Of how many intents an addition fits a prompt whose intent is not sure."""


_BESIDE_IMAGES: Final = (None, frozenset({"motion", "camera", "sound"}), frozenset({"motion", "sound"}))
"""What can be said beside so many images, which show the rest; two of them show how the camera moves."""


class Addition(NamedTuple):
    """A piece that a prompt gains.

    Args:
        part: what it is about, as in a preset's ``order``.
    """

    part: str
    text: str


def additions_for(analysis: PromptAnalysis, target: Target, spoken: Collection[str]) -> Iterator[Addition]:
    """Yield what a prompt lacks, in the order of the target; nothing where its language has no pieces.

    Args:
        spoken: names of what it speaks of, as `spoken_of` finds them.
    """
    form = "phrase" if target.form == "phrases" else "sentence"
    free = _BESIDE_IMAGES[min(target.images, 2)]
    for part in target.order:
        if _is_said(analysis, part) or (free is not None and part not in free):
            continue
        for entry in _table():
            if entry["part"] == part and _fits(entry, analysis, target, spoken):
                text = entry.get(form, {}).get(analysis.language)
                if text is not None:
                    yield Addition(part, text)
                    break


def languages() -> frozenset[str]:
    """Return the languages that there are pieces in."""
    return frozenset(language for entry in _table() for language in entry["sentence"])


def _is_said(analysis: PromptAnalysis, part: str) -> bool:
    match part:
        case "motion":
            return bool(analysis.motion) or analysis.pace != "normal"
        case "shot":
            return analysis.shot is not None or not analysis.camera.isdisjoint({"aerial", "pov"})
        case "camera":
            return bool(analysis.camera) or analysis.pace in ("timelapse", "fast")
        case "light":
            return bool(analysis.lighting)
        case "sound":
            return analysis.sound
        case _:
            return False


def _fits(entry: Mapping[str, Any], analysis: PromptAnalysis, target: Target, spoken: Collection[str]) -> bool:
    unless: Sequence[str] = entry.get("unless", ())
    intents: Sequence[str] = entry["intents"]
    sure = analysis.confidence.get("intent", 1.0) >= _SURE
    return (
        entry.get("makes", target.makes) == target.makes
        and (analysis.intent in intents if sure else len(intents) >= _ANY)
        and not any(name in spoken for name in unless)
        and all(name in spoken for name in entry.get("only", ()))
        and (entry["part"] != "sound" or target.sound)
    )


@cache
def _table() -> tuple[Mapping[str, Any], ...]:
    return tuple(tomllib.loads(DATA.read_text(encoding="utf-8"))["addition"])
