"""In which order nodes run, and which of them are the same as before.

Order (ComfyUI 0.30.0, comfy_execution/graph.py): of the nodes whose inputs are ready an output node goes first, then
one that feeds an output node, then one two links away, then the first in the order of discovery. A node is the same
as before if its class, its values and all that it depends on are (comfy_execution/caching.py).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

Graph: TypeAlias = Mapping[str, Mapping[str, Any]]


def is_link(value: object) -> bool:
    """Say whether an input's value is a wire: ``[node_id, slot]``."""
    return (
        isinstance(value, list)
        and len(value) == 2
        and isinstance(value[0], str)
        and isinstance(value[1], int | float)
        and not isinstance(value[1], bool)
    )


def links(node: Mapping[str, Any]) -> Iterator[tuple[str, str, int]]:
    """Yield (input name, source node id, slot) of each linked input."""
    for name, value in node.get("inputs", {}).items():
        if is_link(value):
            yield name, value[0], int(value[1])


class Agenda:
    """The nodes that are still to run for some outputs, picked one by one.

    Args:
        graph: API-format.
        outputs: node ids to work towards.
        done: ids whose results are known already.
        is_output: says whether a class is an output node.
    """

    def __init__(
        self, graph: Graph, outputs: Iterable[str], done: frozenset[str], is_output: Callable[[str], bool]
    ) -> None:
        self._is_output = {node_id: is_output(node["class_type"]) for node_id, node in graph.items()}
        self._waits: dict[str, set[str]] = {}
        self._feeds: dict[str, list[str]] = {}
        for output in outputs:
            self._discover(graph, output, done)

    def _discover(self, graph: Graph, output: str, done: frozenset[str]) -> None:
        stack, wires = [output], []
        while stack:
            node_id = stack.pop()
            if node_id in self._waits:
                continue
            self._waits[node_id], self._feeds[node_id] = set(), []
            for _, source, _ in links(graph[node_id]):
                if source not in done and source in graph:
                    stack.append(source)
                    wires.append((source, node_id))
        for source, target in wires:
            if source not in self._waits[target]:
                self._waits[target].add(source)
                self._feeds[source].append(target)

    def pick(self) -> str | None:
        """Take the next node off the agenda; None when nothing is left."""
        ready = [node_id for node_id, waits in self._waits.items() if not waits]
        if not ready:
            return None
        chosen = self._friendliest(ready)
        del self._waits[chosen]
        for target in self._feeds.pop(chosen):
            self._waits[target].discard(chosen)
        return chosen

    def _friendliest(self, ready: list[str]) -> str:
        for distance in range(3):
            for node_id in ready:
                if self._reaches_output(node_id, distance):
                    return node_id
        return ready[0]

    def _reaches_output(self, node_id: str, distance: int) -> bool:
        if distance == 0:
            return self._is_output[node_id]
        return any(self._reaches_output(target, distance - 1) for target in self._feeds[node_id])


def signatures(graph: Graph, changing: Callable[[str, Mapping[str, Any]], object]) -> dict[str, str]:
    """Return one digest per node, equal for equal work.

    Args:
        changing: what a node's result depends on besides its inputs (a file's time, a node's own id), or None.
    """
    known: dict[str, str] = {}

    def digest(node_id: str) -> str:
        if node_id not in known:
            node = graph.get(node_id)
            if node is None:
                return f"absent {node_id}"
            inputs = {
                name: ["link", digest(value[0]), value[1]] if is_link(value) else ["value", value]
                for name, value in sorted(node.get("inputs", {}).items())
            }
            text = json.dumps([node["class_type"], inputs, changing(node_id, node)], sort_keys=True, default=str)
            known[node_id] = hashlib.sha256(text.encode()).hexdigest()
        return known[node_id]

    return {node_id: digest(node_id) for node_id in graph}
