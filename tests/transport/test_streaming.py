"""Streams of events beside a flow: they come by ``Listen`` and end with the flow, on both transports."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.effects import Call, Flow, Listen, Stream
from comfy_headless.protocol.frames import LOST, Frame
from comfy_headless.protocol.timing import Timing
from comfy_headless.transport.aio import AsyncTransport
from comfy_headless.transport.sync import SyncTransport

HEAD = b"HTTP/1.1 %s\r\nContent-Type: %s\r\nConnection: close\r\n\r\n"
EVENT = b'event: status\ndata: {"status": "running"}\n\n'


class Teller:
    """Answers one request with what it is given, and waits until the connection is closed from the other side."""

    def __init__(self, answer: bytes, *, stays: bool) -> None:
        self._answer, self._stays = answer, stays
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.asked = b""
        self.left = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        connection, _ = self._listener.accept()
        with connection:
            self.asked = connection.recv(65536)
            connection.sendall(self._answer)
            if self._stays:
                connection.settimeout(60)
                assert connection.recv(1) == b""
                self.left.set()

    def close(self) -> None:
        """Return when it has ended."""
        self._thread.join(60)
        self._listener.close()


@contextmanager
def telling(answer: bytes, *, stays: bool = False) -> Iterator[Teller]:
    """Run one."""
    teller = Teller(answer, stays=stays)
    try:
        yield teller
    finally:
        teller.close()


def listen(url: str, frames: int) -> Flow[list[Frame]]:
    """Take so many frames of a stream, then leave."""
    yield Stream("a-job", Call("GET", f"{url}/events", headers=(("X-Key", "k"),), timeout=60))
    heard: list[Frame] = []
    while len(heard) < frames:
        frame = yield Listen("a-job", 60)
        assert frame is not None
        heard.append(frame)
    return heard


def drive(kind: str, flow: Flow[Any]) -> Any:
    """Perform a flow on one of the transports, which is closed after."""
    server = Server("http://127.0.0.1:9", "c", Timing(), socket=False)
    if kind == "sync":
        transport = SyncTransport(server)
        try:
            return transport.drive(flow)
        finally:
            transport.close()
    return asyncio.run(AsyncTransport(server).drive(flow))


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_stream_ends_with_its_flow(kind: str) -> None:
    """A flow that leaves takes its stream along: the connection is closed, no thread goes on reading."""
    with telling(HEAD % (b"200 OK", b"text/event-stream") + b": hello\n\n" + EVENT, stays=True) as teller:
        (frame,) = drive(kind, listen(teller.url, 1))
        assert (frame.type, frame.prompt_id, frame.data) == ("status", "a-job", {"status": "running"})
        assert teller.left.wait(60)
        asked = teller.asked.lower()
        assert b"accept: text/event-stream" in asked and b"x-key: k" in asked
    assert "comfy-headless-events" not in {thread.name for thread in threading.enumerate()}


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize(
    ("head", "body", "final"),
    [
        (HEAD % (b"200 OK", b"text/event-stream; charset=utf-8"), EVENT, False),
        (HEAD % (b"200 OK", b"text/html"), b"<html>", True),
        (HEAD % (b"501 Not Implemented", b"application/json"), b"{}", True),
        (HEAD % (b"404 Not Found", b"application/json"), b"{}", True),
        (HEAD % (b"429 Too Many", b"application/json"), b"{}", False),
        (HEAD % (b"502 Bad Gateway", b"text/html"), b"", False),
        (b"", b"", False),
    ],
)
def test_a_stream_that_ends(kind: str, head: bytes, body: bytes, final: bool) -> None:
    """The last frame says that it is over, and whether there is such a stream at all."""
    with telling(head + body) as teller:
        heard = drive(kind, listen(teller.url, 2 if body == EVENT else 1))
    assert heard[-1] == Frame(LOST, "a-job", {"final": final})


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_stream_that_cannot_be_opened(kind: str) -> None:
    """Where nobody answers, the flow hears of it as of a stream that was lost."""
    (frame,) = drive(kind, listen("http://127.0.0.1:9", 1))
    assert frame == Frame(LOST, "a-job", {"final": False})
