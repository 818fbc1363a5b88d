"""What would fail is found before anything is uploaded or queued; what cannot be known stops nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Final, NamedTuple

from comfy_headless.api.known import Nodes, nodes_of
from comfy_headless.catalog.compiled import CompiledWorkflow
from comfy_headless.errors import GenerationRejectedError
from comfy_headless.graph.check import check
from comfy_headless.graph.own_checks import file_exists_in
from comfy_headless.graph.report import Problem, Report
from comfy_headless.graph.schemas import Schemas
from comfy_headless.graph.well_formed import is_well_formed
from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.effects import Flow, Work

_DIES: Final = frozenset(
    {"dynamic_choice_missing", "dynamic_choice_unknown", "link_expected", "link_to_absent_node", "node_without_inputs"}
)
_ALWAYS: Final = frozenset({"bad_linked_input", "dependency_cycle", "missing_node_type", "required_input_missing"})
"""What the server says of every class, whatever that checks itself (execution.py of ComfyUI 0.30.0)."""

_TOLD: Final = frozenset({"unknown_input", "value_changed"})
_HINT: Final = "check=False (--no-check) sends it all the same"


def preflight(server: Server, compiled: CompiledWorkflow) -> Flow[CompiledWorkflow]:
    """Hold a graph to what the server has; give it with what should be known of it as notes.

    A server that does not tell what it has within 5 s is sent the graph as it is.

    Raises:
        GenerationRejectedError: the server would refuse it, drop some of its outputs, or take it and fail over it.
    """
    nodes = yield from nodes_of(server)
    judged: _Judged | None = None if nodes is None else (yield Work(_judge, (compiled, nodes)))
    if nodes is not None and not nodes.fresh and (judged is None or judged.bad):
        nodes = yield from nodes_of(server, anew=True)
        judged = None if nodes is None else (yield Work(_judge, (compiled, nodes)))
    if judged is None:
        return compiled
    if judged.bad:
        raise _rejection(server, judged)
    said = [str(problem) for problem in judged.report.problems if problem.kind in _TOLD]
    return replace(compiled, notes=(*compiled.notes, *said)) if said else compiled


class _Judged(NamedTuple):
    """What a check says, and which of it surely ends the job."""

    report: Report
    bad: list[Problem]


def _judge(compiled: CompiledWorkflow, nodes: Nodes) -> _Judged | None:
    """Check a graph; None where the server says of one of its classes what nobody can read."""
    classes = {node["class_type"] for node in compiled.graph.values()} & nodes.raw.keys()
    if not all(is_well_formed(nodes.raw[name]) for name in classes):
        return None
    coming = {str(compiled.graph[item.node_id]["inputs"][item.field]) for item in compiled.uploads}
    report = check(compiled.graph, nodes.schemas, file_exists=_there_or(coming, file_exists_in(nodes.schemas)))
    return _Judged(report, [problem for problem in report.problems if _is_sure(problem, nodes.schemas)])


def _there_or(coming: Collection[str], there: Callable[[str], bool]) -> Callable[[str], bool]:
    """Files that are uploaded once the graph has passed count as there."""
    return lambda name: name in coming or there(name)


def _is_sure(problem: Problem, schemas: Schemas) -> bool:
    """Return whether the job surely ends: a class of a node pack may take values that its schema does not tell."""
    name = problem.class_type
    own = name is None or name not in schemas or schemas[name].core
    return problem.kind in _DIES or (problem.refused and (own or problem.kind in _ALWAYS))


def _rejection(server: Server, judged: _Judged) -> GenerationRejectedError:
    report, bad = judged
    if report.refused:
        head = f"{server.url} would refuse this graph"
    elif report.node_errors:
        head = f"{server.url} would drop some outputs of this graph"
    else:
        head = f"{server.url} would take this graph, and it would fail there"
    lines = [f"  {problem}" for problem in bad]
    return GenerationRejectedError(
        "\n".join([f"{head}, so nothing was sent ({_HINT}):", *lines]),
        server_message=str(bad[0]),
        node_errors=report.node_errors,
    )
