"""Follow a link back to the node that really gives something: through bypassed nodes, reroutes and subgraphs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple, TypeAlias

from comfy_headless.errors import ValidationError
from comfy_headless.graph.ui.canvas import BYPASSED, INPUT_NODE, MUTED, Canvas, Node
from comfy_headless.graph.ui.pack_nodes import GETTER, PASSING, name_of
from comfy_headless.graph.ui.page import Page
from comfy_headless.graph.ui.placed import Inlet, is_virtual
from comfy_headless.graph.ui.promoted import Promotions

_Key: TypeAlias = tuple[str, str, str, str]
_MOST_STEPS: Final = 200_000


class Scope(NamedTuple):
    """Where in the tree of instances a canvas is looked at.

    Args:
        path: the ids of the instances around it, as a prompt writes them: ``"12:"``; empty for the workflow itself.
        outer: the scope around it, and the instance there.
    """

    path: str
    canvas: Canvas
    outer: Scope | None = None
    instance: Node | None = None

    def name(self, node: Node) -> str:
        """Return a node's id in the prompt, class and title, for a message."""
        return f"node {self.path}{node.known_as.removeprefix('node ')}"


class Wire(NamedTuple):
    """The output that a link comes from in the end: id of its node in the prompt, and its number."""

    node: str
    slot: int
    scope: Scope
    origin: Node


class Value(NamedTuple):
    """A value that an instance gives an inner input."""

    value: Any


class Resolver:
    """Follows the links of a page."""

    def __init__(self, page: Page, promotions: Promotions) -> None:
        self._page = page
        self._promotions = promotions
        self._known: dict[_Key, Wire | Value | None] = {}
        self._steps = 0

    def source(self, scope: Scope, node: Node, inlet: Inlet) -> Wire | Value | None:
        """Return what an input gets; None if nothing is found, so that it keeps its own value.

        Raises:
            ValidationError: the link, or the node it comes from, is not there; or it goes in a circle.
        """
        if inlet.link is None and self._promotions.fed(scope.canvas, node.id, inlet.name) is None:
            return None
        step = _Step(scope, node, inlet, inlet.type)
        seen: dict[_Key, None] = {}
        while True:
            key = (step.scope.path, step.node.id, step.inlet.name, step.asked)
            if key in self._known:
                found = self._known[key]
                break
            if key in seen:
                raise self._error(step.scope, step.node, step.inlet, "its link goes in a circle and comes from no node")
            seen[key] = None
            self._steps += 1
            if self._steps > _MOST_STEPS:
                raise ValidationError(f"{self._page.name}: its links are more tangled than those of any workflow")
            back = self._back(step)
            if not isinstance(back, _Step):
                found = back
                break
            step = back
        self._known.update(dict.fromkeys(seen, found))
        return found

    def _back(self, step: _Step) -> _Step | Wire | Value | None:
        """Go one link back."""
        scope, canvas = step.scope, step.scope.canvas
        fed = self._promotions.fed(canvas, step.node.id, step.inlet.name)
        if fed is not None:
            return self._host_value(scope, fed)
        if step.inlet.link is None:
            return None
        link = canvas.links.get(step.inlet.link)
        if link is None:
            raise self._error(scope, step.node, step.inlet, f"there is no link {step.inlet.link}")
        if link.origin == INPUT_NODE and scope.outer is not None:
            return self._outside(step, link.slot)
        origin = canvas.nodes.get(link.origin)
        if origin is None:
            raise self._error(
                scope, step.node, step.inlet, f"its link comes from node {link.origin}, which is not there"
            )
        if origin.mode == MUTED:
            return None
        if origin.type == GETTER:
            return self._set(scope, origin, step.asked)
        if origin.type in PASSING:
            inlets = self._page.placed(canvas, origin).inlets
            return _Step(scope, origin, inlets[0], step.asked) if inlets else None
        if origin.mode == BYPASSED:
            return self._past(scope, origin, link.slot, step.asked)
        definition = self._page.definition_of(origin)
        if definition is not None:
            return self._inside(scope, origin, definition, link.slot, step.asked)
        if is_virtual(origin):
            return None
        return Wire(scope.path + origin.id, link.slot, scope, origin)

    def _set(self, scope: Scope, getter: Node, asked: str) -> _Step | None:
        """Go from a Get to the Set of its name, in its own canvas or one around it."""
        name, around = name_of(getter), scope
        while name is not None:
            setter = self._page.setter(around.canvas, name)
            if setter is not None:
                inlets = self._page.placed(around.canvas, setter).inlets
                return _Step(around, setter, inlets[0], asked) if inlets and setter.mode != MUTED else None
            if around.outer is None:
                break
            around = around.outer
        self._page.warn(f"{scope.name(getter)}: there is no Set of the name {name!r}; what it gives stays open")
        return None

    def _outside(self, step: _Step, slot: int) -> _Step | Value | None:
        """Leave a subgraph by one of its inputs."""
        scope = step.scope
        assert scope.outer is not None and scope.instance is not None
        inlets = self._page.placed(scope.outer.canvas, scope.instance).inlets
        if slot >= len(inlets):
            raise self._error(scope, step.node, step.inlet, f"the subgraph has no input {slot}")
        fed = self._promotions.fed(scope.outer.canvas, scope.instance.id, inlets[slot].name)
        if fed is not None or inlets[slot].link is not None:
            return _Step(scope.outer, scope.instance, inlets[slot], inlets[slot].type)
        return self._host_value(scope, slot)

    def _host_value(self, scope: Scope, slot: int) -> _Step | Value | None:
        """What the instance around gives for a slot, or what is around that one."""
        assert scope.outer is not None and scope.instance is not None
        outer = scope.outer.canvas
        name = self._promotions.slot_name(scope.canvas, slot)
        if self._promotions.fed(outer, scope.instance.id, name) is not None:
            return _Step(scope.outer, scope.instance, Inlet(name, "*", None), "*")
        values = self._promotions.values(outer, scope.instance)
        return Value(values[slot]) if slot in values else None

    def _inside(self, scope: Scope, instance: Node, definition: Canvas, slot: int, asked: str) -> _Step | None:
        """Enter a subgraph by one of its outputs."""
        links = definition.outputs[slot].links if slot < len(definition.outputs) else []
        inside = next((key for key in links if key in definition.links), None)
        if inside is None:
            return None
        inner = Scope(f"{scope.path}{instance.id}:", definition, scope, instance)
        output = definition.outputs[slot]
        return _Step(inner, instance, Inlet(output.name, output.type, inside), asked)

    def _past(self, scope: Scope, node: Node, slot: int, asked: str) -> _Step | None:
        """Go past a bypassed node: by one of its inputs that fits what is asked for."""
        placed = self._page.placed(scope.canvas, node)
        self._steps += len(placed.inlets) // 2
        given = placed.output_types[slot] if slot < len(placed.output_types) else "*"
        inlet = next(_fitting(placed.inlets, slot, given, asked), None)
        return None if inlet is None else _Step(scope, node, inlet, inlet.type)

    def _error(self, scope: Scope, node: Node, inlet: Inlet, problem: str) -> ValidationError:
        return ValidationError(f"{self._page.name}: {scope.name(node)}: input {inlet.name!r}: {problem}")


class _Step(NamedTuple):
    """An input whose link is to be followed.

    Args:
        asked: the type that is asked for.
    """

    scope: Scope
    node: Node
    inlet: Inlet
    asked: str


def _fitting(inlets: list[Inlet], slot: int, given: str, asked: str) -> Iterator[Inlet]:
    """The inputs that may stand for an output of a bypassed node, the best first; only the first one is followed."""
    if not inlets:
        return
    same = inlets[slot] if slot < len(inlets) else None
    if asked in ("*", ""):
        yield same or inlets[0]
        return
    if same is not None and fits(same.type, given) and fits(same.type, asked):
        yield same
    yield from (one for one in inlets if one.type == asked)
    yield from (one for one in inlets if fits(one.type, given) and fits(one.type, asked))


def fits(one: str, other: str) -> bool:
    """Whether a link may join these types: equal but for case, one of several each, or ``*``."""
    if one in ("*", "") or other in ("*", ""):
        return True
    return not set(one.casefold().split(",")).isdisjoint(other.casefold().split(","))
