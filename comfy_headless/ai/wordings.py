"""Lists of words that stand for names, made so that a text is looked through once for all of them.

A ``*`` behind a word ends a stem, one before it begins the end of a compound; a ``-`` stands for a space, or for
nothing. Of scripts without spaces any place in a text counts; Arabic words have articles and endings written to them.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from comfy_headless.ai.reading import UNSPACED, WORD

_UNSPACED: Final = re.compile(f"[{UNSPACED}]")
_HANGUL: Final = re.compile("[\uac00-\ud7af]")
_ARABIC: Final = re.compile("[\u0600-\u06ff]")
_BEFORE: Final = re.compile("[وفبلك]?ال|لل|[وبلفك]")
_BEHIND: Final = re.compile("(?:[هةي]|ات|ان|ين|ون)$")
_SHORTEST: Final = 2
"""Letters that an Arabic word has at least without what is written to it."""
_LONGEST: Final = 4
"""Words of the longest phrase."""
_LONG: Final = 40
"""Letters of the longest word that can be one of a list."""

_KINDS: Final = ("whole", "stems", "ends", "inside", "signs")
Names = Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Wordings:
    """Words and the names that they stand for.

    Args:
        whole: words and phrases, with ``-`` between their words.
        stems: beginnings of those.
        ends: ends of words.
        inside: parts of words.
        signs: of scripts without spaces, what counts anywhere.
        first: words that phrases begin with.
        length: signs of the longest entry of ``signs``.
    """

    whole: Names
    stems: Names
    ends: Names
    inside: Names
    signs: Names
    first: frozenset[str]
    length: int


def wordings(words: Iterable[tuple[str, str]]) -> Wordings:
    """Return lists of words, each with its name, ready to be looked for; they must be folded as texts are."""
    tables: dict[str, dict[str, set[str]]] = {kind: defaultdict(set) for kind in _KINDS}
    first = set()
    for word, name in words:
        parts = WORD.findall(word)
        if _UNSPACED.search(word):
            tables["signs"][word.strip("*").replace("-", "")].add(name)
        elif word.startswith("*"):
            tables["inside" if word.endswith("*") else "ends"][word.strip("*")].add(name)
        else:
            table = tables["stems" if word.endswith("*") or _HANGUL.search(word) else "whole"]
            table["".join(parts)].add(name)
            if len(parts) > 1:
                table["-".join(parts)].add(name)
                first.add(parts[0])
    kept = {kind: {word: frozenset(names) for word, names in table.items()} for kind, table in tables.items()}
    return Wordings(**kept, first=frozenset(first), length=max(map(len, kept["signs"]), default=0))


def names_in(text: str, lists: Wordings) -> frozenset[str]:
    """Return the names that the words of a text stand for."""
    words = WORD.findall(text)
    found = {name for phrase in _phrases(words, lists.first) for name in _names(phrase, lists)}
    for word in set(words):
        if _UNSPACED.match(word):
            for start in range(len(word)):
                for end in range(start + 1, min(start + lists.length, len(word)) + 1):
                    found.update(lists.signs.get(word[start:end], ()))
            continue
        for form in _forms(word):
            found.update(_names(form, lists))
        for at in range(min(len(word), _LONG)):
            found.update(lists.ends.get(word[at:], ()))
    found.update(*(names for part, names in lists.inside.items() if part in text))
    return frozenset(found)


def _phrases(words: Sequence[str], first: Collection[str]) -> Iterator[str]:
    """Yield what can be a phrase."""
    for at, word in enumerate(words):
        if word in first:
            for end in range(at + 2, min(at + _LONGEST, len(words)) + 1):
                yield "-".join(words[at:end])


def _forms(word: str) -> Iterator[str]:
    """Yield a word, and of an Arabic one what it may be without what is written to it."""
    yield word
    if _ARABIC.match(word):
        for bare in {_BEFORE.sub("", word, count=1) if _BEFORE.match(word) else word, word}:
            for form in (bare, _BEHIND.sub("", bare)):
                if len(form) >= _SHORTEST:
                    yield form


def _names(word: str, lists: Wordings) -> Iterator[str]:
    yield from lists.whole.get(word, ())
    for end in range(1, min(len(word), _LONG) + 1):
        yield from lists.stems.get(word[:end], ())
