"""What lets a client in at a server: headers, cookies, certificates, a key for paid nodes. Shown nowhere."""

from __future__ import annotations

import base64
import re
from typing import Final, NamedTuple
from urllib.parse import unquote, urlsplit

_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


class Access(NamedTuple):
    """What is sent with every request, to this server alone. Its repr tells names, never values.

    Args:
        headers: names and values; ``Authorization`` and ``Comfy-User`` among them.
        cookies: names and values.
        ca: path of a file with certificates (PEM) that are trusted besides the usual ones; None: the usual ones.
        verify: False: any certificate is taken.
        comfy_org_key: the key of Comfy.org for nodes that cost money. It goes with each prompt, never in a header.
    """

    headers: tuple[tuple[str, str], ...] = ()
    cookies: tuple[tuple[str, str], ...] = ()
    ca: str | None = None
    verify: bool = True
    comfy_org_key: str | None = None

    def __repr__(self) -> str:
        shown = [name for name, _ in self.headers] + [f"cookie {name}" for name, _ in self.cookies]
        return f"Access({', '.join([*shown, *(['comfy_org_key'] if self.comfy_org_key else [])])})"


OPEN = Access()
"""Nothing is needed."""


def login_in(url: str) -> tuple[str, tuple[str, str] | None]:
    """Return an address without its login, and the login: user and password, None if there is none."""
    parts = urlsplit(url)
    login, _, host = parts.netloc.rpartition("@")
    who = (unquote(parts.username or ""), unquote(parts.password or "")) if login else None
    return parts._replace(netloc=host).geturl(), who


def basic(user: str, password: str) -> str:
    """Return the value of ``Authorization`` for a login."""
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


def header_problem(name: str, value: str) -> str | None:
    """Say why a header cannot be sent, without its value; None if it can."""
    if not _NAME.fullmatch(name):
        return "this is no name of a header"
    if value != value.strip():
        return "its value begins or ends with a blank or a line break; value.strip() takes it away"
    if not value.isascii() or not value.isprintable():
        return "its value has characters that no header can hold"
    return None
