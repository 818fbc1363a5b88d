"""Where the lines of lists come from: a folder of text files, or a mapping; names never lead out of it.

A name is compared with the names that are there, never made into a path: so it means the same list on every system.
"""

from __future__ import annotations

import os
import stat
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Final, Protocol

from comfy_headless.config import expanded
from comfy_headless.errors import ValidationError
from comfy_headless.graph.values import nearest, shown

MOST_LINES: Final = 100_000
"""Lines of one list."""
MOST_ENTRIES: Final = 50_000
"""Files and folders below a folder of lists."""
_LARGEST: Final = 16 * 2**20
_SUFFIX: Final = ".txt"
_SHOWN: Final = 12
_ANY: Final = "**"


class Lists(Protocol):
    """Lists of texts by name; names have ``/`` between folders."""

    @property
    def where(self) -> str:
        """What errors call the place where they are."""

    @property
    def names(self) -> Sequence[str]:
        """The names that there are, sorted."""

    def lines(self, name: str) -> Iterator[tuple[str, str]]:
        """Yield the lines of a list that is there, each with what errors call it."""


class NoLists:
    """No lists are given."""

    where: Final = ""
    names: Final[Sequence[str]] = ()

    def lines(self, name: str) -> Iterator[tuple[str, str]]:
        """Yield nothing."""
        return iter(())


class GivenLists:
    """Lists of a program: a mapping of names to texts."""

    where = "wildcards="

    def __init__(self, lists: Mapping[str, Iterable[str]]) -> None:
        self._lists: dict[str, tuple[str, ...]] = {}
        for name, lines in lists.items():
            if not isinstance(name, str) or isinstance(lines, str) or not isinstance(lines, Iterable):
                raise ValidationError(f"wildcards={{{shown(name)}: ...}}: expected a name and a list of texts")
            kept = tuple(lines)
            odd = next((each for each in kept if not isinstance(each, str)), None)
            if odd is not None:
                raise ValidationError(f"wildcards={{{name!r}: ...}}: {shown(odd)} is no text")
            if _normal(name) in self._lists:
                raise ValidationError(f"wildcards=: list {_normal(name)!r} is there twice, spelt in two ways")
            self._lists[_normal(name)] = kept
        self._names = sorted(self._lists)

    @property
    def names(self) -> Sequence[str]:
        """The names that there are, sorted."""
        return self._names

    def lines(self, name: str) -> Iterator[tuple[str, str]]:
        """Yield the texts of a list, as they are."""
        yield from ((f"list {name!r}, text {number}", line) for number, line in enumerate(self._lists[name], 1))


class ListFolder:
    """A folder of text files, and of folders of them: a line each, ``#`` begins a comment.

    Args:
        folder: it is read when it is first asked for something.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()

    @property
    def where(self) -> str:
        """What errors call the place where they are."""
        return f"folder {str(self.folder)!r}"

    @cached_property
    def names(self) -> Sequence[str]:
        """The names that there are, sorted."""
        return sorted(self._files)

    def lines(self, name: str) -> Iterator[tuple[str, str]]:
        """Yield the lines of a file that hold a text, without blanks around.

        Raises:
            ValidationError: it cannot be read, is no UTF-8, is too large, or lies elsewhere.
        """
        path = self._files[name]
        text = _read(path, self.folder, name)
        for number, line in enumerate(text.split("\n"), 1):
            if (kept := line.strip()) and not kept.startswith("#"):
                yield f"list {name!r} ({path}), line {number}", kept

    @cached_property
    def _files(self) -> Mapping[str, Path]:
        if not self.folder.is_dir():
            inside = f"is no folder; give that it lies in, {str(self.folder.parent)!r}"
            what = inside if self.folder.exists() else "is not there; make it"
            named = "wildcards=, --wildcards or COMFY_HEADLESS_WILDCARDS"
            raise ValidationError(f"{self.where} of lists ({named}) {what}")
        found: dict[str, Path] = {}
        entries = 0
        for folder, folders, files in os.walk(self.folder, onerror=_unreadable):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            entries += len(folders) + len(files)
            if entries > MOST_ENTRIES:
                raise ValidationError(
                    f"{self.where} has more than {MOST_ENTRIES} files below it; name that of the lists"
                )
            for file in sorted(files):
                path = Path(folder, file)
                if path.suffix.lower() == _SUFFIX and not file.startswith("."):
                    name = path.relative_to(self.folder).as_posix()[: -len(_SUFFIX)]
                    other = found.setdefault(_normal(name), path)
                    if other != path:
                        both = f"{other.name!r} and {file!r}"
                        raise ValidationError(
                            f"{self.where}: list {_normal(name)!r} is there twice: {both}; rename one"
                        )
        return found


def lists_of(given: str | os.PathLike[str] | Mapping[str, Iterable[str]] | None) -> Lists:
    """Return the lists that a caller gives: a folder, or a mapping; raises ValidationError."""
    if given is None:
        return NoLists()
    if isinstance(given, Mapping):
        return GivenLists(given)
    if not isinstance(given, str | os.PathLike) or not os.fspath(given):
        raise ValidationError(f"wildcards={shown(given)}: expected a folder, or a mapping of names to lists of texts")
    return ListFolder(expanded(given, "wildcards"))


def names_of(name: str, lists: Lists, place: str) -> tuple[str, ...]:
    """Return the lists that a name means: itself, or with ``*`` and ``?`` all that it fits, sorted.

    Args:
        place: where it stands, for the error.

    Raises:
        ValidationError: there is none of that name.
    """
    wanted = _normal(name)
    if isinstance(lists, NoLists):
        raise ValidationError(
            f"{place}: list {shown(name)}: no folder of lists is named; give wildcards= (--wildcards), or set "
            "COMFY_HEADLESS_WILDCARDS. For the signs themselves write \\__"
        )
    if ".." in wanted.split("/") or wanted.startswith("/"):
        raise ValidationError(f"{place}: list {shown(name)} leads out of the lists; a name is like places/city")
    there = lists.names
    if "*" in wanted or "?" in wanted:
        parts = wanted.split("/")
        found = tuple(each for each in there if _fits(parts, each.split("/")))
    else:
        found = (wanted,) if wanted in there else ()
    if found:
        return found
    ends = [each for each in there if each.rpartition("/")[2] == wanted]
    near = f"; did you mean {' or '.join(map(repr, ends[:3]))}?" if ends else nearest(wanted, there)
    raise ValidationError(
        f"{place}: no list {shown(name)} in {lists.where}{near} {_told(there)}. For the signs themselves write \\__"
    )


def _told(names: Sequence[str]) -> str:
    if not names:
        return "There is none (files that end in .txt are lists)"
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"There are {', '.join(names[:_SHOWN])}{more}"


def _fits(wanted: Sequence[str], name: Sequence[str]) -> bool:
    """Whether a name fits, folder by folder; ``**`` stands for any folders, as the last for at least one name."""
    if wanted[-1] == _ANY:
        wanted = [*wanted, "*"]
    reached = {0}
    for part in wanted:
        if part == _ANY:
            reached = set(range(min(reached), len(name) + 1))
        else:
            reached = {at + 1 for at in reached if at < len(name) and fnmatchcase(name[at], part.replace("[", "[[]"))}
        if not reached:
            return False
    return len(name) in reached


def _unreadable(error: OSError) -> None:
    raise ValidationError(f"folder {error.filename!r} of lists cannot be read: {error.strerror or error}") from error


def _read(path: Path, folder: Path, name: str) -> str:
    try:
        if not path.resolve().is_relative_to(folder.resolve()):
            raise ValidationError(f"list {name!r}: {path} is a link that leads out of {folder}")
        about = path.stat()
        if not stat.S_ISREG(about.st_mode):  # a pipe would be waited for
            raise ValidationError(f"list {name!r}: {path} is no file")
        if about.st_size > _LARGEST:
            raise ValidationError(f"list {name!r}: {path} has {about.st_size} bytes; it may have {_LARGEST}")
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValidationError(f"list {name!r}: {path} is no UTF-8 at byte {error.start}; save it as UTF-8") from error
    except OSError as error:
        raise ValidationError(f"list {name!r}: {path} cannot be read: {error.strerror or error}") from error


def _normal(name: str) -> str:
    return unicodedata.normalize("NFC", name)
