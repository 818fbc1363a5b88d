"""Texts in quotation marks, in the marks of all languages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

_SPACELESS: Final = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
"""Scripts that put a quotation mark right behind a letter: Thai, Lao, Burmese, Khmer, kana, Han, Hangul."""
_JOINED: Final = "\u0590-\u05ff\u0600-\u06ff"
"""Hebrew and Arabic, whose short words are written together with the next one, and so with its mark."""
_BEFORE: Final = rf"(?:(?<![^\W_])|(?<=[{_SPACELESS}{_JOINED}]))"
_AFTER: Final = rf"(?:(?![^\W_])|(?=[{_SPACELESS}]))"
_PAIRS: Final = (
    "“”",
    "„“",
    "„”",
    "””",
    "‘’",
    "‚‘",
    "‚’",
    "«»",
    "»«",
    "‹›",
    "›‹",
    "「」",
    "『』",
    "《》",
    "〈〉",
    "〝〞",
    "〝〟",
)
_OPENERS: Final = re.compile(
    rf"[“„«「『《〈〝‹]|(?:(?<![^\W_])|(?<=[{_SPACELESS}]))[\"＂״](?!\s)|(?<!\w)[‘‚']"
    r"(?=\w\w)(?!(?:tis|twas|til|em|cause|round|bout|\d\ds?)\b)"
)
"""Marks that begin a quotation; no apostrophe, no inches."""
_CLOSERS: Final = "”“\"»«」』》〉〞〟›‹’‘'＂״"
_MOST: Final = 2000
"""Characters of a quoted text; a mark that is not closed until then is none."""


class Quoted(NamedTuple):
    """A text in quotation marks.

    Args:
        text: between the marks, without spaces around it.
        start: of the opening mark.
        end: behind the closing one.
    """

    text: str
    start: int
    end: int


def _marked(opening: str, closing: str) -> str:
    inside = rf"[^{opening}{closing}]{{1,{_MOST}}}?"
    if closing in "’'":  # it is an apostrophe too
        inside = rf"(?:[^{opening}{closing}\n]|(?<=\w)[{closing}](?=\w)){{1,{_MOST}}}?"
        return rf"{_BEFORE}{opening}({inside}){closing}{_AFTER}"
    return rf"{opening}({inside}){closing}"


_FOUND: Final = tuple(
    re.compile(pattern)
    for pattern in (
        *(_marked(*pair) for pair in _PAIRS),
        _marked("'", "'"),
        rf'{_BEFORE}"([^"]{{1,{_MOST}}}?)"{_AFTER}',
        rf"＂([^＂]{{1,{_MOST}}}?)＂",
        rf"{_BEFORE}״([^״]{{1,{_MOST}}}?)״{_AFTER}",
    )
)


def find_quoted(text: str) -> tuple[Quoted, ...]:
    """Return the texts in quotation marks, in their order; one inside another is found too.

    >>> [found.text for found in find_quoted("Ein Schild „Geöffnet“, and it's Anna's 'best' day")]
    ['Geöffnet', 'best']
    """
    found = {each for pattern in _FOUND for each in _places(pattern, text)}
    return tuple(sorted(found, key=lambda each: (each.start, -each.end)))


def ends_open(text: str) -> bool:
    """Return whether a text ends inside of a quotation whose mark was never closed.

    >>> ends_open('a sign that says "OPEN'), ends_open('a "5 cm" cube'), ends_open("it's Anna's")
    (True, False, False)
    """
    opened = max((match.start() for match in _OPENERS.finditer(text)), default=-1)
    if opened < 0 or any(opened < text.rfind(mark) for mark in _CLOSERS):
        return False
    return opened >= max((each.end for each in find_quoted(text)), default=0)


def _places(pattern: re.Pattern[str], text: str) -> Iterator[Quoted]:
    for match in pattern.finditer(text):
        if match[1].strip():
            yield Quoted(match[1].strip(), match.start(), match.end())
