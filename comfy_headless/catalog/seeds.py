"""Seeds of a workflow of one's own: which are drawn, and out of which range.

A seed is drawn where one is asked for: -1 or "random" as a value, or -1 saved in an input that takes no -1 itself. A
saved 0 is a seed like any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from comfy_headless.catalog.compiled import RANDOM, SEEDS, drawn_seed
from comfy_headless.graph.describing import SEED_FIELDS
from comfy_headless.graph.schemas import Schemas
from comfy_headless.graph.source import Graph
from comfy_headless.graph.template import Parameter

_ASKED: Final = (*RANDOM, "-1")


def seeds_of(parameters: Mapping[str, Parameter]) -> list[str]:
    """Return the names of the parameters that are seeds."""
    return [name for name, each in parameters.items() if any(slot.field in SEED_FIELDS for slot in each.slots)]


def drawn_seeds(parameters: Mapping[str, Parameter], values: Mapping[str, Any]) -> dict[str, int]:
    """Return a seed for each parameter whose value asks for one, within what all its inputs take."""
    drawn = {}
    for name in seeds_of(parameters):
        if values.get(name) in _ASKED:
            limits = [slot.limits for slot in parameters[name].slots]
            drawn[name] = drawn_seed(
                max(int(each.minimum or 0) for each in limits),
                min(SEEDS - 1 if each.maximum is None else int(each.maximum) for each in limits),
            )
    return drawn


def with_saved_drawn(graph: Graph) -> tuple[Graph, int | None, tuple[str, ...]]:
    """Return the graph with a seed where -1 is saved in an input that does not take it, the seed, and what to say.

    All of them get the same one, so that one number tells how to make the same again.
    """
    most = {}
    for node_id, node in graph.items():
        for field in SEED_FIELDS:
            saved = node["inputs"].get(field)
            if type(saved) is int and saved == -1:
                schema = Schemas.snapshot(Schemas.packs()).get(node["class_type"])
                found = schema and schema.input(field)
                if found and found.min is not None and found.min > saved:
                    most[node_id, field] = int(found.max if found.max is not None else SEEDS - 1)
    if not most:
        return graph, None, ()
    seed, changed = drawn_seed(0, min(most.values())), dict(graph)
    for node_id, field in most:
        node = changed[node_id]
        changed[node_id] = {**node, "inputs": {**node["inputs"], field: seed}}
    nodes = ", ".join(node_id for node_id, _ in most)
    return changed, seed, (f"the workflow has saved -1 as seed (node {nodes}): {seed} was drawn",)
