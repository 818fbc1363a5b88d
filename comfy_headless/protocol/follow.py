"""Follow a job as a stream of events. Leaving the stream leaves the job alone.

Each reader has a mailbox of its own (``transport.mailbox``): one that reads slowly, or not at all, loses pictures and
steps, never an output or the end, and holds up nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from comfy_headless.errors import GenerationFailedError
from comfy_headless.protocol.collect import Found, found_in, saved_in
from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.effects import Flow, Tell
from comfy_headless.protocol.events import (
    Event,
    Finished,
    OutputReady,
    Preview,
    Progress,
    Queued,
    Started,
    picture_type,
)
from comfy_headless.protocol.frames import Frame
from comfy_headless.protocol.output import Output
from comfy_headless.protocol.ticket import Ticket
from comfy_headless.protocol.watch import Teller, subscribed, watch


def follow(server: Server, ticket: Ticket) -> Flow[None]:
    """Tell the events of a job until it has ended; a job that has ended already tells its outputs and its end.

    Raises:
        ComfyUIConnectionError: the server stayed away; the job may still run.
    """
    server = yield from subscribed(server, ticket.prompt_id)
    outputs = Outputs(server, _ready)
    try:
        entry = yield from watch(
            server, ticket.graph, ticket.prompt_id, teller=_Events(), executed=outputs.executed, at_once=True
        )
    except GenerationFailedError as error:
        yield Tell(Finished("failed", str(error)))
        return
    for one in saved_in(entry, ticket.graph)[0]:
        yield from outputs.tell(one)
    yield Tell(Finished("done"))


class _Events(Teller):
    """Tells progress as events."""

    def __init__(self) -> None:
        super().__init__(None)
        self._events = ProgressEvents()

    @property
    def listens(self) -> bool:
        """Always: who iterates wants to see."""
        return True

    def tell(self, progress: Progress | None) -> Flow[None]:
        """Tell what is new: the place in the queue, the start, a picture, a step."""
        if progress is not None:
            for event in self._events.of(progress):
                yield Tell(event)


class ProgressEvents:
    """Turns what ``on_progress`` is called with into the events of ``job.events()``."""

    def __init__(self) -> None:
        self._started = False
        self._last: Progress | None = None

    def of(self, progress: Progress) -> Iterator[Event]:
        """Yield what is new: the place in the queue, the start, a picture, a step."""
        if progress.queue_position:
            yield Queued(progress.queue_position)
            return
        if not self._started:
            if progress.progress >= 100:  # it had ended before
                return
            self._started = True
            yield Started()
        if progress.preview is not None:
            yield Preview(progress.preview, picture_type(progress.preview), progress.node)
        step = replace(progress, preview=None, eta=None)
        if step != self._last and (progress.node is not None or progress.progress):
            self._last = step
            yield replace(progress, preview=None)


def _ready(output: Output) -> Flow[None]:
    yield Tell(OutputReady(output))


class Outputs:
    """Gives each thing that was saved to ``take``, once."""

    def __init__(self, server: Server, take: Callable[[Output], Flow[None]]) -> None:
        self._server, self._take = server, take
        self._told: set[tuple[str, ...]] = set()

    def executed(self, frame: Frame) -> Flow[None]:
        """Tell what a node has just saved."""
        for one in found_in(str(frame.data.get("node")), frame.data.get("output")):
            if one.folder_type != "temp":
                yield from self.tell(one)

    def tell(self, one: Found) -> Flow[None]:
        """Tell it, unless it was told."""
        key = one.key if one.filename else (one.node_id, one.text or "")
        if key not in self._told:
            self._told.add(key)
            yield from self._take(one.output(self._server))
