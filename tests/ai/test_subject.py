"""Subject and motion: the prompt's own words for what is shown, and for what moves in it."""

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


def test_motion_is_not_the_cameras() -> None:
    """What moves are people and things; what the camera does is its own field."""
    analysis = analyze_prompt("a horse runs and jumps, then jumps again; the camera lifts into a crane shot")
    assert analysis.motion == ("runs", "jumps")
    assert "crane" in analysis.camera
