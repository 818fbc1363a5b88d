"""The templates that are shipped, as graphs, and what must hold of any graph that a transform makes of one."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path

from comfy_headless.graph.check import check
from comfy_headless.graph.schemas import Schemas
from comfy_headless.graph.source import Graph, read_graph
from comfy_headless.graph.transforms.wires import Changed

ALL_PACKS = Schemas.snapshot(Schemas.packs())
TEMPLATES = {
    path.stem: path.read_text(encoding="utf-8")
    for path in sorted((Path(__file__).parents[3] / "presets" / "templates").glob("*.json"))
}


def template(name: str) -> Graph:
    """The template of that name, as a graph of one's own."""
    return read_graph(TEMPLATES[name], name=name)


def change(graph: Graph, transform: Callable[[Graph], Changed], *, pruned: bool = False) -> Changed:
    """What the transform makes of ``graph``, once it is sure that nothing broke on the way.

    Args:
        pruned: it may take nodes away.
    """
    before = copy.deepcopy(graph)
    changed = transform(graph)
    assert graph == before
    report = check(changed.graph, ALL_PACKS)
    assert report.ok, str(report)
    kept = [node_id for node_id in before if not pruned or node_id in changed.graph]
    assert list(changed.graph)[: len(kept)] == kept
    for node_id, node in changed.graph.items():
        assert json.loads(json.dumps(node)) == node
        if node_id not in before:
            assert "$" not in node["_meta"]["title"]
        node["inputs"].clear()
    assert graph == before
    return transform(graph)
