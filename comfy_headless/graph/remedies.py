"""What to do about each problem of a graph, as a line to paste: pure, from the graph and the server's schemas.

A line that changes the graph gives what the server takes; whether it is what was meant, a person judges. Lines of
several problems may be pasted one after the other; what they bring to light, the next check says.
"""

from __future__ import annotations

import dataclasses
import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final, NamedTuple

from comfy_headless.graph.ages import ages
from comfy_headless.graph.classes import class_remedy
from comfy_headless.graph.file_inputs import FILE_INPUTS, MODEL_INPUTS
from comfy_headless.graph.legal import legal_value, options_of
from comfy_headless.graph.lines import place, put, put_all, remarked, take_out, written
from comfy_headless.graph.live_inputs import LiveInputs, unfold
from comfy_headless.graph.own_checks import is_link
from comfy_headless.graph.report import Problem
from comfy_headless.graph.schemas import InputSchema, NodeSchema, Schemas
from comfy_headless.graph.sources import Source, find_sources, usual_givers

_SHOWN: Final = 3
"""So many others a comment names."""

_SAVERS: Final = (("VIDEO", "SaveVideo"), ("IMAGE", "SaveImage"), ("AUDIO", "SaveAudio"), ("*", "PreviewAny"))
"""What keeps a type, the first choice first."""


def with_remedies(
    problems: Iterable[Problem],
    graph: Mapping[str, Any],
    as_run: Mapping[str, Any],
    schemas: Schemas,
    *,
    came_in: Mapping[str, str] | None = None,
) -> Iterator[Problem]:
    """Yield the problems of a graph, each with its remedy.

    Args:
        graph: as it was sent.
        as_run: as the server looks at it: old classes replaced.
        came_in: the version of ComfyUI that first had a class of its own; None takes those that are known.
    """
    found = tuple(problems)
    broken = any(problem.severity in ("refused", "fails") for problem in found)
    for problem in found:
        case = Case(problem, graph, as_run, schemas, came_in, broken)
        write = _REMEDIES.get(problem.kind)
        line = write(case) if write is not None else ""
        yield dataclasses.replace(problem, remedy=line) if line else problem


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


def _set_legal(case: Case) -> str:
    """The nearest value that the input takes."""
    item = case.item
    return "" if item is None else _legal_line(case, item, case.value(item.name))


def _legal_line(case: Case, item: InputSchema, value: Any) -> str:
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


def _give(case: Case) -> str:
    """What an input lacks: a value, or a link."""
    item = case.item
    return "" if item is None else _given(case, item)


def _given(case: Case, item: InputSchema) -> str:
    if options_of(item) is not None or item.type in ("INT", "FLOAT", "STRING", "BOOLEAN"):
        return _legal_line(case, item, None)
    sources = case.sources(item.spec)
    if sources:
        return put(case.node_id, item.name, sources[0].link, _which(sources))
    givers = usual_givers(case.schemas, item.spec)
    some = f"; {' and '.join(givers)} do" if givers else ""
    return f"no node of the graph gives {item.type} for {place(case.node_id, item.name)}{some}"


def _which(sources: Sequence[Source]) -> str:
    others = list(dict.fromkeys(str(each) for each in sources[1:] if each.node_id != sources[0].node_id))
    if not others:
        return f"from {sources[0]}"
    more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
    return f"from {sources[0]}; or {', '.join(others[:_SHOWN])}{more}"


def _relink(case: Case) -> str:
    """Another output for a link of the wrong type: of the same node, else of another, else a value."""
    item = case.item
    if item is None:
        return ""
    link = case.value(item.name)
    own = [each for each in case.sources(item.spec) if isinstance(link, list) and each.node_id == link[0]]
    return put(case.node_id, item.name, own[0].link, _which(own)) if own else _given_or_out(case, item)


def _given_or_out(case: Case, item: InputSchema) -> str:
    """Give an input something else; one that may be left out, and that nothing gives, goes."""
    line = _given(case, item)
    return line if item.required or line.startswith("graph[") else take_out(case.node_id, item.name)


def _mend_link(case: Case) -> str:
    """A list that is no link: the value in it, else the node that it names, else any that fits."""
    item = case.item
    if item is None:
        return ""
    value = case.value(item.name)
    first = value[0] if isinstance(value, list) and value else None
    fitting = [each for each in case.sources(item.spec) if each.node_id == str(first)]
    if fitting:
        return put(case.node_id, item.name, fitting[0].link, _which(fitting))
    if first is not None and (options_of(item) is not None or item.type in ("INT", "FLOAT", "STRING", "BOOLEAN")):
        return _legal_line(case, item, first)
    return _given_or_out(case, item)


def _mend_node(case: Case) -> str:
    """What the server stumbled over in a node: a link that leads nowhere, an input that its own check needs."""
    if case.node.get("inputs") is None:
        return _give_inputs(case)
    for item in case.live.inputs:
        value = case.value(item.name)
        if isinstance(value, list) and len(value) == 2 and not _leads(case, value):
            again = case._replace(problem=dataclasses.replace(case.problem, input=item.name))
            return _relink(again)
    for item in case.live.inputs:
        if item.required and case.value(item.name) is None:
            return _given(case, item)
    for item in case.live.inputs:
        value = case.value(item.name)
        if (case.schema.name, item.name) in FILE_INPUTS and not isinstance(value, str):
            return _legal_line(case, item, None)
        legal = None if isinstance(value, list) else legal_value(item, value)
        if legal is not None and legal.value != value:
            return put(case.node_id, item.name, legal.value, legal.why)
    return ""


def _leads(case: Case, link: list[Any]) -> bool:
    """Return whether a link leads to an output that is there."""
    source, slot = link
    node = case.as_run.get(source) if isinstance(source, str) else None
    if node is None or not isinstance(slot, int):
        return False
    count = len(case.schemas[node["class_type"]].returns)
    return -count <= slot < count


def _cut_ring(case: Case) -> str:
    """One link of a ring, led elsewhere."""
    ring = [str(each) for each in case.problem.extra_info.get("cycle_nodes", ())]
    links = [
        (case._replace(problem=dataclasses.replace(case.problem, node_id=member, input=name)), name, value)
        for member in ring
        for name, value in (case.as_run[member].get("inputs") or {}).items()
        if is_link(value) and value[0] in ring
    ]
    for again, name, _ in links:
        item = again.item
        sources = again.sources(item.spec) if item is not None else []
        if sources:
            return put(again.node_id, name, sources[0].link, f"cuts the ring: {_which(sources)}")
    for again, name, _ in links:
        if again.item is None or not again.item.required:
            return take_out(again.node_id, name, "cuts the ring")
    shown = " or ".join(place(again.node_id, name) for again, name, _ in links)
    return f"cut the ring: lead {shown} to a node outside of it"


def _name_class(case: Case) -> str:
    node = case.graph[case.node_id]
    linked = any(
        is_link(value) and value[0] == case.node_id
        for each in case.graph.values()
        for value in (each.get("inputs") or {}).values()
    )
    came_in = ages().classes if case.came_in is None else case.came_in
    return class_remedy(case.node_id, node, case.schemas, linked=linked, came_in=came_in)


def _check_own(case: Case) -> str:
    """What a node's own check refuses: a file that is not there, else a value."""
    item = case.item
    if item is None:
        return ""
    value = case.value(item.name)
    if (case.schema.name, item.name) not in FILE_INPUTS:
        return put(case.node_id, item.name, item.default) if item.default is not None else ""
    line = _legal_line(case, item, value)
    return f"{line}, or bring your own into the server's input folder" if line.startswith("graph[") else line


def _save_something(case: Case) -> str:
    """A node that keeps what nothing takes yet."""
    for kind, saver in _SAVERS:
        if saver not in case.schemas:
            continue
        sources = find_sources(case.as_run, case.schemas, "", kind)
        if sources:
            found = dict[str, Any]()
            schema = case.schemas[saver]
            for item in schema.inputs:
                if not item.required:
                    continue
                if item.dynamic:
                    found |= _chosen(schema, found, item.name, item.default)
                else:
                    legal = legal_value(item, None)
                    found[item.name] = sources[0].link if legal is None else legal.value
            node = {"class_type": saver, "inputs": found}
            return remarked(f'graph["save"] = {written(node)}', f"keeps what {sources[0]} makes")
    return "add a node that keeps something, such as SaveVideo or SaveImage"


def _choose(case: Case) -> str:
    """A dynamic choice, with all that it brings along."""
    gap = next((each for each in case.live.gaps if each.name == case.problem.input), None)
    if gap is None:
        return ""
    if case.problem.kind == "dynamic_choice_ignored":
        return take_out(case.node_id, gap.name)
    values = _chosen(case.schema, case.inputs, gap.name, case.value(gap.name))
    return put_all(case.node_id, values, f"one of {', '.join(map(str, gap.keys))}")


def _chosen(schema: NodeSchema, given: Mapping[str, Any], name: str, wanted: Any) -> dict[str, Any]:
    """Return a dynamic choice that is legal, and what it requires then."""
    values: dict[str, Any] = {}
    waiting = {name: wanted}
    while waiting:
        before = {**given, **values}
        gaps = {gap.name: gap for gap in unfold(schema, before).gaps}
        for each, want in waiting.items():
            gap = gaps[each]
            item = schema.input(each)
            usual = item.default if item is not None and item.default in gap.keys else gap.keys[0]
            values[each] = want if want in gap.keys else usual
        live = unfold(schema, {**given, **values})
        for item in live.inputs:
            if item.required and item.name.startswith(f"{name}.") and item.name not in {**given, **values}:
                legal = legal_value(item, None)
                values |= {item.name: legal.value} if legal is not None else {}
        waiting = {
            gap.name: None
            for gap in live.gaps
            if gap.required and gap.name.startswith(f"{name}.") and gap.name not in values
        }
    return values


def _drop_link(case: Case) -> str:
    return take_out(case.node_id, case.problem.input)


def _drop_node(case: Case) -> str:
    """Take an unused node out, unless a link that is broken elsewhere may be why nothing uses it."""
    return "mend the others first: it may be needed then" if case.broken else take_out(case.node_id)


def _give_inputs(case: Case) -> str:
    """Inputs for a node that has none: those that its class requires."""
    needed = any(
        is_link(value) and value[0] == case.node_id
        for node in case.as_run.values()
        for value in (node.get("inputs") or {}).values()
    )
    if not needed and not case.schema.output_node:
        return take_out(case.node_id, why="nothing takes anything from it")
    found: dict[str, Any] = {}
    for item in case.schema.inputs:
        legal = legal_value(item, None) if item.required and not item.dynamic else None
        if legal is not None:
            found[item.name] = legal.value
        elif item.required and item.dynamic and item.choices:
            found |= _chosen(case.schema, found, item.name, item.default)
        elif item.required:
            sources = case.sources(item.spec)
            found |= {item.name: sources[0].link} if sources else {}
    return f'graph[{written(case.node_id)}]["inputs"] = {written(found)}'


def _rename_input(case: Case) -> str:
    """The input that is called nearly so and not given yet, else none."""
    name = str(case.problem.input)
    free = [item.name for item in case.live.inputs if item.name not in case.inputs]
    close = get_close_matches(name, free, n=1)
    if not close:
        return take_out(case.node_id, name)
    inputs = f'graph[{written(case.node_id)}]["inputs"]'
    return f"{inputs}[{written(close[0])}] = {inputs}.pop({written(name)})"


def _write_class(case: Case) -> str:
    """The newer class, as the server puts it there itself."""
    node = case.node
    return (
        f"graph[{written(case.node_id)}].update(class_type={written(node['class_type'])}, "
        f"inputs={written(case.inputs)})"
    )


def _name_reasons(case: Case) -> str:
    above = [str(each) for each in case.problem.extra_info.get("nodes", ())]
    return f"mend what is wrong with {' and '.join(f'node {each}' for each in above)}, which it needs"


_REMEDIES: Final[Mapping[str, Callable[[Case], str]]] = {
    "bad_linked_input": _mend_link,
    "class_replaced": _write_class,
    "custom_validation_failed": _check_own,
    "dependency_cycle": _cut_ring,
    "dynamic_choice_ignored": _choose,
    "dynamic_choice_missing": _choose,
    "dynamic_choice_unknown": _choose,
    "exception_during_inner_validation": _mend_node,
    "exception_during_validation": _mend_node,
    "invalid_input_type": _set_legal,
    "link_expected": _give,
    "link_to_absent_node": _drop_link,
    "missing_node_type": _name_class,
    "node_unused": _drop_node,
    "node_without_inputs": _give_inputs,
    "not_a_graph": lambda case: "give a workflow in API format: Workflow > Export (API) in ComfyUI",
    "output_dropped": _name_reasons,
    "prompt_no_outputs": _save_something,
    "required_input_missing": _give,
    "return_type_mismatch": _relink,
    "unknown_input": _rename_input,
    "value_bigger_than_max": _set_legal,
    "value_changed": _set_legal,
    "value_not_in_list": _set_legal,
    "value_smaller_than_min": _set_legal,
}
