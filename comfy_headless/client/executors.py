"""Which executor a client's address means: an object, a name of ours, or one that an installed package brings."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, Final, TypeGuard, cast

from comfy_headless.errors import ValidationError
from comfy_headless.graph.values import nearest, shown
from comfy_headless.protocol.executor import Executor

EXECUTORS: Final[Mapping[str, str]] = {
    "runninghub": "comfy_headless.cloud.runninghub:RunningHub",
}
"""Ours, by the name that stands for one where an address goes: a class, made without arguments."""

GROUP: Final = "comfy_headless.executors"
"""The entry points by which a package brings its own."""


def executor_of(place: Any) -> Executor | None:
    """Return the executor that is meant; None for an address, or for what may be one.

    Args:
        place: an executor, its name, or the address of a server.

    Raises:
        ValidationError: it cannot be made, as without a key.
    """
    if not isinstance(place, str):
        return place if is_executor(place) else None
    name = place.strip().lower()
    if name in EXECUTORS:
        module, _, attribute = EXECUTORS[name].partition(":")
        return cast(Executor, getattr(import_module(module), attribute)())
    if not name or set(name) & set("./:"):
        return None
    for point in entry_points(group=GROUP, name=name):
        made = point.load()()
        if not is_executor(made):
            raise ValidationError(f"{shown(place)}: {point.value} of {_package(point)} makes no executor")
        return made
    return None


def is_executor(place: object) -> TypeGuard[Executor]:
    """Say whether this is an executor: it has what ``protocol.executor.Executor`` asks for."""
    asked = [name for name in vars(Executor) if not name.startswith("_")]
    return not isinstance(place, type) and all(hasattr(place, name) for name in asked)


def near_names(place: str) -> str:
    """Return the names that are like this one, in words to put behind an error; empty where none is."""
    return nearest(place.strip().lower(), tuple(EXECUTORS))


def _package(point: Any) -> str:
    return point.dist.name if point.dist is not None else "an unknown package"
