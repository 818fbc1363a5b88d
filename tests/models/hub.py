"""A server that speaks the protocol of Hugging Face as far as downloads go, and what can go wrong with it, as values.

As the real one: HEAD and GET of ``/OWNER/NAME/resolve/REVISION/PATH`` answer 302 with the commit, the size and the
sha256 of the file, and lead to another host, whose address is signed; that one takes ranges. No token goes there.
"""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"
SIGNATURE = "X-Amz-Signature=signed-by-the-hub"
_PATH = re.compile(r"/(?P<repository>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<path>.+)")


@dataclass
class Fault:
    """Something that goes wrong so many times, after so many requests; ``where`` is ``resolve`` or ``cdn``."""

    where: str = "cdn"
    times: int = 1
    later: int = 0


@dataclass
class Status(Fault):
    """Another answer."""

    status: int = 503
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Cut(Fault):
    """The connection ends after so many bytes."""

    after: int = 1000


@dataclass
class Silence(Fault):
    """After so many bytes nothing comes any more."""

    after: int = 1000
    seconds: float = 5.0


@dataclass
class Wrong(Fault):
    """Bytes that are not those of the file."""


@dataclass
class NoRanges(Fault):
    """The whole file comes, whatever was asked for."""


@dataclass
class Slow(Fault):
    """Each piece of 10 kB takes so long."""

    seconds: float = 0.01


class Asked(NamedTuple):
    """A request that came."""

    method: str
    path: str
    range: str | None
    authorization: str | None


class Hub:
    """The server; ``url`` is what takes the place of https://huggingface.co.

    Args:
        files: contents by ``owner/name/path``.
        faults: each strikes as often as it says.
    """

    def __init__(self, files: Mapping[str, bytes], *faults: Fault) -> None:
        self.files, self.faults = dict(files), [replace(fault) for fault in faults]
        self.asked: list[Asked] = []
        self.sha256 = {name: hashlib.sha256(content).hexdigest() for name, content in self.files.items()}
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def cdn(self) -> str:
        """The other host, where files lie."""
        return f"http://localhost:{self._server.server_port}/cdn"

    @property
    def ranges(self) -> list[str | None]:
        """What was asked for of files, in order."""
        return [each.range for each in self.asked if each.path.startswith("/cdn")]

    def take(self, where: str, *kinds: type[Fault]) -> Fault | None:
        """Return a fault of these kinds that strikes now."""
        for fault in self.faults:
            if not isinstance(fault, kinds) or fault.where != where or not fault.times:
                continue
            if fault.later:
                fault.later -= 1
                continue
            fault.times -= 1
            return fault
        return None

    @contextmanager
    def running(self) -> Iterator[Hub]:
        """Serve for the length of a block."""
        self._thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that went away."""


def _handler(hub: Hub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self._answer()

        def do_GET(self) -> None:
            self._answer()

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

        def _answer(self) -> None:
            path = urlsplit(self.path).path
            hub.asked.append(Asked(self.command, path, self.headers["Range"], self.headers["Authorization"]))
            where = "cdn" if path.startswith("/cdn/") else "resolve"
            fault = hub.take(where, Status)
            if isinstance(fault, Status):
                self._say(fault.status, fault.headers)
            elif where == "cdn":
                self._send(hub.files[path.removeprefix("/cdn/")])
            else:
                self._lead(path)

        def _lead(self, path: str) -> None:
            found = _PATH.fullmatch(path)
            name = f"{found['repository']}/{found['path']}" if found else ""
            if not found or name not in hub.files:
                known = any(each.startswith(f"{found['repository']}/") for each in hub.files) if found else False
                code = "EntryNotFound" if known else "RepoNotFound"
                self._say(404 if known else 401, {"X-Error-Code": code, "X-Error-Message": code})
                return
            headers = {
                "X-Repo-Commit": COMMIT,
                "X-Linked-Etag": f'"{hub.sha256[name]}"',
                "X-Linked-Size": str(len(hub.files[name])),
                "Location": f"{hub.cdn}/{name}?{SIGNATURE}",
            }
            self._say(302, headers)

        def _send(self, content: bytes) -> None:
            start = 0
            if self.headers["Range"] and not hub.take("cdn", NoRanges):
                start = int(self.headers["Range"].removeprefix("bytes=").rstrip("-"))
            if hub.take("cdn", Wrong):
                content = bytes(len(content))
            rest = content[start:]
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            self.send_header("Content-Length", str(len(rest)))
            self.end_headers()
            fault = hub.take("cdn", Cut, Silence, Slow)
            if isinstance(fault, Cut | Silence):
                self.wfile.write(rest[: fault.after])
                self.wfile.flush()
                time.sleep(fault.seconds if isinstance(fault, Silence) else 0)
                self.close_connection = True
                return
            for at in range(0, len(rest), 10_000):
                time.sleep(fault.seconds if isinstance(fault, Slow) else 0)
                self.wfile.write(rest[at : at + 10_000])

        def _say(self, status: int, headers: Mapping[str, str]) -> None:
            self.send_response(status)
            for name, value in {"Content-Length": "0", **headers}.items():
                self.send_header(name, value)
            self.end_headers()

    return Handler
