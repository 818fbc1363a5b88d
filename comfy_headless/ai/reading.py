"""Reading: a prompt made ready for all finders, with the way back to what the user wrote.

What finders look at is ``text`` and ``words``: folded (`folding.fold` does the same to their word lists), with markup,
addresses, texts in quotation marks and a negative prompt blanked out. A quoted text is something that is shown or said,
so nothing in it is an instruction. Every position is one in ``text``; `Reading.span` and `Reading.original` lead back.
Reading takes time in proportion to the length of the text, whatever it is.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from comfy_headless.ai.folding import bare, lowered
from comfy_headless.ai.language import Language, language_of

Value = TypeVar("Value", covariant=True)


class Span(NamedTuple):
    """From ``start`` up to ``end``."""

    start: int
    end: int


class Word(NamedTuple):
    """A word of `Reading.text`; a stretch of Chinese, Japanese or Thai is one word.

    Args:
        clause: number of the clause that it stands in.
    """

    text: str
    start: int
    end: int
    clause: int


@dataclass(frozen=True, slots=True)
class Found(Generic[Value]):
    """What a finder found.

    Args:
        confidence: how sure it is, from 0 to 1.
        spans: the words that decided, as positions in the prompt; empty where nothing is said.
    """

    value: Value
    confidence: float
    spans: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """A prompt made ready for finders.

    Args:
        prompt: as it was given.
        text: folded; blank where the prompt has markup, quoted texts or a negative prompt.
        whole: the same with nothing blanked out.
        words: those of ``text``.
        clauses: stretches of ``text`` between marks such as commas and stops.
        sentences: stretches between stops and line ends.
        quoted: texts in quotation marks, without the marks, as positions in ``whole``.
        language: of most of it.
        positions: where each character comes from in ``prompt``; None where all are the same.
        shouts: whether all of it is in capitals.
    """

    prompt: str
    text: str
    whole: str
    words: tuple[Word, ...]
    clauses: tuple[Span, ...]
    sentences: tuple[Span, ...]
    quoted: tuple[Span, ...]
    language: Language
    positions: list[int] | None
    shouts: bool

    def span(self, start: int, end: int) -> Span:
        """Return where a stretch of ``text`` stands in the prompt."""
        if self.positions is None:
            return Span(start, end)
        if start >= end:
            return Span(len(self.prompt), len(self.prompt))
        after = self.positions[end] if end < len(self.positions) else len(self.prompt)
        return Span(self.positions[start], max(after, self.positions[end - 1] + 1))

    def original(self, start: int, end: int) -> str:
        """Return a stretch of ``text`` as it stands in the prompt."""
        return self.prompt[slice(*self.span(start, end))]

    def clause_at(self, position: int) -> int:
        """Return the number of the clause in which a position of ``text`` is."""
        return min(bisect_right(self.clauses, position, key=lambda clause: clause.end), len(self.clauses) - 1)

    @property
    def quotations(self) -> tuple[str, ...]:
        """The quoted texts as they stand in the prompt."""
        return tuple(self.original(*span) for span in self.quoted)


# Letters with the marks that scripts of South and South-East Asia and the Near East write onto them.
_MARKS = (
    "\u0300-\u036f\u0483-\u0487\u0900-\u0903\u093a-\u094f\u0951-\u0957\u0962\u0963\u0981-\u0983\u09bc-\u09cd\u0a01-\u0a4d"
    "\u0b82\u0bbe-\u0bcd\u0c00-\u0c4d\u0e31\u0e34-\u0e3a\u0e47-\u0e4e"
)
UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff"
)
"""Characters of scripts that put no spaces between words, for use in a regular expression."""
WORD = re.compile(rf"[{UNSPACED}]+|(?:(?![{UNSPACED}])[^\W_\d]|[{_MARKS}])+|\d+")
_CLAUSE_END = re.compile(r"[;!?…\n\r()\[\]{}|、。，；！？।؟،؛·•]|(?<!\d)[,:.]|[,:.](?!\d)|\s[-–—]+\s|[—–](?=\D)")
_SENTENCE_END = re.compile(r"[!?…\n\r。！？।؟]|\.(?!\d)")
_MARKUP = re.compile(
    r"<[a-z/!?][^<>]{0,2000}>|https?://\S{0,2000}|www\.\S{0,2000}|[\w.+-]{1,64}@[\w-]{1,64}\.[\w.-]{1,64}|&[a-z]{2,8};"
)
_NEGATIVE = re.compile(
    r"(?:\bnegative[ _-]?prompts?|\bprompt n[eé]gatif|\bnegativer prompt|\bprompt negativo|[负負]面提示[词詞]?|"
    r"反向(?:提示)?[词詞]|ネガティブプロンプト|негативный промпт)\s*[:=：][^\n]*|\s--no\s[^\n]*?(?=\s--|\n|$)"
)
# Opening mark -> closing marks. German, Swedish, Polish and others turn them in their own ways.
_PAIRS = {
    '"': '"',
    "“": '”“"',
    "”": "”",
    "„": '“”"',
    "‟": "”",
    "‚": "‘’",
    "‘": "’",
    "«": "»",
    "»": "«»",
    "‹": "›",
    "›": "‹›",
    "「": "」",
    "『": "』",
    "《": "》",
    "〈": "〉",
    "〝": "〞〟",
    "״": "״",
    "`": "`",
    "'": "'",
}
_OPENING = re.compile(f"[{''.join(_PAIRS)}]")
_JSON = re.compile(r'\s*[\[{]\s*[{"]\s*[a-z"]')
_LONGEST_QUOTATION = 2000
_ELIDED = re.compile(r"'(?:\d\ds?|n|em|til|tis|twas|cause|round|bout)\b")


def read(text: str) -> Reading:
    """Return ``text`` made ready for finders."""
    lower, positions = lowered(text)
    quoted = _quotations(lower)
    if len(quoted) == 1 and not lower[: quoted[0].start - 1].strip() and not lower[quoted[0].end + 1 :].strip(" .\n"):
        quoted = ()  # a prompt that is in quotation marks as a whole
    if _JSON.match(lower):
        quoted = ()  # marks of JSON, not of speech
    shown = _blanked(lower, quoted)
    language = language_of(shown if any(map(str.isalpha, shown)) else lower)
    whole, plain = bare(lower, language.code), bare(shown, language.code)
    ends = [match.end() for match in _CLAUSE_END.finditer(plain)]
    words = tuple(
        Word(match[0], match.start(), match.end(), bisect_right(ends, match.start())) for match in WORD.finditer(plain)
    )
    clauses = _stretches(ends, len(plain))
    sentences = _stretches([match.end() for match in _SENTENCE_END.finditer(plain)], len(plain))
    return Reading(text, plain, whole, words, clauses, sentences, quoted, language, positions, text.isupper())


def _stretches(ends: list[int], length: int) -> tuple[Span, ...]:
    return tuple(map(Span, [0, *ends], [*ends, length]))


def _blanked(text: str, quoted: tuple[Span, ...]) -> str:
    """``text`` with spaces where it holds no instruction; a stop stays where a quotation ends."""
    pieces = []
    at = 0
    for start, end in quoted:
        pieces += [text[at:start], " " * (end - start)]
        at = end
    text = "".join([*pieces, text[at:]]) if quoted else text
    if "<" in text or "@" in text or "://" in text or "www." in text or "&" in text:
        text = _MARKUP.sub(lambda match: " " * len(match[0]), text)
    return _NEGATIVE.sub(lambda match: " " * len(match[0]), text)


def _quotations(text: str) -> tuple[Span, ...]:
    """Texts in quotation marks, from left to right; a mark without its other half is none."""
    return tuple(_quotations_in(text))


def _quotations_in(text: str) -> Iterator[Span]:
    closers: dict[str, Iterator[re.Match[str]]] = {}
    following: dict[str, int] = {}
    at = 0
    while found := _OPENING.search(text, at):
        mark, start = found[0], found.end()
        at = start
        if not _opens(text, found.start(), mark):
            continue
        # Each kind of closing mark is walked through once, so that many openings cost no more than their number.
        if mark not in closers:
            closers[mark] = re.finditer(f"[{_PAIRS[mark]}]", text)
            following[mark] = -1
        while following[mark] <= start or (following[mark] < len(text) and not _closes(text, following[mark], mark)):
            match = next(closers[mark], None)
            if match is None:
                following[mark] = len(text) + _LONGEST_QUOTATION
                break
            following[mark] = match.start()
        end = following[mark]
        if end - start <= _LONGEST_QUOTATION and text[start:end].strip():
            yield Span(start, end)
            at = end + 1


def _opens(text: str, at: int, mark: str) -> bool:
    """Whether a mark begins a quotation: not an apostrophe, nor inches, nor the mark in a Hebrew acronym."""
    before, after = text[at - 1 : at], text[at + 1 : at + 2]
    if mark == "'":
        return not before.isalnum() and not after.isspace() and not _ELIDED.match(text, at)
    if mark in '"״':
        return not before.isdigit() and not (_spaced_letter(before) and _spaced_letter(after))
    return mark not in "»›”" or not before.isalnum()


def _closes(text: str, at: int, mark: str) -> bool:
    before, after = text[at - 1 : at], text[at + 1 : at + 2]
    if mark in "'‘‚":
        return not after.isalnum() and not before.isspace()
    if mark in '"״':
        return not (_spaced_letter(before) and _spaced_letter(after))
    return True


def _spaced_letter(letter: str) -> bool:
    return letter.isalpha() and not re.match(f"[{UNSPACED}]", letter)
