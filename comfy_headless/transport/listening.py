"""Who listens to everything, in threads: one keeps the socket open for them all, one calls callbacks.

Both are daemons; they end with the last who listens, and with the transport. ``_changing`` is held by who begins or
ends something, never by who waits for a thread.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Final

from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.effects import Flow
from comfy_headless.protocol.frames import EVERYTHING, Frame
from comfy_headless.protocol.keep import begin, keep, keepers
from comfy_headless.protocol.stream import MOST, Handler, Handlers, Wish, deliver
from comfy_headless.transport.socket import KeptSocket, WaitedMailbox

ALL: Final = 100_000
"""So many frames may wait for who keeps the socket: they are small, and none of them shall be missed."""

_CALLBACK: Final = 5.0
"""Seconds that a close waits for a callback."""

_CALL: Final = 1.0
"""Seconds that a close waits for who keeps the socket: a server that does not answer may take longer."""

Drive = Callable[[Flow[Any], dict[str, WaitedMailbox]], Any]


class Listening:
    """Those who listen to everything on one kept socket. All methods may be called from any thread.

    Args:
        drive: performs a flow with these mailboxes, and releases them.
    """

    def __init__(self, server: Server, socket: KeptSocket, drive: Drive) -> None:
        self._server, self._socket, self._drive = server, socket, drive
        self._changing = threading.RLock()
        self._handlers = Handlers()
        self._keeper: WaitedMailbox | None = None
        self._teller: WaitedMailbox | None = None
        self._threads: tuple[tuple[threading.Thread, float], ...] = ()

    def open(self, wants: Wish) -> WaitedMailbox:
        """Give a mailbox of what is wanted, from now on. Raises as ``begin``."""
        mailbox = self._socket.mailbox(wants=wants, most=MOST)
        with self._changing:
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
            if self._teller is None or not self._socket.hears(self._teller):
                try:
                    self._teller = self.open(self._handlers.wanted)
                except BaseException:
                    self._handlers.remove(one)
                    raise
                self._start(deliver(self._handlers, self.off), self._teller, _CALLBACK)

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

    def _keep(self) -> None:
        """See that somebody keeps the socket."""
        if self._keeper is not None and self._socket.hears(self._keeper):
            return
        self._keeper = self._socket.mailbox(wants=keepers, most=ALL, keeps=True)
        self._socket.hear(self._keeper)
        try:
            jobs = self._drive(begin(self._server), {})
        except BaseException:
            self.close(self._keeper)
            raise
        self._start(keep(self._server, jobs), self._keeper, _CALL)

    def _start(self, flow: Flow[None], mailbox: WaitedMailbox, limit: float) -> None:
        thread = threading.Thread(
            target=self._drive, args=(flow, {EVERYTHING: mailbox}), name="comfy-headless", daemon=True
        )
        self._threads = (*(one for one in self._threads if one[0].is_alive()), (thread, limit))
        thread.start()
