"""Each preset and task is, node by node, what its family needs; and a broken copy is noticed."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from comfy_headless.catalog.compiler import compile_workflow
from comfy_headless.catalog.preset_file import Task
from comfy_headless.catalog.presets import PresetLibrary
from comfy_headless.graph.check import check
from comfy_headless.graph.schemas import Schemas
from comfy_headless.graph.snapshot import pack_names
from tests.catalog.mistakes import SILENT, Ways, wrong_values, wrong_wires
from tests.catalog.semantics import (
    FAMILIES,
    IMAGE,
    LAST_IMAGE,
    NEGATIVE,
    PROMPT,
    SEED,
    expected,
    faults,
    is_wrong,
    takes_negative,
)
from tests.catalog.semantics.tree import Node

PRESETS = PresetLibrary()
CASES = [
    pytest.param(name, task, id=f"{name}-{task}")
    for name, preset in sorted(PRESETS.items(), key=lambda each: (list(FAMILIES).index(each[1].family), each[0]))
    for task in preset.tasks
]
IMAGES = {"text": {}, "image": {"image": f"in/{IMAGE}"}}
IMAGES["first_last"] = {**IMAGES["image"], "last_image": f"in/{LAST_IMAGE}"}
SCHEMAS = Schemas.snapshot(packs=pack_names())
each_case = pytest.mark.parametrize(("name", "task"), CASES)


def compiled(name: str, task: Task, **settings: Any) -> dict[str, Any]:
    """The graph of a preset with the words and numbers that the expected tree has."""
    words = {"negative_prompt": NEGATIVE} if takes_negative(PRESETS[name], task) else {}
    return compile_workflow(PRESETS[name], PROMPT, seed=SEED, **words, **IMAGES[task], **settings)


@cache
def both(name: str, task: Task) -> tuple[dict[str, Any], Node]:
    """The graph as it is, and its tree; whoever changes the graph changes it back."""
    return compiled(name, task), expected(PRESETS[name], task)


@each_case
def test_a_preset_is_what_its_family_needs(name: str, task: Task) -> None:
    """Every class, wire, slot and value, from the saved video back to the loaders."""
    graph, tree = both(name, task)
    assert faults(graph, tree) == []


def others(name: str, task: Task) -> dict[str, Any]:
    """Another possible value of every setting that a caller may choose and that does not follow from another one."""
    at = PRESETS[name].at(task)
    own = {setting: item.value for setting, item in at.settings.items() if not item.fixed}
    size, frames = at.rules.size, at.rules.frames
    found = {"sampler": "heun", "scheduler": "beta", "steps": 6, "cfg": 2.5, "shift": 3.5, "fps": 12.0}
    if "width" in own and not size.only:
        found |= {"width": own["width"] + 2 * size.multiple, "height": own["height"] - 2 * size.multiple}
    if "frames" in own and frames is not None:
        shorter = own["frames"] - frames.step
        found["frames"] = shorter if shorter >= frames.minimum else frames.nearest(own["frames"] + frames.step)
    changed = {setting: value for setting, value in found.items() if setting in own}
    for setting, item in at.declared.items():
        if item.default is not None and not item.fixed:
            changed[setting] = _other(item.default, item.minimum, item.maximum, item.choices)
    return changed


def _other(value: Any, minimum: float | None, maximum: float | None, choices: tuple[str, ...]) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, str):
        return next((choice for choice in choices if choice != value), f"{value} ")
    step = 1 if isinstance(value, int) else 0.25
    return value - step if maximum is not None and value + step > maximum else value + step


@each_case
def test_settings_arrive_where_they_belong(name: str, task: Task) -> None:
    """Other values change the inputs of their name and nothing else."""
    changed = others(name, task)
    graph = compiled(name, task, allow_untested=True, **changed)
    assert faults(graph, expected(PRESETS[name], task, **changed)) == []


@each_case
@pytest.mark.parametrize("ways", [wrong_values, wrong_wires])
def test_a_broken_copy_is_noticed(name: str, task: Task, ways: Ways) -> None:
    """Each value changed, each wire elsewhere, each input or node left out, each pair of alike nodes exchanged."""
    graph, tree = both(name, task)
    passed, seen = [], 0
    for what in ways(graph, SCHEMAS):
        seen += 1
        if not is_wrong(graph, tree):
            passed.append(what)
    assert passed == []
    assert seen > len(graph)
    assert faults(graph, tree) == []


@pytest.mark.parametrize("mistake", SILENT)
def test_what_a_server_lets_pass_is_noticed(mistake: str) -> None:
    """The mistakes that a real server runs, repairs or floors without a word, in every preset that has the place."""
    made = 0
    for case in CASES:
        graph, tree = both(*case.values)
        for what in SILENT[mistake](graph, SCHEMAS):
            made += 1
            assert is_wrong(graph, tree), f"{case.id}: {what}"
    assert made


@each_case
def test_a_server_would_accept_it(name: str, task: Task) -> None:
    """The server's own verdict, offline: no problem at all, and the save node would run."""
    report = check(both(name, task)[0], SCHEMAS)
    assert report.ok, report.problems
    assert len(report.accepted) == 1
