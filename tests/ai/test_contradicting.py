"""Whether a text that was written anew contradicts the prompt."""

from __future__ import annotations

from typing import Any

import pytest

from comfy_headless.ai.contradicting import contradictions
from tests.ai.values import analysis


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ({"camera": {"static"}}, {"camera": {"pan"}}, "the camera stands still there, and here it moves: pan"),
        ({"camera": {"pan"}}, {"camera": {"static"}}, "the camera moves there (pan), and here it stands still"),
        ({"camera": {"zoom_in"}}, {"camera": {"zoom_out"}}, "the camera's move is zoom_in there, and zoom_out here"),
        ({"shot": "close_up"}, {"shot": "wide"}, "the shot is close_up there, and wide here"),
        ({"pace": "timelapse"}, {"pace": "slow_motion"}, "the pace is timelapse there, and slow_motion here"),
        ({"duration": 5.0}, {"duration": 8.0}, "it lasts 5 s there, and 8 s here"),
        ({"aspect": "9:16"}, {"aspect": "16:9"}, "its shape is 9:16 there, and 16:9 here"),
    ],
)
def test_what_is_contradicted(before: dict[str, Any], after: dict[str, Any], told: str) -> None:
    """Another camera, shot, pace, length or shape than was asked for is said."""
    assert contradictions(_read(before), _read(after)) == (told,)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"camera": {"pan"}, "shot": "wide", "duration": 5.0, "aspect": "9:16", "pace": "fast"}),
        ({"camera": {"pan"}, "shot": "wide", "duration": 5.0}, {}),
        ({"camera": {"static"}}, {"camera": {"static"}}),
        ({"camera": {"zoom_in", "zoom_out"}}, {"camera": {"zoom_out"}}),
        ({"shot": "close_up"}, {"shot": "medium"}),
    ],
)
def test_what_is_not(before: dict[str, Any], after: dict[str, Any]) -> None:
    """What was not asked for may be added, and what is there may be said in other words."""
    assert contradictions(_read(before), _read(after)) == ()


def test_counts() -> None:
    """Another number of the same things is a contradiction, another number of other things is not."""
    before = analysis("3 cats and two dogs")
    assert contradictions(before, analysis("three cats and five dogs")) == ("there are 2 dogs there, and 5 here",)
    assert contradictions(before, analysis("3 cats, two dogs and four birds")) == ()


def test_colours() -> None:
    """What has the colour of another thing is a contradiction, what has a new one is not."""
    before = analysis("a red car and a blue house")
    assert contradictions(before, analysis("a blue car and a red house")) == (
        "the car is red there, and blue here",
        "the house is blue there, and red here",
    )
    assert contradictions(before, analysis("a red car, a blue house, a green car park and blue light")) == ()


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("the dog does not bark", "the dog barks", ("it lost the 'no' or 'not' before 'bark'",)),
        ("a street without people", "a street with people", ("it lost the 'no' or 'not' before 'people'",)),
        ("Anna feeds 3 grey geese", "Anna and no geese at all", ("it denies 'geese', which is there",)),
        ("a street without people", "an empty street", ()),
        ("a street without people", "a street with no person and no cars", ()),
        ("a cat, static camera", "a cat, the camera holds still with no camera movement and no cuts", ()),
        ("no pans, no zooms", "the camera holds a fixed frame", ()),
    ],
)
def test_denials(before: str, after: str, told: tuple[str, ...]) -> None:
    """What is not there stays away, and what is there stays; other words may say so."""
    assert contradictions(analysis(before), analysis(after)) == told


def _read(fields: dict[str, Any]) -> Any:
    camera = frozenset(fields.get("camera", ()))
    return analysis("a cat", **{**fields, "camera": camera})
