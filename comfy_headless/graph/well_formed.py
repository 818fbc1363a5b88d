"""Whether what a server says of a node class has the shape that ComfyUI gives it: the rest relies on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def is_well_formed(raw: Any) -> bool:
    """Say whether ``raw`` is one value of ``GET /object_info``, as far as a check reads it."""
    if not isinstance(raw, Mapping) or not isinstance(raw.get("input"), Mapping):
        return False
    sections = [each for each in raw["input"].values() if each is not None]
    if not all(isinstance(each, Mapping) for each in sections):
        return False
    outputs = raw.get("output")
    return isinstance(outputs, list | tuple) and all(_is_spec(spec) for each in sections for spec in each.values())


def _is_spec(spec: Any) -> bool:
    """A type or a list of choices, and what else is said of it; hidden inputs are plain words."""
    if isinstance(spec, str):
        return True
    if not isinstance(spec, list | tuple) or not spec or not isinstance(spec[0], str | list | tuple):
        return False
    return len(spec) == 1 or isinstance(spec[1], Mapping)
