"""Follow a job as a stream of events. Leaving the stream leaves the job alone.

Each reader has a mailbox of its own (``transport.mailbox``): one that reads slowly, or not at all, loses pictures and
steps, never an output or the end, and holds up nobody.
"""

from __future__ import annotations

from collections.abc import Callable

from comfy_headless.errors import GenerationFailedError
from comfy_headless.protocol.collect import Found, found_in, saved_in
from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.effects import Flow, Tell
from comfy_headless.protocol.events import (
    Finished,
    OutputReady,
    Progress,
)
from comfy_headless.protocol.frames import Frame
from comfy_headless.protocol.output import Output
from comfy_headless.protocol.telling import Teller
from comfy_headless.protocol.ticket import Label, Ticket
from comfy_headless.protocol.watch import subscribed, watch


def follow(server: Server, ticket: Ticket) -> Flow[None]:
    """Tell the events of a job until it has ended; a job that has ended already tells its outputs and its end.

    Raises:
        ComfyUIConnectionError: the server stayed away; the job may still run.
    """
    server = yield from subscribed(server, ticket.prompt_id)
    outputs = Outputs(server, _ready, ticket.prompt_id, ticket.label)
    try:
        entry = yield from watch(
            server, ticket.graph, ticket.prompt_id, teller=_Events(), executed=outputs.executed, at_once=True
        )
    except GenerationFailedError as error:
        yield Tell(Finished("failed", str(error)))
        return
    for one in saved_in(entry, ticket.graph).saved:
        yield from outputs.tell(one)
    yield Tell(Finished("done"))


class _Events(Teller):
    """Tells progress as events."""

    def __init__(self) -> None:
        super().__init__(None)

    @property
    def listens(self) -> bool:
        """Always: who iterates wants to see."""
        return True

    def tell(self, progress: Progress | None) -> Flow[None]:
        """Tell what is new: the place in the queue, the start, a picture, a step."""
        if progress is not None:
            for event in self._events.of(progress):
                yield Tell(event)


def _ready(output: Output) -> Flow[None]:
    yield Tell(OutputReady(output))


class Outputs:
    """Gives each thing that was saved to ``take``, once; ``label`` tells how it is called."""

    def __init__(
        self,
        server: Server,
        take: Callable[[Output], Flow[None]],
        prompt_id: str,
        label: Label = Label(),  # noqa: B008 - an immutable tuple
    ) -> None:
        self._server, self._take, self._prompt_id, self.label = server, take, prompt_id, label
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
            yield from self._take(one.output(self._server, prompt_id=self._prompt_id, label=self.label))
