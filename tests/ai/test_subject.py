"""Subject: the prompt's own words for what is shown."""

from __future__ import annotations

import pytest

from comfy_headless import analyze_prompt


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ("An old fisherman slowly mends nets on a pier", "An old fisherman"),
        ("an elderly Japanese man", "an elderly Japanese man"),
        ("Steaming bowl of ramen", "Steaming bowl of ramen"),
        ("Cinematic wide shot, two running horses on the beach", "two running horses"),
        ("close-up of a red fox", "a red fox"),
        ("a paper boat on a stream", "a paper boat"),
        ("eine rote Katze schläft", "eine rote Katze"),
        ("un chat noir dort sur un toit", "un chat noir"),
        ("fractal zoom", None),
    ],
)
def test_the_subject(text: str, subject: str | None) -> None:
    """It is the noun that the prompt is about, with the words that describe it."""
    assert analyze_prompt(text).subject == subject
