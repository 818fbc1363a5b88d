"""What can go wrong, as values: a simulator is given faults, ``Simulator(faults=[...])`` or ``sim.add(...)``.

Every fault says how often it strikes: ``times`` (default once; None is always), or ``seconds``, as often as it is met
from its first time on; ``skip`` lets the first meetings pass; ``job`` limits it to one job, by its place in the order
of submission (1 is the first) or by its prompt_id.

A ``route`` is a method and a path without ``/api``, and covers what lies below it: ``"GET /history"``,
``"POST /prompt"``, ``"GET /view"``, ``"GET /jobs"``, ``"GET /ws"``; ``"*"`` as method or as a whole is any.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

When: TypeAlias = Literal["before", "after"]
Spoiled: TypeAlias = Literal["black", "one_colour", "frozen", "noise", "still_noise", "size", "frames", "fps", "sound"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What all faults have in common.

    Args:
        times: how many meetings it strikes; None is all.
        seconds: strike at every meeting from the first on for so long; ``times`` is not looked at then.
        skip: meetings that pass unharmed before.
        job: place in the order of submission, or prompt_id; None is every job and every request.
    """

    times: int | None = 1
    seconds: float | None = None
    skip: int = 0
    job: int | str | None = None


# --- faults of HTTP routes ---


@dataclass(frozen=True, slots=True)
class Answer(Fault):
    """Give this answer instead of the right one.

    Args:
        when: "before" leaves the request undone; "after" does it and hides the true answer.
    """

    route: str
    status: int = 500
    body: str | bytes = "Internal Server Error"
    content_type: str = "text/plain"
    headers: Mapping[str, str] = field(default_factory=dict)
    when: When = "before"


@dataclass(frozen=True, slots=True)
class Break(Fault):
    """Reset the connection, before the request is done or after it, in place of the answer."""

    route: str
    when: When = "before"


@dataclass(frozen=True, slots=True)
class Delay(Fault):
    """Let the request wait before it is done, or its answer after it is done."""

    route: str
    delay: float
    when: When = "after"


@dataclass(frozen=True, slots=True)
class Stall(Fault):
    """Take the request and never answer; the connection stays open."""

    route: str
    when: When = "before"


@dataclass(frozen=True, slots=True)
class Truncate(Fault):
    """Send only a part of the body.

    Args:
        keep: the part, 0 to 1.
        ending: "close" ends the connection in good order after the part, "reset" resets it; "short" declares the
            part's length as Content-Length, so that only the file itself shows that it is short.
    """

    route: str = "GET /view"
    keep: float = 0.5
    ending: Literal["close", "reset", "short"] = "close"


@dataclass(frozen=True, slots=True)
class AnswerAfterEnd(Fault):
    """Answer ``POST /prompt`` only when the job has ended."""


# --- faults of sockets ---


@dataclass(frozen=True, slots=True)
class CutSocket(Fault):
    """Cut the socket in place of a message.

    Args:
        at: the number of the message on that socket (1 is the first), or the type of a message. With ``job``, messages
            are those about that job. ``skip`` and ``times`` count messages of that type.
        code: close with this code; None resets the connection.
    """

    at: int | str = 1
    code: int | None = None


@dataclass(frozen=True, slots=True)
class SilentSocket(Fault):
    """Keep the socket open and say nothing any more, after some messages. Strikes always unless told otherwise."""

    after: int = 0
    times: int | None = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True)
class ExtraFrames(Fault):
    """Send these frames (text or bytes) before each message of a type, as often as ``times`` says."""

    frames: tuple[str | bytes, ...]
    at: str = "progress"


@dataclass(frozen=True, slots=True)
class RepeatFrames(Fault):
    """Send every message so many times. Strikes always unless told otherwise."""

    copies: int = 2
    times: int | None = field(default=None, kw_only=True)


# --- faults of jobs ---


@dataclass(frozen=True, slots=True)
class NodeFails(Fault):
    """A node raises.

    Args:
        message: the exception's text.
        exception_type: its full name.
        node: id or class of the node; None is the first that runs.
        step: of a sampler, the step at which it raises; 0 is before the first.
    """

    message: str = "mat1 and mat2 shapes cannot be multiplied (77x768 and 4096x5120)"
    exception_type: str = "RuntimeError"
    node: str | None = None
    step: int = 0


@dataclass(frozen=True, slots=True)
class OutOfMemory(Fault):
    """A node runs out of memory, as ComfyUI 0.30.0 reports it on CUDA.

    Args:
        node: id or class of the node, a loader, a sampler or a decoder; None is the first that runs.
        step: of a sampler, the step at which it happens; 0 is before the first. Since only samplers have steps,
            ``OutOfMemory(step=1, times=None)`` is every sampler of every job.
    """

    node: str | None = None
    step: int = 0


@dataclass(frozen=True, slots=True)
class Interrupt(Fault):
    """Somebody else stops the running job, at a node (None is the first) and step."""

    node: str | None = None
    step: int = 0


@dataclass(frozen=True, slots=True)
class Delete(Fault):
    """Somebody else deletes the job from the queue, so many seconds after it would have started."""

    after: float = 0.2


@dataclass(frozen=True, slots=True)
class Restart(Fault):
    """The server forgets everything but its files, and refuses connections for a while.

    Args:
        at: "queued" before the job starts, "running" at its first node, "finished" after its history is written.
        away: seconds until it answers again.
    """

    at: Literal["queued", "running", "finished"] = "running"
    away: float = 0.5


@dataclass(frozen=True, slots=True)
class LateHistory(Fault):
    """The end is announced on the socket, but history is written later; until then the job counts as running."""

    late: float = 1.5


@dataclass(frozen=True, slots=True)
class RefuseOutput(Fault):
    """Refuse one output (None: the last) although the graph is right: a 200 with node_errors, or a 400 if it is all."""

    node: str | None = None


@dataclass(frozen=True, slots=True)
class ClaimFile(Fault):
    """Say another name, sub-folder or type of a result than the file has; /view serves it under that name.

    Args:
        node: id or class of the output node; None is any. ``times`` counts files.
    """

    filename: str | None = None
    subfolder: str | None = None
    type: str | None = None
    node: str | None = None


@dataclass(frozen=True, slots=True)
class SpoilOutput(Fault):
    """Write a result that is off, as a run does that ended well and made nothing of use.

    Args:
        kind: what its pictures are, or what of it is not as asked: half the size, frames or rate; sound where there
            should be none, or none.
        node: id or class of the output node; None is any. ``times`` counts nodes.
    """

    kind: Spoiled
    node: str | None = None


# --- faults of the server as a whole ---


@dataclass(frozen=True, slots=True)
class OldServer(Fault):
    """Be a ComfyUI 0.3.64: no jobs API, any text is a prompt_id, unknown classes are ``invalid_prompt``.

    Nor has it ``/node_replacements``, ``/global_subgraphs``, the assets database, or what is new in ``/features``,
    ``/system_stats`` and ``/experiment/models``.
    """

    times: int | None = field(default=None, kw_only=True)


BIG_PREVIEW = b"\x00\x00\x00\x01\x00\x00\x00\x01\xff\xd8\xff" + bytes(3 * 1024 * 1024)
"""A binary preview frame (event 1, JPEG) of 3 MiB."""

ODD_FRAMES: tuple[str | bytes, ...] = (
    b"\x00\x00\x00\x03\x00\x00\x00\x011progress text of node 1",
    b"\x00\x00\x00\x63of a kind nobody knows",
    b"\x00",
    '{"type": "crystools.monitor", "data": {"cpu_utilization": 7}}',
    '{"type": "no data"}',
    "not json",
    "[1, 2]",
)
"""Frames that a client must pass over: text event 3, unknown and short binaries, unknown and malformed text."""
