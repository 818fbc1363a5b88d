"""Who listens to everything, in threads: one keeps the socket open for them all, one calls callbacks.

Both are daemons; they end with the last who listens, and with the transport. ``_changing`` is held by who changes who
they are, never by who waits for a thread or for the server.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Final

from comfy_headless.errors import ComfyHeadlessError
from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.effects import Flow
from comfy_headless.protocol.frames import EVERYTHING, Frame
from comfy_headless.protocol.keep import begin, keep, keepers, leavers
from comfy_headless.protocol.stream import MOST, Handler, Handlers, Wish, deliver
from comfy_headless.transport.socket import KeptSocket, WaitedMailbox

ALL: Final = 100_000
"""So many frames may wait for who keeps the socket: they are small, and none of them shall be missed."""

_CALLBACK: Final = 5.0
"""Seconds that a close waits for a callback."""

_CALL: Final = 1.0
"""Seconds that a close waits for who keeps the socket: a server that does not answer may take longer."""

Drive = Callable[[Flow[Any], dict[str, WaitedMailbox]], Any]


class Beginning:
    """One thread begins to keep the socket; all who want it meanwhile wait for how that comes out."""

    def __init__(self) -> None:
        self.over = threading.Event()
        self.problem: ComfyHeadlessError | None = None


class Listening:
    """Those who listen to everything on one kept socket. All methods may be called from any thread.

    Args:
        drive: performs a flow with these mailboxes, and releases them.
    """

    def __init__(self, server: Server, socket: KeptSocket, drive: Drive) -> None:
        self._server, self._socket, self._drive = server, socket, drive
        self._changing = threading.RLock()
        self._handlers = Handlers()
        self._beginning: Beginning | None = None
        self._keeper: WaitedMailbox | None = None
        self._teller: WaitedMailbox | None = None
        self._threads: tuple[tuple[threading.Thread, float], ...] = ()

    def open(self, wants: Wish) -> WaitedMailbox:
        """Give a mailbox of what is wanted, from now on. Raises as ``begin``."""
        mailbox = self._socket.mailbox(wants=wants, most=MOST)
        self._socket.hear(mailbox)
        try:
            self._keep()
        except BaseException:
            self.close(mailbox)
            raise
        return mailbox

    def next(self, mailbox: WaitedMailbox, timeout: float) -> Frame | None:
        """Return the next frame, or None after ``timeout`` seconds."""
        return self._socket.listen(mailbox, timeout)

    def close(self, mailbox: WaitedMailbox) -> None:
        """Give it no more, and say so in it."""
        self._socket.dismiss(mailbox)

    def drop(self, mailbox: WaitedMailbox) -> None:
        """Give it no more: nobody reads it. Whoever collects it may hold the lock."""
        self._socket.release(EVERYTHING, mailbox)

    def on(self, one: Handler) -> None:
        """Call a handler from now on. Raises as ``begin``."""
        with self._changing:
            self._handlers.add(one)
            if self._tells():
                return
        try:
            mailbox = self.open(self._handlers.wanted)
        except BaseException:
            self.off(one)
            raise
        with self._changing:
            if self._handlers and not self._tells():
                self._teller = mailbox
                self._start(deliver(self._handlers, self.off), mailbox, _CALLBACK)
                return
        self.close(mailbox)  # somebody else was quicker

    def off(self, one: Handler) -> bool:
        """Call it no more; False if it was not there."""
        with self._changing:
            removed = self._handlers.remove(one)
            if removed and not self._handlers and self._teller is not None:
                self._socket.dismiss(self._teller)
        return removed

    def forget(self, type: str | None, callback: Callable[..., Any]) -> bool:
        """Call no more what was added for this type and callback; False if there is none."""
        removed = [self.off(one) for one in self._handlers.named(type, callback)]
        return bool(removed)

    def end(self) -> None:
        """Tell all that nothing more comes, and forget the handlers."""
        self._handlers.all = ()
        self._socket.end()

    def join(self) -> None:
        """Wait for the threads to end, for a moment."""
        for thread, limit in self._threads:
            if thread is not threading.current_thread():
                thread.join(limit)

    def _tells(self) -> bool:
        return self._teller is not None and self._socket.hears(self._teller)

    def _keep(self) -> None:
        """See that somebody keeps the socket."""
        while True:
            with self._changing:
                if self._keeper is not None and self._socket.hears(self._keeper):
                    return
                other = self._beginning
                if other is None:
                    mine = self._beginning = Beginning()
                    break
            other.over.wait()
            if other.problem is not None:
                raise other.problem
        self._begin(mine)

    def _begin(self, mine: Beginning) -> None:
        keeper = self._socket.mailbox(wants=keepers, most=ALL, keeps=True)
        leaver = self._socket.mailbox(wants=leavers, keeps=True)
        try:
            for mailbox in (keeper, leaver):
                self._socket.hear(mailbox)
            jobs = self._drive(begin(self._server), {EVERYTHING: leaver})
            with self._changing:
                self._keeper = keeper
                self._start(keep(self._server, jobs), keeper, _CALL)
        except BaseException as error:
            mine.problem = error if isinstance(error, ComfyHeadlessError) else None  # else each tries it itself
            self.close(keeper)
            raise
        finally:
            self._beginning = None
            mine.over.set()

    def _start(self, flow: Flow[None], mailbox: WaitedMailbox, limit: float) -> None:
        thread = threading.Thread(
            target=self._drive, args=(flow, {EVERYTHING: mailbox}), name="comfy-headless", daemon=True
        )
        self._threads = (*(one for one in self._threads if one[0].is_alive()), (thread, limit))
        thread.start()
