"""The negative prompt that goes with a prompt: the model's own, without any piece that forbids what was asked for."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import pairwise
from typing import Final, NamedTuple

from comfy_headless.ai.asked import forbids
from comfy_headless.ai.folding import alike
from comfy_headless.ai.keeping import WORD

_BETWEEN: Final = re.compile(r"[,،，、;；\n]+")
_LITTLE: Final = frozenset(
    {"a", "an", "and", "are", "as", "at", "be", "by", "for", "from", "he", "her", "his", "in", "into"}
    | {"is", "it", "its", "no", "not", "of", "off", "on", "one", "or", "out", "over", "she", "so", "that", "the"}
    | {
        "their",
        "them",
        "then",
        "there",
        "they",
        "this",
        "to",
        "up",
        "very",
        "was",
        "we",
        "were",
        "while",
        "with",
        "you",
    }
)
"""English words that mean nothing by themselves."""
_SIGNS: Final = re.compile(r"[\u3400-\u9fff]+|[\u30a0-\u30ff]+|[\u0e00-\u0e7f]+")
_BETWEEN_SIGNS: Final = re.compile(
    r"[的了在着和与及或是有不也都就从向往被把让给为以而其之上下中里内外前后左右一二三四五六七八九十两几多个只位条匹头辆张座本很最"
    r"这那他她它们我你您地得到来去]"
)
"""Chinese signs that say nothing by themselves."""
_THAI: Final = 4
_LEAST: Final = 4
"""Letters from which on two words of one beginning are forms of one word."""
_ENDING: Final = 3


class Negative(NamedTuple):
    """A negative prompt.

    Args:
        dropped: pieces of it that were left out, since the prompt asks for what they forbid.
    """

    text: str
    dropped: tuple[str, ...]


def without_asked(
    negative: str, text: str, asked: Collection[str] = frozenset(), *, further: Iterable[str] = ()
) -> Negative:
    """Return a negative prompt without the pieces that a prompt asks for.

    Args:
        negative: pieces between commas, those of Chinese too.
        text: the prompt.
        asked: names of what it asks for, as `asked_in` finds them.
        further: more pieces.

    >>> without_asked("blurry, cartoon, text", "a cartoon of a cat").text
    'blurry, text'
    """
    words = content_words(text)
    pieces = dict.fromkeys(piece.strip() for piece in (*_BETWEEN.split(negative), *further))
    kept: list[str] = []
    dropped: list[str] = []
    for piece in filter(None, pieces):
        named = not forbids(piece).isdisjoint(asked) or names_any(piece, words)
        (dropped if named else kept).append(piece)
    return Negative(("，" if "，" in negative else ", ").join(kept), tuple(dropped))


def content_words(text: str) -> frozenset[str]:
    """Return the words of a text that mean something; pairs of signs where nothing is between words.

    They are in small letters without accents, and in simplified signs: so spellings of one word are equal.

    >>> sorted(content_words("The cats in a garden, 海边的猫"))
    ['cats', 'garden', '海边', '猫']
    """
    plain = alike(text)
    signs = {part for run in _SIGNS.findall(plain) for part in _parts(run)}
    words = {word for word in WORD.findall(_SIGNS.sub(" ", plain)) if len(word) > 1} - _LITTLE
    return frozenset(signs | words | {part for word in words for part in re.split(r"[-'’]", word) if len(part) > 2})


def names_any(piece: str, words: Collection[str]) -> bool:
    """Return whether a piece of a negative prompt has one of these words, in another form perhaps."""
    return any(named_in(piece, words))


def named_in(piece: str, words: Collection[str]) -> Iterator[str]:
    """Yield those of the words that a piece has, in another form perhaps.

    The time it takes grows with the piece and what is found, not with the words: a long answer is looked at too.
    """
    known = _index(words if isinstance(words, frozenset) else frozenset(words))
    for own in _words_of(piece):
        yield from known.forms.get(own, ())
        for length in range(max(len(own) - _ENDING, _LEAST), len(own)):
            if own[:length] in known.words:
                yield own[:length]
        for ending in ("s", "es"):
            if len(shorter := own.removesuffix(ending)) < min(_LEAST, len(own)) and shorter in known.words:
                yield shorter
    for length in known.lengths:
        for place in range(len(piece) - length + 1):
            if piece[place : place + length] in known.signs:
                yield piece[place : place + length]


class _Index(NamedTuple):
    """Words, ready to be looked up.

    Args:
        forms: what a word may be the shorter form of, itself among them.
        signs: those of a language that puts no spaces between words.
        lengths: that they have.
    """

    words: frozenset[str]
    forms: Mapping[str, list[str]]
    signs: frozenset[str]
    lengths: tuple[int, ...]


@lru_cache(maxsize=8)
def _index(words: frozenset[str]) -> _Index:
    forms: dict[str, list[str]] = {}
    for word in words:
        shorter = [word[:length] for length in range(max(len(word) - _ENDING, _LEAST), len(word))]
        shorter += [bare for ending in ("s", "es") if len(bare := word.removesuffix(ending)) < min(_LEAST, len(word))]
        for form in (word, *shorter):
            forms.setdefault(form, []).append(word)
    signs = frozenset(word for word in words if _SIGNS.match(word))
    return _Index(words, forms, signs, tuple(sorted({len(word) for word in signs})))


@lru_cache(maxsize=4096)
def _alike(piece: str) -> str:
    return alike(piece)


@lru_cache(maxsize=4096)
def _words_of(piece: str) -> frozenset[str]:
    return frozenset(word for word in content_words(piece) if not _SIGNS.match(word))


def _parts(run: str) -> Iterable[str]:
    """Yield what can be a word in a run of signs."""
    if "\u0e00" <= run[0] <= "\u0e7f":
        return (run[place : place + _THAI] for place in range(max(len(run) - _THAI + 1, 1)))
    if "\u30a0" <= run[0] <= "\u30ff":
        return (run,)
    pieces = filter(None, _BETWEEN_SIGNS.split(run))
    return [part for piece in pieces for part in ([piece] if len(piece) < 3 else [a + b for a, b in pairwise(piece)])]
