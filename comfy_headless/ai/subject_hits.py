"""The words of a prompt that tell what it is about, found in order.

Words of the prompt's language come first; a word that it lacks is looked up in English, whose words stand in prompts of
every language.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final, NamedTuple

from comfy_headless.ai.reading import Reading, Word
from comfy_headless.ai.subject_words import NOUNS, UNSPACED, VERBS, Kinds, Lexicon, lexicon_of

_EMOJI: Final = re.compile("[\u2600-\u27bf\U0001f300-\U0001faff]")
_KEPT: Final = 20_000
"""So many words are remembered with what they are, so that each form is worked out once."""
_BORROWED: Final = 5
"""Letters that a word must have to be taken for an English one: shorter ones mean other things elsewhere."""
_OTHER_SCRIPT: Final = frozenset("ru uk ar fa he hi zh ja ko th el".split())  # noqa: SIM905
_NAMED: Final = NOUNS | VERBS
_FAR: Final = 100
"""Characters before a word that are looked at; it keeps the time linear."""
_ENDS: Final = ".!?:;\"'“”„«([{|\n-–—•*#>"


class Hit(NamedTuple):
    """A word or phrase of the prompt.

    Args:
        text: its letters.
        kinds: of its word list; empty for a word that no list has.
        start: position in `Reading.text`.
        clause: number of the clause.
    """

    text: str
    kinds: Kinds
    start: int
    end: int
    clause: int


def find_hits(reading: Reading) -> list[Hit]:
    """Return all words of the prompt, phrases in one piece, each with its kinds."""
    english = lexicon_of("en")
    assert english is not None, "the package brings English words"
    own = lexicon_of(reading.language.code) or english
    lexicons = (own,) if own is english else (own, english)
    hits: list[Hit] = []
    words = reading.words
    at = 0
    while at < len(words):
        word = words[at]
        if own.language in UNSPACED and not word.text.isascii():
            hits += _cut(word, own)
            at += 1
            continue
        taken, kinds = _longest(words, at, lexicons)
        if not kinds and _is_name(reading, word):
            kinds = ("name",)
        last = words[at + taken - 1]
        hits.append(Hit(reading.text[word.start : last.end], kinds, word.start, last.end, word.clause))
        if own.cases and not NOUNS.isdisjoint(kinds) and last.text not in own.words and last.text.endswith(own.cases):
            hits.append(Hit("", ("postposition",), last.end, last.end, word.clause))
        at += taken
    hits += _pictured(reading, english)
    return hits


def _is_name(reading: Reading, word: Word) -> bool:
    """Whether an unknown word may be a name: a capital letter inside of a sentence."""
    if reading.language.code == "de" or word.end - word.start < 3:
        return False
    written = reading.original(word.start, word.end)
    before = reading.text[max(word.start - _FAR, 0) : word.start].rstrip() if written[:1].isupper() else ""
    return bool(before) and before[-1] not in _ENDS and not reading.shouts


def _pictured(reading: Reading, english: Lexicon) -> Iterator[Hit]:
    """What emoji show, by their names in Unicode: the first thing that each of them names."""
    clause = len(reading.clauses)
    for match in _EMOJI.finditer(reading.text):
        names = unicodedata.name(match[0], "").casefold().replace("-", " ").split()
        for name in names:
            kinds = english.kinds(name) if name != "face" else ()
            if not _NAMED.isdisjoint(kinds):
                yield Hit(name, kinds, match.start(), match.end(), clause)
                break


def _longest(words: tuple[Word, ...], at: int, lexicons: tuple[Lexicon, ...]) -> tuple[int, Kinds]:
    """How many words belong together from here on, and their kinds."""
    for lexicon in lexicons:
        for rest, kinds in lexicon.phrases.get(words[at].text, ()):
            if at + len(rest) < len(words) and words[at + len(rest)].clause == words[at].clause and all(
                words[at + 1 + place].text == each
                or (place == len(rest) - 1 and _same(lexicon, words[at + 1 + place].text, each))
                for place, each in enumerate(rest)
            ):  # fmt: skip
                return len(rest) + 1, kinds
    word = words[at].text
    for lexicon in lexicons:
        if lexicon is not lexicons[0] and not _may_be_english(word, lexicons[0]):
            break
        if word not in lexicon.seen:
            if len(lexicon.seen) >= _KEPT:
                lexicon.seen.clear()
            lexicon.seen[word] = lexicon.kinds(word)
        if kinds := lexicon.seen[word]:
            return 1, kinds
    return 1, ()


def _may_be_english(word: str, own: Lexicon) -> bool:
    return (
        word.isascii() and word not in own.inflection.of and (len(word) >= _BORROWED or own.language in _OTHER_SCRIPT)
    )


def _same(lexicon: Lexicon, word: str, entry: str) -> bool:
    """Whether the last word of a phrase is that of an entry in another form."""
    if entry[-1] == "*":
        return word.startswith(entry[:-1])
    if word[:3] != entry[:3] or abs(len(word) - len(entry)) > 3:
        return False
    how = lexicon.inflection
    if how.both or how.open_end:
        return word[: len(entry) - 2] == entry[: len(entry) - 2] and len(entry) > 4
    return any(word == entry + ending for ending in how.endings if ending not in how.verbal) or any(
        word.endswith(old) and word[: -len(old)] + new == entry for old, new in how.turned if old not in how.verbal
    )


def _cut(word: Word, lexicon: Lexicon) -> Iterator[Hit]:
    """Cut a stretch without spaces into the longest words that are known, from left to right."""
    text, unknown, at = word.text, 0, 0
    while at < len(text):
        for end in range(min(len(text), at + lexicon.longest.get(text[at], 0)), at, -1):
            kinds = lexicon.words.get(text[at:end])
            if kinds:
                break
        else:
            at += 1
            continue
        if unknown < at:
            yield Hit(text[unknown:at], (), word.start + unknown, word.start + at, word.clause)
        yield Hit(text[at:end], kinds, word.start + at, word.start + end, word.clause)
        unknown = at = end
    if unknown < len(text):
        yield Hit(text[unknown:], (), word.start + unknown, word.end, word.clause)
