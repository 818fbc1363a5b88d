"""Where settings come from: argument, then ``COMFY_HEADLESS_*``, then a default.

Functions only, read anew at each call: no setting is kept here, so a changed environment is seen at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from comfy_headless.errors import ValidationError, without_secrets

DEFAULT_URL = "http://localhost:8188"
_QUOTED = str.maketrans({sign: f"%{ord(sign):02X}" for sign in "'\"<>"})  # in a text, an address ends at these


def server_url(url: str | None = None, environ: Mapping[str, str] | None = None) -> str:
    """Return the base address of the server, without a trailing slash.

    Args:
        url: ``http://host:port`` or ``host:port``, with a path where a proxy gives the server one; None means
            COMFY_HEADLESS_URL, then COMFYUI_BASE_URL, then ``http://localhost:8188``.
        environ: None is this process's environment.

    Raises:
        ValidationError: it is not the address of a web server.
    """
    given = url or named_url(environ) or DEFAULT_URL
    full = given.strip()
    full = (full if "://" in full else f"http://{full}").rstrip("/")
    try:
        parts = urlsplit(full)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or any(character.isspace() for character in full):
        raise ValidationError(f"server {shown_url(given)!r} is not an address; expected something like {DEFAULT_URL}")
    if parts.query or parts.fragment:
        raise ValidationError(
            f"server {shown_url(given)!r}: a base address ends before ? and #; expected something like {DEFAULT_URL}"
        )
    login, at, host = parts.netloc.rpartition("@")
    return full.replace(parts.netloc, f"{login.translate(_QUOTED)}{at}{host}", 1)


def is_local(url: str) -> bool:
    """Return whether an address is of this machine."""
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


def named_url(environ: Mapping[str, str] | None = None) -> str | None:
    """Return the address that COMFY_HEADLESS_URL names, else COMFYUI_BASE_URL, as ComfyKit's users have it; or None."""
    variables = os.environ if environ is None else environ
    return variables.get("COMFY_HEADLESS_URL") or variables.get("COMFYUI_BASE_URL") or None


_VARIABLES: Mapping[str, tuple[str, ...]] = {
    "token": ("COMFY_HEADLESS_TOKEN",),
    "headers": ("COMFY_HEADLESS_HEADERS",),
    "cookies": ("COMFY_HEADLESS_COOKIES", "COMFYUI_COOKIES"),
    "ca": ("COMFY_HEADLESS_CA",),
    "user": ("COMFY_HEADLESS_USER",),
    "api_key": ("COMFY_HEADLESS_API_KEY", "COMFYUI_API_KEY"),
}


class Secrets(NamedTuple):
    """What the environment says of how to be let in; None where it says nothing.

    Blanks and line breaks at the ends are taken off: a file that was read into a variable often leaves one.

    Args:
        token: COMFY_HEADLESS_TOKEN, sent as ``Authorization: Bearer``.
        headers: COMFY_HEADLESS_HEADERS, one ``Name: value`` a line.
        cookies: COMFY_HEADLESS_COOKIES, else COMFYUI_COOKIES: ``name=value; other=value``.
        ca: COMFY_HEADLESS_CA, path of a PEM file.
        user: COMFY_HEADLESS_USER, sent as ``Comfy-User``.
        api_key: COMFY_HEADLESS_API_KEY, else COMFYUI_API_KEY: the key of Comfy.org for nodes that cost money.
    """

    token: str | None = None
    headers: str | None = None
    cookies: str | None = None
    ca: str | None = None
    user: str | None = None
    api_key: str | None = None

    def __repr__(self) -> str:
        return f"Secrets({', '.join(name for name, value in zip(self._fields, self, strict=True) if value)})"


def secrets_for(url: str | None, environ: Mapping[str, str] | None = None) -> Secrets:
    """Return what the environment has to be let in at ``url``.

    It belongs to the server that the environment names, if it names one: another one is told none of it.

    Args:
        url: as for `server_url`.
        environ: None is this process's environment.
    """
    variables = os.environ if environ is None else environ
    if url and named_url(environ) and _place(server_url(url)) != _place(server_url(None, environ)):
        return Secrets()
    return Secrets(*(variables.get(secret_variable(secret, variables), "").strip() or None for secret in _VARIABLES))


def secret_variable(secret: str, environ: Mapping[str, str] | None = None) -> str:
    """Return the variable that says one of `Secrets`; where none does, the one that would."""
    variables = os.environ if environ is None else environ
    names = _VARIABLES[secret]
    return next((name for name in names if variables.get(name, "").strip()), names[0])


def _place(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def shown_url(url: str) -> str:
    """Return an address, even one that is none, without what lets one in; it may lack the ``http://``."""
    scheme, slashes, rest = url.rpartition("//") if "@" not in url.partition("//")[0] else ("", "", url)
    return without_secrets(f"{scheme}{slashes}***@{rest.rpartition('@')[2]}" if "@" in rest else url)


def presets_folder() -> Path:
    """Return the folder of the shipped presets and templates.

    An installed wheel carries it inside the package; in a checkout (an editable install too) it is the
    top-level folder, so that an edited preset counts at once.
    """
    package = Path(__file__).resolve().parent
    inside = package / "presets"
    return inside if inside.is_dir() else package.parent / "presets"


def user_preset_folders(environ: Mapping[str, str] | None = None) -> tuple[Path, ...]:
    """Return the folders that ``COMFY_HEADLESS_PRESETS`` names, separated as in PATH.

    Args:
        environ: None is this process's environment.

    Raises:
        ValidationError: one begins with ``~`` and a name that nobody here has.
    """
    named = (os.environ if environ is None else environ).get("COMFY_HEADLESS_PRESETS", "")
    return tuple(expanded(part, "COMFY_HEADLESS_PRESETS") for part in named.split(os.pathsep) if part.strip())


def comfyui_folder(
    folder: str | os.PathLike[str] | None = None, environ: Mapping[str, str] | None = None
) -> Path | None:
    """Return the folder of a local ComfyUI: the argument, then COMFY_HEADLESS_COMFYUI; None if neither names one.

    Args:
        folder: the one that holds ``main.py`` and ``models``; ``~`` is the user's home.
        environ: None is this process's environment.

    Raises:
        ValidationError: it begins with ``~`` and a name that nobody here has.
    """
    if folder:
        return expanded(folder, "comfyui")
    named = (os.environ if environ is None else environ).get("COMFY_HEADLESS_COMFYUI")
    return expanded(named, "COMFY_HEADLESS_COMFYUI") if named else None


def wildcards_folder(environ: Mapping[str, str] | None = None) -> Path | None:
    """Return the folder of lists for prompt templates that COMFY_HEADLESS_WILDCARDS names; None if it names none.

    Args:
        environ: None is this process's environment.

    Raises:
        ValidationError: it begins with ``~`` and a name that nobody here has.
    """
    named = (os.environ if environ is None else environ).get("COMFY_HEADLESS_WILDCARDS")
    return expanded(named, "COMFY_HEADLESS_WILDCARDS") if named else None


def expanded(path: str | os.PathLike[str], name: str) -> Path:
    """Return a path with the home in place of ``~``.

    Args:
        name: of the argument or variable, for the error.

    Raises:
        ValidationError: nobody knows that home.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        first = Path(path).parts[0]
        raise ValidationError(
            f"{name}={os.fspath(path)!r}: nobody knows where {first} is; write the whole path"
        ) from error


def comfyui_at(url: str) -> Path | None:
    """Return the folder of the ComfyUI at an address; None on another machine, or where nobody names the folder.

    Raises:
        ValidationError: COMFY_HEADLESS_COMFYUI is no folder that anybody knows.
    """
    return comfyui_folder() if is_local(url) else None


def cache_folder(environ: Mapping[str, str] | None = None, platform: str = sys.platform) -> Path:
    """Return the folder for what may be lost: ``COMFY_HEADLESS_CACHE``, else ``comfy-headless`` in the user's.

    It need not exist. The user's is what XDG, Apple and Microsoft say.

    Args:
        environ: None is this process's environment.
        platform: as ``sys.platform``.

    Raises:
        RuntimeError: nobody knows where this user's home is.
    """
    variables = os.environ if environ is None else environ
    named = variables.get("COMFY_HEADLESS_CACHE")
    if named:
        return Path(named).expanduser()
    if platform == "win32":
        local = variables.get("LOCALAPPDATA")
        return (Path(local) if local else Path.home() / "AppData/Local") / "comfy-headless/cache"
    if platform == "darwin":
        return Path.home() / "Library/Caches/comfy-headless"
    told = Path(variables.get("XDG_CACHE_HOME", ""))
    return (told if told.is_absolute() else Path.home() / ".cache") / "comfy-headless"
