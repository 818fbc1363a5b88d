"""What a server knows of its jobs: where one stands, and which there are."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from comfy_headless.protocol.collect import saved_in
from comfy_headless.protocol.conversation import Server, ask
from comfy_headless.protocol.effects import Flow
from comfy_headless.protocol.failure import failed, failure, gone
from comfy_headless.protocol.routes import history, queue_items
from comfy_headless.protocol.ticket import Ticket, extra_in, graph_in, label_in


class JobStatus(StrEnum):
    """Where a job stands on its server."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """Neither in the queue nor in the history: never sent, deleted, or forgotten (a restart, a cleared history)."""


class JobInfo(NamedTuple):
    """What a server says of one job.

    Args:
        position: jobs ahead of it: 0 if it runs, None if it does not wait.
        created: when it was queued, seconds since 1970; None on servers that do not say.
        error: why it failed.
        outputs: names of the files that it saved.
    """

    prompt_id: str
    status: JobStatus
    position: int | None = None
    preset: str | None = None
    seed: int | None = None
    created: float | None = None
    error: str | None = None
    outputs: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON-ready data."""
        return {**self._asdict(), "status": str(self.status), "outputs": list(self.outputs)}


class Sight(NamedTuple):
    """One look at a job: where it stands, and the server's own item (number, id, graph, extra_data, ...)."""

    status: JobStatus
    item: Any = None
    position: int | None = None


def seek(server: Server, prompt_id: str) -> Flow[Sight]:
    """Look for a job, patiently; raises ComfyUIConnectionError."""
    if server.executor is not None:
        return (yield from server.executor.seek(server, prompt_id))
    for last in (False, True):
        entry = yield from history(server, prompt_id)
        if entry is not None:
            return Sight(JobStatus.FAILED if failed(entry) else JobStatus.DONE, entry.get("prompt"))
        if not last:
            waiting, items = yield from queue_items(server)
            position = waiting.position(prompt_id)
            if position is not None:
                status = JobStatus.QUEUED if position else JobStatus.RUNNING
                return Sight(status, items[prompt_id], position)
    return Sight(JobStatus.UNKNOWN)  # asked once more: it may have ended between the two answers


def recall(server: Server, prompt_id: str) -> Flow[Ticket]:
    """Return the ticket of a job by its id, whoever queued it.

    Raises:
        GenerationFailedError: the server knows no such job.
        ComfyUIConnectionError: no answer.
    """
    sight = yield from seek(server, prompt_id)
    if sight.status is JobStatus.UNKNOWN:
        raise gone(server, prompt_id)
    return Ticket(prompt_id, graph_in(sight.item), label_in(sight.item))


def listing(server: Server, limit: int) -> Flow[tuple[JobInfo, ...]]:
    """Return the jobs of a server: those that wait or run in run order, then the last ``limit`` that ended."""
    if server.executor is not None:
        return (yield from server.executor.listing(server, limit))
    waiting, items = yield from queue_items(server)
    told: Any = yield from ask(server, "/history", params=(("max_items", str(limit)),))
    entries = told if isinstance(told, dict) else {}
    found = []
    for position, prompt_id in enumerate((*waiting.running, *waiting.pending)):
        running = prompt_id in waiting.running
        status = JobStatus.RUNNING if running else JobStatus.QUEUED
        found.append(_info(prompt_id, status, items[prompt_id], position=0 if running else position))
    for prompt_id, entry in reversed(entries.items()):
        if isinstance(entry, dict) and prompt_id not in items:
            error = str(failure(entry, prompt_id)) if failed(entry) else None
            status = JobStatus.FAILED if error else JobStatus.DONE
            found.append(_info(prompt_id, status, entry.get("prompt"), error=error, outputs=_names(entry)))
    return tuple(found)


def _info(prompt_id: str, status: JobStatus, item: Any, **more: Any) -> JobInfo:
    label = label_in(item)
    created = extra_in(item).get("create_time")  # milliseconds
    when = created / 1000 if isinstance(created, int | float) and 0 <= created < 1e15 else None
    return JobInfo(prompt_id, status, preset=label.preset, seed=label.seed, created=when, **more)


def _names(entry: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(one.filename for one in saved_in(entry, graph_in(entry.get("prompt"))).saved if one.filename)
