"""Risks: what models get wrong, and what the model at hand cannot do, each with what to do."""

from __future__ import annotations

import pytest

from comfy_headless import analyze_prompt


def kinds(text: str, model: str | None = None) -> list[str]:
    return [risk.kind for risk in analyze_prompt(text, model=model).risks]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('a shop window with a sign reading "OPEN"', ["text"]),
        ('a red box, "SALE 50%" on it', ["text"]),
        ('a woman says "good morning"', []),
        ("close-up of fingers on a keyboard", ["hands"]),
        ("a crowd in a stadium", ["crowd"]),
        ("a handheld shot of a dog", []),
        ("ein Publikum im Stadion", ["crowd"]),
        ("une foule de spectateurs dans un stade", ["crowd"]),
        ("特写：双手揉面", ["hands"]),
        ("コンサートの観客", ["crowd"]),
        ("thousands of pedestrians on a crossing", ["crowd"]),
        ("hundreds of cheering fans", ["crowd"]),
        ("Tausende Läufer auf einer Brücke", ["crowd"]),
        ("тысячи людей на площади", ["crowd"]),
        ("a hundred-year-old man", []),
        ("thousands of stars", []),
        ("a poster says OPEN TODAY", ["text"]),
        ("a shop sign reading Bäckerei", ["text"]),
        ("a teapot without text", []),
        ("a fox in the snow", []),
    ],
)
def test_what_a_picture_gets_wrong(text: str, expected: list[str]) -> None:
    """Text to be read, hands and crowds are risks where they are asked for, in any language."""
    assert kinds(text) == expected


def test_the_words_and_what_to_do() -> None:
    """A risk repeats the words that ask for it, and says what to do."""
    (risk,) = analyze_prompt("Fingers, fingers and hands of a pianist").risks
    assert risk.why.startswith("“Fingers”, “hands”: models miscount fingers; ")
