"""What a prompt says it does not want, left out of its text: ``no text, an empty street`` asks for a street."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from comfy_headless.ai.reading import UNSPACED, WORD, Reading, Span
from comfy_headless.ai.video.phrases import Match, find_phrases

_BEHIND: Final = 3
"""Words that a "no" before them takes back, in its clause: "no text or logo"."""
_BEFORE: Final = 2
"""Words that a "not wanted" behind them takes back."""
_SIGNS: Final = 4
"""The same in scripts without spaces; a "no" of one sign takes back two, since it may be part of a word."""
_UNSPACED: Final = re.compile(f"[{UNSPACED}]")
_FAR: Final = 100
"""Characters that are looked at; it keeps the time linear."""


def without_denied(reading: Reading) -> str:
    """Return the folded text of a prompt, with blanks in place of what is said not to be there.

    >>> from comfy_headless.ai.reading import read
    >>> without_denied(read("no people at all, a street")).split()
    ['no', ',', 'a', 'street']
    """
    signs = [*reading.whole]
    for start, end in _denied(reading):
        signs[start:end] = " " * (end - start)
    return "".join(signs)


def _denied(reading: Reading) -> Iterator[Span]:
    phrases = find_phrases(reading)
    for match in phrases.of("not.before"):
        end = min(reading.clauses[match.clause].end, match.end + _FAR)
        words = [(found.start(), found.end()) for found in WORD.finditer(reading.text, match.end, end)]
        if words:
            last = words[:_BEHIND][-1][1]
            yield Span(match.end, min(last, match.end + _reach(reading, match)))
    for match in phrases.of("not.after"):
        start = max(reading.clauses[match.clause].start, match.start - _FAR)
        words = [(found.start(), found.end()) for found in WORD.finditer(reading.text, start, match.start)]
        if words:
            first = words[-_BEFORE:][0][0]
            yield Span(max(first, match.start - _reach(reading, match)), match.start)


def _reach(reading: Reading, match: Match) -> int:
    """How many characters a denial takes back at most."""
    own = reading.text[match.start : match.end]
    if not _UNSPACED.search(own):
        return len(reading.text)
    return _SIGNS if len(own) > 1 else 2
