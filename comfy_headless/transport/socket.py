"""The kept WebSocket of a client for threads: opened at the first job, shared by all, closed after idle.

While somebody listens to everything it is never idle.

A thread of its own always reads it: a ``websockets`` connection that nobody reads stops at 16 frames and dies of its
keepalive. Frames are given out by prompt_id; frames that nobody here waits for are dropped.
The next socket is opened only when the last has been closed: of two with one clientId the server forgets the second
as soon as the first closes (ComfyUI 0.30.0, measured).
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final

from comfy_headless.errors import without_secrets
from comfy_headless.features import FEATURES, require
from comfy_headless.protocol.effects import Call, Reply
from comfy_headless.protocol.frames import EVERYTHING, Frame, FrameReader
from comfy_headless.protocol.keep import queued_by
from comfy_headless.protocol.timing import Timing
from comfy_headless.transport.mailbox import Mailbox, Mailboxes, Wants, needed
from comfy_headless.transport.reach import Reach

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

logger = logging.getLogger("comfy_headless")

HELLO = '{"type": "feature_flags", "data": {"supports_preview_metadata": true}}'
"""First text frame of a connection: previews come with the id of their node and job (event 4)."""


_SOON: Final = 0.5
"""Seconds that a close waits for whoever is just opening the socket, who will see that it was closed."""


def unopened(address: str, error: Exception) -> str:
    """Say that a socket could not be opened."""
    return without_secrets(f"no WebSocket at {address} ({error})")


def polled(problem: str) -> str:
    """Say that a job is waited for without its socket."""
    return f"{problem}: polling, which tells no steps"


class WaitedMailbox(Mailbox):
    """A mailbox that wakes the thread that waits on it, and no other."""

    __slots__ = ("news",)

    def __init__(self, lock: threading.Lock, **what: Any) -> None:
        super().__init__(**what)
        self.news = threading.Condition(lock)

    def put(self, frame: Frame) -> bool:
        """Add a frame, as ``Mailbox`` does; the lock is held."""
        taken = super().put(frame)
        if taken:
            self.news.notify()
        return taken


class KeptSocket:
    """One WebSocket and the mailboxes of the jobs that wait on it. All methods may be called from any thread."""

    def __init__(self, reach: Reach, client_id: str, timing: Timing) -> None:
        self._reach, self._client_id, self._timing = reach, client_id, timing
        self._lock = threading.Lock()
        self._opening = threading.Lock()
        self._mailboxes = Mailboxes()
        self._released: deque[tuple[str, WaitedMailbox]] = deque()
        self._connection: ClientConnection | None = None
        self._stack: ExitStack | None = None
        self._reader: threading.Thread | None = None
        self._idle_since = time.monotonic()
        self._refused_until = 0.0
        self._closes = 0

    def mailbox(
        self, *, quiet: bool = False, wants: Wants | None = None, most: int | None = None, keeps: bool = False
    ) -> WaitedMailbox:
        """Make a mailbox for one reader; ``quiet``: it wants only what a job made, and its end."""
        return WaitedMailbox(self._lock, wants=needed if quiet else wants, most=most, keeps=keeps)

    def subscribe(self, prompt_id: str, mailbox: WaitedMailbox, limit: float = math.inf) -> bool:
        """Give ``mailbox`` the frames of ``prompt_id``, open the socket within ``limit`` seconds; say if it is."""
        with self._lock:
            self._sweep()
            self._mailboxes.add(prompt_id, mailbox)
        until = time.monotonic() + limit
        if not self._opening.acquire(timeout=min(limit, threading.TIMEOUT_MAX)):
            return False  # another thread is at it
        try:
            now = time.monotonic()
            if self._connection is not None or now < self._refused_until:
                return self._connection is not None
            problem = self._open(max(0.001, until - now))
        finally:
            self._opening.release()
        if problem is not None:
            logger.warning("%s", polled(problem))
        return problem is None

    def attend(self) -> str | None:
        """Open the socket if it is not open, whatever came of it before; give what stands against it."""
        with self._opening:
            return None if self._connection is not None else self._open(math.inf)

    def hang_up(self) -> None:
        """Drop the socket, as if it had been lost."""
        connection = self._connection
        if connection is not None:
            connection.close()

    def hear(self, mailbox: WaitedMailbox) -> None:
        """Give ``mailbox`` all frames from now on."""
        with self._lock:
            self._sweep()
            self._mailboxes.add(EVERYTHING, mailbox)

    def hears(self, mailbox: WaitedMailbox) -> bool:
        """Say whether ``mailbox`` still gets all frames."""
        with self._lock:
            self._sweep()
            return self._mailboxes.has(mailbox)

    def dismiss(self, mailbox: WaitedMailbox) -> None:
        """Give ``mailbox`` no more frames, and say so in it."""
        with self._lock:
            self._mailboxes.dismiss(mailbox)

    def announce(self, frame: Frame) -> None:
        """Give a frame of our own to all who listen to everything."""
        with self._lock:
            self._mailboxes.announce(frame)

    def give(self, mailbox: WaitedMailbox, frame: Frame) -> None:
        """Put a frame into ``mailbox`` that came by another way than the socket."""
        with self._lock:
            mailbox.put(frame)

    def note(self, call: Call, reply: Reply) -> None:
        """Tell who keeps the socket of a job that was just queued, if somebody does."""
        if self._mailboxes.listened:
            prompt_id = queued_by(call, reply)
            if prompt_id is not None:
                with self._lock:
                    self._mailboxes.queued(prompt_id, sure=True)

    def listen(self, mailbox: WaitedMailbox, timeout: float) -> Frame | None:
        """Return the next frame in ``mailbox``, or None after ``timeout`` seconds."""
        until = time.monotonic() + timeout
        with self._lock:
            while True:
                frame = mailbox.take()
                left = until - time.monotonic()
                if frame is not None or left <= 0:
                    return frame
                mailbox.news.wait(min(left, threading.TIMEOUT_MAX))

    def release(self, prompt_id: str, mailbox: WaitedMailbox) -> None:
        """Drop a mailbox, at once or when the lock is free: a stream of events may be collected by who holds it."""
        self._released.append((prompt_id, mailbox))
        if self._lock.acquire(blocking=False):
            try:
                self._sweep()
            finally:
                self._lock.release()

    def _sweep(self) -> None:
        while self._released:
            self._mailboxes.remove(*self._released.popleft())
            self._idle_since = time.monotonic()

    def end(self) -> None:
        """Tell all who listen to everything that nothing more comes; a thread that is collecting may hold the lock."""
        free = self._lock.acquire(timeout=_SOON)
        try:
            self._mailboxes.end()
        finally:
            if free:
                self._lock.release()

    def close(self) -> None:
        """Close the socket; a later ``subscribe`` opens it again. Who is just opening it closes what they opened."""
        self._closes += 1
        if not self._opening.acquire(timeout=_SOON):
            return
        try:
            stack, reader = self._stack, self._reader
            self._stack = self._connection = self._reader = None
            if stack is not None:
                stack.close()
                with self._lock:
                    self._mailboxes.lost()
        finally:
            self._opening.release()
        if reader is not None and reader is not threading.current_thread():
            reader.join(5)

    def _open(self, limit: float) -> str | None:
        from websockets.exceptions import WebSocketException
        from websockets.sync.client import connect

        options = self._reach.socket_options(self._client_id, min(self._timing.connect, limit))
        stack, closes = ExitStack(), self._closes
        try:
            connection = stack.enter_context(connect(**options))
            connection.send(HELLO)
        except (OSError, WebSocketException) as error:
            stack.close()
            self._refused_until = time.monotonic() + self._timing.idle  # not every job shall wait for it anew
            return unopened(options["uri"], error)
        if closes != self._closes:
            stack.close()
            return "the client was closed meanwhile"
        self._connection, self._stack = connection, stack
        with self._lock:
            self._mailboxes.opened()
        self._reader = threading.Thread(target=self._read, args=(connection, stack), name="comfy-headless", daemon=True)
        self._reader.start()
        return None

    def _read(self, connection: ClientConnection, stack: ExitStack) -> None:
        from websockets.exceptions import WebSocketException

        frames = FrameReader()
        while True:
            try:
                message = connection.recv(timeout=1)
            except TimeoutError:
                if self._idle():
                    break
                continue
            except (OSError, WebSocketException) as error:
                if self._connection is connection:  # else it was closed from here
                    logger.debug("the WebSocket ended: %s", error)
                break
            frame = frames.read(message)
            if frame is not None and (frame.prompt_id is not None or self._mailboxes.listened):
                with self._lock:
                    self._sweep()
                    self._mailboxes.deliver(frame)
        self._lost(connection, stack)

    def _idle(self) -> bool:
        with self._lock:
            self._sweep()
            return not self._mailboxes and time.monotonic() - self._idle_since > self._timing.idle

    def _lost(self, connection: ClientConnection, stack: ExitStack) -> None:
        with self._opening:
            ours = self._connection is connection
            if ours:
                self._connection = self._stack = self._reader = None
                stack.close()
                with self._lock:
                    self._mailboxes.lost()


def socket_wanted(transport: str) -> bool:
    """Say whether a client with this ``transport`` setting uses a socket ("auto": if ``websockets`` is installed)."""
    if transport == "websocket":
        require("websocket", "transport='websocket'")
    return transport == "websocket" or (transport == "auto" and FEATURES["websocket"])
