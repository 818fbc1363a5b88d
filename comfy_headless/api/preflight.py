"""What would fail is found before anything is uploaded or queued; what cannot be known stops nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, NamedTuple

from comfy_headless.api.known import Nodes, nodes_of
from comfy_headless.catalog.absent import with_file_remedies
from comfy_headless.catalog.compiled import CompiledWorkflow
from comfy_headless.catalog.facts import read_facts
from comfy_headless.catalog.presets import PRESETS
from comfy_headless.config import comfyui_at
from comfy_headless.errors import GenerationRejectedError
from comfy_headless.graph.ages import ages, since
from comfy_headless.graph.by_parameter import with_parameters
from comfy_headless.graph.check import check
from comfy_headless.graph.existing import may_exist_in, or_coming
from comfy_headless.graph.report import Problem, Report
from comfy_headless.graph.schemas import Schemas
from comfy_headless.graph.source import Graph
from comfy_headless.graph.transforms.ages import Fitted, fitted
from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.effects import Flow, Work

_ALWAYS: Final = frozenset(
    {
        *("bad_linked_input", "dependency_cycle", "missing_node_type", "required_input_missing"),
        *("link_to_absent_node", "node_without_inputs"),
    }
)
"""What ends a job whatever the class checks and takes itself (execution.py of ComfyUI 0.30.0)."""

_MANY: Final = 100
"""Nodes of a graph from which on judging it (about 5 ms for 60) is work for a thread."""

_HINT: Final = "check=False (--no-check) sends it all the same"


def preflight(server: Server, compiled: CompiledWorkflow) -> Flow[CompiledWorkflow]:
    """Hold a graph to what the server has; give it as that takes it, with what should be known of it as notes.

    A server that does not tell what it has within ``Timing.check`` is sent the graph as it is.

    Raises:
        GenerationRejectedError: the server would refuse it, drop some of its outputs, or take it and fail over it.
        ComfyUIOfflineError: nothing answers.
    """
    judged: _Judged | None = None
    nodes = yield from nodes_of(server)
    if nodes is not None:
        long = len(compiled.graph) > _MANY
        judged = yield Work(_judge, (compiled, nodes, server.url), long)
        if _is_doubtful(judged, nodes):
            nodes = yield from nodes_of(server, anew=True)
            judged = None if nodes is None else (yield Work(_judge, (compiled, nodes, server.url), long))
    if judged is None:
        return compiled
    if judged.bad or judged.ours.lacks:
        raise _rejection(server, compiled, judged)
    said = (*judged.ours.notes, *map(str, judged.report.of("warning")))
    return replace(compiled, graph=judged.ours.graph, notes=(*compiled.notes, *said))


class _Judged(NamedTuple):
    """What a check says.

    Args:
        ours: the graph as this server takes it.
        changed: whether it was another one before.
        bad: what surely ends the job.
    """

    ours: Fitted
    changed: bool
    report: Report
    bad: tuple[Problem, ...]


def _is_doubtful(judged: _Judged | None, nodes: Nodes) -> bool:
    """Return whether that should not be said by what is only remembered.

    A graph that is merely fitted, and a class that nobody can read, are so by what the server has told this client too.
    """
    if judged is None or (judged.changed and not judged.bad and not judged.ours.lacks):
        return not nodes.asked
    return not nodes.fresh and bool(judged.bad or judged.ours.lacks)


def _judge(compiled: CompiledWorkflow, nodes: Nodes, url: str) -> _Judged | None:
    """Check a graph, a preset's fitted to the server; None where that says of a class what nobody can read."""
    graph = compiled.graph
    if not all(nodes.schemas[name].whole for name in _classes(graph) & nodes.raw.keys()):
        return None
    ours = Fitted(graph)
    if compiled.preset is not None:
        ours = fitted(graph, nodes.schemas, version=nodes.version, subject=compiled.preset, needed=compiled.comfyui)
    there = or_coming(may_exist_in(nodes.schemas), compiled.coming)
    report = check(ours.graph, nodes.schemas, file_exists=there, came_in=ages().classes)
    if report.refused and compiled.preset is None:
        report = with_file_remedies(report, nodes.schemas, read_facts(nodes.raw, None), PRESETS.files, comfyui_at(url))
    if compiled.preset is None:
        report = with_parameters(report, compiled.filled)
    bad = _sure(report, ours.graph, nodes.schemas)
    return _Judged(ours, ours.graph is not graph, report, bad)


def _classes(graph: Graph) -> set[str]:
    return {node["class_type"] for node in graph.values()}


def _sure(report: Report, graph: Graph, schemas: Schemas) -> tuple[Problem, ...]:
    """Return what surely ends the job, or surely drops some of its outputs."""
    found = report.of("refused", "fails")
    own = [each for each in found if each.kind != "output_dropped" and _is_sure(each, graph, schemas)]
    nodes = {each.node_id for each in own}
    dropped = [each for each in found if each.kind == "output_dropped" and nodes & set(each.extra_info["nodes"])]
    return (*own, *dropped)


def _is_sure(problem: Problem, graph: Graph, schemas: Schemas) -> bool:
    """Return whether the job surely ends.

    A class of a node pack may take values that its schema does not tell, and give what is equal to any type.
    """
    linked = problem.extra_info.get("linked_node")
    giver = graph.get(linked[0], {}).get("class_type") if isinstance(linked, list) and linked else None
    own = all(name is None or name not in schemas or schemas[name].core for name in (problem.class_type, giver))
    return own or problem.kind in _ALWAYS


def _ours(compiled: CompiledWorkflow, problem: Problem) -> bool:
    """Return whether nobody can do what the remedy says: nobody writes into the graph of a preset."""
    return compiled.preset is not None and problem.kind != "missing_node_type"


def _rejection(server: Server, compiled: CompiledWorkflow, judged: _Judged) -> GenerationRejectedError:
    if not judged.bad or judged.report.refused:
        head = f"{server.url} would refuse this graph" if judged.bad else f"{server.url} is not new enough"
    elif judged.report.node_errors:
        head = f"{server.url} would drop some outputs of this graph"
    else:
        head = f"{server.url} would take this graph, and it would fail there"
    lines = [*judged.ours.lacks]
    for problem in judged.bad:
        if judged.ours.lacks and problem.kind == "missing_node_type" and since(problem.class_type or ""):
            continue  # these lines name it already
        lines += [str(problem), *([f"  {problem.remedy}"] if problem.remedy and not _ours(compiled, problem) else [])]
    return GenerationRejectedError(
        "\n".join([f"{head}, so nothing was sent ({_HINT}):", *(f"  {line}" for line in lines)]),
        server_message=lines[0],
        node_errors=judged.report.node_errors,
    )
