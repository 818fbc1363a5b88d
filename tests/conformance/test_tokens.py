"""The bound of tokens, held against the tokenizers that ComfyUI's source carries."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from comfy_headless.ai.tokens import SIGNS, TOKENIZERS, Tokenizer, count_bound, count_chunks
from tests.ai.labelled import Labelled, labelled

from .comfyui.install import installation

pytestmark = pytest.mark.real_server

CARRIED: tuple[Tokenizer, ...] = ("clip", "t5", "llama3", "qwen25")
"""Those whose vocabularies lie in ComfyUI's source."""
COUNTED: tuple[Tokenizer, ...] = (*CARRIED, "byt5")


class Counter:
    """ComfyUI's tokenizers, in a process of its own."""

    def __init__(self, to: IO[str], back: IO[str]) -> None:
        self.to, self.back = to, back

    def __call__(self, texts: list[str]) -> list[dict[str, int]]:
        self.to.write(json.dumps(texts) + "\n")
        self.to.flush()
        answer: list[dict[str, int]] = json.loads(self.back.readline())
        return answer


@pytest.fixture(scope="module")
def count() -> Iterator[Counter]:
    """Count tokens as ComfyUI does."""
    comfyui, script = installation(), Path(__file__).with_name("token_counts.py")
    command = [str(comfyui.python), str(script), str(comfyui.source)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin and process.stdout
        yield Counter(process.stdin, process.stdout)
        process.stdin.close()


@pytest.fixture(scope="module")
def prompts() -> list[Labelled]:
    """All labelled prompts."""
    return [*labelled("prompts"), *labelled("held_out")]


def too_low(texts: list[str], counted: list[dict[str, int]]) -> list[tuple[str, int]]:
    """Return the tokenizers, each with the place of a text, whose bound is below the count."""
    found = [
        (tokenizer, place)
        for place, (text, counts) in enumerate(zip(texts, counted, strict=True))
        for tokenizer in COUNTED
        if count_bound(text, tokenizer) < counts[tokenizer]
    ]
    return found + [("chunks", n) for n, text in enumerate(texts) if count_chunks(text) < counted[n]["chunks"]]


def test_labelled(count: Counter, prompts: list[Labelled]) -> None:
    """No labelled prompt, in any language, has more tokens than its bound."""
    texts = [prompt.text for prompt in prompts]
    assert too_low(texts, count(texts)) == []


def plain(text: str) -> bool:
    """Whether a text is of more than eight words, and of the characters that English is written with."""
    return len(text.split()) > 8 and all(" " <= letter <= "~" or letter in SIGNS for letter in text)


@pytest.mark.parametrize("tokenizer", CARRIED)
def test_english(count: Counter, prompts: list[Labelled], tokenizer: Tokenizer) -> None:
    """For English the bound is at most 1.2 times the count over all prompts, 1.5 times for 99 of 100 plain ones."""
    texts = [prompt.text for prompt in prompts if prompt.language == "en"]
    bounds = [count_bound(text, tokenizer) for text in texts]
    counts = [counted[tokenizer] for counted in count(texts)]
    ratios = [bound / count for bound, count, text in zip(bounds, counts, texts, strict=True) if plain(text)]
    assert len(ratios) > 200
    assert sum(bounds) <= 1.2 * sum(counts)
    assert sum(ratio > 1.5 for ratio in ratios) <= len(ratios) / 100
    assert max(ratios) <= 1.8


@pytest.mark.parametrize("length", [1, 2, 3, 4])
def test_numbers(count: Counter, length: int) -> None:
    """No number has more tokens than its bound, at the start of a piece, within one, and beside letters."""
    numbers = [str(number).zfill(length) for number in range(10**length)]
    for texts in (numbers, [f"a{number}" for number in numbers], [f"{number}k {number}" for number in numbers]):
        assert too_low(texts, count(texts)) == []


PIECES = st.one_of(
    st.text(max_size=12),
    st.text(st.characters(max_codepoint=0x7F), max_size=12),
    st.text("abcdefghijklmnopqrstuvwxyzABC", max_size=30),
    st.text("0123456789.,:%$/-", max_size=12),
    st.text(" \t\n\r\x0b\x0c\x85\xa0\u2003\u3000\u200b\ufeff", max_size=5),
    st.text("’‘“”–—…'\"`()[]{}<>\\|_-.,;:!?~^", max_size=6),
    st.text(st.characters(min_codepoint=0x300, max_codepoint=0x36F), max_size=4),
    st.text("東京の夜、雨が降る。漢字かなカナ한국어कखगمرحبאבגไทย", max_size=10),
    st.sampled_from(
        ["😀👨‍👩‍👧‍👦🏳️‍🌈", "ﷺ㎞ﬁ①", "def f(x): return x**2", "</s>", "<|im_start|>", "<|endoftext|>", "<pad>"]
    ),
    st.sampled_from(
        [" embedding:style", "(cat:1.3)", "((dog))", "\\(sun\\)", "(", ")", "it's", "WE'RE", "'stop", "'s"]
    ),
    st.sampled_from([" ", " ", " a", " the", " Cat", " photorealistic", " Ünal", "naïve", " café", "WORD", "iPhone"]),
)
TEXTS = st.lists(PIECES, max_size=14).map("".join).filter(lambda text: not any("\ud800" <= c <= "\udfff" for c in text))


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(texts=st.lists(TEXTS, min_size=20, max_size=20))
def test_generated(count: Counter, texts: list[str]) -> None:
    """No text at all has more tokens than its bound."""
    assert too_low(texts, count(texts)) == []


def test_long_texts_are_read_in_chunks(count: Counter) -> None:
    """CLIP reads 75 tokens of a text and then a chunk more; ComfyUI makes as many chunks as are counted."""
    texts = [" ".join(["cat"] * length) for length in (0, 1, 74, 75, 76, 150, 151, 500)]
    assert [count_chunks(text) for text in texts] == [counted["chunks"] for counted in count(texts)]
    assert [count_bound(text, "clip") for text in texts] == [counted["clip"] for counted in count(texts)]
    assert set(TOKENIZERS) - set(COUNTED) == {"umt5", "gemma3"}
