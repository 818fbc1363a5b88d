"""Broken graphs for the comparison of `check` with a real server: every way to break one, on every base graph.

Deterministic: the same schemas give the same cases. A case is a graph and the ``partial_execution_targets`` of the
request.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from comfy_headless.graph.schemas import InputSchema, Schemas

from .check_breaks import BREAKS
from .check_graphs import Graph, base_graphs, node
from .check_special import special_requests


class Case(NamedTuple):
    """A request to compare.

    Args:
        targets: ``partial_execution_targets``.
        way: how the graph was broken, one of `BREAKS`; empty for a whole one.
    """

    name: str
    graph: Any
    targets: Any = None
    way: str = ""


def broken_graphs(bases: dict[str, Graph], schemas: Schemas, *, rounds: int = 2) -> Iterator[Case]:
    """Yield every base graph whole, and broken in every way.

    Args:
        rounds: how many different places are broken per way.
    """
    for name, base in bases.items():
        yield Case(name, base)
        for way, break_it in BREAKS.items():
            for turn in range(rounds):
                graph = copy.deepcopy(base)
                if break_it(graph, schemas, random.Random(f"{name} {way} {turn}")):
                    yield Case(f"{name} {way} {turn}", graph, way=way)


def half_broken(whole: Mapping[str, Graph], schemas: Schemas) -> Iterator[Case]:
    """Yield every whole graph, and a copy of it broken in one way: of those that it can be, the least used so far."""
    used = dict.fromkeys(BREAKS, 0)
    for name, base in whole.items():
        yield Case(name, base)
        graph = copy.deepcopy(base)
        for way in sorted(BREAKS, key=lambda each: used[each]):
            if BREAKS[way](graph, schemas, random.Random(f"{name} {way}")):
                used[way] += 1
                yield Case(f"{name}, {way}", graph, way=way)
                break


def mixed_graphs(bases: dict[str, Graph], schemas: Schemas, count: int) -> Iterator[Case]:
    """Yield graphs that are broken in several ways at once, some with ``partial_execution_targets``."""
    ways = [way for way in BREAKS if way not in ("unknown_class", "unknown_class_titled", "null_class", "no_class")]
    for number in range(count):
        dice = random.Random(number)
        name = dice.choice(list(bases))
        graph = copy.deepcopy(bases[name])
        chosen = dice.sample(ways, dice.choice([2, 2, 3, 4]))
        for way in chosen:
            if graph:
                BREAKS[way](graph, schemas, dice)
        targets = dice.sample(list(graph), min(len(graph), 2)) if number % 5 == 0 else None
        yield Case(f"mixed {number} {name} {'+'.join(chosen)}", graph, targets)


def class_graphs(schemas: Schemas, *, values: str) -> Iterator[Case]:
    """Yield one graph per class: that class alone under an output that takes anything.

    Args:
        values: ``none`` leaves all inputs away; ``junk`` fills them with what fits no type.
    """
    for class_type in schemas:
        schema = schemas[class_type]
        inputs = {} if values == "none" else {item.name: _junk(item) for item in schema.inputs}
        graph = {"1": {"class_type": class_type, "inputs": inputs}}
        if schema.outputs:
            graph["2"] = node("PreviewAny", source=["1", 0])
        yield Case(f"{class_type} {values}", graph)


def _junk(item: InputSchema) -> Any:
    by_type = {"INT": -(10**30), "FLOAT": "high", "STRING": 3, "BOOLEAN": 2, "COMBO": "no such choice"}
    if item.dynamic and item.choices:
        return item.choices[-1]
    return by_type.get(item.type, ["2", 0] if len(item.name) % 2 else ["2", 7])


def all_cases(schemas: Schemas, more: dict[str, Graph] | None = None, *, mixed: int = 150) -> list[Case]:
    """Return the whole corpus, the graphs of ``more`` (the shipped presets') among the base graphs."""
    bases = {**base_graphs(), **(more or {})}
    return [
        *broken_graphs(bases, schemas),
        *(Case(*each) for each in special_requests()),
        *mixed_graphs(bases, schemas, mixed),
    ]
