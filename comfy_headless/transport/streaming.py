"""Streams of events for threads: each is read by a thread of its own, into the mailbox of its job."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from typing import Final, TypeAlias

import httpx

from comfy_headless.protocol.frames import LOST, Frame
from comfy_headless.protocol.server_events import EventReader
from comfy_headless.transport.http import BREAKS

logger = logging.getLogger("comfy_headless")

Opened: TypeAlias = AbstractContextManager[httpx.Response]
_SOON: Final = 5.0
"""Seconds that an end waits for the thread, which has been told."""


class EventStream:
    """One stream, from now on until it ends or is stopped; then a frame of the type ``LOST`` says so.

    Args:
        opened: the exchange, begun in the thread.
        put: takes the frames.
    """

    def __init__(self, prompt_id: str, opened: Opened, put: Callable[[Frame], object]) -> None:
        self._prompt_id, self._opened, self._put = prompt_id, opened, put
        self._response: httpx.Response | None = None
        self._stopped = False
        self._thread = threading.Thread(target=self._read, name="comfy-headless-events", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End it; returns when its connection is closed, unless that is still being opened."""
        self._stopped = True
        response = self._response
        stream = response.extensions.get("network_stream") if response is not None else None
        connection = stream.get_extra_info("socket") if stream is not None else None
        if isinstance(connection, socket.socket):
            with suppress(OSError):  # wakes the thread that reads it; of TLS too nothing but the socket is touched
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
            self._thread.join(_SOON)

    def _read(self) -> None:
        final = False
        try:
            with self._opened as response:
                self._response = response
                final = is_none(response)
                if not final and response.status_code == 200:
                    self._put_all(response)
        except (*BREAKS, OSError) as error:
            logger.debug("the stream of events ended: %s", error)
        self._put(Frame(LOST, self._prompt_id, {"final": final}))

    def _put_all(self, response: httpx.Response) -> None:
        reader = EventReader(self._prompt_id)
        for line in response.iter_lines():
            if self._stopped:
                return
            frame = reader.read(line)
            if frame is not None:
                self._put(frame)


def is_none(response: httpx.Response) -> bool:
    """Say whether there is no such stream, so that nobody need ask again."""
    status = response.status_code
    if status == 200:
        return not response.headers.get("content-type", "").startswith("text/event-stream")
    return status == 501 or (status < 500 and status not in (408, 425, 429))
