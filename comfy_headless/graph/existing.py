"""Whether the server's input folder has a file, by the lists that its schemas show.

A loader takes every file that is there, and lists some: those at the top of the folder whose extension tells a kind
that it loads. So only a name that some list would show can be absent for sure; every other counts as there.
"""

from __future__ import annotations

import posixpath
import unicodedata
from collections.abc import Callable, Container, Mapping
from functools import cached_property
from typing import Final

from comfy_headless.graph.file_inputs import FILE_INPUTS, INPUT_FILES, MODEL_INPUTS
from comfy_headless.graph.schemas import Schemas

FileExists = Callable[[str], bool]
"""Tells whether the server has a file of that name, as ``LoadImage`` takes it."""

_LISTED: Final[Mapping[str, tuple[str, ...]]] = {
    "audio": (".mp3", ".wav"),
    "image": (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"),
    "video": (".avi", ".mov", ".mp4", ".mpeg", ".webm"),
}
"""Extensions that a list of a content type shows on every machine (the own table of every Python since 3.10, and
folder_paths.py of ComfyUI 0.30.0); of others the machine's own tables decide: ``.tga`` is a picture on some."""


def file_exists_in(schemas: Schemas) -> FileExists:
    """Return a test for names in the input folder, as a server on Linux like ComfyUI 0.30.0 answers.

    A name that no list can show (a sub-folder, ``x.png [output]``, another extension, or lists that are open) counts
    as there.
    """
    lists = _Lists(schemas)

    def exists(name: str) -> bool:
        if lists.are_open or name.endswith(("[output]", "[temp]")):
            return True
        plain = _plain(name)
        if plain.startswith(("/", "../")) or plain == "..":
            return False
        return plain == "." or plain in lists.names or "/" in plain or not lists.would_show(plain)

    return exists


def may_exist_in(schemas: Schemas) -> FileExists:
    """Return a test for names that a server of any age, on any system, may have in its input folder.

    On Windows a backslash parts folders, and upper and lower case are the same. Servers up to 0.24.1 take a whole path.
    """
    lists = _Lists(schemas)

    def may_exist(name: str) -> bool:
        plain = _plain(name)
        if lists.are_open or any(mark in plain for mark in "/\\:[") or not lists.would_show(plain):
            return True
        return _folded(plain) in lists.folded

    return may_exist


def or_coming(exists: FileExists, coming: Container[str]) -> FileExists:
    """Return a test by which files that are uploaded before the job count as there."""
    return lambda name: name in coming or exists(name)


class _Lists:
    """What the file lists of a server show, read when it is first asked for."""

    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas
        self._inputs = [(owner, name) for owner, name in FILE_INPUTS - MODEL_INPUTS.keys() if owner in schemas]

    @cached_property
    def are_open(self) -> bool:
        """Whether it is not known what is there."""
        return any(self._schemas.is_open(owner, name) for owner, name in self._inputs)

    @cached_property
    def names(self) -> frozenset[str]:
        """What they show."""
        items = [self._schemas[owner].input(name) for owner, name in self._inputs]
        return frozenset(each for item in items if item for each in item.choices or () if isinstance(each, str))

    @cached_property
    def folded(self) -> frozenset[str]:
        """The same, whatever the case of its letters."""
        return frozenset(map(_folded, self.names))

    @cached_property
    def _extensions(self) -> tuple[str, ...]:
        kinds = {kind for key in self._inputs for kind in INPUT_FILES.get(key, ())}
        listed = [each for kind in kinds for each in _LISTED.get(kind, ())]
        return (*listed, *map(str.upper, listed), *(kinds - _LISTED.keys()))

    def would_show(self, name: str) -> bool:
        """Return whether one of them would show that name at the top of the folder, if it were there."""
        return name.endswith(self._extensions)


def _plain(name: str) -> str:
    return posixpath.normpath(name[:-8] if name.endswith("[input]") else name)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
