"""All that a client hears of its server, on asyncio: as an iterator, by callbacks, folded into one value."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar, overload

from comfy_headless.client.listening import must_hear, of_job, waiting
from comfy_headless.client.options import job_id
from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.events import Progress
from comfy_headless.protocol.fold import fold
from comfy_headless.protocol.frames import CLOSED
from comfy_headless.protocol.output import Output
from comfy_headless.protocol.result import Result
from comfy_headless.protocol.run import take_up
from comfy_headless.protocol.stream import Handler, ServerEvent, Wish, event_of, handler, wish
from comfy_headless.transport.aio import AsyncTransport
from comfy_headless.transport.aio_listening import AsyncListening
from comfy_headless.transport.aio_socket import AwaitedMailbox

T = TypeVar("T")


class AsyncEventStream:
    """What a client hears, from ``async with`` or the first ``anext`` on; ``client.events`` makes it.

    It ends when the client is closed; ``close``, leaving its ``async with`` block, or letting go of it ends it too. A
    task that is cancelled while it waits loses nothing.
    """

    def __init__(self, client: object, transport: AsyncTransport, wants: Wish) -> None:
        self._client, self._transport, self._wants = client, transport, wants
        self._reading = asyncio.Lock()
        self._mailbox: AwaitedMailbox | None = None
        self._listening: AsyncListening | None = None
        self._ended = False

    async def __aenter__(self) -> AsyncEventStream:
        async with self._reading:
            await self._begun()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def __aiter__(self) -> AsyncIterator[ServerEvent]:
        return self

    async def __anext__(self) -> ServerEvent:
        async with self._reading:  # a mailbox has one reader
            if self._ended:
                raise StopAsyncIteration
            mailbox = await self._begun()
            while (frame := await mailbox.next(None)) is None:
                continue
            if frame.type == CLOSED:
                self._ended = True
                raise StopAsyncIteration
            return event_of(frame)

    async def close(self) -> None:
        """Hear no more; what was heard before can still be read."""
        if self._mailbox is None or self._listening is None:
            self._ended = True
        else:
            await self._listening.leave(self._mailbox)

    async def _begun(self) -> AwaitedMailbox:
        if self._mailbox is None:
            async with self._transport:
                self._listening = self._transport.listening
                self._mailbox = await self._listening.open(self._wants)
            weakref.finalize(self, self._listening.drop, self._mailbox).atexit = False
        return self._mailbox


class AsyncHears:
    """All that is heard of a server; ``ComfyWSClient`` brings the rest."""

    _server: Server
    _transport: AsyncTransport

    def events(self, *types: str | None, prompt_id: str | None = None) -> AsyncEventStream:
        """Listen to the server: an asynchronous iterator of what it says, and of what becomes of the connection.

        ``async with client.events() as events`` listens from there on, a bare ``async for`` from its first step on.

        Args:
            types: only events of these types; none, or None, is all.
            prompt_id: only what is about this job, and about the connection.

        Raises:
            ValidationError: a type is no name, or the client only polls.
            FeatureMissingError: the extra ``websocket`` is missing.
            ComfyUIOfflineError: nothing is there, where it begins to listen.
            ComfyUIConnectionError: no sensible answer, or no WebSocket, where it begins to listen.
        """
        must_hear(self._server, "client.events()")
        return AsyncEventStream(self, self._transport, wish(types, of_job(prompt_id)))

    async def on(
        self, type: str | None, callback: Callable[[ServerEvent], Any], *, prompt_id: str | None = None
    ) -> Callable[[], bool]:
        """Call ``callback`` with each event of a type, in a task of the client's, one after another.

        What it raises is logged, once, and ends nothing. It is called until it is taken away or the client is closed:
        by ``close``, or by the end of its ``async with`` block.

        Args:
            type: None is all.
            callback: plain or async.
            prompt_id: only for what is about this job, and about the connection.

        Returns:
            A plain function that takes the callback away; it gives False if it is gone already.

        Raises:
            As ``events``.
        """
        must_hear(self._server, "client.on()")
        return await self._add(handler(type, callback, prompt_id=of_job(prompt_id)))

    async def once(
        self, type: str | None, callback: Callable[[ServerEvent], Any], *, prompt_id: str | None = None
    ) -> Callable[[], bool]:
        """Call ``callback`` with the next event of a type, and not again; see ``on``."""
        must_hear(self._server, "client.once()")
        return await self._add(handler(type, callback, prompt_id=of_job(prompt_id), once=True))

    async def off(self, type: str | None, callback: Callable[[ServerEvent], Any]) -> bool:
        """Take away what ``on`` or ``once`` was given for this type; False if there is none."""
        async with self._transport:
            return self._transport.listening.forget(type, callback)

    async def _add(self, one: Handler) -> Callable[[], bool]:
        async with self._transport:
            listening = self._transport.listening
            await listening.on(one)
        return lambda: listening.off(one)

    @overload
    async def wait(
        self,
        prompt_id: str,
        *,
        reduce: None = None,
        on_progress: Callable[[Progress], Any] | None = None,
        timeout: float | None = None,
    ) -> Result: ...

    @overload
    async def wait(
        self,
        prompt_id: str,
        *,
        reduce: Callable[[T, Output], T],
        initial: T,
        on_progress: Callable[[Progress], Any] | None = None,
        timeout: float | None = None,
    ) -> T: ...

    @overload
    async def wait(
        self,
        prompt_id: str,
        *,
        reduce: Callable[[T | None, Output], T],
        on_progress: Callable[[Progress], Any] | None = None,
        timeout: float | None = None,
    ) -> T | None: ...

    async def wait(
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
            return await self._transport.drive(take_up(self._server, job_id(prompt_id), wait))
        return await self._transport.drive(fold(self._server, job_id(prompt_id), reduce, initial, wait))
