"""Presets on servers that are too old for them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from comfy_headless.catalog.ages import FIRST, runs_since, too_old
from comfy_headless.catalog.candidates import Machine, Wishes
from comfy_headless.catalog.compiler import WorkflowCompiler
from comfy_headless.catalog.facts import ServerFacts, read_facts
from comfy_headless.catalog.presets import PRESETS, VIDEO_PRESETS
from comfy_headless.catalog.recommend import recommend
from comfy_headless.graph.ages import UPDATE, is_older, since
from comfy_headless.graph.schemas import Schemas
from comfy_headless.graph.transforms.ages import fitted

OLD = "0.3.64"
CLASSES = frozenset(Schemas.snapshot())
THERE = frozenset(name for name in CLASSES if not is_older(OLD, since(name) or "0"))
FILES = {
    folder: frozenset(file.name for file in PRESETS.files.values() if file.folder == folder)
    for folder in {file.folder for file in PRESETS.files.values()}
}


def test_a_model_that_is_younger_than_its_nodes() -> None:
    """Z-Image's nodes are old, its text encoder is not: 0.3.64 fails with KeyError 'QWEN3_4B' (run)."""
    line = f"fast needs ComfyUI 0.3.74 or later to load its model; this server says {OLD}: {UPDATE}"
    assert too_old(PRESETS["fast"], (), OLD) == line
    assert too_old(PRESETS["fast"], (), "0.3.74") is None
    assert too_old(PRESETS["fast"], ()) is None
    assert "the node SaveImage" in str(too_old(PRESETS["fast"], ["SaveImage"], OLD))
    assert too_old(PRESETS["fast"], ["NobodysNode"], None) is None


def test_a_compiled_preset_tells_it_too() -> None:
    """What is sent is held to it before: to be fitted is to be refused there."""
    compiled = WorkflowCompiler().compile("fast", "x", seed=1)
    assert compiled.comfyui == "0.3.74"
    assert WorkflowCompiler().compile("sdxl_fast", "x", seed=1).comfyui is None
    there = Schemas.snapshot()
    for version, lacks in ((OLD, 1), ("0.16.3", 0), (None, 0)):
        fit = fitted(compiled.graph, there, version=version, subject="fast", needed=compiled.comfyui)
        assert len(fit.lacks) == lacks
        assert all("fast needs ComfyUI 0.3.74 or later to load its model" in line for line in fit.lacks)


def test_a_server_says_its_age() -> None:
    """The version is one of the facts; who does not say it is not held to be old."""
    assert read_facts({}, {"system": {"comfyui_version": OLD}}).version == OLD
    assert read_facts({}, {}).version is None


@pytest.mark.parametrize("version", [OLD, None])
def test_what_an_old_server_cannot_run_is_passed_over(version: str | None) -> None:
    """A preset that runs there is taken; the others say which version they need."""
    facts = ServerFacts(THERE, FILES, version=version)
    found = recommend(VIDEO_PRESETS, Machine(80.0, "as given", facts=facts), Wishes(within=1e6))
    assert found.missing == ()
    lacking = {each.name: each for each in found.candidates if each.lacks}
    assert found.name not in lacking
    ltx2 = lacking["ltx2_quality"]
    assert ltx2.lacks[0].startswith("ltx2_quality needs the nodes ")
    assert "which ComfyUI has since 0.8.0" in ltx2.lacks[0]
    assert ltx2.why_not == "the server lacks a newer ComfyUI"


def test_the_page_says_which_version_runs_a_preset() -> None:
    """docs/ages.md names every preset that does not run anywhere, at the version that its nodes and model tell."""
    page = (Path(__file__).parents[2] / "docs/ages.md").read_text(encoding="utf-8")
    drawn = {
        name: version
        for version, names in re.findall(r"^\| (\d+\.\d+\.\d+) \| (`.*`) \|$", page, re.M)
        for name in re.findall(r"`([^`]+)`", names)
    }
    told = {(name, runs_since(preset, task)) for name, preset in PRESETS.items() for task in preset.tasks}
    assert {(name, version) for name, version in told if version != FIRST} == set(drawn.items())
