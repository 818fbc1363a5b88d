"""Which optional extras are installed, found out without importing them.

An extra is there when the room that uses it is built, every module it needs is found, and each of those modules is
the file of the right distribution: other distributions install modules named ``ffmpeg`` and ``pynvml`` too.
What is missing is not remembered: an extra that is installed while the program runs is seen at the next look. What
was found once is taken for there.
"""

from __future__ import annotations

import base64
import hashlib
import re
import shlex
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from .errors import FeatureMissingError, ValidationError

if TYPE_CHECKING:
    from importlib.metadata import Distribution

_DISTRIBUTION: Final = "comfy-headless"
_FIRST_VERSION: Final = "4.0.0.dev0"  # an index carries another project under this name, up to 3.1.1


class _Need(NamedTuple):
    """A module, the distribution that must have put it there, and the lowest version of that one."""

    module: str
    distribution: str
    version: tuple[int, ...]


class _Extra(NamedTuple):
    room: str
    needs: tuple[_Need, ...]


_MEDIA = (
    _Need("ffmpeg", "ffmpeg-python", (0, 2)),
    _Need("imageio_ffmpeg", "imageio-ffmpeg", (0, 5)),
    _Need("av", "av", (15,)),
    _Need("PIL", "pillow", (10, 1)),
)
# The same numbers stand in pyproject.toml; a test compares.
_EXTRAS: Final[Mapping[str, _Extra]] = MappingProxyType(
    {
        "websocket": _Extra(
            "transport", (_Need("websockets", "websockets", (15,)), _Need("sniffio", "sniffio", (1, 3)))
        ),
        "ai": _Extra("ai.analyzing", ()),
        "health": _Extra("health", (_Need("psutil", "psutil", (5, 9)), _Need("pynvml", "nvidia-ml-py", (12,)))),
        "media": _Extra("media", _MEDIA),
        "cli": _Extra("cli", (_Need("typer", "typer", (0, 16)), _Need("rich", "rich", (13,)))),
        "models": _Extra(
            "models", (_Need("huggingface_hub", "huggingface_hub", (1, 0)), _Need("yaml", "pyyaml", (6,)))
        ),
        "simulator": _Extra("simulator", (*_MEDIA, _Need("aiohttp", "aiohttp", (3, 10)))),
    }
)


class _Features(Mapping[str, bool]):
    """Read-only mapping of an extra's name to whether it can be used; looks when it is asked."""

    def __getitem__(self, extra: str) -> bool:
        if extra not in _EXTRAS:
            raise KeyError(extra)
        try:
            _found(extra)
        except LookupError:
            return False
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(_EXTRAS)

    def __len__(self) -> int:
        return len(_EXTRAS)

    def __repr__(self) -> str:
        return repr(dict(self))


FEATURES: Final[Mapping[str, bool]] = _Features()
"""Every extra (all but ``all`` and ``dev``) and whether it can be used: ``FEATURES["websocket"]``."""


def list_missing_features() -> dict[str, str]:
    """Return each extra that cannot be used with the command that installs it, or the remark that it is not built."""
    return {extra: install_hint(extra) for extra, there in FEATURES.items() if not there}


def require(extra: str, purpose: str) -> None:
    """Raise unless an extra can be used.

    Args:
        extra: a key of ``FEATURES``.
        purpose: what needs it, the subject of the message: ``"the command line"``.

    Raises:
        FeatureMissingError: the extra is missing; the message says why and names the command.
        ValidationError: there is no such extra.
    """
    try:
        _found(extra)
    except LookupError as error:
        reason, hint = error.args[0], install_hint(extra)
        message = f"{purpose} needs the extra {extra!r}: {reason}"
        raise FeatureMissingError(
            f"{message}; {hint}" if _built(extra) else message, extra=extra, install=hint
        ) from None


@cache
def _found(extra: str) -> None:
    """Raise LookupError with the reason while an extra is missing; one that was found is not asked for again.

    The files of its packages are hashed, which takes 10 to 20 ms.
    """
    reason = missing_reason(extra)
    if reason is not None:
        raise LookupError(reason)


def missing_reason(extra: str) -> str | None:
    """Say why an extra cannot be used, or return None if it can.

    Raises:
        ValidationError: there is no such extra.
    """
    if extra not in _EXTRAS:
        near = get_close_matches(extra.lower(), _EXTRAS, n=1)
        ask = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(_EXTRAS)}"
        raise ValidationError(f"no extra {extra!r}; {ask}")
    if not _built(extra):
        return "this part is not built in this version"
    return next((fault for need in _EXTRAS[extra].needs if (fault := _fault(need)) is not None), None)


def install_hint(extra: str) -> str:
    """Return the command that installs an extra of what is really here: a checkout, or an installed distribution."""
    if not _built(extra):
        return "nothing to install: this part is not built in this version"
    checkout = Path(__file__).resolve().parents[1]
    if _is_checkout(checkout):
        return f"pip install -e {shlex.quote(f'{_from_here(checkout)}[{extra}]')}"
    # Without -U, pip keeps the version that is installed and adds what its extra lacks, whatever the index holds.
    bound = "" if _installed() else f">={_FIRST_VERSION}"
    return f"pip install {shlex.quote(f'{_DISTRIBUTION}[{extra}]{bound}')}"


def _built(extra: str) -> bool:
    room = find_spec(f"{__package__}.{_EXTRAS[extra].room}")
    return room is not None and room.origin is not None  # a folder without modules has none


def _is_checkout(folder: Path) -> bool:
    try:
        return f'name = "{_DISTRIBUTION}"' in (folder / "pyproject.toml").read_text(encoding="utf-8")
    except OSError:
        return False


def _from_here(checkout: Path) -> str:
    try:
        return "." if Path.cwd() == checkout else str(checkout)
    except OSError:  # the current folder was deleted
        return str(checkout)


def _installed() -> bool:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return _numbers(version(_DISTRIBUTION)) >= _numbers(_FIRST_VERSION)
    except PackageNotFoundError:
        return False


def _fault(need: _Need) -> str | None:
    from importlib.metadata import PackageNotFoundError, distribution

    spec = find_spec(need.module)
    if spec is None or spec.origin is None:
        of = "" if need.module == need.distribution else f" of {need.distribution}"
        return f"module {need.module!r}{of} is not installed"
    try:
        found = distribution(need.distribution)
    except PackageNotFoundError:
        return f"module {need.module!r} at {spec.origin} is not the one of {need.distribution}"
    if not _owns(found, Path(spec.origin)):
        return f"module {need.module!r} at {spec.origin} is not the one of {need.distribution} {found.version}"
    if _numbers(found.version) < need.version:
        wanted = ".".join(map(str, need.version))
        return f"{need.distribution} {found.version} is installed, at least {wanted} is needed"
    return None


def _owns(found: Distribution, origin: Path) -> bool:
    """Tell whether a module's file is the one that the distribution installed.

    Two distributions that install the same path overwrite each other and both list it: the hash tells whose it is.
    """
    if found.files is None or '"editable": true' in (found.read_text("direct_url.json") or ""):
        return True  # a system package keeps no list of its files, an editable install does not list its modules
    home, module = Path(str(found.locate_file(""))).resolve(), origin.resolve()
    if not module.is_relative_to(home):
        return False
    listed = next((file for file in found.files if file.as_posix() == module.relative_to(home).as_posix()), None)
    if listed is None or listed.hash is None:
        return listed is not None
    digest = hashlib.new(listed.hash.mode, module.read_bytes()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == listed.hash.value


def _numbers(version: str) -> tuple[int, ...]:
    """Return the leading numbers of a version: ``"4.0.0.dev0"`` is ``(4, 0, 0)``."""
    numbers = re.match(r"\d+(\.\d+)*", version)
    return tuple(map(int, numbers[0].split("."))) if numbers else ()
