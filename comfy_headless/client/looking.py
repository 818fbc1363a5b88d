"""Have a finished video or image looked at: a path and what was asked in, one line for each thing that is off."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from comfy_headless.errors import MediaError
from comfy_headless.features import require


def look_at(path: str, asked: Mapping[str, Any]) -> tuple[str, ...]:
    """Open a video or image and say what is off; ``asked`` are arguments of ``media.look.look``.

    Raises:
        FeatureMissingError: the extra ``media`` is not installed.
    """
    require("media", "a look at what was made")
    from comfy_headless.media.look import look

    try:
        return tuple(map(str, look(Path(path), **asked)))
    except MediaError as error:
        return (f"it cannot be read: {error}",)
