"""Open what a job made: as a picture of Pillow's, or with what the system opens such files with."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from comfy_headless.errors import MediaError
from comfy_headless.features import require

if TYPE_CHECKING:
    from PIL import Image


def open_image(data: bytes, name: str) -> Image.Image:
    """Return a picture, loaded whole.

    Raises:
        MediaError: it cannot be read.
        FeatureMissingError: the extra ``media`` is not installed.
    """
    require("media", "a picture as an object")
    from PIL import Image

    from comfy_headless.media.probe import PICTURE_ERRORS

    try:
        picture = Image.open(io.BytesIO(data))
        picture.load()
    except PICTURE_ERRORS as error:
        raise MediaError(f"{name!r} cannot be read as a picture: {error}") from error
    return picture


def open_with_system(path: Path) -> bool:
    """Let the system open a file with the program that people use for such files; False where there is none."""
    if sys.platform == "win32":
        os.startfile(path)
        return True
    opener = "open" if sys.platform == "darwin" else "xdg-open"
    screen = sys.platform == "darwin" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    command = shutil.which(opener)
    if command is None or not screen:
        return False
    silent = subprocess.DEVNULL
    done = subprocess.run([command, str(path.absolute())], stdin=silent, stdout=silent, stderr=silent, check=False)
    return done.returncode == 0
