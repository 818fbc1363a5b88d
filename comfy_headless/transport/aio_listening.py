"""Who listens to everything, in one event loop: a task keeps the socket open for them all, a task calls callbacks.

Both end with the last who listens, and with the transport; each uses the transport as a call does, so that it stays
open meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from comfy_headless.errors import ComfyHeadlessError
from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.effects import Flow
from comfy_headless.protocol.frames import EVERYTHING
from comfy_headless.protocol.keep import begin, keep, keepers, leavers
from comfy_headless.protocol.stream import MOST, Handler, Handlers, Wish, deliver
from comfy_headless.transport.aio_socket import AsyncKeptSocket, AwaitedMailbox
from comfy_headless.transport.listening import ALL

Drive = Callable[[Flow[Any], dict[str, AwaitedMailbox]], Coroutine[Any, Any, Any]]


class AsyncBeginning:
    """One task begins to keep the socket; all who want it meanwhile wait for how that comes out."""

    def __init__(self) -> None:
        self.over = asyncio.Event()
        self.problem: ComfyHeadlessError | None = None


class AsyncListening:
    """Those who listen to everything on one kept socket.

    Args:
        drive: performs a flow with these mailboxes, and releases them.
    """

    def __init__(self, server: Server, socket: AsyncKeptSocket, drive: Drive) -> None:
        self._server, self._socket, self._drive = server, socket, drive
        self._loop = asyncio.get_running_loop()
        self._handlers = Handlers()
        self._beginning: AsyncBeginning | None = None
        self._keeper: AwaitedMailbox | None = None
        self._teller: AwaitedMailbox | None = None
        self._tasks: tuple[asyncio.Task[None], ...] = ()

    async def open(self, wants: Wish) -> AwaitedMailbox:
        """Give a mailbox of what is wanted, from now on. Raises as ``begin``."""
        mailbox = AwaitedMailbox(wants=wants, most=MOST)
        self._socket.hear(mailbox)
        try:
            await self._keep()
        except BaseException:
            self.close(mailbox)
            raise
        return mailbox

    def close(self, mailbox: AwaitedMailbox) -> None:
        """Give it no more, and say so in it."""
        self._socket.dismiss(mailbox)

    def drop(self, mailbox: AwaitedMailbox) -> None:
        """Give it no more: nobody reads it. Any thread may collect it."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.close, mailbox)

    async def leave(self, mailbox: AwaitedMailbox) -> None:
        """Give it no more; when it was the last, wait for what was kept for it to end."""
        self.close(mailbox)
        if not self._socket.heard:
            await self.end()

    async def on(self, one: Handler) -> None:
        """Call a handler from now on. Raises as ``begin``."""
        self._handlers.add(one)
        if self._tells():
            return
        try:
            mailbox = await self.open(self._handlers.wanted)
        except BaseException:
            self.off(one)
            raise
        if not self._handlers or self._tells():  # somebody else was quicker
            self.close(mailbox)
            return
        self._teller = mailbox
        await self._start(deliver(self._handlers, self.off), mailbox)

    def off(self, one: Handler) -> bool:
        """Call it no more; False if it was not there."""
        removed = self._handlers.remove(one)
        if removed and not self._handlers and self._teller is not None:
            self._socket.dismiss(self._teller)
        return removed

    def forget(self, type: str | None, callback: Callable[..., Any]) -> bool:
        """Call no more what was added for this type and callback; False if there is none."""
        removed = [self.off(one) for one in self._handlers.named(type, callback)]
        return bool(removed)

    async def end(self) -> None:
        """Tell all that nothing more comes, forget the handlers, and end the tasks."""
        self._handlers.all = ()
        self._socket.end()
        tasks, self._tasks = self._tasks, ()
        others = [task for task in tasks if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _tells(self) -> bool:
        return self._teller is not None and self._socket.hears(self._teller)

    async def _keep(self) -> None:
        """See that somebody keeps the socket."""
        while self._keeper is None or not self._socket.hears(self._keeper):
            other = self._beginning
            if other is None:
                self._beginning = AsyncBeginning()
                return await self._begin(self._beginning)
            await other.over.wait()
            if other.problem is not None:
                raise other.problem
        return None

    async def _begin(self, mine: AsyncBeginning) -> None:
        keeper = AwaitedMailbox(wants=keepers, most=ALL, keeps=True)
        leaver = AwaitedMailbox(wants=leavers, keeps=True)
        try:
            for mailbox in (keeper, leaver):
                self._socket.hear(mailbox)
            jobs = await self._drive(begin(self._server), {EVERYTHING: leaver})
            self._keeper = keeper
            await self._start(keep(self._server, jobs), keeper)
        except BaseException as error:
            mine.problem = error if isinstance(error, ComfyHeadlessError) else None  # else each tries it itself
            self.close(keeper)
            raise
        finally:
            self._beginning = None
            mine.over.set()

    async def _start(self, flow: Flow[None], mailbox: AwaitedMailbox) -> None:
        task = asyncio.create_task(self._drive(flow, {EVERYTHING: mailbox}), name="comfy-headless")
        self._tasks = (*(one for one in self._tasks if not one.done()), task)
        await asyncio.sleep(0)  # from now on it is a user of the transport
