"""What an input of a graph can be given: the nearest legal value, or a link from a node that gives its type."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from comfy_headless.graph.file_inputs import FILE_INPUTS, MODEL_INPUTS
from comfy_headless.graph.legal import legal_value, options_of
from comfy_headless.graph.lines import place, put, take_out
from comfy_headless.graph.live_inputs import LiveInputs, unfold
from comfy_headless.graph.report import Problem
from comfy_headless.graph.schemas import InputSchema, NodeSchema, Schemas
from comfy_headless.graph.sources import Source, find_sources, usual_givers

_SHOWN: Final = 3
"""So many others a comment names."""


class Case(NamedTuple):
    """A problem, and all that its remedy follows from.

    Args:
        broken: whether there is one that a job would not end well with.
    """

    problem: Problem
    graph: Mapping[str, Any]
    as_run: Mapping[str, Any]
    schemas: Schemas
    came_in: Mapping[str, str] | None
    broken: bool = False

    @property
    def node_id(self) -> str:
        """The node that it is about."""
        return str(self.problem.node_id)

    @property
    def node(self) -> Mapping[str, Any]:
        """That node, as the server looks at it."""
        found: Mapping[str, Any] = self.as_run[self.node_id]
        return found

    @property
    def inputs(self) -> Mapping[str, Any]:
        """Its inputs; none where it has none."""
        return self.node.get("inputs") or {}

    @property
    def schema(self) -> NodeSchema:
        """Its class."""
        return self.schemas[self.node["class_type"]]

    @property
    def live(self) -> LiveInputs:
        """The inputs that it has."""
        return unfold(self.schema, self.inputs)

    @property
    def item(self) -> InputSchema | None:
        """The input that the problem is about."""
        return next((each for each in self.live.inputs if each.name == self.problem.input), None)

    def value(self, name: str) -> Any:
        """Return what an input was sent, not cast."""
        sent = self.graph[self.node_id]
        given = sent.get("inputs") or {}
        return given.get(name) if sent["class_type"] == self.node["class_type"] else self.inputs.get(name)

    def sources(self, wanted: Any) -> list[Source]:
        """Return where a link of a type can come from."""
        return find_sources(self.as_run, self.schemas, self.node_id, wanted)


def legal_line(case: Case, item: InputSchema, value: Any) -> str:
    """Return the line that gives an input the legal value nearest to one."""
    legal = legal_value(item, value)
    if legal is None:
        return _nothing_to_choose(case, item, value)
    return put(case.node_id, item.name, legal.value, legal.why)


def _nothing_to_choose(case: Case, item: InputSchema, value: Any) -> str:
    key = case.schema.name, item.name
    if key in MODEL_INPUTS:
        return f"the server has no file for it: put one into ComfyUI/models/{MODEL_INPUTS[key]}/"
    if key in FILE_INPUTS:
        named = f"the file {posixpath.basename(value)!r}" if isinstance(value, str) else "a file"
        return f"bring {named} into the server's input folder and name it in {place(case.node_id, item.name)}"
    return f"the server has nothing to choose from for {item.name}"


def given(case: Case, item: InputSchema) -> str:
    """Return the line that gives an input what it lacks: a value, or a link from a node of the graph."""
    if options_of(item) is not None or item.type in ("INT", "FLOAT", "STRING", "BOOLEAN"):
        return legal_line(case, item, None)
    sources = case.sources(item.spec)
    if sources:
        return put(case.node_id, item.name, sources[0].link, which(sources))
    givers = usual_givers(case.schemas, item.spec)
    some = f"; {' and '.join(givers)} do" if givers else ""
    return f"no node of the graph gives {item.type} for {place(case.node_id, item.name)}{some}"


def which(sources: Sequence[Source]) -> str:
    """Return from where a link comes, and from where else it could."""
    others = list(dict.fromkeys(str(each) for each in sources[1:] if each.node_id != sources[0].node_id))
    if not others:
        return f"from {sources[0]}"
    more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
    return f"from {sources[0]}; or {', '.join(others[:_SHOWN])}{more}"


def given_or_out(case: Case, item: InputSchema) -> str:
    """Give an input something else; one that may be left out, and that nothing gives, goes."""
    line = given(case, item)
    return line if item.required or line.startswith("graph[") else take_out(case.node_id, item.name)
