"""Which node pack brings a class, and how it comes onto a server: ``packs.json``.

The names are those that each pack registers, read in its own source at the commits that the file names; a pack that
makes names while it starts may have more. Where two packs have one, the first counts: they stand in the order of how
often workflows for video use them (judged).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

FILE: Final = Path(__file__).with_name("packs.json")
_ROOM: Final = "ComfyUI/custom_nodes"


class NodePack(NamedTuple):
    """A node pack.

    Args:
        name: of its folder in ``custom_nodes``.
        repository: owner/name on GitHub.
        commits: at which its classes were read; the first ten digits.
        requirements: whether it has a ``requirements.txt``.
    """

    name: str
    repository: str
    commits: tuple[str, ...]
    requirements: bool
    classes: tuple[str, ...]

    @property
    def install(self) -> str:
        """The shell's command that brings it into the ComfyUI of the current folder."""
        folder = f"{_ROOM}/{self.name}"
        clone = f"git clone https://github.com/{self.repository} {folder}"
        return f"{clone} && python -m pip install -r {folder}/requirements.txt" if self.requirements else clone


@cache
def packs() -> Mapping[str, NodePack]:
    """Return the packs by name."""
    raw = json.loads(FILE.read_text(encoding="utf-8"))
    return {
        name: NodePack(
            name, about["repository"], tuple(about["commits"]), about["requirements"], tuple(about["classes"])
        )
        for name, about in raw.items()
    }


def pack_with(class_type: str) -> NodePack | None:
    """Return the pack that brings a class, or None if none that is known does."""
    return _by_class().get(class_type)


@cache
def _by_class() -> Mapping[str, NodePack]:
    found: dict[str, NodePack] = {}
    for pack in packs().values():
        for class_type in pack.classes:
            found.setdefault(class_type, pack)
    return found
