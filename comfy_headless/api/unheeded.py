"""What a prompt asks for and a request does not make: its length and its aspect. Said, not changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from comfy_headless.ai.analyzing import analyze_prompt
from comfy_headless.graph.values import written

_SECONDS: Final = 0.5
_ASPECT: Final = 0.1
"""By how much, as a part of it, a length or an aspect may differ from what is asked for."""


def unheeded(prompt: str, settings: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what a prompt asks for and these settings do not make, with the arguments that would.

    >>> unheeded("a cat, 2 seconds", {"seconds": 5.0})
    ('the prompt asks for 2 s, and 5 s are made; seconds=2 (--seconds 2) makes that',)
    """
    analysis = analyze_prompt(prompt)
    notes: list[str] = []
    made, asked = settings.get("seconds"), analysis.duration
    if made and asked and abs(made - asked) > max(_SECONDS, asked * _ASPECT):
        told = written(round(asked, 3))
        notes.append(
            f"the prompt asks for {told} s, and {made:.3g} s are made; seconds={told} (--seconds {told}) makes that"
        )
    width, height = settings.get("width"), settings.get("height")
    if width and height and analysis.aspect is not None:
        notes += _aspect(analysis.aspect, width, height)
    return tuple(notes)


def _aspect(asked: str, width: int, height: int) -> Iterator[str]:
    across, _, up = asked.partition(":")
    ratio = float(across) / float(up)
    if _is_near(width / height, ratio):
        return
    how = "width= and height= (--width, --height) make another"
    if _is_near(height / width, ratio):
        how = f"width={height}, height={width} (--width {height} --height {width}) makes that"
    yield f"the prompt asks for {asked}, and {width}x{height} is made; {how}"


def _is_near(made: float, asked: float) -> bool:
    return abs(made - asked) <= asked * _ASPECT
