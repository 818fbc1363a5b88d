"""Which values of a field a prompt asks for: less what counts only in its context, and less what is denied."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Final, NamedTuple

from comfy_headless.ai.reading import WORD, Reading
from comfy_headless.ai.video.phrases import NOTHING, Match, Phrases

_FEW_WORDS: Final = 4
_FEW_CHARACTERS: Final = 9
"""What a clause has that says nothing else: "slow pan to the left"."""
_WORDS_BETWEEN: Final = 3
"""How far a denial reaches."""
_UNSPACED: Final = frozenset(("zh", "ja", "th"))


class Asked(NamedTuple):
    """What is asked for of one field, and what is denied, each in the order of the prompt."""

    wanted: Sequence[Match]
    denied: Sequence[Match]


def asked(reading: Reading, phrases: Phrases, field: str) -> Asked:
    """Return the phrases of ``field`` that count, and those that a "no" or "without" stands by."""
    hidden = [match for match in phrases.of(field) if match.value == NOTHING]
    context = {match.clause for match in phrases.of(f"{field}.context") if not _inside(match, hidden)}
    told = set(context)
    wanted: list[Match] = []
    denied: list[Match] = []
    for match in phrases.of(field):
        if match.value != NOTHING and _counts(reading, match, context, told):
            (denied if is_denied(reading, phrases, match) else wanted).append(match)
            told.add(match.clause)
    return Asked(wanted, denied)


def _inside(match: Match, others: Sequence[Match]) -> bool:
    """Whether a phrase is part of one of the others, which are in their order."""
    at = bisect_right(others, match.start, key=lambda each: each.start) - 1
    return at >= 0 and match.end <= others[at].end


def _counts(reading: Reading, match: Match, context: set[int], told: set[int]) -> bool:
    if _is_name(reading, match):
        return False
    if match.kind not in ("near", "alone") or match.clause in context:
        return True
    return _goes_on(reading, match, told) or (match.kind == "alone" and _alone(reading, match))


def _alone(reading: Reading, match: Match) -> bool:
    """Whether a match is nearly all of its clause."""
    clause = reading.text[slice(*reading.clauses[match.clause])].strip()
    if reading.language.code in _UNSPACED:
        return len(clause) <= _FEW_CHARACTERS
    return len(clause.split()) <= _FEW_WORDS


def _is_name(reading: Reading, match: Match) -> bool:
    """Whether a word is written as a name, in a text that does not write all words so: "our cat Zoom"."""
    if reading.language.code == "de" or match.field != "camera" or " " in reading.text[match.start : match.end]:
        return False
    written = reading.original(match.start, match.end)
    before = reading.original(max(match.start - 30, 0), match.start).split()
    if not written.istitle() or not before or before[-1][-1] in ".!?:;,|-–—•。":
        return False
    return before[-1].islower()


def _goes_on(reading: Reading, match: Match, context: set[int]) -> bool:
    """Whether a clause goes on with what the one before is about: "the camera starts low, then rises"."""
    if match.clause - 1 not in context or match.clause == 0:
        return False
    start = reading.clauses[match.clause].start
    if reading.text[start - 1] not in ",，、،":
        return False
    before = reading.text[start : match.start]
    return len(before.split()) <= 2 and len(before) <= 16


def is_denied(reading: Reading, phrases: Phrases, match: Match) -> bool:
    """Whether a word of denial stands before or behind a phrase, in its clause and not far from it."""
    for before in phrases.around("not.before", match.start, match.start):
        stands = before.end <= match.start and before.clause == match.clause
        if stands and words_between(reading, before.end, match.start) <= _WORDS_BETWEEN:
            return True
    for after in phrases.around("not.after", match.end, match.end):
        stands = after.start >= match.end and after.clause == match.clause
        if stands and words_between(reading, match.end, after.start) <= 2:
            return True
    return False


def words_between(reading: Reading, start: int, end: int) -> int:
    """Return how many words stand between two places; two characters are one where scripts have no spaces."""
    between = reading.text[start:end]
    if reading.language.code in _UNSPACED:
        return len(between.strip()) // 2
    return len(WORD.findall(between))
