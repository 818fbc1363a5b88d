"""Who is talked to by Comfy's API v2: an address and a key, and the calls that carry it there and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urljoin, urlsplit

from comfy_headless.cloud.comfy_cloud_refusals import read_answer
from comfy_headless.errors import ComfyUIOfflineError
from comfy_headless.protocol.conversation import Attempt
from comfy_headless.protocol.effects import Call, Part, Reply

CLOUD_HOST: Final = "cloud.comfy.org"
DEPLOYMENT_HOSTS: Final = ".run.comfy.app"
PREFIX: Final = "/api/v2"


@dataclass(frozen=True, slots=True)
class Api:
    """An address that speaks the API.

    Args:
        name: how messages call it.
        address: without a trailing slash.
        key: sent as ``Authorization: Bearer``; None: nothing is.
        partner_key: for nodes that cost money, sent with each job; None: none is.
    """

    name: str
    address: str
    key: str | None = field(default=None, repr=False)
    partner_key: str | None = field(default=None, repr=False)

    @property
    def host(self) -> str:
        """Its host, without a port."""
        return urlsplit(self.address).hostname or ""

    def call(
        self,
        method: str,
        path: str,
        *,
        params: Sequence[tuple[str, str]] = (),
        body: bytes | None = None,
        form: Sequence[tuple[str, str]] = (),
        parts: Sequence[Part] = (),
        timeout: float,
        headers: Sequence[tuple[str, str]] = (),
    ) -> Call:
        """Return a call of a route of the API, such as ``/jobs``."""
        route = f"{self.address}{PREFIX}{path}"
        return Call(method, route, params, body, form, parts, timeout, headers=(*self.headers_for(route), *headers))

    def headers_for(self, url: str) -> tuple[tuple[str, str], ...]:
        """Return what a call of ``url`` must carry: the key, at its own address alone."""
        here, there = (urlsplit(each)[:2] for each in (self.address, url))
        return (("Authorization", f"Bearer {self.key}"),) if self.key and here == there else ()

    def absolute(self, url: str) -> str:
        """Return an address that an answer names, which may begin with the path.

        Such a path has in it what the address has; it is taken from the host on (openapi-v2.yaml, JobUrls).
        """
        return urljoin(f"{self.address}/", url)

    def read(self, call: Call, reply: Reply) -> Attempt:
        """Read an answer, as ``read_answer`` does, as if it did not repeat a key."""
        return read_answer(call, self.hide(reply))

    def hide(self, reply: Reply) -> Reply:
        """Return an answer as if it did not repeat a key."""
        body = reply.body
        for secret in (self.key, self.partner_key):
            if secret and secret.encode() in body:
                body = body.replace(secret.encode(), b"***")
        return reply if body is reply.body else Reply(reply.status, reply.headers, body)

    def offline(self, problem: str) -> ComfyUIOfflineError:
        """Return the error for an address where nothing answers."""
        hint = ""
        if self.host in ("localhost", "127.0.0.1", "::1"):
            hint = "; start what serves the API v2 there (comfy-api-proxy), or give ComfyCloud another base_url="
        elif self.host.endswith(DEPLOYMENT_HOSTS):
            hint = "; is the deployment's name right?"
        return ComfyUIOfflineError(f"{self.name} does not answer at {self.address}: {problem}{hint}", url=self.address)
