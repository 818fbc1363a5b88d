"""How one server is reached: where, with which headers, cookies and certificates; the same for HTTP and its WebSocket.

Made once for each transport. Nothing of it is logged: neither by this package, nor by websockets, which would write
the headers of its handshake.
"""

from __future__ import annotations

import logging
import ssl
from functools import cache, cached_property
from http.cookiejar import CookieJar
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from comfy_headless.config import is_local
from comfy_headless.errors import ValidationError, without_secrets
from comfy_headless.protocol.access import basic, login_in
from comfy_headless.protocol.conversation import Server
from comfy_headless.transport.lanes import KEPT

MAX_FRAME: Final = 256 * 1024 * 1024
"""Largest WebSocket frame accepted, in bytes; a preview of a large picture passes websockets' default of 1 MiB."""

_SILENT: Final = logging.getLogger("comfy_headless.websockets")
_SILENT.setLevel(logging.INFO)


class Reach:
    """What the connections to one server have in common.

    A plain http address needs no certificates (40 ms); nothing is redirected to https unseen, since redirects are
    answers like others. A server on this machine is never reached through a proxy. Cookies are shared: something in
    front of the server may know a client by them. A login is kept apart from the address: httpx logs each address.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._parts = urlsplit(server.address)
        self.base, self.auth = login_in(server.address)
        self.is_secret = without_secrets(self.base) != self.base
        self.trusts_environment = not is_local(server.address)
        self.cookies = httpx.Cookies(CookieJar())
        for name, value in server.access.cookies:
            self.cookies.set(name, value)

    @cached_property
    def _context(self) -> ssl.SSLContext:
        access = self._server.access
        secure = self._parts.scheme == "https" and access.verify
        context = httpx.create_ssl_context(verify=secure, trust_env=self.trusts_environment)
        if access.ca is not None and secure:
            context.load_verify_locations(access.ca)
        return context

    @cached_property
    def http_options(self) -> dict[str, Any]:
        """The arguments of all ``httpx.Client`` or ``httpx.AsyncClient`` of a transport, one for each lane."""
        timing = self._server.timing
        return {
            "base_url": self.base,
            "auth": self.auth,
            "headers": list(self._server.access.headers),
            "verify": self._context,
            "trust_env": self.trusts_environment,
            "cookies": self.cookies.jar,
            "timeout": httpx.Timeout(timing.read, connect=timing.connect, pool=None),
            "limits": httpx.Limits(max_connections=None, max_keepalive_connections=1, keepalive_expiry=KEPT),
        }

    def is_elsewhere(self, route: str) -> bool:
        """Say whether a route is an absolute address: nothing goes there that lets one in at this server.

        Raises:
            ValidationError: it is a route of a ComfyUI server, and this is none.
        """
        if route.startswith(("http://", "https://")):
            return True
        executor = self._server.executor
        if executor is not None:
            raise ValidationError(f"{executor.name} has no route {route.partition('?')[0]}; a ComfyUI server has it")
        return False

    @cached_property
    def elsewhere_options(self) -> dict[str, Any]:
        """The arguments of the clients for absolute addresses: as `http_options`, without all that is this server's."""
        access, timing = self._server.access, self._server.timing
        if access.ca is None and access.verify:
            context = _usual_context(trust_environment=self.trusts_environment)
        else:
            context = httpx.create_ssl_context(verify=access.verify, trust_env=self.trusts_environment)
            if access.ca is not None and access.verify:
                context.load_verify_locations(access.ca)
        return {
            "verify": context,
            "trust_env": self.trusts_environment,
            "timeout": httpx.Timeout(timing.read, connect=timing.connect, pool=None),
            "limits": httpx.Limits(max_connections=None, max_keepalive_connections=1, keepalive_expiry=KEPT),
        }

    def through_another(self, options: dict[str, Any], *, elsewhere: bool) -> dict[str, Any]:
        """Return the arguments of a request for a client of the caller's, which knows nothing of this server.

        Whatever that client does with redirects, these requests follow none: our headers would go along.

        Args:
            elsewhere: it goes to an absolute address, so nothing of ours does.
        """
        if elsewhere:
            return {**options, "follow_redirects": False}
        headers = httpx.Headers(list(self._server.access.headers))
        cookies = self._cookie_header()
        if cookies:
            headers["Cookie"] = cookies
        headers.update(options.get("headers"))
        login = {"auth": self.auth} if self.auth else {}
        return {**options, "headers": headers, "follow_redirects": False, **login}

    def socket_options(self, client_id: str, limit: float) -> dict[str, Any]:
        """Return the arguments of ``websockets.connect``: address, headers, certificates, limits.

        Args:
            limit: seconds that opening may take.
        """
        cookies = self._cookie_header()
        login = [("Authorization", basic(*self.auth))] if self.auth else []  # websockets takes no user without password
        return {
            "uri": socket_address(self.base, client_id),
            "additional_headers": [*self._server.access.headers, *login, *([("Cookie", cookies)] if cookies else [])],
            "ssl": self._context if self._parts.scheme == "https" else None,
            "proxy": True if self.trusts_environment else None,
            "max_size": MAX_FRAME,
            "open_timeout": limit,
            "close_timeout": 1,
            "ping_timeout": 60,
            "compression": None,
            "logger": _SILENT,
        }

    def _cookie_header(self) -> str | None:
        request = httpx.Request("GET", self.base)
        self.cookies.set_cookie_header(request)
        cookies: str | None = request.headers.get("Cookie")
        return cookies


@cache
def _usual_context(*, trust_environment: bool) -> ssl.SSLContext:
    return httpx.create_ssl_context(trust_env=trust_environment)


def socket_address(url: str, client_id: str) -> str:
    """Return the address of the WebSocket of the server at ``url``."""
    return f"ws{url[len('http') :]}/ws?clientId={client_id}"
