"""A file that is not whole yet: ``<name>.<id>.part`` beside its place, which the next try goes on with.

One process writes it at a time; another one waits. It appears under its name in one step, once it is whole and what it
should be; the id is that of its contents, so what was begun of another version is never mixed in. Where nobody tells
what the contents are, nothing is gone on with.
"""

from __future__ import annotations

import errno
import glob
import hashlib
import os
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO, Final

_ID: Final = re.compile(r"(?:[0-9a-f]{12}|unknown)\.part")
_PIECE: Final = 4 * 1024 * 1024
_BEYOND: Final = 1 << 62
_LOOK_AGAIN: Final = 0.2
"""Seconds after which a file that another process fetches is looked at again."""

_NO_LOCKS: Final = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP})
"""Of a file system that has no locks, as some that are mounted from afar: there nobody is kept apart."""


def part_path(target: Path, checksum: str, version: str = "") -> Path:
    """Return where a file grows until it is whole.

    Args:
        checksum: of all of it.
        version: what else tells its contents from others, where there is no checksum.
    """
    known = checksum.rpartition(":")[2] or (hashlib.sha256(version.encode()).hexdigest() if version else "")
    return target.with_name(f"{target.name}.{known[:12] or 'unknown'}.part")


def stale_parts(target: Path, checksum: str, version: str = "") -> list[Path]:
    """Return what was begun of other versions of a file; nothing goes on with it."""
    own = part_path(target, checksum, version)
    found = target.parent.glob(f"{glob.escape(target.name)}.*.part") if target.parent.is_dir() else ()
    return sorted(path for path in found if path != own and _ID.fullmatch(path.name[len(target.name) + 1 :]))


def kept_bytes(target: Path, checksum: str, version: str = "") -> int:
    """Return how much of a file is there already, not whole, that a download goes on with."""
    path = part_path(target, checksum, version)
    return path.stat().st_size if (checksum or version) and path.is_file() else 0


class Part:
    """The file that grows; as a context manager it is this process's own.

    Args:
        target: where it appears in the end.
        checksum: ``sha256:`` or ``git:`` and hexadecimal digits, or nothing.
        size: bytes of the whole file.
        version: what else tells its contents from others.
        waiting: called again and again while another process has it; what it raises ends the wait.
    """

    def __init__(
        self,
        target: Path,
        checksum: str,
        size: int,
        *,
        version: str = "",
        waiting: Callable[[], None] = lambda: None,
    ) -> None:
        self.path = part_path(target, checksum, version)
        self.goes_on = bool(checksum or version)
        self.held = 0
        self._waiting = waiting
        self._target, self._checksum, self._size = target, checksum, size
        self._digest = _digest(checksum, size)

    def __enter__(self) -> Part:
        while True:
            self._target.parent.mkdir(parents=True, exist_ok=True)
            file = os.fdopen(os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666), "r+b")
            mine = _lock(file)
            if mine and _is_at(file, self.path):
                break
            file.close()
            if not mine:  # else its last owner has just given it its name
                self._waiting()
                time.sleep(_LOOK_AGAIN)
        self._file = file
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def is_published(self, tell: Callable[[int], None]) -> bool:
        """Look whether somebody has brought the file meanwhile: whole, and what it should be.

        Args:
            tell: called with the bytes that have been read.
        """
        if not self._target.is_file() or self._target.stat().st_size != self._size:
            return False
        with self._target.open("rb") as file:
            self._read(file, tell)
        return self.right

    def resume(self, tell: Callable[[int], None]) -> None:
        """Read what is there, so that the rest can follow.

        Args:
            tell: called with the bytes that have been read.
        """
        self._file.seek(0)
        self._read(self._file, tell)
        if self.held > self._size or not self.goes_on:
            self.empty()

    def write(self, chunk: bytes) -> None:
        """Add what came."""
        self._file.write(chunk)
        self._digest.update(chunk)
        self.held += len(chunk)

    def empty(self) -> None:
        """Begin anew."""
        self._file.seek(0)
        self._file.truncate()
        self._digest, self.held = _digest(self._checksum, self._size), 0

    @property
    def right(self) -> bool:
        """Whether it is whole, and what it should be."""
        told = self._checksum.rpartition(":")[2]
        return self.held == self._size and (not told or self._digest.hexdigest() == told)

    @property
    def found(self) -> str:
        """The checksum of what is there, hexadecimal."""
        return self._digest.hexdigest()

    def remove(self) -> None:
        """Delete it."""
        if os.name == "nt":  # an open file cannot be deleted there
            self._file.close()
        self.path.unlink()

    def publish(self) -> bool:
        """Give it its name; False where that is taken."""
        self._file.flush()
        os.fsync(self._file.fileno())
        if self._target.exists():
            return False
        if os.name == "nt":  # an open file cannot be renamed there
            self._file.close()
        self.path.rename(self._target)
        return True

    def _read(self, file: IO[bytes], tell: Callable[[int], None]) -> None:
        self._digest, self.held = _digest(self._checksum, self._size), 0
        while piece := file.read(_PIECE):
            self._digest.update(piece)
            self.held += len(piece)
            tell(self.held)


def _digest(checksum: str, size: int) -> hashlib._Hash:
    """A git checksum, which small files have, is that of a blob: its length stands before the contents."""
    kind = checksum.partition(":")[0]
    return hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False) if kind == "git" else hashlib.sha256()


def _is_at(file: IO[bytes], path: Path) -> bool:
    """Whether an open file still has this name."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _lock(file: IO[bytes]) -> bool:
    """Take a file for this process; False where another one has it. It ends with the process, however that ends."""
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(_BEYOND)  # a byte that is locked cannot be read
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            file.seek(0)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
    return True
