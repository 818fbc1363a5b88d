"""What a check of a graph says: the server's answer, and one `Problem` per thing that is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from comfy_headless.graph.kinds import KINDS, Severity


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a graph.

    Args:
        node_id: None if it is about the graph as a whole.
        class_type: class of the node, or None if it has none.
        input: name of the input it is about, or None.
        kind: the server's error type, or one of `comfy_headless.graph.kinds.KINDS`.
        refused: True if the server itself says so; False if it takes the graph and then fails or drops something.
        extra_info: what the server adds to the error.
        remedy: what to do, on one line: Python about a dict called ``graph``, or a shell's command, with a comment
            behind it; words where nothing can be pasted; empty where nobody knows.
    """

    node_id: str | None
    class_type: str | None
    input: str | None
    kind: str
    message: str
    details: str
    refused: bool
    extra_info: Mapping[str, Any] = field(default_factory=dict)
    remedy: str = ""

    @property
    def severity(self) -> Severity:
        """How bad it is: ``refused``, ``fails``, ``warning`` or ``note``."""
        return "refused" if self.refused else KINDS[self.kind].severity

    def __str__(self) -> str:
        place = "" if self.node_id is None else f"node {self.node_id} ({self.class_type}): "
        return f"{place}{self.message}{': ' if self.details else ''}{self.details}"

    def to_dict(self) -> dict[str, Any]:
        """Return it JSON-ready, without ``extra_info``."""
        names = ("severity", "kind", "node_id", "class_type", "input", "message", "details", "refused", "remedy")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, slots=True)
class Report:
    """The verdict on a graph.

    Args:
        problems: everything that is wrong, what the server refuses first.
        accepted: ids of the output nodes that the server would run.
        error: the ``error`` of its answer, or None if it takes at least one output.
        node_errors: the ``node_errors`` of its answer; not empty with some `accepted` when others are dropped.
        status: HTTP status of its answer: 200, 400, or 500 for what is no graph (it then answers with no JSON).
        graph: the graph as it would run: old classes replaced, values cast.
    """

    problems: tuple[Problem, ...]
    accepted: tuple[str, ...]
    error: dict[str, Any] | None
    node_errors: dict[str, Any]
    status: int
    graph: dict[str, Any]

    @property
    def ok(self) -> bool:
        """Whether there is no problem at all."""
        return not self.problems

    @property
    def refused(self) -> bool:
        """Whether the server runs nothing of the graph."""
        return self.status != 200

    @property
    def fails(self) -> bool:
        """Whether a job would not end well: something is refused, or dies when it runs."""
        return any(problem.severity in ("refused", "fails") for problem in self.problems)

    def of(self, *severities: Severity) -> tuple[Problem, ...]:
        """Return the problems of these severities."""
        return tuple(problem for problem in self.problems if problem.severity in severities)

    def __str__(self) -> str:
        lines = (f"{each}\n  {each.remedy}" if each.remedy else str(each) for each in self.problems)
        return "no problem" if self.ok else "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return it JSON-ready, without the graph and the server's own words (``error``, ``node_errors``)."""
        return {
            "ok": self.ok,
            "fails": self.fails,
            "status": self.status,
            "accepted": list(self.accepted),
            "problems": [problem.to_dict() for problem in self.problems],
        }
