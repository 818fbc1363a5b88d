"""What callers are told while a job runs.

``on_progress`` is called with ``Progress`` only; ``job.events()`` gives all of them. ``event.to_dict()`` is JSON-ready:
``event`` names the kind, the rest are the event's own values.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

from comfy_headless.protocol.output import Output


@dataclass(frozen=True, slots=True)
class Event:
    """Base of all events."""

    event: ClassVar[str]

    def to_dict(self, *, previews: bool = False) -> dict[str, Any]:
        """Return the event as JSON-ready data.

        Args:
            previews: give pictures as data URLs; else they are None.
        """
        data: dict[str, Any] = {"event": self.event}
        for name in (one.name for one in fields(self)):
            value = getattr(self, name)
            if isinstance(value, bytes):
                value = f"data:{picture_type(value)};base64,{b64encode(value).decode()}" if previews else None
            elif isinstance(value, Output):
                value = value.to_dict()
            data[name] = value
        return data


@dataclass(frozen=True, slots=True)
class Queued(Event):
    """The job waits.

    Args:
        position: jobs ahead of it on the server, at least 1.
    """

    event: ClassVar[str] = "queued"
    position: int


@dataclass(frozen=True, slots=True)
class Started(Event):
    """The server works on the job; told once."""

    event: ClassVar[str] = "started"


@dataclass(frozen=True, slots=True)
class Progress(Event):
    """One step forward of a job; the only type that ``on_progress`` is called with.

    Args:
        progress: percent of the whole job, 0-100, never falling.
        node: id of the node at work, None while the job waits in the queue.
        title: the node's title in the graph, else its class.
        step: steps done in this node, from 0; None where the node counts none.
        steps: steps of this node.
        eta: estimated seconds to the end of the job, None while nothing is known.
        preview: a latent preview (JPEG or PNG bytes), when the server has sent one since the last call; among
            ``job.events()`` it is an event of its own, and always None here.
        queue_position: jobs ahead on the server while waiting, None once it runs.
    """

    event: ClassVar[str] = "progress"
    progress: float
    node: str | None = None
    title: str | None = None
    step: int | None = None
    steps: int | None = None
    eta: float | None = None
    preview: bytes | None = field(default=None, repr=False)
    queue_position: int | None = None


@dataclass(frozen=True, slots=True)
class Preview(Event):
    """How the video looks at this step, small and rough.

    Args:
        image: the picture file (JPEG or PNG).
        mime: ``image/jpeg`` or ``image/png``.
        node: id of the node at work.
    """

    event: ClassVar[str] = "preview"
    image: bytes = field(repr=False)
    mime: str
    node: str | None = None


@dataclass(frozen=True, slots=True)
class OutputReady(Event):
    """The server has saved something. It is not here yet: ``job.result()`` brings it.

    Args:
        output: the file or text, with its address on the server.
    """

    event: ClassVar[str] = "output"
    output: Output


@dataclass(frozen=True, slots=True)
class Finished(Event):
    """The last event of a job.

    Args:
        status: "done" or "failed".
        error: why it failed, None if it did not.
    """

    event: ClassVar[str] = "finished"
    status: str
    error: str | None = None


def picture_type(data: bytes) -> str:
    """Return the MIME type of a preview: a server sends JPEG or PNG."""
    return "image/png" if data.startswith(b"\x89PNG") else "image/jpeg"
