"""Widgets of inner nodes that a subgraph shows on its outside, and the values that its instances give them.

A *slot* is an input of a definition. It is *promoted* if it ends in a widget; an instance then has a value of its own
for it. Older files name further widgets in ``properties.proxyWidgets``: each becomes one more slot of the definition.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from comfy_headless.errors import ValidationError
from comfy_headless.graph.ui.canvas import PRIMITIVE, Canvas, Node, Slot
from comfy_headless.graph.ui.fields import Field
from comfy_headless.graph.ui.nesting import inner_first
from comfy_headless.graph.ui.page import Page
from comfy_headless.graph.well_formed import DYNAMIC_COMBO

_MOST_VALUES: Final = 200_000
"""Values of all instances together."""


class Target(NamedTuple):
    """An input inside: the id of its node, and its name."""

    node: str
    name: str


class InnerSlot(NamedTuple):
    """An input of a definition, and what it feeds inside.

    Args:
        source: the inner widget that it shows; None where it is a plain socket.
        label: what people have called it; empty where they have not.
    """

    name: str
    targets: tuple[Target, ...]
    source: Target | None
    label: str = ""


class Promotions:
    """The slots of all definitions of a page, and the values of their instances."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._slots: dict[str, list[InnerSlot]] = {}
        self._named: dict[str, dict[str, int]] = {}
        self._counts: dict[tuple[str, str], int] = {}
        self._showing: dict[str, dict[Target, int]] = {}
        self._fed: dict[str, dict[Target, int]] = {}
        self._entries: dict[tuple[str, str], list[int | None]] = {}
        self._dealt: dict[tuple[str, str], int] = {}
        self._cohorts: dict[tuple[str, str], int | None] = {}
        self._outsides: dict[str, _Outside] = {}
        self._made = 0
        self._values: dict[tuple[str, str], Mapping[int, Any]] = {}
        order = inner_first(page)
        for definition in order:
            self._slots[definition.id], self._named[definition.id] = [], {}
            self._fed[definition.id], self._showing[definition.id] = {}, {}
            for slot in definition.inputs:
                self._put(definition, self._declared(definition, slot))
            for canvas, instances in page.instances(definition):
                self._load(definition, canvas, instances)

    def _load(self, definition: Canvas, canvas: Canvas, instances: list[Node]) -> None:
        """Take up the instances of a definition in one canvas: all their values come before their proxy entries."""
        known = len(self._slots[definition.id])
        for node in instances:
            self._dealt[canvas.id, node.id] = known
        for node in instances:
            self._entries[canvas.id, node.id] = self._meant(definition, node.proxies)

    def fed(self, canvas: Canvas, node: str, name: str) -> int | None:
        """Return the slot that feeds an inner input in place of its link: one that a proxy entry has made."""
        fed = self._fed.get(canvas.id)
        return fed.get(Target(node, name)) if fed else None

    def slots(self, definition: Canvas) -> Sequence[InnerSlot]:
        """Return the inputs that the instances of a definition have, those of proxy entries last."""
        return self._slots[definition.id]

    def slot_named(self, definition: Canvas, name: str) -> InnerSlot | None:
        """Return the slot that is called so, the first of several, or None."""
        number = self._slot_named(definition, name)
        return None if number is None else self._slots[definition.id][number]

    def slot_name(self, definition: Canvas, slot: int) -> str:
        """Return what a slot is called."""
        return self._slots[definition.id][slot].name

    def values(self, canvas: Canvas, node: Node) -> Mapping[int, Any]:
        """Return the values of an instance: for each promoted slot its own, else the inner widget's."""
        found = self._values.get((canvas.id, node.id))
        if found is None:
            found = self._values[canvas.id, node.id] = self._given(canvas, node)
        return found

    def _given(self, canvas: Canvas, node: Node) -> Mapping[int, Any]:
        definition = self._page.definitions[node.type]
        slots = self._slots[definition.id]
        self._made += len(slots)
        if self._made > _MOST_VALUES:
            raise ValidationError(
                f"{self._page.name} has more than {_MOST_VALUES:,} values of subgraphs, those of each instance counted"
            )
        values = {
            number: self._inner_value(definition, slot.source) for number, slot in enumerate(slots) if slot.source
        }
        if isinstance(node.values, Mapping):
            named = {slots[number].name: number for number in values}
            return {**values, **{named[name]: value for name, value in node.values.items() if name in named}}
        given = list(node.values or ())
        promoted = [number for number in values if number < self._dealt.get((canvas.id, node.id), 0)]
        values.update(zip(promoted, given, strict=False))
        for number, value in zip(self._entries.get((canvas.id, node.id), ()), given, strict=False):
            if number is not None and value is not None and number in values:
                values[number] = value
        return {
            number: self._first(slots[number], definition) if value is None else value
            for number, value in values.items()
        }

    def _first(self, slot: InnerSlot, definition: Canvas) -> Any:
        """What null stands for: the first choice of a combo, else nothing."""
        leaf = self._leaf(definition, slot)
        return None if leaf.field is None or leaf.field.type not in ("COMBO", DYNAMIC_COMBO) else leaf.field.first

    def _inner_value(self, definition: Canvas, source: Target) -> Any:
        node = definition.nodes[source.node]
        inner = self._page.definition_of(node)
        if inner is None:
            return self._page.placed(definition, node).values.get(source.name)
        number = self._slot_named(inner, source.name)
        return None if number is None else self.values(definition, node).get(number)

    def _declared(self, definition: Canvas, slot: Slot) -> InnerSlot:
        takers = self._page.takers(definition)
        targets = tuple(Target(takers[key][0].id, takers[key][1].name) for key in slot.links if key in takers)
        source = next((one for one in targets if self._is_widget(definition, one)), None)
        return InnerSlot(slot.name, targets, source, slot.label)

    def _is_widget(self, definition: Canvas, target: Target) -> bool:
        node = definition.nodes[target.node]
        inner = self._page.definition_of(node)
        if inner is None:
            inlet = self._page.inlet(definition, node, target.name)
            return inlet is not None and inlet.field is not None
        number = self._slot_named(inner, target.name)
        return number is not None and self._slots[inner.id][number].source is not None

    def _put(self, definition: Canvas, slot: InnerSlot) -> int:
        """Add a slot; return its number."""
        number = len(self._slots[definition.id])
        self._slots[definition.id].append(slot)
        self._named[definition.id].setdefault(slot.name, number)
        if slot.source is not None:
            self._showing[definition.id].setdefault(slot.source, number)
        return number

    def _slot_named(self, definition: Canvas, name: str) -> int | None:
        return self._named[definition.id].get(name)

    def _meant(self, definition: Canvas, entries: list[tuple[str, ...]]) -> list[int | None]:
        """The slots that proxy entries mean, each once; those of PrimitiveNodes after those of plain widgets."""
        primitives = dict[str, list[int]]()
        for place, entry in enumerate(entries):
            node = definition.nodes.get(entry[0])
            if node is not None and node.type == PRIMITIVE:
                primitives.setdefault(node.id, []).append(place)
        apart = {place for places in primitives.values() for place in places}
        meant = [None if place in apart else self._entry(definition, one) for place, one in enumerate(entries)]
        for node_id, places in primitives.items():
            if len({entries[place][1] for place in places}) == 1:  # of different names, none counts
                meant[places[0]] = self._primitive(definition, definition.nodes[node_id], entries[places[0]][1])
                if meant[places[0]] is None:
                    self._page.cut.add((definition.id, node_id))
        return meant

    def _primitive(self, definition: Canvas, node: Node, name: str) -> int | None:
        """The slot that stands for a PrimitiveNode: it feeds all that the node fed, unless that has its own entry."""
        key = (definition.id, node.id)
        if key not in self._cohorts:
            linked = [Target(*one) for one in self._page.primitive_targets(definition, node)]
            targets = [one for one in linked if self._is_widget(definition, one)]
            apart = targets and not any(one in self._fed[definition.id] for one in targets)
            self._cohorts[key] = self._added(definition, name, targets) if apart else None
        return self._cohorts[key]

    def _entry(self, definition: Canvas, entry: tuple[str, ...]) -> int | None:
        """The slot that a proxy entry means; it is made if it is not there. None: the entry means nothing."""
        node_id, name, *deeper = entry
        if node_id == "-1":
            number = self._slot_named(definition, name)
            return number if number is not None and self._slots[definition.id][number].source else None
        node = definition.nodes.get(node_id)
        if node is None or name.startswith("$$"):
            return None
        target = self._widget(definition, node, name, deeper[0] if deeper else None)
        if target is None:
            return None
        known = self._showing[definition.id].get(target, self._fed[definition.id].get(target))
        return known if known is not None else self._added(definition, target.name, [target])

    def _added(self, definition: Canvas, name: str, targets: list[Target]) -> int:
        taken = self._named[definition.id]
        called = name
        while called in taken:
            self._counts[definition.id, name] = self._counts.get((definition.id, name), 0) + 1
            called = f"{name}_{self._counts[definition.id, name]}"
        number = self._put(definition, InnerSlot(called, tuple(targets), targets[0]))
        self._fed[definition.id].update(dict.fromkeys(targets, number))
        return number

    def _widget(self, definition: Canvas, node: Node, name: str, deeper: str | None) -> Target | None:
        """The inner widget of that name, without the ids that old files put before it if it is not found with them."""
        inner = self._page.definition_of(node)
        while True:
            if inner is None:
                if self._is_widget(definition, Target(node.id, name)):
                    return Target(node.id, name)
            else:
                found = self._promoted_by(inner, name, deeper)
                if found is not None:
                    return Target(node.id, found)
            prefix, colon, rest = name.partition(": ")
            if not colon or not prefix.isdecimal():
                return None
            name = rest

    def _promoted_by(self, inner: Canvas, name: str, deeper: str | None) -> str | None:
        """The promoted slot of a nested instance that is called so, or whose innermost widget is."""
        outside = self._outsides.get(inner.id)
        if outside is None:  # nothing is added any more: all instances of what lies deeper have been taken up
            slots = [(slot.name, self._leaf(inner, slot)) for slot in reversed(self._slots[inner.id]) if slot.source]
            outside = self._outsides[inner.id] = _Outside(
                {name for name, _ in slots},
                {(leaf.node, leaf.name): name for name, leaf in slots},
                {leaf.name: name for name, leaf in slots},
            )
        if deeper is not None and (deeper, name) in outside.exact:
            return outside.exact[deeper, name]
        return name if name in outside.names else outside.leaves.get(name)

    def _leaf(self, definition: Canvas, slot: InnerSlot) -> _Leaf:
        """The innermost widget that a slot shows."""
        while True:
            source = slot.source
            assert source is not None
            node = definition.nodes[source.node]
            inner = self._page.definition_of(node)
            if inner is None:
                inlet = self._page.inlet(definition, node, source.name)
                return _Leaf(source.node, source.name, inlet.field if inlet is not None else None)
            number = self._slot_named(inner, source.name)
            assert number is not None
            definition, slot = inner, self._slots[inner.id][number]


class _Leaf(NamedTuple):
    node: str
    name: str
    field: Field | None


class _Outside(NamedTuple):
    """The promoted slots of a definition: their names, and these by the innermost widget that each shows."""

    names: set[str]
    exact: dict[tuple[str, str], str]
    leaves: dict[str, str]
