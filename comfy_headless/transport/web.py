"""Read a small file of the open internet whose address a stranger may have written.

Nothing else is reached by it: every address on the way is judged after its name was looked up (``transport/public.py``)
and connected to as it was judged, the certificate held to the name. No proxy of the environment is asked, since nobody
knows what that would reach. What may be sent is bounded: bytes, redirects, and the time of it all, however slowly the
other side drips.
"""

from __future__ import annotations

import io
import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from http.client import HTTPException, HTTPResponse
from typing import Any, Final, NamedTuple
from urllib.parse import quote, urljoin, urlsplit

import httpx

from comfy_headless.errors import without_secrets
from comfy_headless.protocol.access import basic, login_in
from comfy_headless.transport.http import CHUNK
from comfy_headless.transport.public import Internal, Place, places_of

REDIRECTS: Final = 5
"""How often one may be sent on; a file behind a short link and a host's own redirect takes two or three."""

SECONDS: Final = 60.0
"""How long it may take in all."""

_CONNECT: Final = 10.0
_GLANCE: Final = 0.25
"""How often, while nothing comes, it is looked whether anybody still waits."""

_PORTS: Final = {"https": 443, "http": 80}
_IN_QUERY: Final = "/%:@!$&'()*+,;=~?[]"
_REDIRECTED: Final = (301, 302, 303, 307, 308)


class Unread(Exception):
    """Why the file was not read; ``str`` says it, after the address."""


class Closed(Unread):
    """The address is one that the rules leave out, and that others could allow."""


class Page(NamedTuple):
    """What came.

    Args:
        kind: its media type as the host says, such as ``application/json``; empty if it does not.
    """

    body: bytes
    kind: str


def _connect(place: Place, seconds: float) -> socket.socket:
    sock = socket.socket(place.family, socket.SOCK_STREAM)
    try:
        sock.settimeout(seconds)
        sock.connect(place.address)
    except BaseException:
        sock.close()
        raise
    return sock


class Rules(NamedTuple):
    """What may be reached, and how.

    Args:
        http: addresses without TLS too, which anybody between can read and change.
        internal: addresses of this machine and its network too.
        seconds: how long it may take in all.
        stop: set when nobody waits for it any more; then it ends.
        lookup: gives the places of a host and port, or raises OSError, Internal.
        connect: opens a socket to a place within seconds.
    """

    http: bool = False
    internal: bool = False
    seconds: float = SECONDS
    stop: threading.Event | None = None
    lookup: Callable[..., list[Place]] = places_of
    connect: Callable[[Place, float], socket.socket] = _connect


def read_page(url: str, most: Callable[[bytes], int], rules: Rules = Rules()) -> Page:  # noqa: B008 - an immutable tuple
    """Return what an address holds.

    Args:
        url: it may carry a login, which is sent to its own host only.
        most: gives the bytes that may come at most, by the first of them; they are read into memory.

    Raises:
        Unread: it was refused, did not answer, or sent too much.
    """
    until = _Until(time.monotonic() + rules.seconds, rules.stop)
    url, login = _parted(url.strip())
    first = target = _target(url, rules)
    for _ in range(REDIRECTS + 1):
        sent = login if target[:3] == first[:3] else None
        with closing(_connected(target, rules, until)) as sock, closing(_asked(sock, target, sent, until)) as answer:
            further = answer.getheader("Location") if answer.status in _REDIRECTED else None
            if further is None:
                return _page(answer, most)
        url, _ = _parted(further, url)
        if target.scheme == "https" and urlsplit(url).scheme == "http":
            raise Unread(f"it leads on to {_shown(url)}, away from https")
        target = _target(url, rules)
    raise Unread(f"it leads on more than {REDIRECTS} times, last to {_shown(url)}")


def _parted(url: str, base: str = "") -> tuple[str, tuple[str, str] | None]:
    """Return a whole address without its login, and the login."""
    try:
        return login_in(urljoin(base, url))
    except ValueError as error:
        raise Unread(f"{_shown(url)} is no address ({error})") from error


class _Target(NamedTuple):
    scheme: str
    host: str
    port: int
    path: str

    @property
    def place(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def _target(url: str, rules: Rules) -> _Target:
    """Return what is to be asked for, as it goes into a request."""
    try:
        parts = urlsplit(url)
        port = parts.port
        host = (parts.hostname or "").encode("idna").decode()
    except ValueError as error:
        raise Unread(f"{_shown(url)} is no address ({error})") from error
    if parts.scheme not in _PORTS:
        raise Unread(f"{_shown(url)} is no address of the web; expected https")
    if not host or port == 0:
        raise Unread(f"{_shown(url)} names no host")
    if parts.scheme == "http" and not rules.http:
        raise Closed("what comes by http can be read and changed on the way; expected https")
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~")
    query = f"?{quote(parts.query, safe=_IN_QUERY)}" if parts.query else ""
    return _Target(parts.scheme, host, port or _PORTS[parts.scheme], path + query)


def _connected(target: _Target, rules: Rules, until: _Until) -> socket.socket:
    try:
        places = rules.lookup(target.host, target.port, internal=rules.internal)
    except Internal as address:
        what = "" if str(address) == target.host else f" {address},"
        raise Closed(f"{target.host} is{what} an address of this machine or its network, which is not asked") from None
    except (OSError, UnicodeError) as error:
        raise Unread(f"nobody knows the host {target.host!r} ({error})") from error
    problem: OSError | None = None
    for place in places:
        try:
            sock = rules.connect(place, min(_CONNECT, until.left()))
            return _secured(sock, target.host, until) if target.scheme == "https" else sock
        except ssl.SSLCertVerificationError as error:
            raise Unread(f"the certificate of {target.host} is not trusted: {error.verify_message}") from error
        except OSError as error:
            problem = error
    raise Unread(f"{target.host} does not answer ({problem}); no proxy was asked") from problem


def _secured(sock: socket.socket, host: str, until: _Until) -> ssl.SSLSocket:
    sock.settimeout(min(_CONNECT, until.left()))
    try:
        return httpx.create_ssl_context().wrap_socket(sock, server_hostname=host)
    except BaseException:
        sock.close()
        raise


def _asked(sock: socket.socket, target: _Target, login: tuple[str, str] | None, until: _Until) -> HTTPResponse:
    """Send the request and read the head of the answer."""
    lines = [
        f"GET {target.path} HTTP/1.1",
        f"Host: {target.place}",
        "User-Agent: comfy-headless",
        "Accept: */*",
        "Accept-Encoding: identity",
        "Connection: close",
        *([f"Authorization: {basic(*login)}"] if login else []),
    ]
    response = HTTPResponse(_Timed(sock, until), method="GET")  # type: ignore[arg-type]
    try:
        sock.settimeout(until.left())
        sock.sendall("\r\n".join([*lines, "", ""]).encode("ascii"))
        response.begin()
    except (OSError, HTTPException) as error:
        response.close()
        raise Unread(_broken(error)) from error
    return response


def _page(response: HTTPResponse, most: Callable[[bytes], int]) -> Page:
    """Read what was sent, as long as it is not too much."""
    if response.status != 200:
        raise Unread(f"it answers {response.status} {response.reason}".rstrip())
    packed = response.getheader("Content-Encoding", "identity").strip().lower()
    if packed not in ("", "identity"):
        raise Unread(f"it is sent packed ({packed}) although it was asked for as it is")
    told = response.getheader("Content-Length", "")
    length = int(told) if told.isascii() and told.isdecimal() else None
    body = bytearray()
    limit: int | None = None
    try:
        while chunk := response.read(CHUNK):
            body += chunk
            limit = most(bytes(body[:64])) if limit is None else limit
            if max(len(body), length or 0) > limit:
                raise Unread(f"it is too large: at most {limit // 2**20} MiB are read")
    except (OSError, HTTPException) as error:
        raise Unread(_broken(error)) from error
    if length is not None and len(body) < length:
        raise Unread(f"it ended after {len(body)} of {length} bytes")
    return Page(bytes(body), response.headers.get_content_type() if response.getheader("Content-Type") else "")


class _Until(NamedTuple):
    """When it must end: at a time, and when nobody waits for it any more."""

    at: float
    stop: threading.Event | None

    def left(self) -> float:
        """Return how many seconds are left; raises TimeoutError if none are."""
        left = self.at - time.monotonic()
        if left <= 0 or (self.stop is not None and self.stop.is_set()):
            raise TimeoutError("timed out")
        return left


class _Timed:
    """A socket as HTTPResponse reads one, where all reads together end at one time."""

    def __init__(self, sock: socket.socket, until: _Until) -> None:
        self._sock, self._until = sock, until

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self._sock, self._until))


class _Reader(io.RawIOBase):
    def __init__(self, sock: socket.socket, until: _Until) -> None:
        self._sock, self._until = sock, until

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while True:
            self._sock.settimeout(min(_GLANCE, self._until.left()))
            with suppress(TimeoutError):
                return self._sock.recv_into(buffer)


def _broken(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "it took too long"
    return f"the answer broke off ({str(error) or type(error).__name__})"


def _shown(url: str) -> str:
    return repr(without_secrets(url)[:200])
