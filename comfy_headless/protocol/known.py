"""What a client has learned of its server, kept between its calls."""

from __future__ import annotations

from collections.abc import Mapping
from threading import Lock
from typing import Any, Final, NamedTuple

_MOST: Final = 1000
"""Files of which a client knows that it brought them; the oldest are forgotten."""

_MOST_WORKFLOWS: Final = 50
"""Workflows of an executor that a client remembers."""


class Told(NamedTuple):
    """What a server said of its node classes.

    Args:
        nodes: the answer of ``GET /object_info``.
        at: when it was asked, by the transport's clock; None: read from the disk.
        version: of the server, as it says itself; None if it does not.
        etag: what the server, or something in front of it, called this answer; None if nothing did.
        indexed: what a higher floor has made of ``nodes``.
        asked: whether the server has told it to this client, or said that it is the same still; else it was kept by an
            earlier process.
    """

    nodes: Mapping[str, Any]
    at: float | None
    version: str | None = None
    etag: str | None = None
    indexed: Any = None
    asked: bool = True


class Brought(NamedTuple):
    """A file that the server has.

    Args:
        name: as a loader node wants it.
        etag: what the server called it when it was found there; "" if it was not asked since.
    """

    name: str
    etag: str = ""


class Known:
    """One for each client; threads that learn at the same time learn the same."""

    __slots__ = ("brought", "hashes", "reading", "told", "unanswered", "warned", "workflows")

    def __init__(self) -> None:
        self.told: Told | None = None
        self.warned = False
        self.brought: dict[tuple[str, str], Brought] = {}
        self.hashes: dict[str, str] = {}  # what an executor called the bytes of a file, by their digest here
        self.workflows: dict[str, Mapping[str, Any]] = {}  # graphs that an executor keeps, by its id of them
        self.unanswered: set[str] = set()  # jobs that were sent to an executor and of which no answer has come
        self.reading = Lock()

    def note_workflow(self, workflow_id: str, graph: Mapping[str, Any]) -> None:
        """Note the graph of a workflow that the executor keeps, as the newest."""
        with self.reading:
            self.workflows.pop(workflow_id, None)
            self.workflows[workflow_id] = graph
            if len(self.workflows) > _MOST_WORKFLOWS:
                del self.workflows[next(iter(self.workflows))]

    def saved_workflows(self) -> dict[str, Mapping[str, Any]]:
        """Return the workflows that are noted now, the newest last."""
        with self.reading:
            return dict(self.workflows)

    def note_brought(self, key: tuple[str, str], brought: Brought) -> None:
        """Note a file that the server has, by its digest and suffix."""
        with self.reading:
            self.brought[key] = brought
            if len(self.brought) > _MOST:
                del self.brought[next(iter(self.brought))]
