"""A workflow as the page has it open: each node with its class, and where each link inside a definition ends."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from typing import Final

from comfy_headless.graph.schemas import Schemas
from comfy_headless.graph.ui.canvas import PRIMITIVE, Canvas, Drawing, Input, Node
from comfy_headless.graph.ui.pack_nodes import SETTER, name_of
from comfy_headless.graph.ui.placed import ClassShape, Inlet, Placed, is_virtual, place, shape_of

_MOST_TYPES: Final = 100
"""Types that one group of sockets is linked to; more than that are none that fits."""


class Page:
    """An open workflow. What is worked out of a node is kept, since many links ask for it.

    Args:
        cut: PrimitiveNodes, by canvas and id, that have lost their links.
    """

    __slots__ = (
        *("_inlets", "_instances", "_placed", "_setters", "_shapes", "_takers", "_targets"),
        *("cut", "definitions", "name", "root", "schemas", "warnings"),
    )

    def __init__(self, drawing: Drawing, schemas: Schemas, name: str) -> None:
        self.root = drawing.root
        self.definitions = drawing.definitions
        self.schemas = schemas
        self.name = name
        self.warnings: dict[str, None] = {}
        self.cut: set[tuple[str, str]] = set()
        self._inlets: dict[tuple[str, str], dict[str, Inlet]] = {}
        self._instances: dict[str, list[tuple[Canvas, list[Node]]]] | None = None
        self._setters: dict[str, dict[str | None, Node]] = {}
        self._shapes: dict[str, ClassShape] = {}
        self._placed: dict[tuple[str, str], Placed] = {}
        self._takers: dict[str, dict[str, tuple[Node, Input]]] = {}
        self._targets: dict[str, dict[str, list[tuple[str, str]]]] = {}

    def warn(self, warning: str) -> None:
        """Remember what is to be said of the result; the same once."""
        self.warnings[warning] = None

    def definition_of(self, node: Node) -> Canvas | None:
        """Return the definition that a node is an instance of; None for all others."""
        return self.definitions.get(node.type)

    def instances(self, definition: Canvas) -> list[tuple[Canvas, list[Node]]]:
        """Return the instances of a definition by canvas, as the page loads them: definitions first, the root last."""
        if self._instances is None:
            self._instances = {}
            for canvas in (*self.definitions.values(), self.root):
                inner: dict[str, list[Node]] = {}
                for node in canvas.nodes.values():
                    if node.type in self.definitions:
                        inner.setdefault(node.type, []).append(node)
                for kind, nodes in inner.items():
                    self._instances.setdefault(kind, []).append((canvas, nodes))
        return self._instances.get(definition.id, [])

    def is_known(self, node: Node) -> bool:
        """Whether the server has the class of a node."""
        return not is_virtual(node) and node.type in self.schemas

    def shape(self, class_type: str) -> ClassShape:
        """Return a class that the server has, read once."""
        found = self._shapes.get(class_type)
        if found is None:
            found = self._shapes[class_type] = shape_of(class_type, self.schemas)
        return found

    def placed(self, canvas: Canvas, node: Node) -> Placed:
        """Return a node with its inputs as the page has them."""
        found = self._placed.get((canvas.id, node.id))
        if found is None:
            definition = self.definition_of(node)
            if definition is not None:
                found = _instance(node, definition)
            else:
                found = place(node, self.shape(node.type) if self.is_known(node) else None)
                if any(inlet.match for inlet in found.inlets):
                    found = found._replace(inlets=list(self._matched(canvas, found.inlets)))
            self._placed[canvas.id, node.id] = found
        return found

    def inlet(self, canvas: Canvas, node: Node, name: str) -> Inlet | None:
        """Return the input of that name, the first of several, or None."""
        found = self._inlets.get((canvas.id, node.id))
        if found is None:
            found = {one.name: one for one in reversed(self.placed(canvas, node).inlets)}
            self._inlets[canvas.id, node.id] = found
        return found.get(name)

    def _matched(self, canvas: Canvas, inlets: list[Inlet]) -> Iterator[Inlet]:
        """Sockets of a group, each with the types that are linked to the others of it."""
        kinds = [self._linked_type(canvas, one.link) if one.match and one.link is not None else "*" for one in inlets]
        counts = Counter((one.match, kind) for one, kind in zip(inlets, kinds, strict=True) if kind != "*")
        if len(counts) > _MOST_TYPES:
            counts.clear()
        for one, kind in zip(inlets, kinds, strict=True):
            others = [each for (match, each), count in counts.items() if match == one.match and count > (each == kind)]
            yield one._replace(type=",".join(others)) if one.match and others else one

    def _linked_type(self, canvas: Canvas, key: str) -> str:
        link = canvas.links.get(key)
        origin = canvas.nodes.get(link.origin) if link is not None else None
        if link is None or origin is None:
            return "*"
        definition = self.definition_of(origin)
        kinds = origin.output_types
        if definition is not None:
            kinds = [slot.type for slot in definition.outputs]
        elif self.is_known(origin):
            kinds = self.shape(origin.type).output_types
        return kinds[link.slot] if link.slot < len(kinds) and kinds[link.slot] else "*"

    def takers(self, canvas: Canvas) -> dict[str, tuple[Node, Input]]:
        """Return who takes each link of a canvas."""
        found = self._takers.get(canvas.id)
        if found is None:
            found = {one.link: (node, one) for node in canvas.nodes.values() for one in node.inputs if one.link}
            self._takers[canvas.id] = found
        return found

    def setter(self, canvas: Canvas, name: str) -> Node | None:
        """Return the Set of a canvas that has that name, the first of several."""
        found = self._setters.get(canvas.id)
        if found is None:
            setters = [node for node in canvas.nodes.values() if node.type == SETTER]
            found = self._setters[canvas.id] = {name_of(node): node for node in reversed(setters)}
        return found.get(name)

    def primitive_targets(self, canvas: Canvas, primitive: Node) -> list[tuple[str, str]]:
        """Return the inputs that a PrimitiveNode is linked to: ids of their nodes, and their names."""
        found = self._targets.get(canvas.id)
        if found is None:
            found = self._targets[canvas.id] = {}
            for key, (node, one) in self.takers(canvas).items():
                link = canvas.links.get(key)
                if link is not None and link.origin in canvas.nodes and canvas.nodes[link.origin].type == PRIMITIVE:
                    found.setdefault(link.origin, []).append((node.id, one.name))
        return found.get(primitive.id, [])


def _instance(node: Node, definition: Canvas) -> Placed:
    """An instance has the inputs of its definition; what was saved counts by name."""
    saved: dict[str, deque[str | None]] = {}
    for one in node.inputs:
        saved.setdefault(one.name, deque()).append(one.link)
    inlets = list[Inlet]()
    for slot in definition.inputs:
        links = saved.get(slot.name)
        inlets.append(Inlet(slot.name, slot.type, links.popleft() if links else None))
    return Placed(node, inlets, [slot.type for slot in definition.outputs], {})
