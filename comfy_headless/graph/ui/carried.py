"""Markers in the title of a subgraph: it is not sent itself, so they are carried to the nodes inside.

A field of such a marker is an input that the subgraph shows, by its name or by what people have called it. Each node
that it feeds gets the marker behind its own title, with the name of the input there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from comfy_headless.errors import ValidationError
from comfy_headless.graph.loaders import media_of
from comfy_headless.graph.markers import Marker, parse_title, quoted
from comfy_headless.graph.source import Graph
from comfy_headless.graph.ui.canvas import Canvas, Input, Node
from comfy_headless.graph.ui.links import Scope
from comfy_headless.graph.ui.pack_nodes import GETTER, PASSING, SETTER, name_of
from comfy_headless.graph.ui.page import Page
from comfy_headless.graph.ui.promoted import InnerSlot, Promotions, Target
from comfy_headless.graph.values import nearest

_NAMED: Final = 3
"""So many nodes an error names."""
_MOST: Final = 500_000
"""Characters of all markers that are carried, and inputs that are looked at for it."""


class Titled(NamedTuple):
    """An instance of a subgraph whose title may hold markers, and where it stands."""

    scope: Scope
    node: Node
    definition: Canvas

    @property
    def path(self) -> str:
        """What the ids of the nodes inside begin with."""
        return f"{self.scope.path}{self.node.id}:"


def carry(page: Page, promotions: Promotions, titled: Sequence[Titled], graph: Graph) -> None:
    """Write the markers of these titles into those of the nodes inside, in ``graph``.

    Raises:
        ValidationError: a marker is malformed, or names nothing that the subgraph shows, or what feeds no node.
    """
    carrier = _Carrier(page, promotions, graph, frozenset(each.path for each in titled))
    for each in titled:
        carrier.carry(each)


class _Carrier:
    def __init__(self, page: Page, promotions: Promotions, graph: Graph, paths: frozenset[str]) -> None:
        self._page, self._promotions, self._graph, self._paths = page, promotions, graph, paths
        self._takers: dict[str, dict[str, list[tuple[Node, Input]]]] = {}
        self._getters: dict[str, dict[str | None, list[str]]] = {}
        self._labelled: dict[str, dict[str, InnerSlot]] = {}
        self._saving: dict[str, list[str]] | None = None
        self._done = 0

    def carry(self, titled: Titled) -> None:
        title = titled.node.title or ""
        where = f"{self._page.name}: node {titled.path[:-1]} (subgraph {titled.definition.name!r})"
        markers, unread = parse_title(title, where=where)
        for word in unread:
            said = f"{where.removeprefix(f'{self._page.name}: ')}: {word!r} in title {quoted(title, title.index(word))}"
            self._page.warn(f"{said} is not read as a marker, since a comma must come before it")
        parts: dict[str, list[str]] = {}
        for marker in markers:
            refused = f"{where}, title {quoted(title, marker.position)}, position {marker.position}"
            for target in self._meant(titled, marker, refused):
                parts.setdefault(target.node, []).append(marker.at(target.name))
                self._count(len(parts[target.node][-1]))
        for node_id, each in parts.items():
            meta = self._graph[node_id]["_meta"]
            meta["title"] = ", ".join((meta["title"], *dict.fromkeys(each)))

    def _count(self, amount: int) -> None:
        self._done += amount
        if self._done > _MOST:
            raise ValidationError(f"{self._page.name} has more markers in titles of subgraphs than any workflow")

    def _meant(self, titled: Titled, marker: Marker, where: str) -> list[Target]:
        """The inputs inside that a marker fills; of an output's, the nodes that it names."""
        if marker.output:
            savers = [Target(node_id, "") for node_id in self._savers(titled.path)]
            if not savers:
                raise ValidationError(f"{where}: no node inside saves anything; name the one that does")
            return savers
        slot = self._slot(titled, marker, where)
        targets = list(self._ends(titled.path, titled.definition, slot))
        if not targets:
            raise ValidationError(f"{where}: its input {slot.label or slot.name!r} feeds no node inside that is sent")
        return targets

    def _savers(self, path: str) -> list[str]:
        """The nodes below a path that save something."""
        if self._saving is None:
            self._saving = {}
            for node_id, node in self._graph.items():
                if self._page.schemas[node["class_type"]].output_node:
                    around = (node_id[:end] for end, sign in enumerate(node_id, 1) if sign == ":")
                    for each in self._paths.intersection(around):
                        self._saving.setdefault(each, []).append(node_id)
        return self._saving.get(path, [])

    def _slot(self, titled: Titled, marker: Marker, where: str) -> InnerSlot:
        slots = self._promotions.slots(titled.definition)
        wanted = marker.field or marker.name
        found = self._promotions.slot_named(titled.definition, wanted) or self._labels(titled.definition).get(wanted)
        if found is not None:
            return found
        if marker.field is None:
            self._count(len(slots))
            fitting = [each for each in slots if self._fits(titled, each, upload=marker.upload)]
            if len(fitting) == 1:
                return fitting[0]
        names = [each.label or each.name for each in slots]
        raise ValidationError(
            f"{where}: the subgraph shows no input {wanted!r}{nearest(wanted, names)} It shows: "
            f"{', '.join(names) or 'none'}; {self._remedy(titled.path, wanted)}"
        )

    def _labels(self, definition: Canvas) -> dict[str, InnerSlot]:
        """The inputs that a subgraph shows by what people have called them, the first of several."""
        if definition.id not in self._labelled:
            slots = self._promotions.slots(definition)
            self._labelled[definition.id] = {each.label: each for each in reversed(slots)}
        return self._labelled[definition.id]

    def _remedy(self, path: str, wanted: str) -> str:
        inside = [key for key, node in self._graph.items() if key.startswith(path) and wanted in node["inputs"]]
        called = " or ".join(f"node {key} ({self._graph[key]['class_type']})" for key in inside[:_NAMED])
        return f"put the marker on {called or 'the node'} inside, or show that input"

    def _fits(self, titled: Titled, slot: InnerSlot, *, upload: bool) -> bool:
        if not upload:
            return slot.source is not None
        ends = self._ends(titled.path, titled.definition, slot)
        kinds = ((self._graph[each.node]["class_type"], each.name) for each in ends)
        return any(media_of(kind, name, self._page.schemas[kind]) for kind, name in kinds)

    def _ends(self, path: str, definition: Canvas, slot: InnerSlot) -> Iterator[Target]:
        """The inputs of nodes that are sent which a slot feeds, through subgraphs and Reroutes; ids as sent."""
        waiting = [(path, definition, target) for target in reversed(slot.targets)]
        seen = set[tuple[str, Target]]()
        while waiting:
            self._count(1)
            path, canvas, target = waiting.pop()
            if (path, target) in seen:
                continue
            seen.add((path, target))
            node = canvas.nodes[target.node]
            inner = self._page.definition_of(node)
            if inner is not None:
                deeper = self._promotions.slot_named(inner, target.name)
                targets = deeper.targets if deeper is not None else ()
                waiting.extend((f"{path}{node.id}:", inner, one) for one in reversed(targets))
            elif node.type in PASSING:
                passed = [Target(taker.id, one.name) for taker, one in self._past(canvas, node)]
                waiting.extend((path, canvas, one) for one in reversed(passed))
            elif path + node.id in self._graph:
                yield Target(path + node.id, target.name)

    def _past(self, canvas: Canvas, node: Node) -> list[tuple[Node, Input]]:
        """Who takes what a Reroute gives; of a Set, also what its Gets give."""
        if canvas.id not in self._takers:
            found = self._takers[canvas.id] = {}
            for key, taker in self._page.takers(canvas).items():
                if key in canvas.links:
                    found.setdefault(canvas.links[key].origin, []).append(taker)
        givers = [node.id]
        name = name_of(node) if node.type == SETTER else None
        if name is not None:
            if canvas.id not in self._getters:
                gets = self._getters[canvas.id] = {}
                for each in canvas.nodes.values():
                    if each.type == GETTER:
                        gets.setdefault(name_of(each), []).append(each.id)
            givers += self._getters[canvas.id].get(name, ())
        return [taker for giver in givers for taker in self._takers[canvas.id].get(giver, ())]
