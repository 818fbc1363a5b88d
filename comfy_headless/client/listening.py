"""All that a client hears of its server, with blocking calls: as an iterator, by callbacks, folded into one value."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar, overload

from comfy_headless.client.options import job_id, wait_of
from comfy_headless.errors import ValidationError
from comfy_headless.features import require
from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.events import Progress
from comfy_headless.protocol.fold import fold
from comfy_headless.protocol.frames import CLOSED
from comfy_headless.protocol.output import Output
from comfy_headless.protocol.result import Result
from comfy_headless.protocol.run import Wait, take_up
from comfy_headless.protocol.stream import Handler, ServerEvent, Wish, event_of, handler, wish
from comfy_headless.transport.sync import SyncTransport

T = TypeVar("T")

_SLICE: Final = 1.0
"""Seconds: so often a reader that waits looks up, since Ctrl-C does not end a longer wait on Windows."""


class EventStream:
    """What a client hears, from when it was made on; ``client.events`` makes it. It ends when the client is closed.

    It can be read by a loop, by ``next``, or by ``wait``; ``close``, leaving its ``with`` block, or letting go of it
    ends it.
    """

    def __init__(self, client: object, transport: SyncTransport, wants: Wish) -> None:
        self._client = client  # held, since it closes once nobody does
        self._listening = transport.listening
        self._mailbox = self._listening.open(wants)
        self._ended = False
        weakref.finalize(self, self._listening.drop, self._mailbox).atexit = False

    def __iter__(self) -> Iterator[ServerEvent]:
        return self

    def __next__(self) -> ServerEvent:
        while not self._ended:
            event = self.wait(_SLICE)
            if event is not None:
                return event
        raise StopIteration

    def __enter__(self) -> EventStream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def wait(self, timeout: float) -> ServerEvent | None:
        """Return the next event; None after ``timeout`` seconds without one, and once it has ended."""
        if self._ended:
            return None
        frame = self._listening.next(self._mailbox, timeout)
        self._ended = frame is not None and frame.type == CLOSED
        return None if frame is None or self._ended else event_of(frame)

    def close(self) -> None:
        """Hear no more; what was heard before can still be read."""
        self._listening.close(self._mailbox)


class Hears:
    """All that is heard of a server; ``ComfyClient`` brings the rest."""

    _server: Server
    _transport: SyncTransport

    def events(self, *types: str | None, prompt_id: str | None = None) -> EventStream:
        """Listen to the server from now on: an iterator of what it says, and of what becomes of the connection.

        Args:
            types: only events of these types; none, or None, is all.
            prompt_id: only what is about this job, and about the connection.

        Raises:
            ValidationError: a type is no name, or the client only polls.
            FeatureMissingError: the extra ``websocket`` is missing.
            ComfyUIOfflineError: nothing is there.
            ComfyUIConnectionError: no sensible answer, or no WebSocket.
        """
        must_hear(self._server, "client.events()")
        return EventStream(self, self._transport, wish(types, of_job(prompt_id)))

    def on(
        self, type: str | None, callback: Callable[[ServerEvent], Any], *, prompt_id: str | None = None
    ) -> Callable[[], bool]:
        """Call ``callback`` with each event of a type, in a thread of the client's, one after another.

        What it raises is logged, once, and ends nothing. It is called until it is taken away or the client is closed.

        Args:
            type: None is all.
            callback: plain or async.
            prompt_id: only for what is about this job, and about the connection.

        Returns:
            A function that takes the callback away; it gives False if it is gone already. It holds the client.

        Raises:
            As ``events``.
        """
        must_hear(self._server, "client.on()")
        return self._add(handler(type, callback, prompt_id=of_job(prompt_id)))

    def once(
        self, type: str | None, callback: Callable[[ServerEvent], Any], *, prompt_id: str | None = None
    ) -> Callable[[], bool]:
        """Call ``callback`` with the next event of a type, and not again; see ``on``."""
        must_hear(self._server, "client.once()")
        return self._add(handler(type, callback, prompt_id=of_job(prompt_id), once=True))

    def off(self, type: str | None, callback: Callable[[ServerEvent], Any]) -> bool:
        """Take away what ``on`` or ``once`` was given for this type; False if there is none."""
        return self._transport.listening.forget(type, callback)

    def _add(self, one: Handler) -> Callable[[], bool]:
        self._transport.listening.on(one)
        return lambda: self._transport.listening.off(one)

    @overload
    def wait(
        self,
        prompt_id: str,
        *,
        reduce: None = None,
        on_progress: Callable[[Progress], Any] | None = None,
        timeout: float | None = None,
    ) -> Result: ...

    @overload
    def wait(
        self,
        prompt_id: str,
        *,
        reduce: Callable[[T, Output], T],
        initial: T,
        on_progress: Callable[[Progress], Any] | None = None,
        timeout: float | None = None,
    ) -> T: ...

    @overload
    def wait(
        self,
        prompt_id: str,
        *,
        reduce: Callable[[T | None, Output], T],
        on_progress: Callable[[Progress], Any] | None = None,
        timeout: float | None = None,
    ) -> T | None: ...

    def wait(
        self,
        prompt_id: str,
        *,
        reduce: Callable[[Any, Output], Any] | None = None,
        initial: Any = None,
        on_progress: Callable[[Progress], Any] | None = None,
        timeout: float | None = None,
    ) -> Any:
        """Wait for a job that was queued before, by whomever, and bring no files here.

        Leaving the wait does not cancel the job, except when ``timeout`` (seconds) passes.

        Args:
            reduce: called with the value so far and each output as it comes; gives the next value, the last of which is
                returned. What it raises ends the wait. None: the result is returned, as ``wait_for_completion`` does.
            initial: the first value.

        Raises:
            GenerationFailedError: it failed, or the server knows no such job.
            GenerationTimeoutError: ``timeout`` passed; the prompt was cancelled.
            ComfyUIConnectionError: the server stayed away.
        """
        wait = waiting(reduce, on_progress, timeout)
        if reduce is None:
            return self._transport.drive(take_up(self._server, job_id(prompt_id), wait))
        return self._transport.drive(fold(self._server, job_id(prompt_id), reduce, initial, wait))


def must_hear(server: Server, what: str) -> None:
    """Raise unless a client has a socket."""
    if server.executor is not None:
        name = server.executor.name
        raise ValidationError(f"{what}: {name} does not tell the events of all jobs; job.events() tells those of one")
    if not server.socket:
        require("websocket", what)
        raise ValidationError(
            f"{what}: a client with transport='polling' hears no events; expected 'auto', 'websocket'"
        )


def waiting(
    reduce: Callable[[Any, Output], Any] | None, on_progress: Callable[[Progress], Any] | None, timeout: float | None
) -> Wait:
    """Return how ``wait`` waits; raises ValidationError."""
    if reduce is not None and not callable(reduce):
        raise ValidationError(f"reduce={reduce!r} cannot be called; give a function of the value so far and an output")
    return wait_of(
        out=None,
        overwrite=False,
        on_progress=on_progress,
        timeout=timeout,
        raise_on_error=True,
        strict=False,
        download=False,
    )


def of_job(prompt_id: str | None) -> str | None:
    """Return ``prompt_id`` if it is None or can be the id of a job; raises ValidationError."""
    return None if prompt_id is None else job_id(prompt_id)
