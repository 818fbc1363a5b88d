"""The room on a disk, where a folder lies or would lie."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from comfy_headless.health.ram import GIB


@dataclass(frozen=True, slots=True)
class Disk:
    """How much room there is.

    Args:
        folder: the folder that was looked at: the one that was asked for, or the nearest above it that is there.
        free_gb: GiB that this user may fill; None if that cannot be known.
        total_gb: GiB in all; None if that cannot be known.
        reason: why nothing can be written there, or why the room is not known; None if there is nothing.
    """

    folder: Path
    free_gb: float | None
    total_gb: float | None
    reason: str | None


def find_disk(folder: Path) -> Disk:
    """Return the room where a folder lies, and whether it can be written to; whatever goes wrong is a reason.

    A folder that is not there is not made; the nearest above it counts. Writing is tried: permissions do not tell of
    a disk that is mounted for reading only.
    """
    there = folder
    try:
        there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
        usage = shutil.disk_usage(there)
        free_gb, total_gb = usage.free / GIB, usage.total / GIB
    except (OSError, ValueError, StopIteration) as error:  # ValueError: a null byte in the name
        return Disk(there, None, None, _words(error))
    try:
        with tempfile.TemporaryFile(dir=there):
            return Disk(there, free_gb, total_gb, None)
    except OSError as error:
        return Disk(there, free_gb, total_gb, _words(error) if there.is_dir() else "a file is where a folder should be")


def _words(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
