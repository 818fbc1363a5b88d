"""How large, how long and how loud the thing on a wire is: found by walking the graph upstream."""

from __future__ import annotations

from pathlib import Path

from comfy_headless.simulator.arithmetic import evaluate
from comfy_headless.simulator.measured import Node, Shape
from comfy_headless.simulator.order import Graph, is_link
from comfy_headless.simulator.shape_rules import find_rule

__all__ = ["Shape", "Walk"]


class Walk:
    """Measure wires of one graph.

    Args:
        graph: API-format.
        input_folder: where LoadImage and LoadVideo find their files.
    """

    def __init__(self, graph: Graph, input_folder: Path) -> None:
        self._graph = graph
        self._input_folder = input_folder
        self._known: dict[str, Shape | None] = {}

    def node(self, node_id: str) -> Node | None:
        """Return a node of the graph, or None."""
        found = self._graph.get(node_id)
        return None if found is None else Node(found, self)

    def shape(self, node_id: str) -> Shape | None:
        """Return what the node makes, or None if it makes nothing that can be measured."""
        if node_id not in self._known:
            self._known[node_id] = None  # a cycle measures nothing
            node = self.node(node_id)
            if node is not None:
                self._known[node_id] = find_rule(node.class_type)(node)
        return self._known[node_id]

    def value(self, value: object) -> object:
        """Return a literal, following a wire to a primitive node, a size, a frame rate or a sum."""
        for _ in range(len(self._graph) + 1):
            if not is_link(value):
                return value
            assert isinstance(value, list)
            node = self.node(value[0])
            if node is None:
                return None
            if node.class_type == "GetImageSize":
                shape = node.shape("image")
                return None if shape is None else (shape.width, shape.height, shape.frames)[int(value[1])]
            if node.class_type == "GetVideoComponents":
                shape = node.shape("video")
                return shape.fps if shape is not None and value[1] == 2 else None
            if node.class_type == "ComfyMathExpression":
                return self._sum(node)
            value = node.inputs.get("value", node.inputs.get("Number"))
        return None

    def file(self, name: object) -> Path | None:
        """Return the input file of that name, if it is there."""
        if not isinstance(name, str):
            return None
        path = self._input_folder / name.removesuffix("[input]").strip()
        return path if path.is_file() else None

    def _sum(self, node: Node) -> float | None:
        values = {name.removeprefix("values."): node.number(name) for name in node.inputs if name.startswith("values.")}
        return evaluate(str(node.inputs.get("expression", "")), values)
