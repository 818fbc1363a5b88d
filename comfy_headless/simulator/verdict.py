"""What the server says to a graph, from graph/check.py: which outputs run, what is refused, which nodes will fail."""

from __future__ import annotations

import dataclasses
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from comfy_headless.graph.check import Problem, check
from comfy_headless.graph.schemas import Schemas
from comfy_headless.simulator.faults import NodeFails
from comfy_headless.simulator.folders import Folders, annotated

_FAIL_A_NODE = frozenset({"dynamic_choice_missing", "dynamic_choice_unknown", "link_expected", "link_to_absent_node"})
"""Kinds of problems over which a node fails when it runs."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict on one graph.

    Args:
        status: 200, 400, or 500 for what is no graph at all.
        outputs: ids of the output nodes that will run.
        error: the 400's ``error``.
        node_errors: of the 400, or of the 200 that drops some outputs.
        graph: as it will run: classes replaced, values cast.
        doomed: nodes that fail when they run, although the server took them.
    """

    status: int
    outputs: tuple[str, ...]
    error: dict[str, Any] | None
    node_errors: dict[str, Any]
    graph: dict[str, Any]
    doomed: Mapping[str, NodeFails]

    def with_error_type(self, name: str) -> Verdict:
        """Return the verdict with another ``error.type``, as an older server names it."""
        return dataclasses.replace(self, error={**(self.error or {}), "type": name})

    def without(self, output: str) -> Verdict:
        """Return the verdict with one more output refused."""
        details = "simulated: this output is refused"
        extra = {"input_name": "filename_prefix"}
        message = "Custom validation failed for node"
        reason = {"type": "custom_validation_failed", "message": message, "details": details, "extra_info": extra}
        refused = {
            "errors": [reason],
            "dependent_outputs": [output],
            "class_type": self.graph[output]["class_type"],
        }
        left = tuple(node_id for node_id in self.outputs if node_id != output)
        error = None
        if not left:
            error = {
                "type": "prompt_outputs_failed_validation",
                "message": "Prompt outputs failed validation",
                "details": f"{message}: {details}",
                "extra_info": {},
            }
        return dataclasses.replace(
            self,
            status=200 if left else 400,
            outputs=left,
            error=error,
            node_errors={**self.node_errors, output: refused},
        )


def judge(graph: dict[str, Any], schemas: Schemas, targets: Container[str] | None, folders: Folders) -> Verdict:
    """Return what a server with these schemas and files says to the graph.

    Args:
        targets: ``partial_execution_targets`` as submitted.
    """

    def exists(name: str) -> bool:
        plain, kind = annotated(name, "input")
        folder = folders.of(kind)
        return folder is not None and (folder / plain).exists()

    report = check(graph, schemas, partial_execution_targets=targets, file_exists=exists)
    doomed = dict(_doomed(report.problems, schemas)) if report.status == 200 else {}
    return Verdict(report.status, report.accepted, report.error, report.node_errors, report.graph, doomed)


def _doomed(problems: tuple[Problem, ...], schemas: Schemas) -> Iterator[tuple[str, NodeFails]]:
    for problem in problems:
        if problem.refused or problem.kind not in _FAIL_A_NODE or problem.node_id is None or problem.class_type is None:
            continue
        if problem.kind.startswith("dynamic_choice"):
            wanted = schemas[problem.class_type].input(problem.input or "")
            if wanted is None or not wanted.required:
                continue
        message = f"{problem.class_type}.execute() missing 1 required positional argument: {problem.input!r}"
        yield problem.node_id, NodeFails(message=message, exception_type="TypeError")
