"""The seconds of film that a prompt asks for.

A number with a unit of time may be anything: an age, a countdown, an hour of the day. It is the film's where something
says so: a word such as "clip" or "long" beside it, or that it stands alone in its clause or first in its sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from comfy_headless.ai.reading import WORD, Found, Reading
from comfy_headless.ai.video.numbers import number_before
from comfy_headless.ai.video.phrases import Match, Phrases
from comfy_headless.ai.video.values import words_between

_UNITS: Final = {"duration.second": 1.0, "duration.minute": 60.0, "duration.hour": 3600.0}
_TIME: Final = r"\d{1,2}:\d{2}|\d{1,3}(?:\.\d{1,2})?"
_STRETCH: Final = re.compile(rf"(?<![\d:.,])({_TIME})\s?s?e?c?\s?(?:-|–|—|~|〜|to|至|到)\s?({_TIME})(?![\d:])")
_LIKELY: Final = 180.0
"""Seconds that are taken for the film's where nothing says whose they are."""
_BARE: Final = re.compile(r"[\"']?\s?[:=]\s?(\d{1,3}(?:\.\d{1,2})?)(?=\s*(?:$|[,;}\n|]))")
"""Seconds without their unit, as a list of settings has them: "duration: 8"."""
_YEARS: Final = re.compile(r"\d{3,4}s")
_DECADE: Final = re.compile(r"[2-9]0s")
_LONGEST: Final = 3600.0
_LINK: Final = 6
_SURE: Final = 0.95
_UNSAID: Final = 0.9


class _Length(NamedTuple):
    seconds: float
    start: int
    end: int
    clause: int
    hours: bool
    decade: bool


def find_duration(reading: Reading, phrases: Phrases) -> Found[float | None]:
    """Return how many seconds of film are asked for, None where nothing is said."""
    if stretches := _timeline(reading):
        return stretches
    asked: list[tuple[int, _Length]] = []
    for length in _lengths(reading, phrases):
        weight = _weight(reading, phrases, length)
        if weight > 0 and 0 < length.seconds <= _LONGEST:
            asked.append((weight, length))
    if not asked:
        return Found(None, _UNSAID)
    weight, length = max(asked, key=lambda each: each[0])
    return Found(length.seconds, _SURE if weight > 1 else 0.7, (reading.span(length.start, length.end),))


def _timeline(reading: Reading) -> Found[float | None] | None:
    """The end of a list of stretches that begins at zero: "0-3 s: ..., 3-6 s: ..."."""
    found = [(_clock(match[1]), _clock(match[2]), match) for match in _STRETCH.finditer(reading.text)]
    if len(found) < 2 or found[0][0] != 0:
        return None
    end = 0.0
    for start, stop, _ in found:
        if not (end <= start <= end + 1 and stop > start):
            return None
        end = stop
    return Found(end, _SURE, tuple(reading.span(match.start(), match.end()) for *_, match in found))


def _clock(written: str) -> float:
    minutes, _, seconds = written.rpartition(":")
    return float(minutes or 0) * 60 + float(seconds)


def _lengths(reading: Reading, phrases: Phrases) -> Iterator[_Length]:
    """Numbers with a unit of time, those that belong together as one: "1 minute 30 seconds"."""
    last: _Length | None = None
    for length in sorted(_single(reading, phrases), key=lambda each: (each.start, -each.end)):
        if last is None:
            last = length
        elif length.start < last.end:
            continue
        elif length.seconds < 60 <= last.seconds and length.start - last.end <= _LINK:
            last = length._replace(seconds=last.seconds + length.seconds, start=last.start)
        else:
            yield last
            last = length
    if last:
        yield last


def _single(reading: Reading, phrases: Phrases) -> Iterator[_Length]:
    for match in phrases.of("duration"):
        yield _Length(float(match.value), match.start, match.end, match.clause, False, False)
    for match in phrases.of("duration.sure"):
        if bare := _BARE.match(reading.text, match.end):
            yield _Length(float(bare[1]), match.start, bare.end(), match.clause, False, False)
    for field, factor in _UNITS.items():
        for match in phrases.of(field):
            if number := number_before(reading.text, match.start, reading.language.code):
                clause = reading.clause_at(number.start)
                written = reading.text[number.start : match.end]
                if _YEARS.fullmatch(written) or (written.endswith("分") and number.word):
                    continue
                decade = bool(_DECADE.fullmatch(written))
                yield _Length(round(number.value * factor, 3), number.start, match.end, clause, factor > 60, decade)


def _weight(reading: Reading, phrases: Phrases, length: _Length) -> int:
    """How much speaks for a length being that of the film; nothing: it is something else's."""

    def near(field: str) -> list[tuple[int, Match]]:
        """The phrases of a field in the clause, with the words between."""
        found = phrases.around(field, length.start, length.end)
        return [(_apart(reading, match, length), match) for match in found if match.clause == length.clause]

    sure = near("duration.sure")
    spoken_for = [
        *((apart, match) for apart, match in near("duration.not_before") if match.end <= length.start and apart <= 1),
        *((apart, match) for apart, match in near("duration.not_after") if match.start >= length.end and not apart),
        *((apart, match) for apart, match in near("not.before") if match.end <= length.start and apart <= 1),
    ]
    for _, match in spoken_for:
        if not any(each.start <= match.start and match.end <= each.end for _, each in sure):
            return 0
    if any(apart <= 2 for apart, _ in sure) or any(apart <= 3 for apart, _ in near("duration.video")):
        return 3
    if length.hours:
        return 0
    start, end = reading.clauses[length.clause]
    rest = reading.text[start : length.start] + " " + reading.text[length.end : max(end, length.end)]
    if length.decade:
        return 1 if not WORD.search(rest) and reading.text[start - 1 : start] != "(" else 0
    against = near("duration.against")
    if (
        not against and len(rest.strip()) <= 8 and len(WORD.findall(rest)) <= 1
    ):  # in this order: a clause may be very long
        return 2
    odd = length.seconds <= 1 or length.seconds % 0.5  # a moment, or what a stopwatch measured
    return 0 if odd or against or length.seconds > _LIKELY else 1


def _apart(reading: Reading, match: Match, length: _Length) -> int:
    if match.start >= length.end:
        return words_between(reading, length.end, match.start)
    return words_between(reading, match.end, length.start)
