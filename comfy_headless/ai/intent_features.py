"""What is counted of a prompt to tell its intent: the same for every language.

The words that say what is shown count, and what is asked of the film: a close-up is of a face, seldom of a town.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Final

from comfy_headless.ai.reading import Reading
from comfy_headless.ai.subject_roles import SHOWN, Part
from comfy_headless.ai.subject_words import NOUNS, VERBS
from comfy_headless.ai.video.looking import VideoFields

_COUNTED: Final = SHOWN | {"doer"}
_FADING: Final = 0.85
"""Each word counts so much of the one before it: what is said first is what it is about."""
_BESIDE: Final = 0.5
_HEADS: Final = NOUNS | {"event", "abstract"}
"""Kinds that the word has that a prompt is about."""


def features(reading: Reading, parts: list[Part], film: VideoFields) -> dict[str, float]:
    """Return feature -> value; what is missing is 0."""
    counted: Counter[str] = Counter()
    early: defaultdict[str, float] = defaultdict(float)
    for order, part in enumerate(parts):
        for kind in _said(part):
            if kind in _COUNTED:
                counted[kind] += 1
                early[f"early {kind}"] += _FADING**order * (_BESIDE if part.depth else 1)
                if not part.place:
                    counted[f"first {kind}"] += 1
    found = {name: 1 - 0.5**count for name, count in counted.items()} | early
    if not parts:
        found["nothing"] = 1.0
        found["nothing, not a word" if not reading.words else "nothing, but words"] = 1.0
    found.update(_around_head(parts, counted))
    found.update(dict.fromkeys([*_again(parts), *_asked(film)], 1.0))
    found["always"] = 1.0
    return found


def _said(part: Part) -> Iterator[str]:
    """The kinds of a word; a noun such as ``boxer`` is no movement, it names somebody who may move."""
    names = not NOUNS.isdisjoint(part.hit.kinds)
    for kind in part.hit.kinds:
        yield "doer" if names and kind == "motion" else kind


def _again(parts: list[Part]) -> Iterator[str]:
    """What the noun is that is said most often, where one is said more than once."""
    nouns = Counter(part.hit.text for part in parts if not NOUNS.isdisjoint(part.hit.kinds))
    word, count = nouns.most_common(1)[0] if nouns else ("", 0)
    if count > 1:
        yield from (f"again {kind}" for part in parts if part.hit.text == word for kind in part.hit.kinds)


def _asked(film: VideoFields) -> Iterator[str]:
    """What is asked of the film."""
    if film.shot.value:
        yield f"shot {film.shot.value}"
    if film.pace.value != "normal":
        yield f"pace {film.pace.value}"
    if film.sound.value:
        yield "sound"
    yield from (f"camera {move}" for move in film.camera.value)


def _around_head(parts: list[Part], counted: Counter[str]) -> dict[str, float]:
    """What goes with the noun that the prompt is about."""
    head = next((part for part in parts if part.head), None)
    if head is None:
        return {}
    found: dict[str, float] = {}
    many = "many" if sum(counted[kind] for kind in NOUNS) > 6 else "few"
    for kind in _HEADS.intersection(head.hit.kinds):
        found[f"head {kind}"] = 1.0
        found[f"head {kind} {many}"] = 1.0
        for verb in VERBS:
            if counted[f"first {verb}"]:
                found[f"head {kind} {verb}"] = 1.0
        if counted["doer"]:
            found[f"head {kind} doer"] = 1.0
        if counted["body"] or counted["portrait"]:
            found[f"head {kind} looks"] = 1.0
    return found
