"""Fit a graph to the server that is there: what it names differently, has not yet, or wants besides.

What a server has is read in its object_info, never from its version. Graphs are written for ComfyUI 0.30.0, whose
schemas are shipped. An input that the server's own class lacks would be passed over there in silence:

    its value is what that version does anyway  -> left out
    another value                               -> left out, with a note
    a wire                                      -> lacking: the result would be another one

What the server wants besides is filled with its own default. Classes and choices that it lacks are lacking.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from comfy_headless.graph.ages import UPDATE, age_line, ages, since, told_since
from comfy_headless.graph.live_inputs import Gap, unfold
from comfy_headless.graph.schemas import InputSchema, NodeSchema, Schemas
from comfy_headless.graph.source import Graph, is_link
from comfy_headless.graph.transforms.wires import named
from comfy_headless.graph.values import shown

_ROUNDS: Final = 4
"""How deep dynamic inputs lie in each other, at most."""


class Fitted(NamedTuple):
    """A graph for one server.

    Args:
        graph: what can be sent; the one that was given, if nothing had to change.
        notes: what became of inputs, for a caller to know.
        lacks: a line for each thing without which the server cannot run it, with the version that has it.
    """

    graph: Graph
    notes: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()


def fitted(
    graph: Graph,
    object_info: Mapping[str, Any] | Schemas,
    *,
    version: str | None = None,
    subject: str = "this graph",
    needed: str | None = None,
) -> Fitted:
    """Return a graph as the server takes it that has these node classes.

    Only ComfyUI's own classes are looked at: those of node packs have no versions here.

    Args:
        object_info: the answer of ``GET /object_info``, or `Schemas`.
        version: what the server says it is, for the lines.
        subject: who needs what is lacking, such as the name of a preset.
        needed: the first version that loads its model, where the node classes are older and do not tell.
    """
    there = object_info if isinstance(object_info, Schemas) else Schemas.from_object_info(object_info)
    ours = Schemas.snapshot()
    changed: Graph = {}
    notes: list[str] = []
    lacks: list[str] = []
    absent: dict[str, None] = {}
    for node_id, node in graph.items():
        class_type = node["class_type"]
        if class_type not in there:
            absent[class_type] = None
        elif class_type in ours and there[class_type].core:
            one = _Node(graph, node_id, ours[class_type], there[class_type], version)
            inputs = one.fit()
            notes += one.notes
            lacks += one.lacks
            if inputs != node["inputs"]:
                changed[node_id] = {**node, "inputs": inputs}
    line = age_line(subject, absent, version, needed=needed)
    first = [] if line is None else [line]
    result = {**graph, **changed} if changed else graph
    return Fitted(result, tuple(dict.fromkeys(notes)), tuple(dict.fromkeys([*first, *lacks])))


class _Node:
    """One node, its class as graphs are written for it, and as the server has it."""

    def __init__(self, graph: Graph, node_id: str, ours: NodeSchema, there: NodeSchema, version: str | None) -> None:
        self.graph, self.ours, self.there, self.version = graph, ours, there, version
        self.owner = named(graph, node_id)
        self.given: Mapping[str, Any] = graph[node_id]["inputs"]
        self.known = {item.name: item for item in unfold(ours, self.given).inputs}
        self.notes: list[str] = []
        self.lacks: list[str] = []

    def fit(self) -> dict[str, Any]:
        """Return the inputs for the server; what is to be said of them is in ``notes`` and ``lacks``."""
        live = unfold(self.there, self.given)
        has = {item.name: item for item in live.inputs}
        gaps = {gap.name: gap for gap in live.gaps}
        kept = {}
        for name, value in self.given.items():
            if name in has:
                self._check_choice(name, value, has[name].choices)
                kept[name] = value
            elif any(name == gap or name.startswith(f"{gap}.") for gap in gaps):
                self._check_gap(gaps.get(name), value)
                kept[name] = value
            elif name not in self.known or not self._left_out(name, value):
                kept[name] = value  # nothing that we know: as it was given
        return {**kept, **self._wanted(kept)}

    def _left_out(self, name: str, value: Any) -> bool:
        """Return whether an input that the server lacks can be left out, and say what that changes."""
        told = told_since(since(self.ours.name, name), self.version)
        if is_link(value, self.graph):
            self.lacks.append(f"{self.owner}: nothing takes the wire {name!r} there: {told}: {UPDATE}")
            return False
        if value != self._before(name):
            self.notes.append(f"{self.owner}: {name}={shown(value)} has no effect: {told}")
        return True

    def _before(self, name: str) -> Any:
        """Return what versions without an input do in its place."""
        before = ages().before
        place = f"{self.ours.name}.{name}"
        return before[place] if place in before else _default(self.known[name])

    def _check_choice(self, name: str, value: Any, choices: tuple[Any, ...] | None) -> None:
        """Note a choice that is not among those of the server, if ComfyUI has it and no file is meant."""
        known = self.known.get(name)
        if choices is None or known is None or known.choices is None or isinstance(value, list) or value in choices:
            return
        if not Schemas.snapshot().is_open(self.ours.name, name) and value in known.choices:
            self._lacks_choice(name, value)

    def _check_gap(self, gap: Gap | None, value: Any) -> None:
        known = None if gap is None else self.known.get(gap.name)
        if gap is not None and known is not None and value in (known.choices or ()) and value not in gap.keys:
            self._lacks_choice(gap.name, value)

    def _lacks_choice(self, name: str, value: Any) -> None:
        told = told_since(since(self.ours.name, name, value), self.version)
        self.lacks.append(f"{self.owner}: {name}={shown(value)} is not there: {told}: {UPDATE}")

    def _wanted(self, kept: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values of inputs that this server requires and ComfyUI 0.30.0 does not have."""
        added: dict[str, Any] = {}
        for _ in range(_ROUNDS):
            more = {name: value for name, value in self._required({**kept, **added}) if self._is_new(name)}
            if not more:
                break
            added |= more
        self.notes += [
            f"{self.owner}: {name}={shown(value)} is taken: this server asks for it" for name, value in added.items()
        ]
        return added

    def _required(self, values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        """Yield the required inputs without a value, with the server's default, where there is one."""
        live = unfold(self.there, values)
        for item in live.inputs:
            if item.required and item.name not in values and _default(item) is not None:
                yield item.name, _default(item)
        for gap in live.gaps:
            if gap.required and not gap.given and gap.keys:
                yield gap.name, gap.keys[0]

    def _is_new(self, name: str) -> bool:
        return self.ours.input(name.partition(".")[0]) is None


def _default(item: InputSchema) -> Any:
    """Return what an editor fills in: the default, else the first choice; None if there is neither."""
    if item.default is not None or not item.choices:
        return item.default
    return item.choices[0]
