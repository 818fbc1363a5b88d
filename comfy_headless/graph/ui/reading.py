"""Read the file that a browser saves, of any age: links as lists or as objects, definitions inside each other.

Every shape is looked at here, so that the rest can rely on it; what has another one is an error that says where.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, NoReturn, TypeGuard

from comfy_headless.errors import ValidationError
from comfy_headless.graph.limits import MAX_NODES, check_nodes
from comfy_headless.graph.ui.canvas import Canvas, Drawing, Group, Input, Link, Node, Slot
from comfy_headless.graph.values import shown

_MOST_PARTS: Final = 200_000
"""Links, inputs and outputs of one file, all together."""
_LONGEST: Final = 200
_DEEPEST: Final = 32


def is_ui_format(raw: object) -> bool:
    """Return whether that is a workflow as a browser saves it: ``nodes`` is a list there."""
    return isinstance(raw, Mapping) and isinstance(raw.get("nodes"), list)


def read(raw: Mapping[str, Any], name: str) -> Drawing:
    """Read a whole file; nothing of it is changed or kept but the values.

    Raises:
        ValidationError: something in it has another shape than ComfyUI gives it, or there is too much of it.
    """
    return _Reader(name).read(raw)


class _Reader:
    """Reads one file, and counts what is in it."""

    def __init__(self, name: str) -> None:
        self.where = name
        self.nodes = 0
        self.parts = 0

    def read(self, raw: Mapping[str, Any]) -> Drawing:
        if not is_ui_format(raw):
            self.fail("is not in ComfyUI's browser format: 'nodes' is no list")
        check_nodes(raw, self.where)
        root = self.canvas(raw, "", "")
        definitions: dict[str, Canvas] = {}
        for found in self.definitions(raw, 0):
            definitions[found.id] = found
        extra = raw.get("extra")
        groups = extra.get("groupNodes") if isinstance(extra, Mapping) else None
        listed = groups.items() if isinstance(groups, Mapping) else ()
        return Drawing(
            root, definitions, {str(key): self.group(one) for key, one in listed if isinstance(one, Mapping)}
        )

    def definitions(self, raw: Mapping[str, Any], depth: int) -> Iterator[Canvas]:
        if depth > _DEEPEST:
            self.fail(f"has definitions inside each other deeper than {_DEEPEST} levels")
        kept = raw.get("definitions")
        listed = kept.get("subgraphs") if isinstance(kept, Mapping) else None
        outer = self.where
        for place, one in enumerate(self.listed(listed, "definitions.subgraphs")):
            if not isinstance(one, Mapping) or not isinstance(one.get("id"), str) or not one["id"]:
                self.fail(f"definition {place} of a subgraph has no id")
            self.count()
            called = one.get("name")
            self.where = f"{outer}: subgraph {called if isinstance(called, str) else one['id']!r}"
            canvas = self.canvas(one, one["id"], called if isinstance(called, str) else one["id"])
            canvas.nested = depth > 0
            canvas.inputs = [self.slot(each) for each in self.listed(one.get("inputs"), "inputs")]
            canvas.outputs = [self.slot(each) for each in self.listed(one.get("outputs"), "outputs")]
            yield canvas
            self.where = outer
            yield from self.definitions(one, depth + 1)

    def group(self, raw: Mapping[str, Any]) -> Group:
        """The definition of a group node: nodes are meant by their place, and links are written apart from them."""
        listed = self.listed(raw.get("nodes"), "nodes of a group node")
        numbered = [{**one, "id": place} if isinstance(one, Mapping) else one for place, one in enumerate(listed)]
        nodes = self.canvas({"nodes": numbered}, "", "").nodes
        for node in nodes.values():
            for one in node.inputs:
                one.link = None
        links = dict[str, Link]()
        for number, one in enumerate(self.listed(raw.get("links"), "links of a group node")):
            wire = one[:4] if isinstance(one, list) else []
            if len(wire) == 4 and all(map(_is_whole, wire)) and {str(wire[0]), str(wire[2])} <= nodes.keys():
                inputs = nodes[str(wire[2])].inputs
                if 0 <= wire[3] < len(inputs):
                    inputs[wire[3]].link = str(number)
                    links[str(number)] = Link(str(wire[0]), wire[1])
        outer = self.listed(raw.get("external"), "external of a group node")
        exported = frozenset(
            (str(one[0]), one[1]) for one in outer if isinstance(one, list) and len(one) > 1 and _is_whole(one[1])
        )
        return Group(nodes, links, exported, frozenset(_hidden(raw.get("config"))))

    def canvas(self, raw: Mapping[str, Any], canvas_id: str, called: str) -> Canvas:
        nodes: dict[str, Node] = {}
        for place, one in enumerate(self.listed(raw.get("nodes"), "nodes")):
            self.count()
            node = self.node(one, place)
            if node.id not in nodes or node.active or not nodes[node.id].active:
                nodes.pop(node.id, None)  # of two with one id the last that is sent survives, at its own place
                nodes[node.id] = node
        links = dict(self.link(one) for one in self.listed(raw.get("links"), "links") if one is not None)
        state = raw.get("state")
        last = raw.get("last_node_id", state.get("lastNodeId") if isinstance(state, Mapping) else None)
        return Canvas(canvas_id, called, nodes, links, last_id=last if _is_whole(last) else 0)

    def count(self) -> None:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            self.fail(f"has more than {MAX_NODES:,} nodes and subgraphs, more than any workflow")

    def node(self, raw: object, place: int) -> Node:
        if not isinstance(raw, Mapping):
            self.fail(f"node {place} of the list is {shown(raw)}, expected an object")
        node_id = self.id(raw.get("id"), "the id of a node, in the list at place ", place)
        kind, title, mode = raw.get("type"), raw.get("title"), raw.get("mode")
        if not isinstance(kind, str):
            self.fail(f"node {node_id} has no class: 'type' is {shown(kind)}")
        values = raw.get("widgets_values")
        if not isinstance(values, list | Mapping | None):
            self.fail(f"node {node_id} ({kind}): widgets_values is {shown(values)}, expected a list")
        properties = raw.get("properties")
        return Node(
            node_id,
            kind,
            title if isinstance(title, str) else None,
            mode if _is_whole(mode) else 0,
            [self.input(one) for one in self.listed(raw.get("inputs"), "inputs")],
            [_type(one) for one in self.listed(raw.get("outputs"), "outputs")],
            values,
            properties if isinstance(properties, Mapping) else {},
            self.proxies(properties.get("proxyWidgets")) if isinstance(properties, Mapping) else [],
        )

    def input(self, raw: object) -> Input:
        if not isinstance(raw, Mapping):
            self.fail(f"an input is {shown(raw)}, expected an object")
        name, link = raw.get("name"), raw.get("link")
        taken = None if link is None else self.id(link, "the link of an input")
        return Input(name if isinstance(name, str) else "", _type(raw), taken, bool(raw.get("widget")))

    def proxies(self, entries: object) -> list[tuple[str, ...]]:
        """The inner widgets that an instance shows: two or three texts each; one that is none of them voids all."""
        if isinstance(entries, str) and len(entries) < _MOST_PARTS:
            try:
                entries = json.loads(entries)
            except (ValueError, RecursionError):
                return []
        if not isinstance(entries, list) or not all(map(_is_proxy, entries)):
            return []
        if any(len(part) > _LONGEST for one in entries for part in one):
            self.fail(f"'proxyWidgets' holds a name of more than {_LONGEST} characters")
        return [tuple(one) for one in self.listed(entries, "proxyWidgets")]

    def slot(self, raw: object) -> Slot:
        if not isinstance(raw, Mapping):
            self.fail(f"an input or output is {shown(raw)}, expected an object")
        name = raw.get("name")
        links = [self.id(one, "a link of an input or output") for one in self.listed(raw.get("linkIds"), "linkIds")]
        label = raw.get("label")
        return Slot(name if isinstance(name, str) else "", _type(raw), links, label if isinstance(label, str) else "")

    def link(self, raw: object) -> tuple[str, Link]:
        """Lists are ``[id, origin, slot, target, slot, type]``; newer files write objects."""
        if isinstance(raw, list | tuple) and len(raw) >= 3:
            key, origin, slot = raw[:3]
        elif isinstance(raw, Mapping):
            key, origin, slot = raw.get("id"), raw.get("origin_id"), raw.get("origin_slot")
        else:
            self.fail(f"a link is {shown(raw)}, expected a list or an object")
        link = self.id(key, "the id of a link")
        number = int(slot) if isinstance(slot, str) and slot.isdecimal() and len(slot) < 9 else slot
        if not _is_whole(number) or not 0 <= number < _MOST_PARTS:
            self.fail(f"link {link} comes from output {shown(slot)}, expected a whole number")
        return link, Link(self.id(origin, "the origin of link ", link), number)

    def id(self, value: object, what: str, of: object = "") -> str:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, str) and 0 < len(value) <= _LONGEST:
            return value
        if not _is_whole(value):
            self.fail(f"{what}{of} is {shown(value)}, expected a number or a text")
        return str(value)

    def listed(self, value: object, what: str) -> list[Any]:
        """A list, or nothing; all lists of a file together are bounded."""
        if value is None:
            return []
        if not isinstance(value, list | tuple):
            self.fail(f"{what!r} is {shown(value)}, expected a list")
        self.parts += len(value)
        if self.parts > _MOST_PARTS:
            self.fail(f"has more than {_MOST_PARTS:,} nodes, links and inputs, more than any workflow")
        return list(value)

    def fail(self, problem: str) -> NoReturn:
        joint = " " if problem.startswith(("is ", "has ")) else ": "
        raise ValidationError(f"{self.where}{joint}{problem}")


def _is_proxy(entry: object) -> bool:
    return isinstance(entry, list) and 2 <= len(entry) <= 3 and all(isinstance(part, str) for part in entry)


def _hidden(config: object) -> Iterator[tuple[str, str]]:
    """Inputs that a group node does not show."""
    for place, about in config.items() if isinstance(config, Mapping) else ():
        inputs = about.get("input") if isinstance(about, Mapping) else None
        for name, one in inputs.items() if isinstance(inputs, Mapping) else ():
            if isinstance(one, Mapping) and one.get("visible") is False:
                yield str(place), str(name)


def _type(raw: object) -> str:
    """The type of an input or output; old files write a list of choices, or a number for anything."""
    kind = raw.get("type") if isinstance(raw, Mapping) else None
    if isinstance(kind, list):
        return "COMBO"
    return kind if isinstance(kind, str) else "*"


def _is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value.bit_length() < 64
