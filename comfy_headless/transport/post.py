"""Make one HTTP call of a host that is not the server, such as one that runs a language model, in a thread of its own.

It is made for the effect ``Fetch``, which keeps the time: when nobody waits any more the connection is cut, so that the
other side stops too. Redirects are answers like others, so what lets one in goes to the address alone. Nothing of the
server's own connections is used: neither its certificates nor a client of the caller's.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import httpx

from comfy_headless.config import is_local
from comfy_headless.protocol.effects import Broken, Call, Reply
from comfy_headless.transport.http import BREAKS, broken_by, reply_of, unsigned


def post(call: Call, most: int, connect: float, stop: threading.Event) -> Reply:
    """Make a call and return its answer, of any status.

    Args:
        call: its route is an absolute address without a login: httpx logs it.
        most: bytes that the answer may have; it is read into memory.
        connect: seconds that connecting may take.
        stop: set when nobody waits for it any more.

    Raises:
        Broken: the exchange broke; ``kind`` is "large" where more came than ``most``.
    """
    line = _Line(stop)
    headers = {"Content-Type": "application/json", "Accept-Encoding": "identity", **dict(call.headers)}
    secure = httpx.create_ssl_context() if call.route.startswith("https") else False
    timeout = httpx.Timeout(call.timeout, connect=connect)
    try:
        with (
            unsigned(),
            line,
            httpx.Client(verify=secure, timeout=timeout, trust_env=not is_local(call.route)) as client,
            client.stream(
                call.method, call.route, content=call.body, headers=headers, extensions={"trace": line.note}
            ) as response,
        ):
            return reply_of(response, _read(response, most))
    except BREAKS as error:
        raise broken_by(error) from error
    except httpx.InvalidURL as error:
        raise Broken("refused", str(error)) from error


def _read(response: httpx.Response, most: int) -> bytes:
    body = bytearray()
    for chunk in response.iter_bytes():
        body += chunk
        if len(body) > most:
            raise Broken("large", f"the answer has more than {most // 1024} KiB")
    return bytes(body)


class _Line:
    """The connection of one call; it is cut when nobody waits for the call any more."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._sockets = list[socket.socket]()
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        threading.Thread(target=self._watch, name="comfy-headless-line", daemon=True).start()

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._sockets.clear()

    def note(self, event: str, info: dict[str, Any]) -> None:
        """Be told by httpcore what it does: note each connection that it opens, also one that TLS was put on."""
        tell: Callable[[str], Any] | None = getattr(info.get("return_value"), "get_extra_info", None)
        sock = tell("socket") if tell is not None and event.endswith(".complete") else None
        if isinstance(sock, socket.socket):
            with self._lock:
                self._sockets.append(sock)
            if self._stop.is_set():
                self._cut()

    def _watch(self) -> None:
        self._stop.wait()
        self._cut()

    def _cut(self) -> None:
        with self._lock:
            for sock in self._sockets:
                with suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
