"""The kept WebSocket of a client for threads: opened at the first job, shared by all, closed after idle.

A thread of its own always reads it: a ``websockets`` connection that nobody reads stops at 16 frames and dies of its
keepalive. Frames are given out by prompt_id; frames of jobs that nobody here waits for are dropped.
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
from typing import TYPE_CHECKING

from comfy_headless.errors import without_secrets
from comfy_headless.features import FEATURES, require
from comfy_headless.protocol.frames import Frame, FrameReader
from comfy_headless.protocol.timing import Timing
from comfy_headless.transport.mailbox import Mailbox, Mailboxes
from comfy_headless.transport.reach import Reach

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

logger = logging.getLogger("comfy_headless")

HELLO = '{"type": "feature_flags", "data": {"supports_preview_metadata": true}}'
"""First text frame of a connection: previews come with the id of their node and job (event 4)."""


def no_socket(address: str, error: Exception) -> str:
    """Say that a job is waited for without its socket."""
    return without_secrets(f"no WebSocket at {address} ({error}): polling, which tells no steps")


class WaitedMailbox(Mailbox):
    """A mailbox that wakes the thread that waits on it, and no other."""

    __slots__ = ("news",)

    def __init__(self, lock: threading.Lock, *, quiet: bool = False) -> None:
        super().__init__(quiet=quiet)
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

    def mailbox(self, *, quiet: bool = False) -> WaitedMailbox:
        """Make a mailbox for one wait."""
        return WaitedMailbox(self._lock, quiet=quiet)

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
            return self._connection is not None or (now >= self._refused_until and self._open(max(0.001, until - now)))
        finally:
            self._opening.release()

    def listen(self, mailbox: WaitedMailbox, timeout: float) -> Frame | None:
        """Return the next frame in ``mailbox``, or None after ``timeout`` seconds."""
        until = time.monotonic() + timeout
        with self._lock:
            while True:
                frame = mailbox.take()
                left = until - time.monotonic()
                if frame is not None or left <= 0:
                    return frame
                mailbox.news.wait(left)

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

    def close(self) -> None:
        """Close the socket; a later ``subscribe`` opens it again."""
        with self._opening:
            stack, reader = self._stack, self._reader
            self._stack = self._connection = self._reader = None
            if stack is not None:
                stack.close()
        if reader is not None and reader is not threading.current_thread():
            reader.join(5)

    def _open(self, limit: float) -> bool:
        from websockets.exceptions import WebSocketException
        from websockets.sync.client import connect

        options = self._reach.socket_options(self._client_id, min(self._timing.connect, limit))
        stack = ExitStack()
        try:
            connection = stack.enter_context(connect(**options))
            connection.send(HELLO)
        except (OSError, WebSocketException) as error:
            stack.close()
            self._refused_until = time.monotonic() + self._timing.idle  # not every job shall wait for it anew
            logger.warning("%s", no_socket(options["uri"], error))
            return False
        self._connection, self._stack = connection, stack
        self._reader = threading.Thread(target=self._read, args=(connection, stack), name="comfy-headless", daemon=True)
        self._reader.start()
        return True

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
            if frame is not None and frame.prompt_id is not None:
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
