"""What a text must keep when it is written anew: quoted texts, numbers, proper names, colours and counts in words.

Only what can be seen for sure is held. A name is seen by its capital letter, so in scripts without capitals there is
none; German gives every noun a capital, and there nouns without an article count as names. A word that begins a
sentence is one where no word list has it.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import chain, pairwise
from pathlib import Path
from typing import Any, Final, NamedTuple

from comfy_headless.ai.naming import bare_name, begins_with_name, written
from comfy_headless.ai.quoting import find_quoted
from comfy_headless.ai.subject_words import lexicon_of

DATA: Final = Path(__file__).with_name("facts.toml")

WORD: Final = re.compile(r"[^\W\d_](?:[^\W\d_]|[\u0300-\u036f\u0900-\u097f\u0e30-\u0e4e]|['’ʼ\-\u200c](?=[^\W\d_]))*")
"""A word: letters, with apostrophes and hyphens inside."""
_NUMBER: Final = re.compile(r"\d+(?:[.,:/٫٬]\d+)*|[½⅓⅔¼¾⅕⅛²³Ⅰ-Ⅻ]")
_ENDS: Final = frozenset(".!?…。！？:：;；\n•·|*#>")
"""What a sentence, or a line of a list, ends or begins with."""
_AROUND: Final = frozenset(" \t\r\"'“”„‘’‚«»‹›「」『』()[]{}¿¡-–—_")
_SAID: Final = re.compile(rf"{WORD.pattern}|[,.;:!?()\n—–]")
_NEAR: Final = 3
"""Words behind a denial among which is what it denies."""
_BEFORE_NOUNS: Final = frozenset(
    {"the", "any", "all", "its", "his", "her", "their", "single", "une", "des", "les", "una", "uno", "uma"}
    | {"eine", "einen", "einem", "einer", "een", "ett"}
)
_COLOUR_FIRST: Final = frozenset({"en", "de", "nl", "sv", "da", "no", "ru", "uk", "pl", "cs", "fi", "hu", "el"})
"""Languages that name a colour right before what has it."""
_MANY: Final = 4
"""Words from which on it can be seen that a text writes all of them with a capital."""


class Facts(NamedTuple):
    """What a text says that must not get lost.

    Args:
        language: of the text, ISO 639-1.
        quoted: texts in quotation marks, as they stand.
        numbers: written in digits, in ASCII digits, such as ``2:30``.
        names: proper names, word by word.
        colours: their place in the table of colours.
        counts: numbers from 2 to 12 that are written in words.
    """

    language: str
    quoted: tuple[str, ...]
    numbers: tuple[str, ...]
    names: tuple[str, ...]
    colours: tuple[int, ...]
    counts: tuple[int, ...]


class _Forms(NamedTuple):
    """Words of one language: each form, with what it stands for."""

    colours: Mapping[str, int]
    counts: Mapping[str, int]
    endings: tuple[str, ...]
    counters: str


def facts_of(text: str, language: str) -> Facts:
    """Return what a text in that language says that must not get lost.

    >>> facts_of('Anna and Ben feed 3 red birds, a sign says "OPEN"', "en")
    Facts(language='en', quoted=('OPEN',), numbers=('3',), names=('Anna', 'Ben'), colours=(0,), counts=())
    """
    return Facts(
        language,
        _once(found.text for found in find_quoted(text)),
        _once(numbers_of(text)),
        _once(names_of(text, language)),
        _once(_colours(text, language)),
        _once(_counts(text, language)),
    )


def lost(facts: Facts, text: str, language: str | None = None) -> tuple[str, ...]:
    """Return what ``text`` does not say any more, in words such as ``the number 24``.

    A number may stand in words or in digits, and a colour or a count in the words of another language.

    Args:
        language: of ``text``; None: that of the facts.
    """
    into = facts.language if language is None else language
    numbers = {_plain_number(each) for each in numbers_of(text)} | {str(each) for each in _counts(text, into)}
    colours = set(_colours(text, into))
    quoted = {_unended(found.text) for found in find_quoted(text)}
    gone = [f"the quoted text {each!r} in quotation marks" for each in facts.quoted if _unended(each) not in quoted]
    gone += [f"the number {each}" for each in facts.numbers if _plain_number(each) not in numbers]
    if into == facts.language or facts.language != "de":  # a German noun is no name, and in English it is another word
        words = written(WORD.findall(text))
        gone += [f"the name {each!r}" for each in facts.names if not words.has(each, facts.language, into)]
    if into == facts.language or into in _table()["colours"]:
        gone += [f"the colour {colour_word(each, facts.language)!r}" for each in facts.colours if each not in colours]
    gone += [f"the number {each}" for each in facts.counts if str(each) not in numbers]
    return tuple(gone)


def numbers_of(text: str) -> Iterator[str]:
    """Yield the numbers in digits, of all scripts, in ASCII digits."""
    for match in _NUMBER.finditer(text):
        yield "".join(str(unicodedata.decimal(char)) if char.isdecimal() else char for char in match[0])


def names_of(text: str, language: str) -> Iterator[str]:
    """Yield words with a capital, quoted texts apart; none where nearly all words have one.

    A word that begins a sentence is a name where it is no other word.
    """
    ignored, articles = _ignored(), _articles(language)
    found = [match for match in WORD.finditer(text) if match[0].upper() != match[0].lower()]
    inside = [(quoted.start, quoted.end) for quoted in find_quoted(text)]
    if len(found) >= _MANY and sum(match[0][0].isupper() for match in found) > 0.7 * len(found):
        return
    for place, match in enumerate(found):
        word = match[0]
        if not word[0].isupper() or len(word) < 2 or word[1] in "'’":
            continue
        if word in ignored:
            continue
        if any(start < match.start() < end for start, end in inside):
            continue
        bare = bare_name(word, language)
        if _begins(text, match.start()) and bare not in _given() and not begins_with_name(bare, language):
            continue
        if place and found[place - 1][0].casefold() in articles:
            continue
        yield word


def counted(text: str, language: str) -> Iterator[tuple[int, str]]:
    """Yield each number from 2 on with the word that stands right behind it, as in ``three cats``."""
    counts = _forms(language).counts
    words = [match[0].casefold() for match in re.finditer(rf"{WORD.pattern}|\d+", text)]
    for word, following in pairwise(words):
        number = int(word) if word.isdecimal() and len(word) < 4 else counts.get(word)
        if number is not None and number > 1 and not following.isdecimal():
            yield number, following


def coloured(text: str, language: str) -> Iterator[tuple[int, str]]:
    """Yield each colour with the word right behind it, as in ``red car``; in languages that say it so."""
    forms = _forms(language)
    if language not in _COLOUR_FIRST:
        return
    for word, following in pairwise(WORD.findall(text)):
        number = _colour_of(word, forms)
        if number is not None and _colour_of(following, forms) is None:
            yield number, following.casefold()


def colour_word(number: int, language: str) -> str:
    """Return a colour in words."""
    line = _table()["colours"].get(language) or _table()["colours"]["en"]
    return str(line.split()[number].split("|")[0])


class Denied(NamedTuple):
    """The words of a text.

    Args:
        denied: those that a ``no`` or ``without`` stands before.
        told: all others.
    """

    denied: frozenset[str]
    told: frozenset[str]


def denied_in(text: str, language: str) -> Denied | None:
    """Return what a text says is not there, and what is; None in a language where that is not known.

    >>> sorted(denied_in("a street without any people, no cars", "en").denied)
    ['cars', 'people']
    """
    denials = _denials(language)
    if not denials:
        return None
    denied, told, open_for = set[str](), set[str](), 0
    for match in _SAID.finditer(text.replace("’", "'")):
        word = match[0].casefold()
        if word in denials:
            open_for = _NEAR
        elif not word[0].isalpha():
            open_for = 0
        elif open_for and len(word) > 2 and word not in _BEFORE_NOUNS:
            if not _is_of_film(word, language):
                denied.add(word)
                open_for = 0
        else:
            open_for = max(open_for - 1, 0)
            told.add(word)
    return Denied(frozenset(denied), frozenset(told))


def _is_of_film(word: str, language: str) -> bool:
    """Return whether a word is about camera, size or quality: ``no camera movement`` denies nothing that is there."""
    words = lexicon_of(language)
    return words is not None and "skip" in words.kinds(word)


def _begins(text: str, start: int) -> bool:
    """Whether the word at ``start`` begins a sentence."""
    place = start - 1
    while place >= 0 and text[place] in _AROUND:
        place -= 1
    if place < 0:
        return True
    if text[place] == "." and (before := WORD.findall(text[max(place - 12, 0) : place])):
        return before[-1] not in _ignored()
    return text[place] in _ENDS or not (text[place].isalnum() or unicodedata.category(text[place])[0] in "PM")


def _colours(text: str, language: str) -> Iterator[int]:
    forms = _forms(language)
    if not forms.colours:
        return
    if language in {"zh", "ja", "ko", "th"}:
        yield from (number for form, number in forms.colours.items() if form in text)
        return
    for word in WORD.findall(text):
        if (number := _colour_of(word, forms)) is not None:
            yield number


def _colour_of(word: str, forms: _Forms) -> int | None:
    plain = word.casefold()
    for ending in ("", *forms.endings):
        stem = plain.removesuffix(ending) if ending else plain
        if stem in forms.colours and (not ending or stem != plain):
            return forms.colours[stem]
    return None


def _counts(text: str, language: str) -> Iterator[int]:
    forms = _forms(language)
    if forms.counters:
        for form, number in forms.counts.items():
            if re.search(rf"(?<![一二三四五六七八九十百千]){form}\s?[{forms.counters}]", text):
                yield number
        return
    for word in WORD.findall(text):
        if (count := forms.counts.get(word.casefold())) is not None:
            yield count


@cache
def _table() -> Mapping[str, Any]:
    return tomllib.loads(DATA.read_text(encoding="utf-8"))


@cache
def _ignored() -> frozenset[str]:
    names = _table()["names"]
    return frozenset(f"{names['titles']} {names['terms']}".split())


@cache
def _denials(language: str) -> frozenset[str]:
    return frozenset(_table()["denials"].get(language, "").split())


@cache
def _given() -> frozenset[str]:
    names = _table()["names"]
    return frozenset(f"{names['given']} {names['places']}".split())


@cache
def _articles(language: str) -> frozenset[str]:
    return frozenset(_table()["names"]["articles"].get(language, "").split())


@cache
def _forms(language: str) -> _Forms:
    table = _table()
    return _Forms(
        {form: number for number, form in _listed(table["colours"].get(language, ""))},
        {form: number + 2 for number, form in _listed(table["numbers"].get(language, ""))},
        tuple(table["endings"].get(language, ())),
        table["counters"].get(language, ""),
    )


def _listed(line: str) -> Iterator[tuple[int, str]]:
    return chain.from_iterable(
        ((number, form) for form in forms.split("|")) for number, forms in enumerate(line.split())
    )


def _plain_number(number: str) -> str:
    """Return a number without what separates its thousands, with a point before its decimals, and no zeros before."""
    whole = re.sub(r"[.,٫٬](?=\d{3}(?!\d))", "", number)
    return re.sub(r"[,٫]", ".", whole).lstrip("0") or "0"


def _unended(quoted: str) -> str:
    """Return a quoted text in one line, without the comma or full stop of what it stands in: ``"Hello,"``."""
    return " ".join(quoted.split()).rstrip(".,;。，")


def _once(found: Iterator[Any]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(found))
