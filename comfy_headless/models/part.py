"""A file that is not whole yet: ``<name>.<id>.part`` beside its place, which the next try goes on with.

One process writes it at a time. It appears under its name in one step, once it is whole and what it should be; the id
is that of its contents, so what was begun of another version is never mixed in.
"""

from __future__ import annotations

import errno
import glob
import hashlib
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO, Final

from comfy_headless.errors import ModelDownloadError

_ID: Final = re.compile(r"[0-9a-f]{12}\.part")
_PIECE: Final = 4 * 1024 * 1024
_BEYOND: Final = 1 << 62
_NO_LOCKS: Final = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP})
"""Of a file system that has no locks, as some that are mounted from afar: there nobody is kept apart."""


def part_path(target: Path, checksum: str) -> Path:
    """Return where a file grows until it is whole.

    Args:
        checksum: of all of it.
    """
    return target.with_name(f"{target.name}.{checksum.rpartition(':')[2][:12] or 'unknown'}.part")


def stale_parts(target: Path, checksum: str) -> list[Path]:
    """Return what was begun of other versions of a file; nothing goes on with it."""
    own = part_path(target, checksum)
    found = target.parent.glob(f"{glob.escape(target.name)}.*.part") if target.parent.is_dir() else ()
    return sorted(path for path in found if path != own and _ID.fullmatch(path.name[len(target.name) + 1 :]))


def kept_bytes(target: Path, checksum: str) -> int:
    """Return how much of a file is there already, not whole."""
    path = part_path(target, checksum)
    return path.stat().st_size if path.is_file() else 0


class Part:
    """The file that grows; as a context manager it is this process's own.

    Args:
        target: where it appears in the end.
        checksum: ``sha256:`` or ``git:`` and hexadecimal digits, or nothing.
        size: bytes of the whole file.
    """

    def __init__(self, target: Path, checksum: str, size: int) -> None:
        self.path = part_path(target, checksum)
        self.held = 0
        self._target, self._checksum, self._size = target, checksum, size
        self._digest = _digest(checksum, size)

    def __enter__(self) -> Part:
        while True:
            self._target.parent.mkdir(parents=True, exist_ok=True)
            file = os.fdopen(os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666), "r+b")
            if not _lock(file):
                file.close()
                raise ModelDownloadError(
                    f"{self.path}: another process is fetching this file; wait for it, or end it", path=str(self.path)
                )
            if _is_at(file, self.path):
                break
            file.close()  # its last owner has just given it its name
        self._file = file
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def resume(self, tell: Callable[[int], None]) -> None:
        """Read what is there, so that the rest can follow.

        Args:
            tell: called with the bytes that have been read.
        """
        self._digest, self.held = _digest(self._checksum, self._size), 0
        self._file.seek(0)
        while piece := self._file.read(_PIECE):
            self._digest.update(piece)
            self.held += len(piece)
            tell(self.held)
        if self.held > self._size:
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
