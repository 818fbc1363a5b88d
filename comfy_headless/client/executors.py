"""Which executor a client's address means: an object, a name of ours, or one that an installed package brings."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, Final, TypeGuard, cast

from comfy_headless.config import named_url
from comfy_headless.errors import ValidationError
from comfy_headless.graph.near import find_near
from comfy_headless.graph.values import nearest, shown
from comfy_headless.protocol.executor import Executor

EXECUTORS: Final[Mapping[str, str]] = {
    "comfy-cloud": "comfy_headless.cloud.comfy_cloud:ComfyCloud",
    "runninghub": "comfy_headless.cloud.runninghub:RunningHub",
}
"""Ours, by the name that stands for one where an address goes: a class, made without arguments."""

GROUP: Final = "comfy_headless.executors"
"""The entry points by which a package brings its own."""


_NEAR: Final = 0.75
"""How like an executor's name a bare word must be to be taken for a slip."""

TYPE: Final = "COMFYUI_EXECUTOR_TYPE"
"""The variable of ComfyKit that says how jobs are run; here it may name an executor, too."""

_TYPES: Final[Mapping[str, str]] = {"": "auto", "http": "polling", "websocket": "websocket"}
"""What ComfyKit's words mean for ``transport=``."""


def executor_of(place: Any, environ: Mapping[str, str] | None = None) -> Executor | None:
    """Return the executor that is meant; None for an address, or for what may be one.

    Args:
        place: an executor, its name, or the address of a server; None is what the environment names.
        environ: None is this process's environment.

    Raises:
        ValidationError: it cannot be made, as without a key.
    """
    if place is not None and not isinstance(place, str):
        return place if is_executor(place) else None
    name = executor_name(place, environ)
    return None if name is None else _made(name)


def executor_name(place: str | None, environ: Mapping[str, str] | None = None) -> str | None:
    """Return the name of the executor that is meant; None for an address, or for what may be one.

    Args:
        place: a name or an address; None is COMFYUI_EXECUTOR_TYPE, where it names one, then COMFY_HEADLESS_URL.
        environ: None is this process's environment.

    Raises:
        ValidationError: it is nearly the name of one, and so hardly that of a host.
    """
    variables = os.environ if environ is None else environ
    kind = variables.get(TYPE, "").strip().lower()
    named = place if place is not None else kind if kind not in _TYPES else named_url(variables)
    name = (named or "").strip().lower()
    if not name or set(name) & set("./:"):
        return None
    if name in EXECUTORS or entry_points(group=GROUP, name=name):
        return name
    by_type = place is None and kind not in _TYPES  # `transport_of` says what is wrong with that
    close = [] if by_type else find_near(name, _names(), cutoff=_NEAR)
    if close:
        raise ValidationError(
            f"server {shown(named)}: did you mean {close[0]!r}? By a name there are: {', '.join(_names())}; "
            f"a host of this name is http://{name}"
        )
    return None


def word_of(executor: Executor) -> str:
    """Return the name by which an executor of this kind is made; empty where none is."""
    made = f"{type(executor).__module__}:{type(executor).__qualname__}"
    brought = {point.name: point.value for point in entry_points(group=GROUP)}
    return next((name for name, value in {**brought, **EXECUTORS}.items() if value == made), "")


def _names() -> list[str]:
    return sorted({*EXECUTORS, *(point.name for point in entry_points(group=GROUP))})


def transport_of(transport: str | None, environ: Mapping[str, str] | None = None) -> str:
    """Return how a ComfyUI server is listened to: the argument, then COMFYUI_EXECUTOR_TYPE, then "auto".

    Raises:
        ValidationError: there is no such executor.
    """
    if transport is not None:
        return transport
    variables = os.environ if environ is None else environ
    kind = variables.get(TYPE, "").strip()
    if kind.lower() not in _TYPES and executor_name(None, variables) is None:
        known = (*(each for each in _TYPES if each), *EXECUTORS)
        raise ValidationError(f"{TYPE}={shown(kind)}; there are: {', '.join(known)}{nearest(kind.lower(), known)}")
    return _TYPES.get(kind.lower(), "auto")


def _made(name: str) -> Executor:
    if name in EXECUTORS:
        module, _, attribute = EXECUTORS[name].partition(":")
        return cast(Executor, getattr(import_module(module), attribute)())
    point = next(iter(entry_points(group=GROUP, name=name)))
    made = point.load()()
    if is_executor(made):
        return made
    package = point.dist.name if point.dist is not None else "an unknown package"
    raise ValidationError(f"{shown(name)}: {point.value} of {package} makes no executor")


def is_executor(place: object) -> TypeGuard[Executor]:
    """Say whether this is an executor: it has what ``protocol.executor.Executor`` asks for."""
    asked = [name for name in vars(Executor) if not name.startswith("_")]
    return not isinstance(place, type) and all(hasattr(place, name) for name in asked)
