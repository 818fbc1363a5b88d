"""Negative prompts: nothing in them that was asked for."""

from __future__ import annotations

import pytest

from comfy_headless.ai.asked import forbids, named_in
from comfy_headless.ai.negatives import content_words, without_asked
from comfy_headless.ai.target import target_of

WAN = target_of("wan_quality").negative


@pytest.mark.parametrize(
    ("language", "text", "dropped"),
    [
        ("en", "an oil painting of a girl", {"风格", "作品", "画作", "画面"}),
        ("de", "ein Ölgemälde", {"风格", "作品", "画作", "画面"}),
        ("zh", "一幅油画", {"风格", "作品", "画作", "画面"}),
        ("en", "a static shot of a harbour", {"静态", "静止", "静止不动的画面"}),
        ("de", "die Kamera ist statisch", {"静态", "静止", "静止不动的画面"}),
        ("zh", "静止的湖面", {"静态", "静止", "静止不动的画面"}),
        ("en", "a crowd at a concert", {"背景人很多"}),
        ("zh", "海滩上的人", {"背景人很多"}),
        ("en", "a sign with text", {"字幕"}),
        ("ru", "вывеска с надписью", {"字幕"}),
        ("en", "a neon rainbow", {"色调艳丽"}),
        ("en", "a cat in a garden", set()),
        ("zh", "一只猫在花园里", set()),
    ],
)
def test_what_the_chinese_negative_loses(language: str, text: str, dropped: set[str]) -> None:
    """Of Wan's own negative prompt goes, piece by piece, what a prompt in any language asks for."""
    made = without_asked(WAN, text, named_in(text, language))
    assert set(made.dropped) == dropped
    assert set(made.text.split("，")) == set(WAN.split("，")) - dropped


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a cartoon of a cat", "pc game, console game, video game, childish, ugly"),
        ("an ugly duckling", "pc game, console game, video game, cartoon, childish"),
        ("a video of a cat", "pc game, console game, cartoon, childish, ugly"),
        ("a car", "pc game, console game, video game, cartoon, childish, ugly"),
    ],
)
def test_words_of_the_prompt(text: str, expected: str) -> None:
    """A piece that has a word of the prompt goes as a whole; a word inside another one is not that word."""
    assert without_asked("pc game, console game, video game, cartoon, childish, ugly", text).text == expected


def test_forms_of_a_word() -> None:
    """A plural is the same word, and so is one with a short ending."""
    assert without_asked("hands, painted, blur", "one hand, paint, blurred").text == ""


def test_further_pieces() -> None:
    """More pieces are put behind, none of them twice."""
    assert without_asked("blurry, text", "a cat", further=["text", "noise"]).text == "blurry, text, noise"


def test_content_words() -> None:
    """Words that mean something are kept, of every script; of Chinese, pairs of signs."""
    assert content_words("The cats' house") >= {"cats", "house"}
    assert "the" not in content_words("The cats' house")
    assert content_words("红色的汽车") == {"红色", "汽车"}
    assert content_words("静静的猫") == {"静静", "猫"}
    assert "кошка" in content_words("Кошка у окна")


def test_what_a_piece_forbids() -> None:
    """A piece is known by its words, and by the table."""
    assert "painted" in forbids("画作")
    assert forbids("cartoon") == {"cartoon"}
    assert forbids("nothing of all this") == frozenset()


@pytest.mark.parametrize("text", ["soldiers have lunch in single file", "an elderly natural mondo", "hello"])
def test_words_of_other_languages(text: str) -> None:
    """Words of one language do not count in another: 'lunch' is no Spanish light."""
    assert named_in(text, "en").isdisjoint({"lit", "heard", "filmed"})
