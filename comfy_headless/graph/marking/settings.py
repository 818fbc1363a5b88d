"""The settings of sampling: equal values of a stage are one parameter, each stage and each expert has its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from comfy_headless.graph.marking.sight import Mark, Sight, Value
from comfy_headless.graph.marking.sizes import Derived
from comfy_headless.graph.marking.texts import guides_last
from comfy_headless.graph.marking.words import BY_CLASS, BY_NAME, ORDINALS, Word
from comfy_headless.graph.transforms.wires import Place

_KINDS = (int, float, str, bool)


def find_settings(sight: Sight) -> tuple[list[Mark], dict[str, str]]:
    """Return the marks of all settings that tables know, and their descriptions by name."""
    values: dict[str, Any] = {}
    descriptions: dict[str, str] = {}
    marks: list[Mark] = []
    for node_id, value, word in _known(sight):
        base = f"last_{word.name}" if word.name == "image_strength" and guides_last(sight, node_id) else word.name
        stage = sight.stages.get(node_id, 1) if word.staged else 1
        name = _free(f"{ORDINALS[stage]}{base}", value, values, low=node_id in sight.continuing)
        values[name] = value.value
        descriptions[name] = word.description or (f"{word.name} of a further stage" if name != word.name else "")
        marks.append(Mark(*value.place, name))
    return marks, descriptions


def _known(sight: Sight) -> Iterator[tuple[str, Value, Word]]:
    for node_id, node in sight.graph.items():
        for field in node["inputs"]:
            word = BY_CLASS.get((sight.class_of(node_id), field))
            if word is None and node_id in sight.needed:
                word = BY_NAME.get(field)
            value = sight.value(Place(node_id, field), _KINDS) if word else None
            if word is not None and value is not None:
                yield node_id, value, word


def _free(name: str, value: Value, values: dict[str, Any], *, low: bool) -> str:
    """The name for a value: another value of that name needs another one."""
    number = 2
    wanted = name
    while wanted in values and values[wanted] != value.value:
        wanted = f"{name}_low" if low and f"{name}_low" not in values else f"{name}_{number}"
        number += 1
    return wanted


def find_handover(sight: Sight) -> tuple[list[Mark], list[Derived]]:
    """Return the marks of the step at which a second expert takes over, and what part of the steps it is."""
    graph = sight.graph
    for after in sight.samplers:
        step, steps = (graph[after]["inputs"].get(name) for name in ("start_at_step", "steps"))
        if sight.adds_noise(after) or not isinstance(step, int) or not isinstance(steps, int) or not 0 < step < steps:
            continue
        before = [each for each in sight.samplers if each != after and graph[each]["inputs"].get("end_at_step") == step]
        if before:
            marks = [
                *(Mark(each, "end_at_step", "handover") for each in before),
                Mark(after, "start_at_step", "handover"),
            ]
            return marks, [Derived("handover", "steps", "handover", round(step / steps, 4))]
    return [], []
