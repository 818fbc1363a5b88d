"""What the input fields of a graph's nodes step through: the first guess at the rules of a drafted preset.

A server does not hold values to these steps; what its nodes make of one between them, ``presets test`` measures.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

from comfy_headless.graph.marking.find import Found
from comfy_headless.graph.schemas import Schemas
from comfy_headless.graph.template import Parameter, Template
from comfy_headless.graph.transforms.wires import Wire, users


class Grid(NamedTuple):
    """What the nodes' own input fields step through: ``step * n + remainder``.

    Args:
        remainder: 0 for sizes.
        nodes: the classes that were read.
        fits: whether the workflow's own values are on it; where not, the step is a smaller one.
    """

    step: int
    remainder: int
    minimum: int
    nodes: tuple[str, ...]
    fits: bool


def grid(template: Template, names: tuple[str, ...], schemas: Schemas, found: Found) -> Grid | None:
    """What the input fields behind some parameters step through, and those of a stage that follows from them."""
    steps: list[tuple[int, int, str]] = []
    for name in names:
        halves = [each.name for each in found.derived if each.origin == name and each.rule == "half"]
        for own, factor in ((name, 1), *((half, 2) for half in halves)):
            for class_type, field in _fields(template, own):
                item = schemas[class_type].input(field) if class_type in schemas else None
                if item is not None:
                    steps.append((_whole(item.options.get("step")) * factor, _whole(item.min) * factor, class_type))
    values = [saved_value(template.parameters[name]) for name in names if name in template.parameters]
    if names == ("width", "height") and found.size is not None:
        values = list(found.size)
    if not values:
        return None
    step = math.lcm(*(each for each, _, _ in steps)) if steps else 1
    minimum = max((least for _, least, _ in steps), default=1)
    remainder = minimum % step if names == ("frames",) else 0
    fits = all(value % step == remainder for value in values)
    nodes = tuple(dict.fromkeys(class_type for _, _, class_type in steps))
    if not fits:
        step, remainder = (1, 0) if names == ("frames",) else (math.gcd(step, *values), 0)
    return Grid(step, remainder, minimum, nodes, fits)


def saved_value(parameter: Parameter) -> Any:
    """Return the value that the workflow has for a parameter, a required one too; over a wire, the node's own."""
    for slot in parameter.slots:
        own = slot.schema.default if slot.schema is not None else None
        first = next(iter(slot.limits.choices), None)
        value = next((each for each in (slot.default, own, slot.limits.minimum, first) if each is not None), None)
        if value is not None:
            return value
    return ""


def _fields(template: Template, name: str) -> Iterator[tuple[str, str]]:
    """Class and input of each field that a parameter fills; of a node that only holds the number, those it goes to."""
    graph = template.graph
    for slot in template.parameters[name].slots if name in template.parameters else ():
        if slot.class_type.startswith("Primitive"):
            for place in users(graph, Wire(slot.node_id, 0)):
                yield graph[place.node_id]["class_type"], place.input
        else:
            yield slot.class_type, slot.field


def _whole(value: object) -> int:
    return max(int(value), 1) if isinstance(value, (int, float)) else 1
