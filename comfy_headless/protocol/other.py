"""Ask a server for anything: the routes of node packs, and those that have no call of their own."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

from comfy_headless.errors import ComfyUIConnectionError, ValidationError
from comfy_headless.protocol.access import header_problem
from comfy_headless.protocol.conversation import Server, offline
from comfy_headless.protocol.effects import Broken, Call, Flow, Part, Reply, json_body

_LONGEST: Final = 60_000
"""Characters of route and query; httpx takes 65,536 of an address, servers as a rule 8,000."""
_UNFIT: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def request(server: Server, call: Call) -> Flow[Reply]:
    """Make one exchange, once; whatever the status, the answer is the caller's.

    Raises:
        ComfyUIOfflineError: no connection; nothing was sent.
        ComfyUIConnectionError: the exchange broke; the server may have done what was asked.
        ValidationError: a file cannot be read.
    """
    try:
        reply: Reply = yield call
    except Broken as broken:
        problem = f"{call.method} {call.route}: {broken}"
        if broken.kind == "refused":
            raise offline(server, problem) from None
        raise ComfyUIConnectionError(f"{server.url}: {problem}", url=server.url) from broken
    except OSError as error:
        raise ValidationError(f"{error.filename or 'a file'}: {error.strerror or error}") from error
    return reply


def call_of(
    server: Server,
    method: str,
    route: str,
    *,
    params: Mapping[str, Any] | None = None,
    json: Any = None,
    data: Mapping[str, Any] | bytes | str | None = None,
    files: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    timeout: float | None = None,
) -> Call:
    """Return the exchange that is asked for; raises ValidationError.

    Args:
        route: from the server's base address on, such as ``/manager/version``; never another server.
        params: of the query: texts, numbers, True and False; a list is given once for each, None is left out.
        json: the body, as JSON.
        data: the body as bytes or text, or the fields of a form.
        files: of a form, by field: a path, bytes, or ``(name, path or bytes)``.
        headers: besides those that let one in.
        timeout: seconds of silence.
    """
    verb = method.upper() if isinstance(method, str) else ""
    if verb not in METHODS:
        raise ValidationError(f"method={method!r}; there are: {', '.join(METHODS)}")
    named = dict(_header(name, value) for name, value in (headers or {}).items())
    kind, body = None, None
    form: tuple[tuple[str, str], ...] = ()
    if json is not None:
        if data is not None or files is not None:
            raise ValidationError("json=, data=, files=: a body is JSON or a form; give json= alone")
        kind, body = "application/json", json_body(json)
    elif isinstance(data, Mapping):
        form = _pairs(data, "data")
        if files is None:
            kind, body = "application/x-www-form-urlencoded", urlencode(form).encode()
    elif data is not None:
        if files is not None:
            raise ValidationError("data=, files=: beside files, data= is a dict of the form's fields")
        kind, body = _raw(data)
    if kind is not None:
        named.setdefault("Content-Type", kind)
    return Call(
        verb,
        *_fitting(_route(route), _pairs(params or {}, "params")),
        body,
        form,
        tuple(_part(field, file) for field, file in (files or {}).items()),
        timeout=server.timing.transfer if timeout is None else _seconds(timeout),
        headers=tuple(named.items()),
    )


def _route(route: Any) -> str:
    text = route if isinstance(route, str) else ""
    parts = urlsplit(text)
    if not text.startswith("/") or text.startswith("//") or parts.scheme or parts.netloc or "\\" in text:
        raise ValidationError(f"route={repr(route)[:80]}: expected a path on the server, such as /system_stats")
    if _UNFIT.search(text):
        raise ValidationError(f"route={repr(route)[:80]}: it has line breaks or other signs that no address holds")
    return text


def _fitting(route: str, params: tuple[tuple[str, str], ...]) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Return what an address holds, if it is not too long for one."""
    try:
        length = len(quote(route)) + len(urlencode(params))
    except UnicodeEncodeError:
        raise ValidationError("params: half of a surrogate pair is no text") from None
    if length > _LONGEST:
        raise ValidationError(
            f"route={repr(route)[:80]}: {length:,} characters with params=; an address has room for {_LONGEST:,}. What "
            "is long goes into json= or data="
        )
    return route, params


def _header(name: Any, value: Any) -> tuple[str, str]:
    texts = isinstance(name, str) and isinstance(value, str)
    problem = header_problem(name, value) if texts else "expected a name and a text"
    if problem is not None:
        raise ValidationError(f"headers: {repr(name)[:80]}: {problem}")
    return ("Content-Type", value) if name.lower() == "content-type" else (name, value)


def _pairs(given: Mapping[str, Any], what: str) -> tuple[tuple[str, str], ...]:
    if not isinstance(given, Mapping):
        raise ValidationError(f"{what}={repr(given)[:80]}: expected a dict")
    pairs = []
    for name, value in given.items():
        many = isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping)
        pairs += [
            (str(name), _word(each, f"{what}[{name!r}]")) for each in (value if many else [value]) if each is not None
        ]
    return tuple(pairs)


def _word(value: Any, what: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise ValidationError(f"{what}={repr(value)[:80]}: expected a text, a number, True or False")


def _raw(data: Any) -> tuple[str, bytes]:
    if isinstance(data, str):
        return "text/plain; charset=utf-8", data.encode()
    if isinstance(data, bytes | bytearray):
        return "application/octet-stream", bytes(data)
    raise ValidationError(f"data={repr(data)[:80]}: expected bytes, a text, or a dict of a form's fields")


def _part(field: str, file: Any) -> Part:
    name, content = (
        file if isinstance(file, Sequence) and not isinstance(file, str | bytes) and len(file) == 2 else (None, file)
    )
    if isinstance(content, os.PathLike):
        content = os.fspath(content)
    if not isinstance(content, str | bytes):
        raise ValidationError(f"files[{field!r}]={repr(file)[:80]}: expected a path, bytes, or (name, path or bytes)")
    given = name or (PurePath(content).name if isinstance(content, str) else field)
    return Part(field, str(given), content)


def _seconds(timeout: Any) -> float:
    if isinstance(timeout, int | float) and not isinstance(timeout, bool) and timeout > 0:
        return timeout
    raise ValidationError(f"timeout={timeout!r}: give seconds above 0")
