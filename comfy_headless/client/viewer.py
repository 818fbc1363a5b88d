"""Let the system show a file."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path


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
