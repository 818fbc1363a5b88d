"""docs/prompts.md says what is: fields, styles, risks, and how each family wants to be asked."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from comfy_headless import IMAGE_PRESETS, VIDEO_PRESETS, PromptAnalysis
from comfy_headless.ai.analysis import Camera, Pace, RiskKind, Shot
from comfy_headless.ai.look import STYLES
from comfy_headless.ai.target import target_of
from comfy_headless.catalog.intents import Intent

PAGE = Path(__file__).resolve().parents[2] / "docs" / "prompts.md"


def table(heading: str, number: int = 0) -> list[list[str]]:
    """The rows of a table below a heading."""
    below = PAGE.read_text(encoding="utf-8").partition(f"\n{heading}\n")[2]
    tables = re.findall(r"(?:^\|.*\n)+", below, re.MULTILINE)
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in tables[number].splitlines()[2:]]


def names(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def test_the_fields() -> None:
    """The page lists every field that a prompt fills, and every value of those that have a list of values."""
    rows = {name: row[1] for row in table("## What a prompt asks for") for name in names(row[0])}
    given = ("text", "model", "vram_gb", "server")
    assert set(rows) == {name for name in PromptAnalysis.__dataclass_fields__ if name not in given}
    assert names(rows["intent"]) == list(get_args(Intent))
    assert names(rows["styles"]) == list(STYLES)
    assert names(rows["camera"]) == list(get_args(Camera))
    assert names(rows["shot"]) == list(get_args(Shot))
    assert names(rows["pace"]) == list(get_args(Pace))


def test_the_risks() -> None:
    """The page lists every kind of risk."""
    assert [names(row[0])[0] for row in table("## What a prompt asks for", 1)] == list(get_args(RiskKind))


def test_the_models() -> None:
    """The page says of every family what its presets say."""
    rows = {names(row[0])[0]: row[1:] for row in table("### The models")}
    families = {preset.family for library in (VIDEO_PRESETS, IMAGE_PRESETS) for preset in library.values()}
    assert set(rows) == families
    for family, (form, languages, others, tokens, negative) in rows.items():
        target = target_of(family)
        assert re.split(r"[,:]", form)[0] == target.form
        assert negative == ("yes" if target.takes_negative else "no")
        if not target.takes_text:
            continue
        assert languages == (", ".join(target.languages) or "any")
        assert others == (("yes" if target.multilingual else "no") if target.languages else "")
        assert tokens == ("any number" if target.limit is None else str(target.limit))
