"""The expected tree of a graph: from the node that saves, along the wires, every class, wire, slot and value.

A graph that matches the tree has nothing else in it: no node that the tree does not reach, no input that it does not
name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple


class Wire(NamedTuple):
    """An output of an expected node."""

    node: Node
    slot: int


@dataclass(frozen=True)
class Node:
    """An expected node: its class and all of its inputs, a value or a Wire each."""

    class_type: str
    inputs: Mapping[str, Any]

    def __getitem__(self, slot: int) -> Wire:
        return Wire(self, slot)


def make(class_type: str, **inputs: Any) -> Node:
    """Return an expected node."""
    return Node(class_type, inputs)


def faults(graph: Mapping[str, Any], expected: Node) -> list[str]:
    """Return what is wrong with ``graph``, a line each; none means it is what the family needs."""
    return list(_faults(graph, expected))


def is_wrong(graph: Mapping[str, Any], expected: Node) -> bool:
    """Return whether anything is wrong with ``graph``; it stops at the first fault."""
    return any(True for _ in _faults(graph, expected))


def _faults(graph: Mapping[str, Any], expected: Node) -> Iterator[str]:
    ends = [key for key, node in graph.items() if node["class_type"] == expected.class_type]
    if len(ends) != 1:
        yield f"{len(ends)} nodes of class {expected.class_type}"
        return
    met: dict[str, Node] = {}
    yield from _compare(graph, ends[0], expected, expected.class_type, met)
    yield from (f"node {key} is not used" for key in graph if key not in met)


def _compare(graph: Mapping[str, Any], key: str, expected: Node, where: str, met: dict[str, Node]) -> Iterator[str]:
    if key not in graph:
        yield f"{where}: node {key} is missing"
        return
    if key in met:
        if met[key] is not expected and met[key] != expected:
            yield f"{where}: node {key} stands for two nodes"
        return
    met[key], node = expected, graph[key]
    if node["class_type"] != expected.class_type:
        yield f"{where}: {node['class_type']}, expected {expected.class_type}"
        return
    for name in node["inputs"].keys() ^ expected.inputs.keys():
        yield f"{where}.{name}: {'missing' if name in expected.inputs else 'not expected'}"
    for name in node["inputs"].keys() & expected.inputs.keys():
        value, wanted = node["inputs"][name], expected.inputs[name]
        if not isinstance(wanted, Wire):
            if value != wanted or isinstance(value, bool) != isinstance(wanted, bool):
                yield f"{where}.{name} = {value!r}, expected {wanted!r}"
        elif not isinstance(value, list):
            yield f"{where}.{name} = {value!r}, expected a wire from {wanted.node.class_type}"
        elif value[1] != wanted.slot:
            yield f"{where}.{name}: slot {value[1]}, expected {wanted.slot}"
        else:
            yield from _compare(graph, value[0], wanted.node, f"{where}.{name}", met)
