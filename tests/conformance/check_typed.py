"""Graphs built by type from node schemas alone: any class, its inputs filled by their types, its wires by what fits.

A graph grows from one class upwards: an input that only a node can give takes the output of a node that is there
already, or of one that is made for it. Every class of a server can be reached so, also those that no preset uses.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cache
from typing import Any

from comfy_headless.graph.input_values import CASTS, fits
from comfy_headless.graph.live_inputs import unfold
from comfy_headless.graph.own_checks import find_own_check
from comfy_headless.graph.schemas import DYNAMIC_COMBO, InputSchema, Schemas

from .check_graphs import Graph, node

DEEPEST = 4
"""Nodes in a row above the class that a graph grows from."""
EASIEST = 8
"""How many outputs are looked at for the topmost of them: those whose classes need the fewest wires."""
TRIES = 3


class Forest:
    """Grows graphs from the classes of one server.

    Args:
        schemas: classes that bring a check of their own are left out: no type tells what they take.
    """

    def __init__(self, schemas: Schemas) -> None:
        self.schemas = schemas
        self.classes = [name for name in schemas if find_own_check(schemas[name]) is None]
        self._sources = cache(self._find_sources)

    def grow(self, class_type: str, dice: random.Random) -> Graph | None:
        """Return a graph with that class at its end, under an output; None if something it needs is not to be had."""
        graph: Graph = {}
        made = self._make(graph, class_type, dice, DEEPEST)
        if made is None:
            return None
        for slot in range(len(self.schemas[class_type].outputs)):
            graph[f"show {slot}"] = node("PreviewAny", source=[made, slot])
        return graph

    def _find_sources(self, spec: str) -> list[tuple[str, int]]:
        """Return the outputs that fit an input, those of the fewest wires first."""
        found = [
            (sum(item.required and not self._is_value(item) for item in self.schemas[name].inputs), name, slot)
            for name in self.classes
            for slot, output in enumerate(self.schemas[name].outputs)
            if fits(output.type, spec) and not self.schemas.raw(name).get("api_node")
            if not any(item.required and item.choices == () for item in self.schemas[name].inputs)
        ]
        return [(name, slot) for _, name, slot in sorted(found)]

    def _is_value(self, item: InputSchema) -> bool:
        return item.type in CASTS or item.choices is not None

    def _make(self, graph: Graph, class_type: str, dice: random.Random, depth: int) -> str | None:
        """Add a node of that class, and all that it needs above it; return its id."""
        schema = self.schemas[class_type]
        inputs: dict[str, Any] = {}
        left = {item.name for item in schema.inputs if not item.required and dice.random() < 0.5}
        while True:
            live = unfold(schema, inputs)
            wanted = [item for item in live.inputs if item.name not in inputs and item.name not in left]
            gaps = {gap.name for gap in live.gaps if gap.name not in left}
            if not wanted and not gaps:
                break
            for gap in live.gaps:
                if gap.name in gaps:
                    inputs[gap.name] = dice.choice(gap.keys)
            for item in wanted:
                if not item.required and dice.random() < 0.5:
                    left.add(item.name)
                    continue
                value = self._fill(graph, item, dice, depth)
                if value is None and item.required:
                    return None
                if value is None:
                    left.add(item.name)
                else:
                    inputs[item.name] = value
        node_id = str(len(graph) + 1)
        graph[node_id] = {"class_type": class_type, "inputs": inputs}
        return node_id

    def _fill(self, graph: Graph, item: InputSchema, dice: random.Random, depth: int) -> Any:
        """Return a value or a wire that the input takes, or None."""
        by_wire = item.options.get("forceInput") or not self._is_value(item)
        if by_wire or (item.type in CASTS and dice.random() < 0.1):
            wire = self._wire(graph, item, dice, depth)
            if wire is not None or by_wire:
                return wire
        return _value(item, dice)

    def _wire(self, graph: Graph, item: InputSchema, dice: random.Random, depth: int) -> list[Any] | None:
        there = [
            [node_id, slot]
            for node_id, each in graph.items()
            for slot, output in enumerate(self.schemas[each["class_type"]].outputs)
            if fits(output.type, item.spec)
        ]
        if there and dice.random() < 0.7:
            return dice.choice(there)
        sources = self._sources(item.spec)[: None if depth > 1 else EASIEST]
        before = list(graph)
        for name, slot in dice.sample(sources, min(len(sources), TRIES)) if depth else ():
            made = self._make(graph, name, dice, depth - 1)
            if made is not None:
                return [made, slot]
            for node_id in [each for each in graph if each not in before]:
                del graph[node_id]
        return dice.choice(there) if there else None


def _value(item: InputSchema, dice: random.Random) -> Any:
    if item.choices is not None:
        return dice.choice(item.choices) if item.choices and item.spec != DYNAMIC_COMBO else None
    least = item.min if item.min is not None else 0
    most = item.max if item.max is not None else least + 100
    match item.type:
        case "INT":
            return dice.choice([int(least), int(most), dice.randint(int(least), int(most))])
        case "FLOAT":
            # A limit of 2**63 - 1 is no float: the nearest one lies beyond it, and the server refuses that.
            return dice.choice([each for each in (least, most, (least + most) / 2) if least <= float(each) <= most])
        case "BOOLEAN":
            return dice.random() < 0.5
    return dice.choice(["", "a lighthouse", "1", "[1, 2]"])


def grown_graphs(schemas: Schemas, seed: int = 0) -> Iterator[tuple[str, Graph]]:
    """Yield one graph for every class that one can be grown from."""
    forest = Forest(schemas)
    for class_type in forest.classes:
        for turn in range(5):
            graph = forest.grow(class_type, random.Random(f"{class_type} {seed} {turn}"))
            if graph is not None:
                yield class_type, graph
                break
