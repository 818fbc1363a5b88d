"""Names of comfy-headless 3.x that a call still takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from comfy_headless.errors import ValidationError
from comfy_headless.graph.values import shown

_NOW: Final = {"init_image": "image"}


def renamed(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a preset is asked for under the names of today; raises ValidationError where both are given."""
    found = dict(values)
    for old, name in _NOW.items():
        value = found.pop(old, None)
        if value is None:
            continue
        if found.get(name) is not None:
            raise ValidationError(
                f"{old}={shown(value)} and {name}={shown(found[name])}: the same by two names; give {name}="
            )
        found[name] = value
    return found
