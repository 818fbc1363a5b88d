"""What a prompt shows, in the prompt's own words."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from comfy_headless.ai.inflection import INFLECTIONS, Inflection
from comfy_headless.ai.reading import Found, Reading
from comfy_headless.ai.subject_hits import Hit, find_hits
from comfy_headless.ai.subject_roles import Part
from comfy_headless.ai.subject_words import NOUNS, UNSPACED, VERBS

_STOPS: Final = frozenset({"preposition", "postposition", "negation", "command", "subject"})
"""Kinds of words that no name of a thing goes across; nor across a verb, unless it stands where adjectives do."""
_WORDS: Final = 5
"""Words on either side of the noun that belong to it, at most."""
_SIGNS: Final = 8
"""The same in characters, where scripts have no spaces."""


def find_subject(reading: Reading, parts: Sequence[Part]) -> Found[str | None]:
    """Return the words that name what is shown: the noun that the prompt is about, with what describes it."""
    head = next((part.hit for part in parts if part.head), None)
    if head is None:
        return Found(None, 0.5)
    start, end = _stretch(reading, head)
    return Found(reading.original(start, end), 0.8, (reading.span(start, end),))


def _stretch(reading: Reading, head: Hit) -> tuple[int, int]:
    hits = [hit for hit in find_hits(reading) if hit.clause == head.clause]
    place = next((at for at, hit in enumerate(hits) if hit.start == head.start), None)
    if place is None:
        return head.start, head.end
    how = INFLECTIONS.get(reading.language.code, Inflection())
    if reading.language.code in UNSPACED:
        return max(_after_last(hits[:place], reading.clauses[head.clause].start), head.start - _SIGNS), head.end
    if how.head_first:
        return _back(hits, place, 1, how), _onward(hits, place, how)
    return _back(hits, place, _WORDS, how), _named(hits, place)


def _after_last(hits: Sequence[Hit], start: int) -> int:
    return max((hit.end for hit in hits if not (_STOPS | VERBS).isdisjoint(hit.kinds)), default=start)


def _back(hits: Sequence[Hit], place: int, most: int, how: Inflection) -> int:
    """Where the words begin that stand before a noun and belong to it."""
    first = place
    while first > 0 and place - first < most and _belongs(hits, first - 1, how):
        first -= 1
    while first < place and " " in hits[first].text and NOUNS.isdisjoint(hits[first].kinds):
        first += 1  # a phrase of the camera, such as "close-up of"
    return hits[first].start


def _belongs(hits: Sequence[Hit], place: int, how: Inflection) -> bool:
    """Whether a word can stand before the noun that it belongs to; "bowl of", not "close-up of"."""
    kinds = hits[place].kinds
    if hits[place].text in how.of:
        return place > 0 and not NOUNS.isdisjoint(hits[place - 1].kinds)
    if not VERBS.isdisjoint(kinds):
        return all(NOUNS.isdisjoint(hit.kinds) for hit in hits[:place])
    return _STOPS.isdisjoint(kinds)


def _named(hits: Sequence[Hit], place: int) -> int:
    """Where a name of more than one word ends: "an elderly Japanese man"."""
    end = hits[place].end
    for before, hit in pairwise(hits[place : place + 3]):
        if hit.start - before.end > 1 or not (_STOPS | VERBS).isdisjoint(hit.kinds):
            break
        if not NOUNS.isdisjoint(set(hit.kinds) & set(hits[place].kinds)):
            end = hit.end
    return end


def _onward(hits: Sequence[Hit], place: int, how: Inflection) -> int:
    """Where the words end that stand behind a noun and belong to it."""
    last = place
    while last + 1 < len(hits) and last - place < _WORDS:
        following = hits[last + 1]
        if following.text not in how.of and not (_STOPS | VERBS).isdisjoint(following.kinds):
            break
        last += 1
    while last > place and hits[last].text in how.of:
        last -= 1
    return hits[last].end
