"""Have a finished video looked at: a path and the settings in, one line for each thing that is off."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from comfy_headless.errors import MediaError
from comfy_headless.features import require


def look_at(path: str, settings: Mapping[str, Any]) -> tuple[str, ...]:
    """Open a video and say what is off, measured against the settings it was made with.

    Raises:
        FeatureMissingError: the extra ``media`` is not installed.
    """
    require("media", "a look at the video")
    from comfy_headless.media.look import look

    asked = {name: settings[name] for name in ("width", "height", "frames", "fps") if settings.get(name) is not None}
    try:
        return tuple(map(str, look(Path(path), **asked)))
    except MediaError as error:
        return (f"it cannot be read: {error}",)
