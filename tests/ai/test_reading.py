"""A prompt made ready for finders: folded, cut into words and clauses, and every position led back to the prompt."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comfy_headless.ai.folding import fold
from comfy_headless.ai.reading import read


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ('a sign says "OPEN" in red', ["OPEN"]),
        ("a sign ‘Open’, the dogs' park and rock 'n' roll's end", ["Open"]),
        ("ein Schild mit „Geöffnet“ und »Hallo«", ["Geöffnet", "Hallo"]),
        ("elle dit « bonjour » à l'homme", [" bonjour "]),
        ("hon säger ”hej” och ler", ["hej"]),
        ("一个女人说“你好”，镜头推近", ["你好"]),
        ("女性が「こんにちは」と言う", ["こんにちは"]),
        ('a 5" screen, 7" wide', []),
        ('שלום צה"ל אומר "היי" כאן', ["היי"]),
        ('a mark without "its other half', []),
    ],
)
def test_quoted_texts(text: str, quoted: list[str]) -> None:
    """A text in quotation marks of any language is found as it stands, and finders do not see it."""
    reading = read(text)
    assert list(reading.quotations) == quoted
    assert not any(fold(each).strip() in reading.text for each in quoted)


def test_a_prompt_in_quotation_marks_is_the_prompt() -> None:
    """Where the marks hold everything, they hold the prompt."""
    assert [word.text for word in read('"A slow pan"').words] == ["a", "slow", "pan"]


def test_what_is_no_instruction_is_blank() -> None:
    """Markup, addresses and a negative prompt are blanked out, at the same length."""
    text = "<lora:zoom_out:1> a cat https://pan.example <b>runs</b>\nNegative prompt: zoom, pan"
    reading = read(text)
    assert [word.text for word in reading.words] == ["a", "cat", "runs"]
    assert len(reading.text) == len(text)


def test_spellings_meet() -> None:
    """Width, case, accents, marks and traditional characters do not tell words apart."""
    assert read("ＦＵＬＬ ｶﾒﾗ E\u0301te\u0301 İstanbul IŞIK Straße").text == "full カメラ ete istanbul isik strasse"
    assert read("鏡頭緩緩推近").text == fold("镜头缓缓推近", "zh")
    assert read("pan\u200bning").text == "panning"
    assert fold("quay chậm", "vi") == "quay chậm"


@given(st.text(st.characters(codec=None), max_size=60))
def test_any_text_is_read(text: str) -> None:
    """Every word stands somewhere in the prompt, whatever that is, and stretches follow on each other without gaps."""
    reading = read(text)
    for word in reading.words:
        assert reading.original(word.start, word.end)
        assert 0 <= word.clause < len(reading.clauses)
    assert "".join(reading.text[slice(*clause)] for clause in reading.clauses) == reading.text
    assert len(reading.text) == len(reading.whole)


@pytest.mark.parametrize(
    "piece", ['"', "'", "«", "<a", "a'b ", "(a ", "e\u0301", "\u200b", "--no ", "a@", '"a', "\ud800"]
)
def test_hostile_text_is_read_in_time(piece: str) -> None:
    """A hundred thousand characters of what could cost most are read; were it quadratic, this would take minutes."""
    assert read(piece * (100_000 // len(piece))).prompt
