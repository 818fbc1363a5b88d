"""A server of a language model for tests: it speaks both protocols, says what it is told to, and fails in every way."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, NamedTuple

LONG: Final = 60.0
"""Seconds that no test waits for."""


class Asked(NamedTuple):
    """A request that came."""

    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]


class Handler(BaseHTTPRequestHandler):
    """One request; a step of the script answers it."""

    protocol_version = "HTTP/1.1"
    speaker: Speaker

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body = json.loads(self.rfile.read(length))
        self.close_connection = True
        step = self.speaker.next_step(Asked(self.path, dict(self.headers), body))
        with suppress(OSError):
            step(self)

    def send(self, status: int, body: bytes, kind: str = "application/json", **headers: str) -> None:
        """Send a whole answer."""
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


Step = Callable[[Handler], None]


class Speaker:
    """What the server is to answer, request by request (the last step again and again), and what it was asked."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self.steps = list(steps)
        self.asked: list[Asked] = []
        self.over = threading.Event()
        self.gone = threading.Event()
        self.port = 0
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def next_step(self, asked: Asked) -> Step:
        """Note a request, and return what answers it."""
        with self._lock:
            self.asked.append(asked)
            return self.steps[min(len(self.asked), len(self.steps)) - 1]


@contextmanager
def speaking(*steps: Step) -> Iterator[Speaker]:
    """Serve a script on loopback."""
    speaker = Speaker(steps)
    handler = type("Bound", (Handler,), {"speaker": speaker})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    speaker.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield speaker
    finally:
        speaker.over.set()
        server.shutdown()
        thread.join()
        server.server_close()


def says(text: str | None, *, ended: str = "stop", **message: Any) -> Step:
    """Answer with a text, in the protocol that is asked in."""

    def step(request: Handler) -> None:
        told = {"role": "assistant", "content": text, **message}
        if request.path.endswith("/api/chat"):
            body: dict[str, Any] = {"model": "m", "message": told, "done": True, "done_reason": ended}
        else:
            body = {"object": "chat.completion", "choices": [{"index": 0, "message": told, "finish_reason": ended}]}
        request.send(200, json.dumps(body).encode())

    return step


def streams(text: str, *, ended: str = "stop") -> Step:
    """Answer with a text in pieces, although nobody asked for that."""

    def step(request: Handler) -> None:
        pieces = [text[place : place + 7] for place in range(0, len(text), 7)]
        if request.path.endswith("/api/chat"):
            lines: list[dict[str, Any]] = [{"message": {"role": "assistant", "content": each}} for each in pieces]
            lines.append({"message": {"role": "assistant", "content": ""}, "done": True, "done_reason": ended})
            request.send(200, "\n".join(map(json.dumps, lines)).encode(), "application/x-ndjson")
            return
        events = [{"choices": [{"delta": {"content": each}, "finish_reason": None}]} for each in pieces]
        events += [{"choices": [{"delta": {}, "finish_reason": ended}]}, {"choices": [], "usage": {"total_tokens": 1}}]
        body = "".join(f"data: {json.dumps(each)}\n\n" for each in events) + "data: [DONE]\n\n"
        request.send(200, body.encode(), "text/event-stream")

    return step


def answers(status: int, body: Any, kind: str = "application/json", **headers: str) -> Step:
    """Answer with a status and a body: JSON, or bytes as they are."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return lambda request: request.send(status, raw, kind, **headers)


def echoes_key(status: int) -> Step:
    """Answer with an error that repeats what let one in."""

    def step(request: Handler) -> None:
        told = f"bad request with {request.headers.get('Authorization')} at http://me:pass@host?api_key=abc"
        request.send(status, json.dumps({"error": {"message": told}}).encode())

    return step


def is_silent(request: Handler) -> None:
    """Take the request, and never answer; note when the other side goes away."""
    request.speaker.gone.clear()
    request.connection.settimeout(LONG)
    with suppress(OSError):
        if not request.connection.recv(1):
            request.speaker.gone.set()


def trickles(part: str) -> Step:
    """Send the head of an answer, or its body, a byte at a time and without end."""

    def step(request: Handler) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        request.wfile.write(head + (b"X-Slow: " if part == "head" else b"Content-Length: 100000\r\n\r\n"))
        try:
            while not request.speaker.over.wait(0.02):
                request.wfile.write(b"x" if part == "head" else b" ")
        except OSError:
            request.speaker.gone.set()

    return step


def resets(request: Handler) -> None:
    """Break the connection without an answer."""
    request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    request.connection.close()


def breaks_off(request: Handler) -> None:
    """Send a part of what was announced."""
    request.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{"choices": [')


def is_huge(request: Handler) -> None:
    """Send ten megabytes."""
    request.send(200, json.dumps({"choices": [{"message": {"content": "x" * 10_000_000}}]}).encode())


def refuses_form(then: Step) -> Step:
    """Refuse a form of the answer; answer without one."""

    def step(request: Handler) -> None:
        body = request.speaker.asked[-1].body
        if "response_format" in body or "format" in body:
            request.send(400, b"{\"error\": \"'response_format.type' must be 'text'\"}")
        else:
            then(request)

    return step
