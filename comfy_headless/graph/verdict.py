"""What ComfyUI's ``POST /prompt`` would answer to a graph: the rules of its validation, in its order.

Read and measured in ComfyUI 0.30.0 (execution.py ``validate_prompt`` and ``validate_inputs``, server.py). The outputs
are looked at one by one; from each the walk goes up the links, and a node is judged once. Where the server stumbles
over a graph it answers with Python's own words (a KeyError for an absent node): such an exception ends the judgement
of a node, so these are raised here by the same operations on the same values.

The server takes outputs and inputs in an arbitrary order (Python sets); here it is the order of the graph and of the
schema. That decides which of several errors is seen when a stumble or a cycle cuts the walk short, and
``dependent_outputs``, where an output is listed for every bad node found so far.
"""

from __future__ import annotations

from collections.abc import Container, Generator
from typing import Any, NamedTuple

from comfy_headless.graph.existing import FileExists
from comfy_headless.graph.input_values import (
    Error,
    bad_link_error,
    cast,
    config,
    find_value_error,
    fits,
    make_error,
    mismatch_error,
    missing_error,
)
from comfy_headless.graph.live_inputs import unfold
from comfy_headless.graph.own_checks import OwnCheck, find_own_check, run_own_check
from comfy_headless.graph.replacements import replace_classes
from comfy_headless.graph.schemas import InputSchema, NodeSchema, Schemas

Graph = dict[str, Any]

STUMBLES = (AttributeError, IndexError, KeyError, OverflowError, RecursionError, TypeError, ValueError)
"""What the server's own code raises over a malformed graph, and answers with."""

DEEPEST = 984
"""Nodes in a row that the server can walk: it calls itself for each, and Python ends that at 1000 calls (measured on
Python 3.11, nodes of the old interface; those of the new one take some calls more)."""
_TO_SAY_SO = 5
"""Calls that its answer to such an end takes: those nearest to the end fail over it too."""


class Verdict(NamedTuple):
    """The server's answer.

    Args:
        status: HTTP status: 200, 400, or 500 for what is no graph at all.
        error: the body's ``error``, or None.
        node_errors: the body's ``node_errors``; with 200 too, when some outputs are dropped.
        accepted: the outputs that would run.
        graph: the graph that would run: classes replaced, values cast.
    """

    status: int
    error: Error | None
    node_errors: dict[str, Any]
    accepted: tuple[str, ...]
    graph: Graph


class Outcome(NamedTuple):
    """A judged node. A node may be bad without errors of its own: something above it is."""

    good: bool
    errors: list[Error]


def judge(graph: Graph, schemas: Schemas, targets: Container[str] | None, exists: FileExists) -> Verdict:
    """Return the server's answer to a graph.

    Args:
        targets: ``partial_execution_targets`` of the request.
        exists: tells whether the server's input folder has a file.
    """
    try:
        prepared = replace_classes(graph, schemas)
        outputs, refusal = _find_outputs(prepared, schemas, targets)
    except STUMBLES:
        return Verdict(500, None, {}, (), graph)
    if refusal is not None:
        return Verdict(400, refusal, {}, (), prepared)
    walk = _Walk(prepared, schemas, exists)
    accepted: list[str] = []
    own_lines: list[str] = []
    node_errors: dict[str, Any] = {}
    for output in outputs:
        outcome = walk.judge_output(output)
        if outcome.good:
            accepted.append(output)
            continue
        own_lines += (f"{error['message']}: {error['details']}" for error in outcome.errors)
        for node_id, (good, errors) in walk.judged.items():
            if not good and errors:
                entry = {"errors": errors, "dependent_outputs": [], "class_type": prepared[node_id]["class_type"]}
                node_errors.setdefault(node_id, entry)["dependent_outputs"].append(output)
    if accepted:
        return Verdict(200, None, node_errors, tuple(accepted), walk.graph)
    error = _refuse("prompt_outputs_failed_validation", "Prompt outputs failed validation", "\n".join(own_lines))
    return Verdict(400, error, node_errors, (), walk.graph)


def _refuse(kind: str, message: str, details: str = "", **extra_info: Any) -> Error:
    return make_error(kind, message, details, **extra_info)


def _find_outputs(graph: Graph, schemas: Schemas, targets: Container[str] | None) -> tuple[list[str], Error | None]:
    outputs = []
    for node_id, node in graph.items():
        error = find_class_error(node_id, node, schemas)
        if error is not None:
            return [], error
        if schemas[node["class_type"]].output_node and (targets is None or node_id in targets):
            outputs.append(node_id)
    return outputs, None if outputs else _refuse("prompt_no_outputs", "Prompt has no outputs")


def find_class_error(node_id: str, node: Any, schemas: Schemas) -> Error | None:
    """Return the server's error for a node without a class, or of a class that it does not have."""
    if "class_type" not in node:
        class_type, title = None, node.get("_meta", {}).get("title")
        shown = title or f"ID #{node_id}"
        message = f"Node '{shown}' has no class_type. The workflow may be corrupted or a custom node is missing."
    elif node["class_type"] not in schemas:
        class_type = node["class_type"]
        title = node.get("_meta", {}).get("title", class_type)
        message = f"Node '{title}' not found. The custom node may not be installed."
    else:
        return None
    extra = {"node_id": node_id, "class_type": class_type, "node_title": title}
    return _refuse("missing_node_type", message, f"Node ID '#{node_id}'", **extra)


class _Walk:
    """Judges the nodes above an output. Keeps what is judged, and a copy of the graph with the values cast."""

    def __init__(self, graph: Graph, schemas: Schemas, exists: FileExists) -> None:
        self.graph: Graph = dict(graph)
        self.schemas = schemas
        self.exists = exists
        self.judged: dict[str, Outcome] = {}
        self.path: list[str] = []

    def judge_output(self, output: str) -> Outcome:
        """Return the outcome of an output node, everything above it judged."""
        try:
            return self._climb(output)
        except STUMBLES as reason:
            errors = [
                make_error(
                    "exception_during_validation",
                    "Exception when validating node",
                    str(reason),
                    exception_type=type(reason).__name__,
                    traceback=[],
                )
            ]
            self.judged[output] = Outcome(False, errors)
            return self.judged[output]

    def _climb(self, output: str) -> Outcome:
        """Run the judgement of a node and, in its middle, of those it asks for: recursion without Python's stack."""
        waiting = [self._judge(output)]
        answer: Outcome | None = None
        stumble: Exception | None = None
        while waiting:
            current = waiting[-1]
            try:
                asked = current.throw(stumble) if stumble is not None else current.send(answer)
            except StopIteration as done:
                waiting.pop()
                answer, stumble = done.value, None
            except STUMBLES as reason:
                waiting.pop()
                answer, stumble = None, reason
            else:
                waiting.append(self._judge(asked))
                answer, stumble = None, None
        if stumble is not None:
            raise stumble
        assert answer is not None
        return answer

    def _judge(self, node_id: Any) -> Generator[Any, Outcome | None, Outcome]:
        """Judge one node; yields the id of a node that must be judged first and is sent its outcome."""
        if node_id in self.judged:
            return self.judged[node_id]
        if node_id in self.path:
            return self._find_cycle(node_id)
        if len(self.path) >= DEEPEST:
            raise RecursionError("maximum recursion depth exceeded while calling a Python object")
        node = self.graph[node_id]
        inputs = {name: list(value) if isinstance(value, tuple) else value for name, value in node["inputs"].items()}
        self.graph[node_id] = {**node, "inputs": inputs}
        schema = self.schemas[node["class_type"]]
        live = unfold(schema, inputs)
        own = find_own_check(schema)
        judgement = _Judgement(schema, own)
        for item in live.inputs:
            if item.name not in inputs:
                if item.required:
                    judgement.errors.append(missing_error(item, nested=live.nested))
                continue
            value = inputs[item.name]
            if not isinstance(value, list):
                inputs[item.name] = judgement.take_value(item, value)
            elif self._take_link(judgement, item, value):
                yield from self._follow(judgement, node_id, item, value)
        if own is not None:
            judgement.errors += run_own_check(own, schema, live, inputs, judgement.wires, self.exists)
        before = self.judged.get(node_id, Outcome(True, []))
        errors = before.errors + [error for error in judgement.errors if error not in before.errors]
        self.judged[node_id] = Outcome(before.good and judgement.good and not judgement.errors, errors)
        return self.judged[node_id]

    def _take_link(self, judgement: _Judgement, item: InputSchema, link: list[Any]) -> bool:
        """Return whether the link fits, so that its source is to be judged."""
        if len(link) != 2:
            judgement.errors.append(bad_link_error(item, link))
            return False
        source, slot = link
        given = self.schemas[self.graph[source]["class_type"]].returns[slot]
        judgement.wires[item.name] = given
        if not judgement.leaves_types and not fits(given, item.spec):
            judgement.errors.append(mismatch_error(item, given, link))
            return False
        return True

    def _follow(
        self, judgement: _Judgement, node_id: str, item: InputSchema, link: list[Any]
    ) -> Generator[Any, Outcome | None, None]:
        source = link[0]
        self.path.append(node_id)
        try:
            outcome = yield source
        except STUMBLES as reason:
            if isinstance(reason, RecursionError) and len(self.path) > DEEPEST - _TO_SAY_SO:
                raise
            error = make_error(
                "exception_during_inner_validation",
                "Exception when validating inner node",
                str(reason),
                input_name=item.name,
                input_config=config(item),
                exception_message=str(reason),
                exception_type=type(reason).__name__,
                traceback=[],
                linked_node=link,
            )
            self.judged[source] = Outcome(False, [error])
            judgement.good = False
        else:
            judgement.good = judgement.good and outcome is not None and outcome.good
        finally:
            self.path.pop()

    def _find_cycle(self, node_id: str) -> Outcome:
        ring = [*self.path[self.path.index(node_id) :], node_id]
        members = list(dict.fromkeys(ring))
        shown = " -> ".join(f"{member} ({self.graph[member]['class_type']})" for member in ring)
        for member in members:
            error = make_error(
                "dependency_cycle", "Dependency cycle detected", shown, node_id=member, cycle_nodes=members
            )
            self.judged[member] = Outcome(False, [error])
        return self.judged[node_id]


class _Judgement:
    """What is known of a node while it is judged."""

    def __init__(self, schema: NodeSchema, own: OwnCheck | None) -> None:
        self.schema = schema
        self.own = own
        self.good = True
        self.errors: list[Error] = []
        self.wires: dict[str, Any] = {}
        self.leaves_types = own is not None and own.takes_types

    def take_value(self, item: InputSchema, value: Any) -> Any:
        """Return the value cast, with its error noted."""
        value, error = cast(item, value)
        if error is None and not (self.own is not None and self.own.covers(item.name)):
            error = find_value_error(item, value)
        if error is not None:
            self.errors.append(error)
        return value
