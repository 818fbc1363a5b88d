"""The kept WebSocket of a client on asyncio: opened at the first job, shared by all, closed with the transport.

It belongs to one event loop. The next socket is opened only when the last has been closed, as ``transport.socket`` has
it for threads.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

from comfy_headless.protocol.effects import Call, Reply
from comfy_headless.protocol.frames import EVERYTHING, Frame, FrameReader
from comfy_headless.protocol.keep import queued_by
from comfy_headless.protocol.timing import Timing
from comfy_headless.transport.mailbox import Mailbox, Mailboxes
from comfy_headless.transport.reach import Reach
from comfy_headless.transport.socket import HELLO, polled, unopened

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

logger = logging.getLogger("comfy_headless")


class AwaitedMailbox(Mailbox):
    """A mailbox and the future of the task that waits on it, if it does."""

    __slots__ = ("_reader",)

    def __init__(self, **what: Any) -> None:
        super().__init__(**what)
        self._reader: asyncio.Future[None] | None = None

    def put(self, frame: Frame) -> bool:
        """Add a frame, as ``Mailbox`` does, and wake who waits."""
        taken = super().put(frame)
        if taken:
            self._wake()
        return taken

    async def next(self, timeout: float | None) -> Frame | None:
        """Return the next frame, or None after ``timeout`` seconds; None waits as long as it takes."""
        frame = self.take()
        if frame is None and (timeout is None or timeout > 0):
            loop = asyncio.get_running_loop()
            self._reader = loop.create_future()
            timer = None if timeout is None else loop.call_later(timeout, self._wake)
            try:
                await self._reader
            finally:
                if timer is not None:
                    timer.cancel()
                self._reader = None
            frame = self.take()
        return frame

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)


class AsyncKeptSocket:
    """One WebSocket and the mailboxes of the jobs that wait on it, in one event loop."""

    def __init__(self, reach: Reach, client_id: str, timing: Timing) -> None:
        self._reach, self._client_id, self._timing = reach, client_id, timing
        self._mailboxes = Mailboxes()
        self._opening = asyncio.Lock()
        self._connection: ClientConnection | None = None
        self._stack: AsyncExitStack | None = None
        self._reader: asyncio.Task[None] | None = None
        self._refused_until = 0.0

    async def subscribe(self, prompt_id: str, mailbox: AwaitedMailbox) -> bool:
        """Give ``mailbox`` the frames of ``prompt_id``, open the socket if need be; say if it is open."""
        self._mailboxes.add(prompt_id, mailbox)
        async with self._opening:
            if self._connection is not None or time.monotonic() < self._refused_until:
                return self._connection is not None
            problem = await self._open()
        if problem is not None:
            logger.warning("%s", polled(problem))
        return problem is None

    def release(self, prompt_id: str, mailbox: AwaitedMailbox) -> None:
        """Give it no more."""
        self._mailboxes.remove(prompt_id, mailbox)

    async def attend(self) -> str | None:
        """Open the socket if it is not open, whatever came of it before; give what stands against it."""
        async with self._opening:
            return None if self._connection is not None else await self._open()

    async def hang_up(self) -> None:
        """Drop the socket, as if it had been lost."""
        if self._connection is not None:
            await self._connection.close()

    def hear(self, mailbox: AwaitedMailbox) -> None:
        """Give ``mailbox`` all frames from now on."""
        self._mailboxes.add(EVERYTHING, mailbox)

    def hears(self, mailbox: AwaitedMailbox) -> bool:
        """Say whether ``mailbox`` still gets all frames."""
        return self._mailboxes.has(mailbox)

    @property
    def heard(self) -> bool:
        """True while somebody listens to everything."""
        return self._mailboxes.listened

    def dismiss(self, mailbox: AwaitedMailbox) -> None:
        """Give ``mailbox`` no more frames, and say so in it."""
        self._mailboxes.dismiss(mailbox)

    def announce(self, frame: Frame) -> None:
        """Give a frame of our own to all who listen to everything."""
        self._mailboxes.announce(frame)

    def note(self, call: Call, reply: Reply) -> None:
        """Tell who keeps the socket of a job that was just queued, if somebody does."""
        if self._mailboxes.listened:
            prompt_id = queued_by(call, reply)
            if prompt_id is not None:
                self._mailboxes.queued(prompt_id, sure=True)

    def end(self) -> None:
        """Tell all who listen to everything that nothing more comes."""
        self._mailboxes.end()

    async def close(self) -> None:
        """Close the socket; a later ``subscribe`` opens it again."""
        async with self._opening:
            reader, stack = self._reader, self._stack
            self._reader = self._stack = self._connection = None
            self._mailboxes.lost()
            try:
                if reader is not None:
                    reader.cancel()
                    await asyncio.gather(reader, return_exceptions=True)
            finally:
                if stack is not None:
                    await stack.aclose()

    async def _open(self) -> str | None:
        from websockets.asyncio.client import connect
        from websockets.exceptions import WebSocketException

        options = self._reach.socket_options(self._client_id, self._timing.connect)
        stack = AsyncExitStack()
        try:
            connection = await stack.enter_async_context(connect(**options))
            await connection.send(HELLO)
        except (OSError, WebSocketException) as error:
            await stack.aclose()
            self._refused_until = time.monotonic() + self._timing.idle  # not every job shall wait for it anew
            return unopened(options["uri"], error)
        self._connection, self._stack = connection, stack
        self._mailboxes.opened()
        self._reader = asyncio.create_task(self._read(connection, stack), name="comfy-headless")
        return None

    async def _read(self, connection: ClientConnection, stack: AsyncExitStack) -> None:
        from websockets.exceptions import WebSocketException

        frames = FrameReader()
        try:
            async for message in connection:
                frame = frames.read(message)
                if frame is not None:
                    self._mailboxes.deliver(frame)
        except (OSError, WebSocketException) as error:
            logger.debug("the WebSocket ended: %s", error)
        async with self._opening:
            if self._connection is connection:
                self._connection = self._stack = self._reader = None
                await stack.aclose()
                self._mailboxes.lost()
