"""A web server of files for tests: over TLS, under a public name, and with everything that a bad one can do."""

from __future__ import annotations

import gzip
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from comfy_headless.transport.public import Place, places_of
from comfy_headless.transport.web import Rules

CERTIFICATE: Final = Path(__file__).with_name("files.example.pem")
"""Key and certificate of files.example and more.example; SSL_CERT_FILE lets a client trust it. It lets in nowhere."""

PUBLIC: Final = "93.184.215.14"
"""An address of the open internet, which the tests never reach."""

HERE: Final = "https://files.example"


class Files:
    """What is served, and what was asked for.

    Args:
        files: path to media type and content.
    """

    def __init__(self, files: Mapping[str, tuple[str, bytes]] | None = None) -> None:
        self.files = dict(files or {})
        self.asked: list[tuple[str, Mapping[str, str]]] = []
        self.places: list[str] = []
        self.port = 0

    def rules(self, names: Mapping[str, list[str]] | None = None, **more: Any) -> Rules:
        """Rules under which the public address leads here, and a name to the addresses it is given."""
        named = {"files.example": [PUBLIC], "more.example": [PUBLIC], **(names or {})}

        def resolve(host: str, port: int, **kind: Any) -> list[Any]:
            if host not in named:
                return socket.getaddrinfo(host, port, **kind)
            return [place for each in named[host] for place in socket.getaddrinfo(each, port, **kind)]

        return Rules(lookup=partial(places_of, resolve=resolve), connect=self._connect, **more)

    def _connect(self, place: Place, seconds: float) -> socket.socket:
        self.places.append(place.address[0])
        return socket.create_connection(("127.0.0.1", self.port), seconds)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    files: Files

    def do_GET(self) -> None:
        self.files.asked.append((self.path, dict(self.headers)))
        path, _, query = self.path.partition("?")
        self.close_connection = True
        with suppress(OSError):
            if path in self.files.files:
                kind, content = self.files.files[path]
                self._send(200, content, {"Content-Type": kind})
            else:
                BAD.get(path, _Handler.missing)(self, query)

    def missing(self, query: str) -> None:
        self._send(404, b"nothing")

    def to(self, query: str) -> None:
        self._send(302, b"", {"Location": query})

    def endless(self, query: str) -> None:
        self._send(302, b"", {"Location": f"/endless?{int(query or 0) + 1}"})

    def packed(self, query: str) -> None:
        self._send(200, gzip.compress(b" " * 10**6), {"Content-Encoding": "gzip"})

    def declared(self, query: str) -> None:
        self._head(200, {"Content-Length": str(10**12)})
        self.wfile.write(b"{" * 300_000)

    def unending(self, query: str) -> None:
        self._head(200, {})
        while True:
            self.wfile.write(b" " * 2**20)

    def short(self, query: str) -> None:
        self._head(200, {"Content-Length": "50"})
        self.wfile.write(b"{}")

    def silent(self, query: str) -> None:
        time.sleep(float(query))

    def slow_head(self, query: str) -> None:
        self._drip(b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 60_000)

    def slow_body(self, query: str) -> None:
        self._head(200, {})
        self._drip(b" " * 10**6)

    def nonsense(self, query: str) -> None:
        self.wfile.write(b"hello\r\n\r\n")

    def _drip(self, content: bytes) -> None:
        for byte in content:
            self.wfile.write(bytes([byte]))
            time.sleep(0.02)

    def _send(self, status: int, content: bytes, headers: Mapping[str, str] = {}) -> None:
        self._head(status, {"Content-Length": str(len(content)), **headers})
        self.wfile.write(content)

    def _head(self, status: int, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Connection": "close"}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


BAD: Final[Mapping[str, Callable[[Any, str], None]]] = {
    f"/{each.__name__}": each
    for each in (
        *(_Handler.to, _Handler.endless, _Handler.packed, _Handler.declared, _Handler.unending, _Handler.short),
        *(_Handler.silent, _Handler.slow_head, _Handler.slow_body, _Handler.nonsense),
    )
}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, files: Files, tls: bool) -> None:
        super().__init__(("127.0.0.1", 0), type("Handler", (_Handler,), {"files": files}))
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if tls else None
        if self._context is not None:
            self._context.load_cert_chain(CERTIFICATE)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Shake hands in the thread of the request."""
        with suppress(OSError):
            wrapped = self._context.wrap_socket(request, server_side=True) if self._context else request
            with wrapped:
                super().finish_request(wrapped, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass


@contextmanager
def serving(files: Mapping[str, tuple[str, bytes]] | None = None, *, tls: bool = True) -> Iterator[Files]:
    """Serve files for the length of a block."""
    told = Files(files)
    with _Server(told, tls) as server:
        told.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield told
        finally:
            server.shutdown()
            thread.join()
