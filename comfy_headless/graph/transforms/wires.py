"""What all transforms share: look along the wires of a graph, and change it as a copy.

No function here changes the graph that it is given, and none leaves a dangling wire behind where there was none. New
nodes come last and leave every id as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Final, NamedTuple

from comfy_headless.graph.schemas import Schemas
from comfy_headless.graph.source import Graph, copy_json, is_link

_ANY: Final = frozenset({"*", "COMFY_MATCHTYPE_V3"})
"""Types that say nothing: what such an output gives depends on what the node is given."""


class Changed(NamedTuple):
    """What a transform returns: a graph of its own, and what a caller should know of how it was done."""

    graph: Graph
    notes: tuple[str, ...] = ()


class Wire(NamedTuple):
    """An output of a node; a link to it is ``list(wire)``."""

    node_id: str
    slot: int


class Place(NamedTuple):
    """An input of a node."""

    node_id: str
    input: str


def named(graph: Graph, node_id: str) -> str:
    """Return a node as errors and notes name it: ``node 5 (KSampler)``."""
    return f"node {node_id} ({graph[node_id]['class_type']})"


def find_nodes(graph: Graph, classes: Collection[str]) -> list[str]:
    """Return the ids of the nodes of these classes, in the graph's order."""
    return [node_id for node_id, node in graph.items() if node["class_type"] in classes]


def links(graph: Graph, node_id: str) -> dict[str, Wire]:
    """Return the wires that a node takes, by input."""
    inputs = graph[node_id]["inputs"]
    return {name: Wire(value[0], value[1]) for name, value in inputs.items() if is_link(value, graph)}


def users(graph: Graph, wire: Wire) -> list[Place]:
    """Return the inputs that take ``wire``, in the graph's order."""
    return [Place(node_id, name) for node_id in graph for name, link in links(graph, node_id).items() if link == wire]


def used_wires(graph: Graph) -> list[Wire]:
    """Return every wire that some input takes, each once, ordered by the node that gives it and its slot."""
    taken = {wire for node_id in graph for wire in links(graph, node_id).values()}
    order = {node_id: position for position, node_id in enumerate(graph)}
    return sorted(taken, key=lambda wire: (order[wire.node_id], wire.slot))


def wire_type(graph: Graph, wire: Wire, schemas: Schemas) -> str | None:
    """Return the type of ``wire``, such as ``MODEL``; None if nothing tells.

    The class of the node tells. Where that class is not known, or gives whatever it is given, the inputs that take the
    wire do; so a pack's own loader counts as what it is used for.
    """
    class_type = graph[wire.node_id]["class_type"]
    if class_type in schemas:
        outputs = schemas[class_type].outputs
        given = outputs[wire.slot].type if 0 <= wire.slot < len(outputs) else None
        if not isinstance(given, str):
            return "COMBO" if isinstance(given, list) else None
        if given not in _ANY:
            return given
    wanted = (_input_type(graph, place, schemas) for place in users(graph, wire))
    return next((kind for kind in wanted if kind is not None), None)


def find_wires(graph: Graph, kind: str, schemas: Schemas) -> list[Wire]:
    """Return the wires of type ``kind`` that some input takes, in the graph's order."""
    return [wire for wire in used_wires(graph) if wire_type(graph, wire, schemas) == kind]


def find_sources(graph: Graph, kind: str, schemas: Schemas) -> list[Wire]:
    """Return the wires of type ``kind`` where it begins: of nodes that give it and are given none (loaders, mostly)."""
    found = find_wires(graph, kind, schemas)
    return [wire for wire in found if not set(links(graph, wire.node_id).values()) & set(found)]


def nodes_above(graph: Graph, node_ids: Iterable[str]) -> set[str]:
    """Return these nodes and all that they need."""
    waiting, seen = list(node_ids), set[str]()
    while waiting:
        node_id = waiting.pop()
        if node_id not in seen:
            seen.add(node_id)
            waiting += (wire.node_id for wire in links(graph, node_id).values())
    return seen


def nodes_below(graph: Graph, node_ids: Iterable[str]) -> set[str]:
    """Return these nodes and all that need them."""
    seen = set(node_ids)
    while True:
        more = {each for each in graph if seen & {wire.node_id for wire in links(graph, each).values()}} - seen
        if not more:
            return seen
        seen |= more


def new_id(graph: Graph) -> str:
    """Return an id that no node has: the number after the greatest."""
    return str(max((int(node_id) for node_id in graph if node_id.isdecimal()), default=0) + 1)


def add_node(graph: Graph, class_type: str, inputs: Mapping[str, Any], title: str) -> tuple[Graph, str]:
    """Return the graph with one more node, and that node's id.

    Args:
        inputs: values and wires; a `Wire` is written as a link.
    """
    node_id = new_id(graph)
    node = {"_meta": {"title": title}, "class_type": class_type, "inputs": _written(inputs)}
    return {**_copied(graph), node_id: node}, node_id


def set_inputs(graph: Graph, node_id: str, inputs: Mapping[str, Any]) -> Graph:
    """Return the graph with these inputs of a node set; its other inputs stay."""
    changed = _copied(graph)
    changed[node_id]["inputs"].update(_written(inputs))
    return changed


def rewire(graph: Graph, wire: Wire, to: Wire, *, only: Callable[[Place], bool] | None = None) -> Graph:
    """Return the graph with the users of ``wire`` taking ``to`` instead.

    Args:
        only: tells which users change over; None: all but the node that gives ``to``.
    """
    changed = _copied(graph)
    for place in users(graph, wire):
        if place.node_id != to.node_id and (only is None or only(place)):
            changed[place.node_id]["inputs"][place.input] = list(to)
    return changed


def splice(
    graph: Graph,
    wire: Wire,
    class_type: str,
    inputs: Mapping[str, Any],
    title: str,
    *,
    into: str,
    slot: int = 0,
    only: Callable[[Place], bool] | None = None,
) -> tuple[Graph, str]:
    """Return the graph with a new node set into ``wire``, and that node's id.

    Args:
        inputs: those of the new node, besides ``into``.
        into: the input of the new node that takes ``wire``.
        slot: its output that the users of ``wire`` take from now on.
        only: tells which users change over; None: all.
    """
    changed, node_id = add_node(graph, class_type, {into: wire, **inputs}, title)
    return rewire(changed, wire, Wire(node_id, slot), only=only), node_id


def replace_class(
    graph: Graph, node_id: str, class_type: str, inputs: Mapping[str, Any], *, title: str | None = None
) -> Graph:
    """Return the graph with a node of another class in a node's place: same id, same wires in and out.

    Args:
        inputs: its values; of the old inputs only the wires stay, and only under names that are not given here.
        title: None keeps the old one.
    """
    changed = _copied(graph)
    kept = {name: list(wire) for name, wire in links(graph, node_id).items()}
    changed[node_id].update(class_type=class_type, inputs={**kept, **_written(inputs)})
    if title is not None:
        changed[node_id]["_meta"] = {**(changed[node_id].get("_meta") or {}), "title": title}
    return changed


def prune(graph: Graph, schemas: Schemas) -> Graph:
    """Return the graph without the nodes that no output needs; a node of an unknown class counts as an output."""
    outputs = [each for each, node in graph.items() if _may_be_output(node["class_type"], schemas)]
    used = nodes_above(graph, outputs)
    return {node_id: copy_json(node) for node_id, node in graph.items() if node_id in used}


def _may_be_output(class_type: str, schemas: Schemas) -> bool:
    return class_type not in schemas or schemas[class_type].output_node


def _input_type(graph: Graph, place: Place, schemas: Schemas) -> str | None:
    class_type = graph[place.node_id]["class_type"]
    item = schemas[class_type].input(place.input) if class_type in schemas else None
    return item.type if item is not None and item.type not in _ANY and "," not in item.type else None


def _copied(graph: Graph) -> Graph:
    copy: Graph = copy_json(graph)
    return copy


def _written(inputs: Mapping[str, Any]) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, Wire) else copy_json(value) for name, value in inputs.items()}
