"""What both shells share of HTTP: requests of effects, answers without httpx in them, the names of what breaks."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import httpx

from comfy_headless.errors import without_secrets
from comfy_headless.protocol.effects import Broken, Call, Download, Part, Reply
from comfy_headless.protocol.routes import media_type
from comfy_headless.protocol.timing import Timing

logger = logging.getLogger("comfy_headless")

CHUNK: Final = 256 * 1024
BREAKS: Final = (httpx.TransportError, httpx.DecodingError)
"""What httpx raises where an exchange breaks; ``broken_by`` tells it to the flow."""


def request_options(effect: Call, timing: Timing, stack: ExitStack) -> dict[str, Any]:
    """Return the arguments of ``client.request`` for a call; files are opened on ``stack``."""
    options: dict[str, Any] = {"timeout": _timeout(effect, timing)}
    if effect.params:
        options["params"] = list(effect.params)
    if effect.body is not None:
        options["content"] = effect.body
        options["headers"] = {"Content-Type": "application/json"}
    if effect.headers:
        options["headers"] = {**options.get("headers", {}), **dict(effect.headers)}
    if effect.parts:
        options["data"] = dict(effect.form)
        options["files"] = [(part.field, _file(part, stack)) for part in effect.parts]
    return options


def _timeout(effect: Call | Download, timing: Timing) -> httpx.Timeout:
    return httpx.Timeout(effect.timeout, connect=min(effect.timeout, timing.connect), pool=None)


def _file(part: Part, stack: ExitStack) -> tuple[str, Any, str]:
    content = part.content
    opened = stack.enter_context(Path(content).open("rb")) if isinstance(content, str) else content  # noqa: SIM115
    return (part.filename, opened, media_type(part.filename))


def stream_options(effect: Call, timing: Timing) -> dict[str, Any]:
    """Return the arguments of ``client.stream`` for a stream of events."""
    headers = {"Accept": "text/event-stream", "Cache-Control": "no-store", **dict(effect.headers)}
    options: dict[str, Any] = {"headers": headers, "timeout": _timeout(effect, timing)}
    return {**options, "params": list(effect.params)} if effect.params else options


def download_options(effect: Download, timing: Timing) -> dict[str, Any]:
    """Return the arguments of ``client.stream`` for a download."""
    headers = {"Accept-Encoding": "identity", **dict(effect.headers)}
    if effect.offset:
        headers["Range"] = f"bytes={effect.offset}-"
    options: dict[str, Any] = {"headers": headers, "timeout": _timeout(effect, timing)}
    return {**options, "params": list(effect.params)} if effect.params else options


def reply_of(response: httpx.Response, body: bytes = b"") -> Reply:
    """Return the answer without httpx in it."""
    logger.debug("%s %s: %d", response.request.method, _path(response.request), response.status_code)
    return Reply(response.status_code, headers_of(response), body)


def headers_of(response: httpx.Response) -> dict[str, str]:
    """Return the headers with lower-case names."""
    return {name.lower(): value for name, value in response.headers.items()}


def broken_by(error: httpx.TransportError | httpx.DecodingError, response: httpx.Response | None = None) -> Broken:
    """Return what broke, in the words that flows decide by; log which request it was."""
    detail = str(error) or type(error).__name__
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.UnsupportedProtocol | httpx.ProxyError):
        kind = "refused"
    elif isinstance(error, httpx.LocalProtocolError) and detail.startswith("Illegal"):  # h11 repeats the value
        kind, detail = "refused", "nothing was sent, since a header is none that HTTP can carry"
    elif isinstance(error, httpx.TimeoutException):
        kind = "timeout"
    else:
        kind = "reset"
    broken = Broken(kind, detail, headers_of(response) if response is not None else None)
    logger.debug("%s %s broke: %s", error.request.method, _path(error.request), broken)
    return broken


def _path(request: httpx.Request) -> str:
    return without_secrets(request.url.path)


class _Unsigned(logging.Filter):
    """Takes off the addresses that httpx logs what lets one in: a query can be a signature, a path can hold a key."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                without_secrets(str(arg.copy_with(query=None))) if isinstance(arg, httpx.URL) else arg
                for arg in record.args
            )
        return True


@contextmanager
def unsigned() -> Iterator[None]:
    """Keep what lets one in out of what httpx logs."""
    httpx_logger, filtering = logging.getLogger("httpx"), _Unsigned()
    httpx_logger.addFilter(filtering)
    try:
        yield
    finally:
        httpx_logger.removeFilter(filtering)
