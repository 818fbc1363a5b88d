"""The words that tell what a prompt is about, by language, from the files in words/subjects and words/structure.

Each file has one key a kind of word; its entries stand between commas and line ends. An entry with `*` at its end also
matches longer words that begin with it, one with `*` at its beginning words that end with it. A file is read when a
prompt in its language is looked at first, and kept.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Final, TypeVar

from comfy_headless.ai.folding import fold
from comfy_headless.ai.inflection import INFLECTIONS, Inflection
from comfy_headless.ai.reading import WORD

CONTENT: Final = (
    "person", "portrait", "body", "animal", "food", "vehicle", "thing", "product", "place", "weather", "scene", "event",
    "motion", "calm", "abstract", "shape",
)  # fmt: skip
"""Kinds of words that say what is shown.

person, animal, food, vehicle, thing, place: it is named. portrait, product, scene, abstract: words that say outright
what the prompt is. body: parts of a body and clothes. weather: and times of day. event: what alone makes an action;
motion: what does so with support; calm: what does not. shape: hints of something abstract.
"""
NOUNS: Final = frozenset({"person", "animal", "food", "vehicle", "thing", "place", "weather"})
"""Kinds that can be what a prompt is about."""
VERBS: Final = frozenset({"event", "motion", "calm"})
STRUCTURE: Final = ("skip", "preposition", "postposition", "subject", "negation", "command", "function")
"""Kinds of words that say how to take the others.

skip: is looked through: camera, quality, style. preposition, postposition: what they go with is not the subject.
subject: stands after the subject. negation: what goes with it is not shown. command: of orders to a machine.
function: articles, pronouns, auxiliary verbs; they show nothing, even where they are spelt like what does.
"""
UNSPACED: Final = frozenset({"zh", "ja", "th"})
"""Languages that put no spaces between words."""
_SHORTEST: Final = 3
_LONGEST: Final = 100
"""Letters of a word that is looked up; longer ones are noise, and looking at their parts would take seconds."""
_LONG: Final = 6
"""Letters of the end of a compound that may have an ending of its own."""
_PLAIN: Final = re.compile(r"[a-z]+|\d+")
"""`WORD` for plain letters, ten times as fast."""
Kinds = tuple[str, ...]
Key = TypeVar("Key")


@dataclass(slots=True)
class Lexicon:
    """The words of one language, ready to be looked up.

    Args:
        words: single words -> their kinds.
        stems: the same without their endings, for languages with cases.
        beginnings: of words, from entries with a ``*``.
        endings: of words.
        phrases: first word -> the words that follow, with the kinds; the longest first.
        cases: endings of nouns that are beside the subject.
        longest: first letter -> letters of the longest entry in ``words`` that begins with it.
    """

    language: str
    inflection: Inflection
    words: dict[str, Kinds] = field(default_factory=dict)
    stems: dict[str, Kinds] = field(default_factory=dict)
    beginnings: dict[str, Kinds] = field(default_factory=dict)
    endings: dict[str, Kinds] = field(default_factory=dict)
    phrases: dict[str, list[tuple[tuple[str, ...], Kinds]]] = field(default_factory=dict)
    cases: tuple[str, ...] = ()
    longest: dict[str, int] = field(default_factory=dict)
    seen: dict[str, Kinds] = field(default_factory=dict)

    def kinds(self, word: str) -> Kinds:
        """Return the kinds of one word, in any of its forms; empty where it is not known."""
        if len(word) > _LONGEST:
            return ()
        return self.words.get(word) or self._inflected(word) or self._part(word)

    def _inflected(self, word: str) -> Kinds:
        how = self.inflection
        for form in self._bare(word):
            if found := self.words.get(form):
                return found
            if how.both and (found := self.stems.get(form)):
                return found
            for ending in how.endings:
                stem = form[: -len(ending)]
                if len(stem) >= how.shortest and form.endswith(ending):
                    if (found := self.words.get(stem)) and (ending not in how.verbal or not NOUNS.issuperset(found)):
                        return found
                    if how.both and (found := self.stems.get(stem)):
                        return found
                    if ending in how.verbal and stem[-1] == stem[-2]:
                        found = self.words.get(stem[:-1], ())
                        if not NOUNS.issuperset(found):
                            return found
            for old, new in how.turned:
                if form.endswith(old) and len(form) > len(old) + 1:
                    found = self.words.get(form[: -len(old)] + new, ())
                    if found and (old not in how.verbal or not NOUNS.issuperset(found)):
                        return found
        return ()

    def _bare(self, word: str) -> Iterator[str]:
        """The word, and what is left of it without an article or the like."""
        yield word
        for leading in self.inflection.leading:
            if word.startswith(leading) and len(word) - len(leading) >= _SHORTEST - 1:
                yield word[len(leading) :]

    def _part(self, word: str) -> Kinds:
        """The kinds of a word by its end or its beginning."""
        how = self.inflection
        for start in range(1, len(word) - 1):
            end = word[start:]
            if found := self.endings.get(end):
                return found
            if how.compounds and start >= _SHORTEST and len(end) > _SHORTEST:
                found = self.words.get(end, ()) or (() if len(end) < _LONG else self._inflected(end))
                if found := tuple(kind for kind in found if kind not in STRUCTURE):
                    return found
        least = 2 if self.language == "ko" else 4
        for form in self._bare(word):
            for end_at in range(len(form), 0, -1):
                if found := self.beginnings.get(form[:end_at]):
                    return found
                if how.open_end and end_at >= least and (found := self.words.get(form[:end_at])):
                    return found
        return ()


def load(tables: Iterable[Mapping[str, str]], language: str) -> Lexicon:
    """Return words ready to be looked up, from tables of kind -> entries."""
    lexicon = Lexicon(language, INFLECTIONS.get(language, Inflection()))
    phrases: dict[tuple[str, ...], Kinds] = {}
    for table in tables:
        for kind, listed in table.items():
            for entry in fold(listed, language).replace("\n", ",").split(","):
                _add(lexicon, phrases, entry.strip(), kind)
    for word, kinds in lexicon.words.items():
        if "function" in kinds:
            lexicon.words[word] = tuple(kind for kind in kinds if kind in STRUCTURE)
    for words, kinds in sorted(phrases.items(), key=lambda each: -len(each[0])):
        lexicon.phrases.setdefault(words[0], []).append((words[1:], kinds))
    for word in lexicon.words if language in UNSPACED else ():
        lexicon.longest[word[0]] = max(len(word), lexicon.longest.get(word[0], 0))
    if lexicon.inflection.both:
        for word, kinds in lexicon.words.items():
            for stem in _stems(word, lexicon.inflection):
                lexicon.stems.setdefault(stem, kinds)
    return lexicon


def _add(lexicon: Lexicon, phrases: dict[tuple[str, ...], Kinds], entry: str, kind: str) -> None:
    if kind == "postposition" and entry[:1] == "*":
        lexicon.cases += (entry[1:],)
    elif len(entry) > 1 and entry[-1] == "*" and len(open_words := WORD.findall(entry)) > 1:
        _join(phrases, (*open_words[:-1], f"{open_words[-1]}*"), kind)
    elif len(entry) > 1 and entry[-1] == "*":
        _join(lexicon.beginnings, entry.strip("*"), kind)
    elif len(entry) > 1 and entry[0] == "*":
        _join(lexicon.endings, entry[1:], kind)
        _join(lexicon.words, entry[1:], kind)
    elif entry.isalpha():
        _join(lexicon.words, entry, kind)
    elif entry:
        words = tuple((_PLAIN if entry.isascii() else WORD).findall(entry))
        if len(words) > 1:
            _join(phrases, words, kind)
        elif words:
            _join(lexicon.words, words[0], kind)


def _join(table: dict[Key, Kinds], key: Key, kind: str) -> None:
    known = table.get(key, ())
    if kind not in known:
        table[key] = (*known, kind)


def _stems(word: str, how: Inflection) -> Iterator[str]:
    for ending in how.endings:
        if word.endswith(ending) and len(word) - len(ending) > how.shortest:
            yield word[: -len(ending)]


@cache
def lexicon_of(language: str) -> Lexicon | None:
    """Return the words of a language; None for one that has no file."""
    subjects, structure = (_table(folder, language) for folder in ("subjects", "structure"))
    return load((subjects, structure), language) if subjects else None


def _table(folder: str, language: str) -> dict[str, str]:
    file = files("comfy_headless.ai").joinpath("words", folder, f"{language}.toml")
    return tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
