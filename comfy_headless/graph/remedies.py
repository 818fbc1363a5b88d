"""What to do about each problem of a graph, as a line to paste: pure, from the graph and the server's schemas.

A line that changes the graph gives what the server takes; whether it is what was meant, a person judges. Lines of
several problems may be pasted one after the other; what they bring to light, the next check says.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from comfy_headless.graph.ages import ages
from comfy_headless.graph.classes import class_remedy
from comfy_headless.graph.file_inputs import FILE_INPUTS
from comfy_headless.graph.given import Case, given, given_or_out, legal_line, which
from comfy_headless.graph.legal import legal_value, options_of
from comfy_headless.graph.lines import place, put, put_all, remarked, take_out, written
from comfy_headless.graph.live_inputs import unfold
from comfy_headless.graph.near import find_near
from comfy_headless.graph.own_checks import find_own_check, looks_like_link
from comfy_headless.graph.report import Problem
from comfy_headless.graph.schemas import NodeSchema, Schemas
from comfy_headless.graph.sources import find_sources

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


def _set_legal(case: Case) -> str:
    """The nearest value that the input takes."""
    item = case.item
    return "" if item is None else legal_line(case, item, case.value(item.name))


def _give(case: Case) -> str:
    """What an input lacks: a value, or a link."""
    item = case.item
    return "" if item is None else given(case, item)


def _relink(case: Case) -> str:
    """Another output for a link of the wrong type: of the same node, else of another, else a value."""
    item = case.item
    if item is None:
        return ""
    link = case.value(item.name)
    own = [each for each in case.sources(item.spec) if isinstance(link, list) and each.node_id == link[0]]
    return put(case.node_id, item.name, own[0].link, which(own)) if own else given_or_out(case, item)


def _mend_link(case: Case) -> str:
    """A list that is no link: the value in it, else the node that it names, else any that fits."""
    item = case.item
    if item is None:
        return ""
    value = case.value(item.name)
    first = value[0] if isinstance(value, list) and value else None
    fitting = [each for each in case.sources(item.spec) if each.node_id == str(first)]
    if fitting:
        return put(case.node_id, item.name, fitting[0].link, which(fitting))
    if first is not None and (options_of(item) is not None or item.type in ("INT", "FLOAT", "STRING", "BOOLEAN")):
        return legal_line(case, item, first)
    return given_or_out(case, item)


def _mend_node(case: Case) -> str:
    """What the server stumbled over in a node: a link that leads nowhere, an input that its own check needs."""
    if case.node.get("inputs") is None:
        return _give_inputs(case)
    for item in case.live.inputs:
        value = case.value(item.name)
        if isinstance(value, list) and len(value) == 2 and not _leads(case, value):
            again = case._replace(problem=dataclasses.replace(case.problem, input=item.name))
            return _relink(again)
    lacking = [item for item in case.live.inputs if item.required and case.value(item.name) is None]
    values = {item.name: legal.value for item in lacking if (legal := legal_value(item, None)) is not None}
    if lacking:
        return put_all(case.node_id, values) if values else given(case, lacking[0])
    for item in case.live.inputs:
        value = case.value(item.name)
        if (case.schema.name, item.name) in FILE_INPUTS and not isinstance(value, str):
            return legal_line(case, item, None)
    near = {
        item.name: legal_value(item, case.value(item.name)) for item in case.live.inputs if item.name in case.inputs
    }
    other = {
        name: legal.value
        for name, legal in near.items()
        if legal is not None and not isinstance(case.value(name), list) and legal.value != case.value(name)
    }
    return put_all(case.node_id, other) if other else _please_own_check(case)


def _please_own_check(case: Case) -> str:
    """What the check that the class brings along stumbles over: its default, where it has one."""
    own = find_own_check(case.schema)
    covered = [item for item in case.live.inputs if own is not None and own.covers(item.name)]
    for item in covered:
        if item.default not in (None, case.value(item.name)):
            return put(case.node_id, item.name, item.default, "its default")
    named = " or ".join(place(case.node_id, item.name) for item in covered)
    return f"the node's own check cannot read {named}: give it another value" if covered else ""


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
        if looks_like_link(value) and value[0] in ring
    ]
    for again, name, _ in links:
        item = again.item
        sources = again.sources(item.spec) if item is not None else []
        if sources:
            return put(again.node_id, name, sources[0].link, f"cuts the ring: {which(sources)}")
    for again, name, _ in links:
        if again.item is None or not again.item.required:
            return take_out(again.node_id, name, "cuts the ring")
    shown = " or ".join(place(again.node_id, name) for again, name, _ in links)
    return f"cut the ring: lead {shown} to a node outside of it"


def _name_class(case: Case) -> str:
    node = case.graph[case.node_id]
    linked = any(
        looks_like_link(value) and value[0] == case.node_id
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
        if item.default not in (None, value):
            return put(case.node_id, item.name, item.default, "its default")
        return f"give {place(case.node_id, item.name)} another value: {case.problem.details.partition(' - ')[2]}"
    line = legal_line(case, item, value)
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
                if item.dynamic and item.choices:
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
    if not gap.keys:
        return f"the server has nothing to choose from for {gap.name}"
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
            if gap.keys and gap.required and gap.name.startswith(f"{name}.") and gap.name not in values
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
        looks_like_link(value) and value[0] == case.node_id
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
    close = find_near(name, free)
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


def _let_be(case: Case) -> str:
    return f"nothing need be done: the server decides; a newer {case.schema.pack or 'ComfyUI'} may be read"


_REMEDIES: Final[Mapping[str, Callable[[Case], str]]] = {
    "bad_linked_input": _mend_link,
    "class_not_read": _let_be,
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
    "not_a_graph": lambda case: "give a workflow as ComfyUI saves or exports it (Workflow > Save, Export (API))",
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
