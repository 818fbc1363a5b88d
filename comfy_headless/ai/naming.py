"""Proper names: which word is one although it begins a sentence, and whether a text still has one.

A word at the beginning has its capital anyway. In English it is a name where the vocabularies of text encoders know it
with a capital rather than without; in other languages where no list has it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final, NamedTuple

from comfy_headless.ai.language import is_frequent
from comfy_headless.ai.subject_words import UNSPACED, lexicon_of
from comfy_headless.ai.tokens import table

_INFLECTED: Final = {"ru": 2, "uk": 2, "pl": 2, "cs": 2, "el": 2, "ro": 2, "fi": 5, "hu": 4, "tr": 4}
"""Languages whose names have cases -> letters of their endings: what is before is in every form."""
_LENGTHENED: Final = frozenset({"de", "nl", "sv", "da", "no"})
"""Languages whose names, or nouns with a capital, get endings put behind them."""
_STEM: Final = 4
"""Letters that two forms of a name share at least."""
_ENDING: Final = 3
"""Letters that an ending has at most."""
_APOSTROPHES: Final = re.compile(r"['’ʼ]")


def begins_with_name(word: str, language: str) -> bool:
    """Return whether a word that begins a sentence is a name.

    >>> [word for word in ("Fluffy", "Godzilla", "Running", "Anna") if begins_with_name(word, "en")]
    ['Godzilla', 'Anna']
    """
    small, words = word.lower(), lexicon_of(language)
    if words is None or language in UNSPACED or not word.isalpha():
        return False
    if language != "en":
        return not words.kinds(small) and not is_frequent(small, language)
    plain, named = table().rows.get(small), table().rows.get(word)
    if plain is None:
        return named is not None or not words.kinds(small)
    return named is not None and named.space + named.first < plain.space + plain.first


def bare_name(word: str, language: str) -> str:
    """Return a word without the ending that stands behind an apostrophe: ``Anna's``, ``Ankara'da``."""
    return _APOSTROPHES.split(word)[0] if language == "tr" else re.sub(r"['’]s$", "", word)


class Written(NamedTuple):
    """The words of a text, ready for names to be looked up.

    Args:
        words: without case and marks, and their parts.
        names: those with a capital.
        beginnings: of those with a capital.
        scripts: the alphabets they are written in.
    """

    words: frozenset[str]
    names: frozenset[str]
    beginnings: frozenset[str]
    scripts: frozenset[str]

    def has(self, name: str, language: str, into: str) -> bool:
        """Return whether a name stands there, in another form perhaps, as in ``Анны``.

        Args:
            language: that the name comes from.
            into: that of the text. A name in another alphabet may have any form.
        """
        wanted = plain_name(name)
        if wanted in self.words or (language != into and _script(wanted) not in self.scripts):
            return True
        if {language, into} & _INFLECTED.keys():
            wanted = plain_name(_APOSTROPHES.split(name)[0])
            ending = max(_INFLECTED.get(each, 0) for each in (language, into))
            return wanted[: max(_STEM, len(wanted) - ending) if len(wanted) > _STEM else _STEM - 1] in self.beginnings
        if {language, into} & _LENGTHENED:
            shorter = {wanted[:length] for length in range(max(_STEM, len(wanted) - _ENDING), len(wanted))}
            return wanted in self.beginnings or not shorter.isdisjoint(self.names)
        return False


def written(words: Iterable[str]) -> Written:
    """Return the words of a text, ready for names to be looked up."""
    found = set(words)
    plain = {plain_name(word) for word in found}
    parts = {plain_name(part) for word in found for part in re.split(r"['’ʼ-]", word) if len(part) > 1}
    names = {plain_name(part) for word in found if word[0].isupper() for part in (word, _APOSTROPHES.split(word)[0])}
    beginnings = {
        name[:length] for name in names for length in range(max(_STEM - 1, len(name) - _ENDING - 2), len(name) + 1)
    }
    scripts = frozenset(_script(word) for word in plain if word)
    return Written(frozenset(plain | parts), frozenset(names), frozenset(beginnings), scripts)


def plain_name(word: str) -> str:
    """Return a word without case and marks: ``Zürich`` and ``ZURICH`` are one."""
    parts = unicodedata.normalize("NFKD", word.casefold())
    return re.sub(r"['’]s$", "", "".join(char for char in parts if not unicodedata.combining(char)))


def _script(word: str) -> str:
    return unicodedata.name(word[0], "?").partition(" ")[0]
