"""A job as Comfy's API v2 tells it, read into what the flows of a server know: signs, progress, a history entry.

States, fields and their meaning are those of the public specification (docs.comfy.org/openapi-v2.yaml, 2026-08-21).
What is not of the known shape is passed over: the API is beta, and additions are allowed at any time.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any, Final, NamedTuple, TypeGuard

from comfy_headless.protocol.job import Sign

STATES: Final[Mapping[str, Sign]] = {
    "queued": Sign.WAITS,
    "running": Sign.RUNS,
    "canceling": Sign.RUNS,
    "succeeded": Sign.SUCCESS,
    "canceled": Sign.ERROR,
    "failed": Sign.ERROR,
    "expired": Sign.ERROR,
}
"""What each state says of a job. One that is not listed says that it is still on its way."""


class Step(NamedTuple):
    """How far a job is.

    Args:
        share: of the whole job, 0 to 1.
        node: id of the node at work.
        step: steps done in it.
        steps: steps of it.
    """

    share: float
    node: str | None = None
    step: int | None = None
    steps: int | None = None


class Made(NamedTuple):
    """A file that a job made.

    Args:
        name: of the file, once in this job.
        kind: "image", "video", "audio", "text", "latent" or "file".
        url: where it is offered for a short time.
    """

    node_id: str
    name: str
    kind: str
    url: str


class CloudJob(NamedTuple):
    """What was told of a job; ``raw`` is the answer itself."""

    id: str
    status: str
    raw: Mapping[str, Any]

    @property
    def sign(self) -> Sign | None:
        """What its state says; None for a state that nobody knows."""
        return STATES.get(self.status)

    @property
    def position(self) -> int | None:
        """Jobs ahead of it, at least 1; None where it does not wait, or this is not told."""
        position = self.raw.get("queue_position")
        return max(1, position) if _is_count(position) and self.status == "queued" else None

    @property
    def step(self) -> Step | None:
        """How far it is; None where this is not told."""
        return read_step(self.raw.get("progress"))

    @property
    def made(self) -> tuple[Made, ...]:
        """What it made so far, each file under a name of its own."""
        return tuple(_made(self.raw.get("outputs")))

    @property
    def created(self) -> float | None:
        """When it was queued, in seconds since 1970."""
        return _time(self.raw.get("created_at"))


def read_job(value: Any) -> CloudJob | None:
    """Read what is told of a job; None if it is no job."""
    if not isinstance(value, dict):
        return None
    job_id, status = value.get("id"), value.get("status")
    return CloudJob(job_id, status, value) if isinstance(job_id, str) and isinstance(status, str) else None


def read_step(value: Any) -> Step | None:
    """Read how far a job is; None if this is not told, or nothing of it is known (a proxy says 0 of 0 nodes)."""
    if not isinstance(value, dict):
        return None
    share, node = value.get("value"), value.get("current_node")
    if not isinstance(share, int | float) or isinstance(share, bool) or not 0 <= share <= 1:
        return None
    if not share and not value.get("nodes_total"):
        return None
    step, steps = value.get("step"), value.get("steps")
    counted = _is_count(step) and _is_count(steps) and steps > 0
    return Step(float(share), node if isinstance(node, str) else None, *((step, steps) if counted else (None, None)))


def entry_of(job: CloudJob) -> dict[str, Any]:
    """Return a job that has ended as a server's history would have it, each file with its ``url``."""
    outputs: dict[str, dict[str, list[dict[str, str]]]] = {}
    for one in job.made:
        file = {"filename": one.name, "subfolder": "", "type": "output", "url": one.url}
        key = "gifs" if one.kind == "video" else "files"  # what tells a moving gif or webp from a still one
        outputs.setdefault(one.node_id, {}).setdefault(key, []).append(file)
    done = job.sign is Sign.SUCCESS
    status = {"status_str": "success" if done else "error", "completed": done, "messages": list(_messages(job))}
    return {"outputs": outputs, "status": status}


def _messages(job: CloudJob) -> Iterator[list[Any]]:
    error = job.raw.get("error")
    if isinstance(error, dict) and job.status == "failed":
        words = {
            "node_id": error.get("node_id"),
            "node_type": error.get("class_type"),
            "exception_type": error.get("code"),
            "exception_message": error.get("message"),
        }
        yield ["execution_error", words]
    elif job.status == "canceled":
        yield ["execution_interrupted", {}]
    started, ended = (_time(job.raw.get(name)) for name in ("started_at", "completed_at"))
    if job.status == "succeeded" and started is not None and ended is not None:
        yield ["execution_start", {"timestamp": round(1000 * started)}]
        yield ["execution_success", {"timestamp": round(1000 * ended)}]


def _made(outputs: Any) -> Iterator[Made]:
    """Yield what was made; a name that two files have gets a number in the second: ``a.png``, ``a-2.png``."""
    taken: set[str] = set()
    for number, one in enumerate(outputs if isinstance(outputs, list) else (), 1):
        if not isinstance(one, dict) or not isinstance(one.get("id"), str) or not isinstance(one.get("url"), str):
            continue
        name = PurePosixPath(str(one.get("name") or "").replace("\\", "/"))
        suffix = name.suffix or mimetypes.guess_extension(str(one.get("content_type") or "")) or ""
        stem = name.stem or f"output_{number}"
        full, again = f"{stem}{suffix}", 1
        while full in taken:
            again += 1
            full = f"{stem}-{again}{suffix}"
        taken.add(full)
        kind = str(one.get("type") or "file")
        yield Made(str(one.get("node_id") or ""), full, kind, one["url"])


def _is_count(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53


def _time(value: Any) -> float | None:
    if not isinstance(value, str):
        return None
    try:
        return datetime.fromisoformat(value).timestamp()
    except (ValueError, OverflowError):
        return None
