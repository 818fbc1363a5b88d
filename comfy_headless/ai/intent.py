"""What a prompt is about: a person, an animal, a thing, a place, something that happens, or nothing that has a name.

The words that say so are found with the parts they play (`subject_roles`), counted together with what is asked of the
film (`intent_features`), and weighed.
The weights are the same for all languages; ``python -m benchmarks.fit_intent`` makes them from the labelled prompts.
"""

from __future__ import annotations

import json
import math
from functools import cache
from importlib.resources import files
from typing import Final, get_args

from comfy_headless.ai.intent_features import features
from comfy_headless.ai.reading import Found, Reading, Span
from comfy_headless.ai.subject_roles import Part, find_parts
from comfy_headless.ai.video.looking import VideoFields, find_video_fields
from comfy_headless.catalog.intents import Intent

INTENTS: Final[tuple[Intent, ...]] = get_args(Intent)
TELLING: Final[dict[Intent, frozenset[str]]] = {
    "portrait": frozenset({"person", "portrait", "body", "name"}),
    "animal": frozenset({"animal"}),
    "object": frozenset({"food", "vehicle", "thing", "product"}),
    "scene": frozenset({"place", "weather", "scene"}),
    "action": frozenset({"event", "motion"}),
    "abstract": frozenset({"abstract", "shape"}),
}
"""The kinds of words that speak for each intent."""
_GUESSED: Final = 0.2
"""How sure an intent is at most that no known word speaks for or against."""
Weights = dict[str, tuple[float, ...]]


def find_intent(reading: Reading, parts: list[Part] | None = None, film: VideoFields | None = None) -> Found[Intent]:
    """Return the intent of a prompt; the spans are those of the words that speak for it.

    Args:
        parts: what `find_parts` has found, where that is there already.
        film: what `find_video_fields` has found, where that is there already.
    """
    film = find_video_fields(reading) if film is None else film
    parts = find_parts(reading, film) if parts is None else parts
    chances = weigh(features(reading, parts, film), weights())
    best = max(range(len(INTENTS)), key=chances.__getitem__)
    telling = TELLING[INTENTS[best]]
    spans = [reading.span(part.hit.start, part.hit.end) for part in parts if not telling.isdisjoint(part.hit.kinds)]
    known = any(part.hit.kinds != ("name",) for part in parts)
    return Found(INTENTS[best], chances[best] if known else min(chances[best], _GUESSED), tuple(spans))


def find_head(reading: Reading, parts: list[Part] | None = None) -> Span | None:
    """Return where the noun stands that the prompt is about, None where none was found.

    Args:
        parts: what `find_parts` has found, where that is there already.
    """
    parts = find_parts(reading) if parts is None else parts
    head = next((part.hit for part in parts if part.head), None)
    return None if head is None else reading.span(head.start, head.end)


def weigh(found: dict[str, float], weighed: Weights) -> list[float]:
    """Return how likely each intent is; together they are 1."""
    scores = [0.0] * len(INTENTS)
    for name, value in found.items():
        for place, weight in enumerate(weighed.get(name, ())):
            scores[place] += value * weight
    most = max(scores)
    likely = [math.exp(score - most) for score in scores]
    return [each / sum(likely) for each in likely]


@cache
def weights() -> Weights:
    """Return the weights: feature -> one number for each intent."""
    text = files("comfy_headless.ai").joinpath("words", "intent.json").read_text(encoding="utf-8")
    return {name: tuple(row) for name, row in json.loads(text).items()}
