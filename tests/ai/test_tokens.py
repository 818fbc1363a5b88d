"""The bound of tokens, without the vocabularies. Against them: tests/conformance/test_tokens.py."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comfy_headless.ai.tokens import TOKENIZERS, Tokenizer, count_bound, count_chunks, spare, table
from comfy_headless.catalog.prompting import TokenizerName
from comfy_headless.errors import ValidationError

KNOWN: tuple[Tokenizer, ...] = ("clip", "t5", "llama3", "qwen25")
"""Those whose vocabularies the table was made from."""


@pytest.mark.parametrize(
    ("tokenizer", "tokens"),
    [("clip", 2), ("t5", 1), ("umt5", 2), ("llama3", 1), ("qwen25", 1), ("gemma3", 1), ("byt5", 0)],
)
def test_no_text(tokenizer: Tokenizer, tokens: int) -> None:
    """Of no text there is what stands around every text."""
    assert count_bound("", tokenizer) == tokens


@pytest.mark.parametrize(
    ("text", "clip", "t5", "llama3", "qwen25"),
    [
        ("cat", 3, 2, 2, 1),
        ("the red house", 5, 4, 4, 3),
        ("the red house, it's old.", 10, 10, 9, 8),
        ("the year 1994", 8, 6, 6, 7),
        ("a red house — in “winter”", 13, 13, 9, 8),
    ],
)
def test_known_words(text: str, clip: int, t5: int, llama3: int, qwen25: int) -> None:
    """Common words cost what they are, mostly one token each, and so do signs, beside start and end."""
    assert [count_bound(text, tokenizer) for tokenizer in KNOWN] == [clip, t5, llama3, qwen25]


@pytest.mark.parametrize("tokenizer", KNOWN)
@pytest.mark.parametrize("text", ["東京の夜", "Übermut", "\x00\x01", "👨‍👩‍👧", "a\u0300"])
def test_other_texts(tokenizer: Tokenizer, text: str) -> None:
    """What is not English costs as many tokens as it has characters or more, and no more than bytes allow."""
    assert len(text) <= count_bound(text, tokenizer) <= 3 * len(text.encode()) + 4


@pytest.mark.parametrize(("tokenizer", "around"), [("umt5", 2), ("gemma3", 1)])
def test_vocabularies_of_model_files(tokenizer: Tokenizer, around: int) -> None:
    """Where the vocabulary comes with the model, a short word is two tokens, and a letter of any script is one."""
    assert count_bound("A lighthouse, and 3 cats.", tokenizer) == 2 + 3 + 2 + 2 + 2 + 2 + 2 + around
    assert count_bound("東京の夜", tokenizer) == 5 + around
    assert count_bound("маяк ночью", tokenizer) == 5 + 6 + around
    assert count_bound("\U0001f600", tokenizer) == 5 + around


def test_presets_name_the_tokenizers_that_are_counted() -> None:
    """The catalog, which knows nothing of this room, has the same names."""
    assert get_args(TokenizerName) == TOKENIZERS


@pytest.mark.parametrize("tokenizer", TOKENIZERS)
@given(text=st.text(), more=st.text())
def test_more_text(tokenizer: Tokenizer, text: str, more: str) -> None:
    """A sentence that is appended never makes a text cheaper."""
    assert count_bound(f"{text}. {more}", tokenizer) >= count_bound(text, tokenizer)


def test_quoted() -> None:
    """ByT5 is given what stands in quotation marks, wrapped and joined, and an end."""
    assert count_bound('a sign says "OPEN"', "byt5") == len('Text "OPEN". ') + 1
    assert count_bound("“eins” und ‘zwei’", "byt5") == len('Text "eins". Text "zwei". ') + 1
    assert count_bound("no quotation mark", "byt5") == 0


@pytest.mark.parametrize(("words", "chunks"), [(0, 1), (75, 1), (76, 2), (150, 2), (151, 3)])
def test_chunks(words: int, chunks: int) -> None:
    """A chunk has 75 tokens, a start and an end; a text that is longer goes on in the next."""
    text = " ".join(["cat"] * words)
    assert count_chunks(text) == chunks
    assert count_bound(text, "clip") == words + 2 * chunks


def test_weighted_words_stay_together() -> None:
    """Words of a weight of their own move into the next chunk together, so one holds six tokens less."""
    assert count_chunks(" ".join(["cat"] * 70)) == 1
    assert count_chunks(" ".join(["cat"] * 66) + " (a dog:1.2)") == 2


def test_letters() -> None:
    """Of letters whose pairs are tokens, two of three begin one; a capital or another pair stands apart."""
    assert [spare("e" * length, frozenset()) for length in range(1, 7)] == [1, 2, 2, 3, 4, 4]
    assert spare("qqqqqq", frozenset({"qq"})) == 6
    assert spare("AbC", frozenset()) == 3


def test_table() -> None:
    """The table has tens of thousands of words, each with five counts, and pairs for three kinds of tokenizer."""
    assert len(table().rows) > 50_000
    assert table().rows["house"] == (1, 1, 1, 1, 1)
    assert set(table().apart) == {"clip", "bpe", "t5"}


def test_unknown_tokenizer() -> None:
    """A tokenizer that there is not is refused, with those that there are."""
    name: object = "qwen"
    with pytest.raises(ValidationError, match=r"no tokenizer 'qwen'; did you mean 'qwen25'\? There are: clip, t5"):
        count_bound("a cat", name)  # type: ignore[arg-type]
