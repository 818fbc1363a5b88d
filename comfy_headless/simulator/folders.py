"""The server's folders for files, and how it names what it saves.

Names and the checks on them are those of ComfyUI 0.30.0 (folder_paths.py, server.py): a prefix may hold sub-folders and
``%width%``-like words, a number follows that no file there has yet, nothing is written outside the folder.
"""

from __future__ import annotations

import ntpath
import os
import random
import re
import string
import time
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import Literal

FolderType = Literal["input", "output", "temp"]


class OutsideFolderError(Exception):
    """A prefix leads out of the folder."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A free file name: ``folder / f"{name}_{number:05}_.png"`` does not exist yet."""

    folder: Path
    subfolder: str
    name: str
    number: int

    def file(self, suffix: str, *, batch: int = 0, tail: str = "_") -> str:
        """Return the file's name, for the n-th of a batch."""
        name = self.name.replace("%batch_num%", str(batch))
        return f"{name}_{self.number + batch:05}{tail}.{suffix}"


@dataclass(frozen=True, slots=True)
class Folders:
    """Where uploads, results, previews and users' files lie.

    Args:
        user: of what users keep there.
        base: the server's own folder, in which model folders lie.
        windows: sub-folders are parted by a backslash, as ``os.path`` does there, and a slash is understood.
    """

    input: Path
    output: Path
    temp: Path
    user: Path
    base: Path
    windows: bool = False

    def create(self) -> None:
        """Make the folders that are missing."""
        for folder in (self.input, self.output, self.temp, self.user):
            folder.mkdir(parents=True, exist_ok=True)

    def of(self, kind: str) -> Path | None:
        """Return the folder of a type; None for an unknown type."""
        return {"input": self.input, "output": self.output, "temp": self.temp}.get(kind)

    def below(self, folder: Path, name: str) -> Path:
        """Return the place of what the server or a client calls so, with the separators that it knows."""
        return folder / (PureWindowsPath(name).as_posix() if self.windows else name)

    def slot(self, prefix: str, kind: FolderType, *, width: int = 0, height: int = 0) -> Slot:
        """Return the next free name for a prefix, making its sub-folder.

        Raises:
            OutsideFolderError: the prefix leads out of the folder.
        """
        base = getattr(self, kind)
        assert isinstance(base, Path)
        paths = ntpath if self.windows else os.path
        subfolder, name = paths.split(paths.normpath(_filled_in(prefix, width, height)))
        folder = self.below(base, subfolder).resolve()
        if not inside(folder, base):
            raise OutsideFolderError(
                "**** ERROR: Saving image outside the output folder is not allowed."
                f"\n full_output_folder: {folder}\n         output_dir: {base}"
            )
        folder.mkdir(parents=True, exist_ok=True)
        taken = re.compile(re.escape(name) + r"_(\d+)(?:_.*|\..*)?$", re.IGNORECASE)
        numbers = [int(found[1]) for entry in folder.iterdir() if (found := taken.match(entry.name))]
        return Slot(folder, subfolder, name, max(numbers, default=0) + 1)

    def input_files(self) -> list[str]:
        """Return the paths of uploaded files below the input folder, sorted, with ``/``."""
        return sorted(path.relative_to(self.input).as_posix() for path in self.input.rglob("*") if path.is_file())


def inside(path: Path, folder: Path) -> bool:
    """Say whether ``path`` is ``folder`` or lies below it."""
    return path.resolve().is_relative_to(folder.resolve())


def annotated(name: str, kind: str) -> tuple[str, str]:
    """Return a file name without its mark, and the folder type: ``x.png [output]`` lies in the output folder."""
    for marked in ("output", "input", "temp"):
        if name.endswith(f"[{marked}]"):
            return name[: -len(marked) - 3], marked
    return name, kind


def preview_prefix(prefix: str = "ComfyUI") -> str:
    """Return a prefix as previews have it: five random letters at its end."""
    return f"{prefix}_temp_" + "".join(random.choices(string.ascii_lowercase, k=5))


def _filled_in(prefix: str, width: int, height: int) -> str:
    now = time.localtime()
    words = {
        "%width%": str(width),
        "%height%": str(height),
        "%year%": str(now.tm_year),
        "%month%": f"{now.tm_mon:02}",
        "%day%": f"{now.tm_mday:02}",
        "%hour%": f"{now.tm_hour:02}",
        "%minute%": f"{now.tm_min:02}",
        "%second%": f"{now.tm_sec:02}",
    }
    for word, value in words.items():
        prefix = prefix.replace(word, value)
    return prefix
