"""Look at files on disk: what one holds, whether something is off, a small picture of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from comfy_headless.features import require

if TYPE_CHECKING:
    from comfy_headless.media.look import Finding
    from comfy_headless.media.probe import Probe


def probe(path: str | os.PathLike[str]) -> Probe:
    """Say what a video, sound or picture holds: size, length, frames, rate, codec, sound.

    Raises:
        MediaError: the file cannot be read.
        FeatureMissingError: the extra ``media`` is not installed.
    """
    require("media", "probe")
    from comfy_headless.media.probe import probe as read

    return read(Path(path))


def look(
    path: str | os.PathLike[str],
    *,
    width: int | None = None,
    height: int | None = None,
    frames: int | None = None,
    fps: float | None = None,
    sound: bool | None = None,
) -> tuple[Finding, ...]:
    """Open a video or picture and return what is off; every finished video is looked at so.

    Args:
        width: pixels asked for; None compares nothing, here and below.
        height: the same.
        frames: pictures asked for.
        fps: frames a second asked for.
        sound: whether sound was asked for.

    Raises:
        MediaError: the file cannot be read.
        FeatureMissingError: the extra ``media`` is not installed.
    """
    require("media", "look")
    from comfy_headless.media.look import look as read

    return read(Path(path), width=width, height=height, frames=frames, fps=fps, sound=sound)


def thumbnail(
    path: str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
    *,
    at: float | None = None,
    width: int = 320,
) -> Path:
    """Write a small picture of a video or picture and return its path.

    Args:
        out: a png or jpeg; None is ``<name>.thumbnail.jpg`` beside ``path``. A file of that name is replaced.
        at: seconds from the start; None takes the frame that shows most, of 16 spread over the clip.
        width: pixels; the height follows. A smaller picture is not enlarged.

    Raises:
        MediaError: the file cannot be read, has no picture, or ``out`` cannot be written.
        ValidationError: ``at`` is not within the clip, ``width`` is not positive, ``out`` is no png or jpeg.
        FeatureMissingError: the extra ``media`` is not installed.
    """
    require("media", "thumbnail")
    from comfy_headless.media.thumbnail import thumbnail as write

    return write(Path(path), None if out is None else Path(out), at=at, width=width)
