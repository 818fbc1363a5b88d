"""Where the files of a job go: names, free places, and the one step that makes a file visible.

Names from a server are data, never paths: folders are cut off, ``..`` and absolute names cannot lead out of the
destination. A file is written as ``<name>.<id>.part`` beside its place and appears there whole, by a link or a rename.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from comfy_headless.errors import ResultSaveError, ValidationError

_LONGEST = 240  # bytes of a name that every common file system takes (255), less ".<id>.part"
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f]" if os.name != "nt" else r'[\x00-\x1f\x7f<>:"|?*]')


class Destination(NamedTuple):
    """What ``out`` means.

    Args:
        folder: where files go.
        name: the file's name if ``out`` names a file, else None.
        stem: name without extension for what a preset made if ``out`` is a folder; None keeps the server's names.
        overwrite: replace what is there instead of appending -2, -3.
    """

    folder: Path
    name: str | None = None
    stem: str | None = None
    overwrite: bool = False


def read_out(out: str | os.PathLike[str] | None, *, overwrite: bool = False) -> Destination:
    """Read ``out``: a folder if it ends in a separator, exists as one, or has no suffix; else a file; None: here."""
    if out is None:
        return Destination(Path(), overwrite=overwrite)
    text = os.fspath(out) if isinstance(out, (str, os.PathLike)) else ""
    if not text or "\0" in text:
        raise ValidationError(f"out={out!r} is not a path; give a file such as clip.mp4, or a folder such as clips/")
    try:
        path = Path(text).expanduser()
    except RuntimeError as error:
        first = Path(text).parts[0]
        raise ValidationError(f"out={text!r}: nobody knows where {first} is; write the whole path") from error
    if len(os.fsencode(path.name)) > _LONGEST:
        raise ValidationError(
            f"out={text[:40]!r}...: a name of {len(path.name)} characters; a file system takes {_LONGEST} bytes"
        )
    if text.endswith(("/", os.sep)) or path.is_dir() or not path.suffix:
        return Destination(path, overwrite=overwrite)
    return Destination(path.parent, name=path.name, overwrite=overwrite)


def prepare(destination: Destination) -> None:
    """Prove that a file can be written there, and make nothing yet: a job that fails leaves no folder behind.

    Raises:
        ValidationError: it cannot be written there, or above, where the folder is not made yet.
    """
    folder = destination.folder
    try:
        there = next(each for each in (folder, *folder.absolute().parents) if each.exists() or each.is_symlink())
        probe = there / f".comfy_headless.{secrets.token_hex(4)}.part"
        probe.touch(exist_ok=False)
        probe.unlink()
    except (FileExistsError, NotADirectoryError) as error:
        raise ValidationError(
            f"out: cannot write to {folder.absolute()}: a file is where a folder should be"
        ) from error
    except OSError as error:
        raise ValidationError(f"out: cannot write to {folder.absolute()}: {error.strerror or error}") from error


def safe_name(name: str) -> str:
    """Return the last part of a server's file name, fit to be a file here; "file" if nothing is left of it."""
    last = _FORBIDDEN.sub("_", name.replace("\\", "/").rsplit("/", 1)[-1]).strip()
    if last in ("", ".", ".."):
        return "file"
    stem, dot, suffix = last.rpartition(".")
    room = 200 - len(f".{suffix}".encode()) if dot else 200
    short = (stem if dot else last).encode()[:room].decode("utf-8", "ignore")
    return f"{short}.{suffix}" if dot else short


def safe_folder(subfolder: str) -> Path:
    """Return a server's sub-folder as a relative path that stays below its parent."""
    parts = _FORBIDDEN.sub("_", subfolder.replace("\\", "/")).split("/")
    return Path(*(part.strip() for part in parts if part.strip() not in ("", ".", "..") and not part.endswith(":")))


def part_name(folder: Path, filename: str, prompt_id: str) -> Path:
    """Make the unfinished file, empty, in the folder where it will end: nobody else writes to it."""
    folder.mkdir(parents=True, exist_ok=True)
    name, job = safe_name(filename), safe_name(prompt_id)[:8]
    part = folder / f"{name}.{job}.part"
    while True:
        try:
            part.touch(exist_ok=False)
        except FileExistsError:
            part = folder / f"{name}.{job}{secrets.token_hex(3)}.part"
        else:
            return part


def place(destination: Destination, filename: str, subfolder: str, *, number: int | None) -> Path:
    """Return where a file should appear (it may be taken).

    Args:
        number: 1 for the file that the job is about, 2, 3, ... for others like it; None for what lies beside it.
    """
    name = safe_name(filename)
    own = destination.stem and safe_name(destination.stem + Path(name).suffix)
    wanted = Path(destination.name or own or "")
    if number is not None and wanted.name:
        return destination.folder / (wanted.name if number == 1 else f"{wanted.stem}-{number}{wanted.suffix}")
    return destination.folder / (name if destination.name is not None else safe_folder(subfolder) / name)


def publish(part: str, target: str, overwrite: bool, own: Iterable[str] = ()) -> str:
    """Make the finished ``part`` appear at ``target``, or at ``target-2``, ``-3``, ...; return where.

    Args:
        own: files that are not overwritten, whatever their names are on this file system (case, links).
    """
    source, wanted = Path(part), Path(target)
    wanted.parent.mkdir(parents=True, exist_ok=True)
    if overwrite and not (wanted.exists() and any(wanted.samefile(path) for path in own)):
        source.replace(wanted)
        return str(wanted)
    number = 1
    while True:
        free = wanted if number == 1 else wanted.with_name(f"{wanted.stem}-{number}{wanted.suffix}")
        try:
            os.link(source, free)
        except FileExistsError:
            number += 1
            continue
        except OSError:  # a file system without links: FAT, some network shares
            if free.exists():
                number += 1
                continue
            source.rename(free)
            return str(free)
        source.unlink()
        return str(free)


def put(destination: Destination, filename: str, content: bytes | Path) -> Path:
    """Write bytes, or a copy of a local file, as one that appears whole; give its path.

    Raises:
        ValidationError: nothing can be written there.
        ResultSaveError: there is no room for it, or the local file cannot be read.
    """
    prepare(destination)
    target = place(destination, filename, "", number=1)
    part = part_name(destination.folder, filename, "saved")
    try:
        if isinstance(content, bytes):
            part.write_bytes(content)
        else:
            shutil.copyfile(content, part)
        return Path(publish(str(part), str(target), destination.overwrite))
    except OSError as error:
        words = f"{filename!r} could not be saved at {target}: {error.strerror or error}"
        raise ResultSaveError(words, prompt_id="", path=str(target)) from error
    finally:
        discard((str(part),))


def discard(parts: Iterable[str]) -> None:
    """Remove unfinished files, as far as they can be removed."""
    for part in parts:
        with contextlib.suppress(OSError):
            Path(part).unlink()


def size_of(path: str) -> int:
    """Return the size of a local file in bytes, 0 if there is none."""
    try:
        return Path(path).stat().st_size
    except FileNotFoundError:
        return 0
