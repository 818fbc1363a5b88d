"""Analyses, written by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from comfy_headless.ai.analysis import PromptAnalysis

_PLAIN = PromptAnalysis(
    text="",
    intent="object",
    styles=[],
    subject=None,
    motion=(),
    camera=frozenset(),
    shot=None,
    lighting=(),
    mood=(),
    pace="normal",
    duration=None,
    aspect=None,
    language="en",
    sound=False,
    quoted=(),
    tokens=None,
    model=None,
    risks=(),
    confidence={},
)


def analysis(text: str, **fields: Any) -> PromptAnalysis:
    """Return an analysis that found nothing but ``fields``."""
    return replace(_PLAIN, text=text, **fields)
