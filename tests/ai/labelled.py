"""The labelled prompts, read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

DATA = Path(__file__).parent / "data"


class Labelled(NamedTuple):
    """A prompt and what its writer says of it; the fields are those of `PromptAnalysis`.

    Args:
        kind: plain, short, long, tricky or hostile.
    """

    text: str
    intent: str
    camera: list[str]
    shot: str | None
    duration: float | None
    aspect: str | None
    language: str
    pace: str
    sound: bool
    styles: list[str]
    kind: str


def labelled(name: str = "prompts") -> list[Labelled]:
    """Return the prompts of one file: ``prompts`` for tuning, ``held_out`` for measuring."""
    lines = (DATA / f"{name}.jsonl").read_bytes().splitlines()
    return [Labelled(**json.loads(line)) for line in lines]
