"""How a client is let in: the caller's arguments, then the environment, read into an ``Access``."""

from __future__ import annotations

import json
import os
import ssl
from collections.abc import Iterator, Mapping
from typing import Any, Final, TypedDict
from urllib.parse import urlsplit

from comfy_headless.config import Secrets, secret_variable, secrets_for, server_url
from comfy_headless.errors import ValidationError
from comfy_headless.protocol.access import Access, basic, header_problem

_OURS: Final = frozenset({"host", "content-length", "transfer-encoding", "connection", "upgrade"})


class Reaching(TypedDict, total=False):
    """What lets a client in; each argument goes before its variable of the environment.

    A blank or a line break at an end is refused in an argument and taken off in a variable, where a file leaves one.

    Args:
        token: sent as ``Authorization: Bearer`` (COMFY_HEADLESS_TOKEN).
        auth: user and password, sent as ``Authorization: Basic``; they may stand in the address too.
        headers: names and values that go with every request and the WebSocket (COMFY_HEADLESS_HEADERS, one
            ``Name: value`` a line).
        cookies: names and values (COMFY_HEADLESS_COOKIES, COMFYUI_COOKIES, ``name=value; other=value``).
        ca: path of a PEM file with certificates that count besides the usual ones (COMFY_HEADLESS_CA).
        verify: False takes any certificate of the server, so anybody between could read along.
        user: sent as ``Comfy-User``: whose settings and workflows count on a server with ``--multi-user``
            (COMFY_HEADLESS_USER).
        api_key: the key of Comfy.org for nodes that cost money, sent with each prompt and never as a header
            (COMFY_HEADLESS_API_KEY, COMFYUI_API_KEY).
    """

    token: str | None
    auth: tuple[str, str] | None
    headers: Mapping[str, str] | None
    cookies: Mapping[str, str] | None
    ca: str | os.PathLike[str] | None
    verify: bool
    user: str | None
    api_key: str | None


def access_of(
    url: str | None,
    *,
    token: str | None = None,
    auth: tuple[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    cookies: Mapping[str, str] | None = None,
    ca: str | os.PathLike[str] | None = None,
    verify: bool = True,
    user: str | None = None,
    api_key: str | None = None,
    environ: Mapping[str, str] | None = None,
) -> Access:
    """Read how to be let in at ``url``. See `Reaching`.

    Args:
        environ: None is this process's environment.

    Raises:
        ValidationError: something cannot be sent, or contradicts something else. The argument or the variable is named,
            no value is shown.
    """
    secrets = secrets_for(url, environ)
    given = {}
    for name, value, source in _pairs(_mapping(headers, "headers")) if headers is not None else _lines(secrets):
        _check_header(name, value, source)
        given[name] = value
    named = {name.lower() for name in given}
    ways = {
        "token=": token is not None,
        "auth=": auth is not None,
        "a header Authorization": "authorization" in named,
        "the address": "@" in urlsplit(server_url(url, environ)).netloc,
    }
    if sum(ways.values()) > 1:
        told = " and ".join(name for name, there in ways.items() if there)
        raise ValidationError(f"{told} each say who you are; give one of them")
    if token is not None:
        given["Authorization"] = f"Bearer {_sendable(token, 'token=')}"
    elif secrets.token is not None and not any(ways.values()):
        given["Authorization"] = f"Bearer {_sendable(secrets.token, secret_variable('token', environ))}"
    if auth is not None:
        given["Authorization"] = basic(*_login(auth))
    if "comfy-user" not in named and (user is not None or secrets.user is not None):
        source = "user=" if user is not None else secret_variable("user", environ)
        given["Comfy-User"] = _sendable(user if user is not None else secrets.user, source)
    return Access(
        tuple(given.items()),
        tuple(_pairs_of_cookies(cookies, secrets, environ)),
        _certificates(ca, "ca=") if ca is not None else _certificates(secrets.ca, secret_variable("ca", environ)),
        _flag(verify),
        _text(api_key, "api_key=") if api_key is not None else secrets.api_key,
    )


def _mapping(value: Any, name: str) -> Mapping[str, str]:
    if value is None or isinstance(value, Mapping):
        return value or {}
    raise ValidationError(f"{name}=: expected names and values, as a dict; got {type(value).__name__}")


def _pairs(values: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Yield name, value, and where they come from as the beginning of an error."""
    for name, value in values.items():
        if not isinstance(name, str) or not isinstance(value, str):
            raise ValidationError(f"{name!r}: expected text for a header or a cookie, got {type(value).__name__}")
        yield name, value, ""


def _lines(secrets: Secrets) -> Iterator[tuple[str, str, str]]:
    for number, line in enumerate((secrets.headers or "").splitlines(), 1):
        name, colon, value = line.partition(":")
        if not colon and line.strip():
            raise ValidationError(f"COMFY_HEADLESS_HEADERS, line {number}: expected 'Name: value'")
        if line.strip():
            yield name.strip(), value.strip(), f"COMFY_HEADLESS_HEADERS, line {number}: "


def _check_header(name: str, value: str, source: str) -> None:
    ours = "this one belongs to the connection; leave it out" if name.lower() in _OURS else None
    problem = ours or header_problem(name, value)
    if problem is not None:
        raise ValidationError(f"{source}header {name!r}: {problem}")


def _text(value: object, source: str) -> str:
    if isinstance(value, str) and value:
        return value
    raise ValidationError(f"{source}: expected text, got {'nothing' if value == '' else type(value).__name__}")


def _sendable(value: object, source: str) -> str:
    """Return the value of a header of ours."""
    text = _text(value, source)
    problem = header_problem("Authorization", text)
    if problem is not None:
        raise ValidationError(f"{source}: {problem}")
    return text


def _login(auth: tuple[str, str]) -> tuple[str, str]:
    if not (isinstance(auth, (tuple, list)) and len(auth) == 2 and all(isinstance(part, str) for part in auth)):
        raise ValidationError("auth=: expected a user and a password, such as auth=('me', password)")
    if ":" in auth[0]:
        raise ValidationError("auth=: a user's name holds no colon")
    return auth


def _pairs_of_cookies(
    given: Mapping[str, str] | None, secrets: Secrets, environ: Mapping[str, str] | None
) -> Iterator[tuple[str, str]]:
    if given is not None:
        found = [*_pairs(_mapping(given, "cookies"))]
    else:
        source = f"{secret_variable('cookies', environ)}: "
        found = [(name, value, source) for name, value in cookies_in(secrets.cookies or "", source).items()]
    for name, value, source in found:
        if header_problem(name, value) is not None or set(value) & set(';," \\'):
            expected = "a name and a value without spaces, commas and semicolons"
            raise ValidationError(f"{source}cookie {name!r}: expected {expected}")
        yield name, value


def cookies_in(text: str, source: str = "") -> dict[str, str]:
    """Return the cookies of a text: ``name=value; name=value``, or a JSON object.

    Args:
        source: where the text comes from, as the beginning of an error.

    Raises:
        ValidationError: it is neither. No value is shown.
    """
    if text.lstrip().startswith("{"):
        try:
            found = json.loads(text)
        except ValueError:
            raise ValidationError(f"{source}cookies: this begins as a JSON object and is none") from None
        return {name: value for name, value, _ in _pairs(_mapping(found, "cookies"))}
    cookies = {}
    for number, part in enumerate(filter(str.strip, text.split(";")), 1):
        name, equals, value = part.partition("=")
        if not equals:
            raise ValidationError(f"{source}cookie {number}: expected name=value")
        cookies[name.strip()] = value.strip()
    return cookies


def _certificates(ca: str | os.PathLike[str] | None, source: str) -> str | None:
    """Return the path of a file that holds certificates; read here, so that a wrong one is said at once."""
    if ca is None:
        return None
    path = os.fspath(ca)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except OSError as error:  # SSLError is one
        words = "no certificate in it (PEM)" if isinstance(error, ssl.SSLError) else error.strerror
        raise ValidationError(f"{source if source.endswith('=') else f'{source}: '}{path!r}: {words}") from error
    return path


def _flag(verify: bool) -> bool:
    if isinstance(verify, bool):
        return verify
    raise ValidationError("verify=: expected True or False; certificates of one's own go to ca=")
