"""A model file's name, found in what a server lists: under a sub-folder, or with the other separator.

A server wants a name back exactly as it lists it; one on Windows lists ``wan\\x.safetensors``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple


class Found(NamedTuple):
    """A file as the server lists it.

    Args:
        name: the nearest one.
        others: those that are as near.
    """

    name: str
    others: tuple[str, ...] = ()


def file_name(name: str) -> str:
    """Return a file's own name, without its folders, whichever separator they are written with."""
    return _parts(name)[-1]


def lists_backslashes(files: Mapping[str, Iterable[str]]) -> bool:
    """Return whether a server with these files, by folder, is one on Windows: case says nothing there."""
    return any("\\" in name for names in files.values() for name in names)


def find_listed(name: str, listed: Collection[str], *, any_case: bool = False) -> Found | None:
    """Return the listed file of the same own name; the one that shares most folders, then the shortest, wins.

    Args:
        listed: what the server lists of one model folder.
        any_case: take a name in other letters if none is the same: right for a server on Windows only.
    """
    if name in listed:
        return Found(name)
    near = _by_name(frozenset(listed), False).get(file_name(name), [])
    if not near and any_case:
        near = _by_name(frozenset(listed), True).get(file_name(name).casefold(), [])
    most = max((_shared(name, each) for each in near), default=0)
    best = sorted((each for each in near if _shared(name, each) == most), key=lambda each: (len(each), each))
    return Found(best[0], tuple(best[1:])) if best else None


@lru_cache(maxsize=64)
def _by_name(listed: frozenset[str], folded: bool) -> dict[str, list[str]]:
    """Return the listed files by their own names; every preset looks into the same few lists."""
    found: dict[str, list[str]] = {}
    for each in listed:
        own = file_name(each)
        found.setdefault(own.casefold() if folded else own, []).append(each)
    return found


def _parts(name: str) -> list[str]:
    return re.split(r"[\\/]", name)


def _shared(one: str, other: str) -> int:
    """How many of the last parts of two paths are the same."""
    pairs = list(zip(reversed(_parts(one)), reversed(_parts(other)), strict=False))
    return next((count for count, (a, b) in enumerate(pairs) if a.casefold() != b.casefold()), len(pairs))
