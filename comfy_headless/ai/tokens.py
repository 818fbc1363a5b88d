"""How long a text is for a text encoder: an upper bound of its tokens, without the vocabulary.

What ComfyUI 0.30.0 makes of a text is never more than `count_bound` says. What is counted: the tokens of the prompt
itself, and those that stand around every text (start and end; T5 has an end alone, Llama and Gemma a start alone, Qwen
neither). Not counted: padding, the words that ComfyUI puts around a prompt for Llama and Qwen, the vectors of an
``embedding:``. Weights as in ``(word:1.2)`` may be in the text.

How it holds: a text is cut where none of the tokenizers joins what stands on both sides. For common English words a
table (``tokens.txt.gz``, made by ``tests/conformance/make_tokens.py`` from the vocabularies in ComfyUI's source) has
the largest count there is; another word of letters costs as much as it can where a pair of letters that is a token
is never two; a digit or a sign costs one token, and anything else its bytes in UTF-8 (in T5: its characters,
decomposed).

UMT5 and Gemma 3 bring their vocabularies (256,000 and 262,000 tokens, of many languages) with their model files, so
nothing is proved of them: a known English word is taken to cost one token more than in the vocabularies of a tenth to
a half that size, any other letter of a script in use to be a token of its own, and what is no letter its bytes.

Llama 3 is counted as its tokenizer.json says. With transformers 5, ComfyUI 0.30.0 reads that file wrongly and runs the
words together (huggingface/transformers, issue 45488): 0.3 to 1.5 times as many tokens for English prompts, measured.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Literal, NamedTuple, get_args
from unicodedata import normalize

from comfy_headless.errors import ValidationError
from comfy_headless.graph.values import nearest

Tokenizer = Literal["clip", "t5", "umt5", "llama3", "qwen25", "gemma3", "byt5"]
"""The tokenizers of the text encoders that the families use. ``qwen25`` is Qwen 3's too, ``clip`` both CLIP-L's and
CLIP-G's; ``byt5`` reads what stands in quotation marks, for HunyuanVideo 1.5."""
TOKENIZERS: tuple[Tokenizer, ...] = get_args(Tokenizer)
CHUNK = 77
"""CLIP reads so many tokens at a time, start and end among them."""
SIGNS = "’‘“”–—…"
"""Signs beyond ASCII that English texts have: known to the tokenizers, as ASCII's are."""

TABLE = Path(__file__).with_name("tokens.txt.gz")
_PIECE = re.compile(
    rf"([^\t\n\r -@\[-`{{-~{SIGNS}]+)|([\t\n\r ]+)|([0-9]+)|([!-/:-@\[-`{{-~{SIGNS}]+)",
)
_RUN, _SPACE, _DIGITS = 1, 2, 3
_QUOTED = (re.compile(r"\"(.*?)\""), re.compile(r"‘(.*?)’"), re.compile(r"“(.*?)”"))
_CONTRACTED = ("s", "t", "re", "ve", "m", "ll", "d")


class Row(NamedTuple):
    """What a word costs: in CLIP, in Llama and Qwen after a space or elsewhere, in T5 first in a piece or later."""

    clip: int
    space: int
    other: int
    first: int
    inner: int


class Table(NamedTuple):
    """The rows of words, and for each tokenizer the pairs of letters that may be two tokens."""

    rows: dict[str, Row]
    apart: dict[str, frozenset[str]]


class _Piece(NamedTuple):
    """A part of a text that no token joins with its neighbours.

    Args:
        before: the piece before it.
        contracted: it is the ``s`` of ``it's``.
    """

    text: str
    kind: int
    before: str
    follows: str
    contracted: bool


def count_bound(text: str, tokenizer: Tokenizer) -> int:
    """Return how many tokens a text is at most, start and end included.

    Args:
        text: a prompt, with or without weights.
        tokenizer: of ``clip`` the start and end of every chunk are counted (see `count_chunks`); of ``byt5`` what
            HunyuanVideo 1.5 gives to it: the texts in quotation marks, nothing where there is none.

    Raises:
        ValidationError: there is no such tokenizer.
    """
    match tokenizer:
        case "clip":
            tokens = _clip(text)
            return tokens + 2 * _chunks(text, tokens)
        case "t5":
            return _t5(text) + 1
        case "llama3":
            return _bpe(text, 3) + 1
        case "qwen25":
            return max(_bpe(text, 1), 1)  # HunyuanVideo 1.5 is given a space where there is no text
        case "umt5":
            return _assumed(text) + 2
        case "gemma3":
            return _assumed(text) + 1
        case "byt5":
            quoted = [found for pattern in _QUOTED for found in pattern.findall(text)]
            return sum(_in_bytes(f'Text "{found}". ') for found in quoted) + bool(quoted)
    known = ", ".join(TOKENIZERS)
    raise ValidationError(f"no tokenizer {tokenizer!r}{nearest(tokenizer, TOKENIZERS)} There are: {known}")


def count_chunks(text: str) -> int:
    """Return in how many chunks CLIP reads a text, at most: ComfyUI cuts nothing off.

    A chunk has room for 75 tokens beside start and end. Words that have a weight of their own, fewer than eight
    tokens of them, stay together, so a chunk can be left with six to spare.
    """
    return _chunks(text, _clip(text))


def with_capital(row: Row) -> Row:
    """Return what a word costs at most whose first letter is a capital, of its row in small letters."""
    return Row(row.clip, row.space + 1, row.other + 1, row.first + 1, row.inner + 1)


def spare(text: str, pairs: frozenset[str], joined: bool = False) -> int:
    """Return how many tokens letters can be at most, where only these pairs, and any of both cases, may be two tokens.

    Every other pair is a token, so no two of its letters are tokens of one letter each: of three letters in a row, two
    tokens begin there at most.

    Args:
        joined: a space before it is counted too, and is never apart from the first letter.
    """
    total, length = 0, 2 if joined else 1
    for first, second in pairwise(text):
        if first + second in pairs or first.islower() != second.islower():
            total += (2 * length + 2) // 3
            length = 1
        else:
            length += 1
    return total + (2 * length + 2) // 3


@cache
def table() -> Table:
    """Return the table, read when it is first asked for."""
    rows: dict[str, Row] = {}
    apart: dict[str, frozenset[str]] = {}
    for line in gzip.decompress(TABLE.read_bytes()).decode("ascii").splitlines():
        key, _, words = line.partition(" ")
        if key[0].isdigit():
            rows.update(dict.fromkeys(words.split(" "), Row(*(int(count, 36) for count in key))))
        else:
            apart[key] = frozenset(words.split(" "))
    return Table(rows, apart)


def _pieces(text: str) -> Iterator[_Piece]:
    """Cut a text: letters and all that is not ASCII, spaces, digits, signs."""
    before = earlier = ""
    for match in _PIECE.finditer(text):
        piece, kind, end = match[0], match.lastindex or 0, match.end()
        contracted = piece in _CONTRACTED and before == "'" and earlier.isalpha() and earlier.isascii()
        yield _Piece(piece, kind, before, text[end : end + 1], contracted)
        before, earlier = piece, before


def _row(word: str) -> Row | None:
    """Return the row of a word as it is written."""
    rows = table().rows
    row = rows.get(word)
    if row is None and word.istitle() and (small := rows.get(word.lower())):
        return with_capital(small)
    return row


def _is_word(piece: str) -> bool:
    return piece.isascii() and piece.isalpha()


def _signs(piece: _Piece, alone: int) -> int:
    """Return what signs cost: one each, or their bytes where one beyond ASCII stands among others.

    Args:
        alone: what one beyond ASCII costs that stands alone.
    """
    if len(piece.text) == 1 and not piece.text.isascii() and piece.follows not in ("\n", "\r"):
        return alone
    return len(piece.text.encode())


def _splits(piece: _Piece) -> bool:
    """Whether a tokenizer takes the first letters after an apostrophe for the end of a word, as in ``it's``."""
    return piece.before.endswith("'") and piece.text.lower().startswith(_CONTRACTED)


def _chunks(text: str, tokens: int) -> int:
    room = CHUNK - 2 - (6 if "(" in text or "embedding:" in text else 0)
    return max(1, -(-tokens // room))


def _clip(text: str) -> int:
    """CLIP: all in small letters, digits one by one, spaces for nothing."""
    total = 0
    for piece in _pieces(text):
        if piece.kind == _SPACE or piece.contracted:
            continue
        if piece.kind == _DIGITS:
            total += len(piece.text)
        elif piece.kind != _RUN:
            total += _signs(piece, 2)
        elif not _is_word(piece.text):
            total += max(_size(piece.text), _size(normalize("NFC", piece.text).lower())) + 1
        else:
            word = piece.text.lower()
            row = None if _splits(piece) else table().rows.get(word)
            total += row.clip if row else spare(word, table().apart["clip"])
    return total


def _bpe(text: str, digits: int) -> int:
    """Llama 3 and Qwen: a word has the space before it in its token.

    Args:
        digits: how many are one token.
    """
    total = 0
    for piece in _pieces(text):
        spaced = piece.before.endswith(" ")
        if piece.contracted:
            continue
        if piece.kind == _SPACE:
            total += len(piece.text)
        elif piece.kind == _DIGITS:
            total += -(-len(piece.text) // digits)
        elif piece.kind != _RUN:
            joined = spaced and (len(piece.text) == 1 or piece.text[0].isascii()) and piece.text[0] != "("
            total += _signs(piece, 1) - joined
        elif not _is_word(piece.text):
            total += max(_size(piece.text), _size(normalize("NFC", piece.text))) + 1
        else:
            total += _word_in_bpe(piece, spaced) - spaced
    return total


def _word_in_bpe(piece: _Piece, spaced: bool) -> int:
    row = None if _splits(piece) else _row(piece.text)
    if row is None:
        return spare(piece.text, table().apart["bpe"], joined=spaced)
    return row.space if spaced else row.other


def _stands_apart(piece: _Piece) -> bool:
    """Whether neither sign nor anything beyond ASCII stands beside digits: T5 has tokens such as ``5%``."""
    beside = piece.before[-1:] + piece.follows
    return beside.isascii() and all(sign.isalnum() or sign in "\t\n\r " for sign in beside)


def _t5(text: str) -> int:
    """T5: what stands between spaces begins with a mark of its own."""
    total = 0
    for piece in _pieces(text):
        first = not piece.before or piece.before[-1] in "\t\n\r "
        if piece.kind == _SPACE:
            continue
        if piece.kind == _DIGITS and _stands_apart(piece):
            length = len(piece.text)
            total += ((length + 1) // 2 if length < 6 else (2 * length + 2) // 3) + first
            continue
        if piece.kind != _RUN or not _is_word(piece.text):
            # An opening bracket that is never closed begins a text of its own.
            total += len(normalize("NFKD", piece.text)) + first + piece.text.count("(")
            continue
        if row := _row(piece.text):
            total += row.first if first else row.inner
        else:
            total += spare(piece.text, table().apart["t5"]) + first
    return total


def _assumed(text: str) -> int:
    """UMT5 and Gemma 3: words as elsewhere and one token more, letters one by one, all else in bytes."""
    total = 0
    for piece in _pieces(text):
        row = _row(piece.text) if piece.kind == _RUN and _is_word(piece.text) else None
        if row:
            total += min(max(row.space, row.first), len(piece.text)) + 1
        elif piece.kind == _SPACE:
            total += len(piece.text) - 1
        else:
            total += 1 + sum(1 if sign.isalnum() and sign < "\U00010000" else _in_bytes(sign) for sign in piece.text)
    return total


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def _in_bytes(text: str) -> int:
    """Return the bytes of a text, as it is or normalized."""
    return _size(text) if text.isascii() else max(_size(text), _size(normalize("NFKD", text)))
