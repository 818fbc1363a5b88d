"""Phrases: the words of one language for all fields, and where they stand in a prompt.

A file of words (``ai/words/video/<language>.toml``) has a table per field. ``sure`` holds, by value, phrases that
decide alone, ``near`` phrases that count in a clause with a word of ``context``, ``alone`` phrases that count there
and where they are nearly all of a clause. The value ``nothing`` is for phrases that mean something else: where several
match at one place, the longest is taken, so that "frying pan" hides "pan".

An entry is a phrase of words; ``a/b`` in place of a word is either, ``word*`` also a longer word that begins with it,
``*word`` one that ends with it. In scripts without spaces an entry is a substring.
"""

from __future__ import annotations

import itertools
import re
import tomllib
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from comfy_headless.ai.folding import fold
from comfy_headless.ai.reading import UNSPACED, WORD, Reading, Word

FOLDER: Final = Path(__file__).resolve().parents[1] / "words"
COMMON: Final = "common"
"""The words that prompts in every language use."""
NOTHING: Final = "nothing"
SURE: Final = "sure"
_ENTRY: Final = re.compile(r"[^,\n]+")
_UNSPACED: Final = re.compile(f"[{UNSPACED}]")
_REACH: Final = 60
"""Characters that a word of context is looked for in; it keeps the time linear."""
# Letters that Arabic and Hebrew write together with the next word: and, the, in, to, as, from.
_PREFIXES: Final = {
    "ar": ("وال", "بال", "فال", "كال", "لل", "ال", "و", "ب", "ل", "ف", "ك"),
    "he": ("וה", "של", "ה", "ו", "ב", "ל", "מ", "ש", "כ"),
}


class Match(NamedTuple):
    """A phrase of a field, found in a prompt.

    Args:
        kind: ``sure`` decides alone, ``near`` and ``alone`` do not; for other lists their name.
        start, end: its place in `Reading.text`.
        clause: number of its clause.
    """

    field: str
    value: str
    kind: str
    start: int
    end: int
    clause: int


def _start(match: Match) -> int:
    return match.start


@dataclass(frozen=True, slots=True)
class Phrases:
    """The phrases found in a prompt, by field and in their order."""

    by_field: Mapping[str, Sequence[Match]]

    def of(self, field: str) -> Sequence[Match]:
        """Return those of a field."""
        return self.by_field.get(field, ())

    def around(self, field: str, start: int, end: int, reach: int = _REACH) -> Sequence[Match]:
        """Return those of a field that begin at most ``reach`` characters from a place."""
        found = self.of(field)
        first = bisect_left(found, start - reach, key=_start)
        return found[first : bisect_right(found, end + reach, first, key=_start)]


class _Phrase(NamedTuple):
    field: str
    value: str
    kind: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The phrases of one language.

    Args:
        language: ISO 639-1, or ``common``.
        exact: phrases by their first word.
        pairs: phrases by their first two, since hundreds may begin with one such as "camera".
        stems: phrases by the beginning of their first word.
        endings: phrases by the end of their first word.
        substrings: phrases of scripts without spaces.
        data: the file.
        stem_lengths, ending_lengths: how long those are.
    """

    language: str
    exact: Mapping[str, Sequence[_Phrase]]
    pairs: Mapping[tuple[str, str], Sequence[_Phrase]]
    stems: Mapping[str, Sequence[_Phrase]]
    endings: Mapping[str, Sequence[_Phrase]]
    substrings: Mapping[str, Sequence[_Phrase]]
    data: Mapping[str, Any]
    stem_lengths: Sequence[int]
    ending_lengths: Sequence[int]


@cache
def lexicon(language: str, folder: str = "video") -> Lexicon | None:
    """Return the phrases of a language in a folder of words; None where there is no file of it."""
    path = FOLDER / folder / f"{language}.toml"
    if not path.exists():
        return None
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    exact: dict[str, list[_Phrase]] = defaultdict(list)
    pairs: dict[tuple[str, str], list[_Phrase]] = defaultdict(list)
    stems: dict[str, list[_Phrase]] = defaultdict(list)
    endings: dict[str, list[_Phrase]] = defaultdict(list)
    substrings: dict[str, list[_Phrase]] = defaultdict(list)
    for phrase in _phrases(data, language):
        first = phrase.words[0]
        if len(phrase.words) == 1 and _UNSPACED.search(first):
            substrings[first].append(phrase)
        elif first.endswith("*"):
            stems[first[:-1]].append(phrase)
        elif first.startswith("*"):
            endings[first[1:]].append(phrase)
        elif len(phrase.words) > 1 and "*" not in phrase.words[1]:
            pairs[first, phrase.words[1]].append(phrase)
        else:
            exact[first].append(phrase)
    return Lexicon(
        language=language,
        exact=dict(exact),
        pairs=dict(pairs),
        stems=dict(stems),
        endings=dict(endings),
        substrings=dict(substrings),
        data=data,
        stem_lengths=sorted({len(stem) for stem in stems}),
        ending_lengths=sorted({len(ending) for ending in endings}),
    )


def _phrases(data: Mapping[str, Any], language: str) -> Iterator[_Phrase]:
    for field, table in data.items():
        for key, value in table.items():
            if field == "numbers":
                continue
            # A list that is no value of the field, such as its context, is a field of its own.
            groups = value if isinstance(value, dict) else {"": value}
            for name, entries in groups.items():
                for words in entries_of(entries, language):
                    yield _Phrase(field if name else f"{field}.{key}", name, key, words)


def entries_of(listed: str, language: str) -> Iterator[tuple[str, ...]]:
    """Return the entries of a list, folded and cut into words as prompts are."""
    for match in _ENTRY.finditer(listed):
        entry = fold(match[0].strip(), language)
        if not entry:
            continue
        if _UNSPACED.search(entry):
            yield (entry,)
            continue
        for pieces in itertools.product(*(piece.split("/") for piece in entry.split())):
            yield tuple(itertools.chain.from_iterable(map(_cut, pieces)))


def _cut(piece: str) -> list[str]:
    """One piece of an entry as words; the stars stay with the first or the last of them."""
    words = [match[0] for match in WORD.finditer(piece)]
    if piece.endswith("*"):
        words[-1] += "*"
    if piece.startswith("*"):
        words[0] = "*" + words[0]
    return words


def find_phrases(reading: Reading, folder: str = "video") -> Phrases:
    """Return the phrases of the prompt's language, and those that all languages use, in their order."""
    found: list[Match] = []
    for name in (COMMON, reading.language.code):
        if words := lexicon(name, folder):
            found += _spaced(reading, words)
            found += _substrings(reading, words)
    by_field: dict[str, list[Match]] = defaultdict(list)
    for match in _longest(found):
        by_field[match.field].append(match)
    return Phrases(by_field)


def _spaced(reading: Reading, lexicon: Lexicon) -> Iterator[Match]:
    words = reading.words
    prefixes = _PREFIXES.get(lexicon.language, ())
    forms = [_forms(word.text, prefixes) for word in words]
    forms.append(())
    for index, word in enumerate(words):
        for form in forms[index]:
            for phrase in _candidates(form, forms[index + 1], lexicon):
                if end := _matched(phrase.words, words, index, forms):
                    yield Match(phrase.field, phrase.value, phrase.kind, word.start, end.end, word.clause)


def _forms(text: str, prefixes: Iterable[str]) -> tuple[str, ...]:
    """A word, and what it is without letters that are written together with it."""
    bare = [text[len(prefix) :] for prefix in prefixes if text.startswith(prefix) and len(text) > len(prefix) + 1]
    return (text, *bare)


def _candidates(text: str, following: Iterable[str], lexicon: Lexicon) -> Iterator[_Phrase]:
    yield from lexicon.exact.get(text, ())
    for each in following:
        yield from lexicon.pairs.get((text, each), ())
    for length in lexicon.stem_lengths:
        if length <= len(text) and (found := text[:length]) in lexicon.stems:
            yield from lexicon.stems[found]
    for length in lexicon.ending_lengths:
        if length <= len(text) and (found := text[-length:]) in lexicon.endings:
            yield from lexicon.endings[found]


def _matched(pattern: Sequence[str], words: Sequence[Word], index: int, forms: Sequence[Sequence[str]]) -> Word | None:
    """The last word of a phrase that begins at ``index``, where it stands there and in one clause."""
    last = index + len(pattern) - 1
    if last >= len(words) or words[last].clause != words[index].clause:
        return None
    for at, wanted in enumerate(pattern[1:], index + 1):
        if not any(_same(wanted, form) for form in forms[at]):
            return None
    return words[last]


def _same(wanted: str, text: str) -> bool:
    if wanted.endswith("*"):
        return text.startswith(wanted[:-1])
    if wanted.startswith("*"):
        return text.endswith(wanted[1:])
    return wanted == text


def _substrings(reading: Reading, lexicon: Lexicon) -> Iterator[Match]:
    text = reading.text
    for piece, phrases in lexicon.substrings.items():
        start = text.find(piece)
        while start >= 0:
            for phrase in phrases:
                yield Match(
                    phrase.field, phrase.value, phrase.kind, start, start + len(piece), reading.clause_at(start)
                )
            start = text.find(piece, start + len(piece))


def _longest(found: list[Match]) -> list[Match]:
    """Of the matches of one field that overlap, the first and longest; a later one that says more about it instead."""
    kept: list[Match] = []
    last: dict[str, int] = {}
    for match in sorted(found, key=lambda each: (each.start, -each.end, each.kind != SURE)):
        field = "not" if match.field.startswith("not.") else match.field  # "free of" is no "free"
        at = last.get(field, -1)
        if at < 0 or match.start >= kept[at].end:
            last[field] = len(kept)
            kept.append(match)
        elif _says_more(match, kept[at]):
            if _kin(match.value) == _kin(kept[at].value):  # "camera zooms" and "zooms out"
                kept[at] = match
            else:  # "handheld camera" and "camera running with them"
                last[field] = len(kept)
                kept.append(match)
    return kept


def _says_more(match: Match, before: Match) -> bool:
    moves = match.field == "camera" and match.kind == SURE
    return moves and match.end > before.end and NOTHING not in (match.value, before.value)


def _kin(value: str) -> str:
    """What two directions of one movement share."""
    return "pan" if value == "tilt" else value.split("_")[0]
