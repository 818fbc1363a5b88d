"""A graph against node schemas: the verdict that ComfyUI's ``POST /prompt`` would give, without asking it.

    report = check(graph)                       # against the shipped schemas, any file name
    report = check(graph, server.object_info)   # against one server

`Problem.refused` parts what the server says itself from what it takes and then fails over or drops, `Problem.severity`
what ends a job from what does not; `Problem.remedy` is a line to paste.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterator, Mapping
from typing import Any

from comfy_headless.graph.existing import FileExists, file_exists_in
from comfy_headless.graph.kinds import KINDS
from comfy_headless.graph.remedies import with_remedies
from comfy_headless.graph.report import Problem, Report
from comfy_headless.graph.schemas import Schemas
from comfy_headless.graph.unnoticed import find_unnoticed
from comfy_headless.graph.verdict import STUMBLES, Verdict, find_class_error, judge

__all__ = ["Problem", "Report", "check"]


def check(
    graph: Mapping[str, Any],
    object_info: Mapping[str, Any] | Schemas | None = None,
    *,
    partial_execution_targets: Container[str] | None = None,
    file_exists: FileExists | None = None,
    came_in: Mapping[str, str] | None = None,
) -> Report:
    """Check an API-format graph; it is not changed.

    Args:
        object_info: what a server has: the answer of its ``GET /object_info``, or `Schemas`. None: ComfyUI 0.30.0 with
            its own nodes, where every file that a graph names is taken to be there.
        partial_execution_targets: the output nodes that the request keeps; None keeps all.
        file_exists: tells whether the server's input folder has a file, by the name as ``LoadImage`` takes it
            (``x.png``, ``folder/x.png``, ``x.png [output]``). None: by the file lists of ``object_info``, and names
            that no list can show count as there.
        came_in: the version of ComfyUI that first had a class of its own, for the remedy of one that a server lacks;
            None takes those that are known.
    """
    schemas = _read_schemas(object_info)
    sent = _as_json(graph)
    verdict = judge(sent, schemas, partial_execution_targets, file_exists or file_exists_in(schemas))
    return Report(
        problems=tuple(
            with_remedies(_find_problems(sent, schemas, verdict), sent, verdict.graph, schemas, came_in=came_in)
        ),
        accepted=verdict.accepted,
        error=verdict.error,
        node_errors=verdict.node_errors,
        status=verdict.status,
        graph=verdict.graph,
    )


def _read_schemas(object_info: Mapping[str, Any] | Schemas | None) -> Schemas:
    if object_info is None:
        return Schemas.snapshot()
    return object_info if isinstance(object_info, Schemas) else Schemas.from_object_info(object_info)


def _as_json(graph: Mapping[str, Any]) -> dict[str, Any]:
    """Return the graph with its node ids as JSON would carry them; what is no mapping is left for the verdict."""
    if isinstance(graph, dict) and all(isinstance(node_id, str) for node_id in graph):
        return graph
    copy: dict[str, Any] = json.loads(json.dumps(dict(graph) if isinstance(graph, Mapping) else graph))
    return copy


def _find_problems(graph: dict[str, Any], schemas: Schemas, verdict: Verdict) -> Iterator[Problem]:
    if verdict.status == 500:
        yield Problem(
            None,
            None,
            None,
            "not_a_graph",
            "This is no graph in ComfyUI's API format; the server answers 500",
            "",
            True,
        )
        return
    yield from _find_refusals(verdict, schemas)
    if verdict.error is None or verdict.error["type"] != "missing_node_type":
        refused = verdict.error is not None or bool(verdict.node_errors)
        yield from find_unnoticed(graph, verdict.graph, schemas, refused=refused)
        yield from _find_dropped(verdict)


def _find_dropped(verdict: Verdict) -> Iterator[Problem]:
    """Name the outputs that are dropped although nothing is wrong with themselves."""
    reasons: dict[str, list[str]] = {}
    for node_id, entry in verdict.node_errors.items() if verdict.accepted else ():
        for output in entry["dependent_outputs"]:
            reasons.setdefault(output, []).append(node_id)
    for output, nodes in reasons.items():
        if output not in verdict.node_errors:
            class_type, words = verdict.graph[output]["class_type"], KINDS["output_dropped"].meaning
            details = f"nodes it needs are refused: {', '.join(nodes)}"
            yield Problem(output, class_type, None, "output_dropped", words, details, False, {"nodes": nodes})


def _find_refusals(verdict: Verdict, schemas: Schemas) -> Iterator[Problem]:
    error = verdict.error
    if error is not None and error["type"] == "missing_node_type":
        # The server names the first; here all are named.
        for node_id, node in verdict.graph.items():
            missing = _class_error(node_id, node, schemas)
            if missing is not None:
                yield _refusal(node_id, missing["extra_info"]["class_type"], missing)
    elif error is not None and not verdict.node_errors:
        yield _refusal(None, None, error)
    for node_id, entry in verdict.node_errors.items():
        for each in entry["errors"]:
            yield _refusal(node_id, entry["class_type"], each)


def _class_error(node_id: str, node: Any, schemas: Schemas) -> dict[str, Any] | None:
    try:
        return find_class_error(node_id, node, schemas)
    except STUMBLES:
        return None


def _refusal(node_id: str | None, class_type: str | None, error: Mapping[str, Any]) -> Problem:
    extra = error["extra_info"]
    return Problem(
        node_id,
        class_type,
        extra.get("input_name"),
        error["type"],
        error["message"],
        error["details"],
        refused=True,
        extra_info=extra,
    )
