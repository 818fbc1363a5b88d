"""What compiling gives: a graph ready to be sent, and the files to bring to the server before."""

from __future__ import annotations

import os
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from comfy_headless.errors import ValidationError
from comfy_headless.graph.source import Graph
from comfy_headless.graph.template import Template
from comfy_headless.graph.values import shown

SEEDS: Final = 2**53
"""Drawn seeds stay below this, so that JSON readers that count in doubles (every browser) keep them exact."""

SEED_FIELDS = ("seed", "noise_seed")
RANDOM = ("random", -1)
ImagePath = str | os.PathLike[str]


@dataclass(frozen=True, slots=True)
class Upload:
    """A local file whose name on the server belongs into ``graph[node_id]["inputs"][field]``."""

    node_id: str
    field: str
    path: Path


@dataclass(frozen=True, slots=True)
class CompiledWorkflow:
    """A graph ready to be sent, and what went into it.

    Args:
        seed: what was used; None if the graph has none that a caller could set.
        settings: the values in the graph, by name.
        notes: what was decided or ignored on the caller's behalf.
        uploads: files to bring to the server before.
        preset: name of the preset; None for a template of the caller's own.
        task: which of the preset's templates was taken.
        files: the model file in the graph for each role of the preset.
        comfyui: the first version of ComfyUI that loads the preset's model, where its node classes do not tell.
    """

    graph: Graph
    seed: int | None
    settings: dict[str, Any]
    notes: tuple[str, ...] = ()
    uploads: tuple[Upload, ...] = ()
    preset: str | None = None
    task: str | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    comfyui: str | None = None

    @property
    def workflow(self) -> Graph:
        """The graph, as comfy-headless 3.x calls it."""
        return self.graph

    @property
    def coming(self) -> frozenset[str]:
        """What the graph calls the files that are uploaded before the job."""
        return frozenset(str(self.graph[each.node_id]["inputs"][each.field]) for each in self.uploads)


def drawn_seed(least: int = 0, most: int = SEEDS - 1) -> int:
    """Draw a seed of at least ``least`` and at most ``most``, below ``SEEDS`` where that leaves any."""
    return random.SystemRandom().randint(least, max(least, min(most, SEEDS - 1)))


def uploads_of(template: Template, paths: Mapping[str, Any]) -> tuple[Upload, ...]:
    uploads = []
    for name, path in paths.items():
        if path is not None:
            base_name(path)
            uploads += [Upload(slot.node_id, slot.field, Path(path)) for slot in template.parameters[name].slots]
    return tuple(uploads)


def base_name(path: Any) -> str:
    """The file's own name, whichever separator the path is written with."""
    if not isinstance(path, (str, os.PathLike)):
        raise ValidationError(f"{shown(path)}: expected the path of a file, not a {type(path).__name__}")
    name = re.split(r"[/\\]", os.fsdecode(path))[-1]
    if name in ("", ".", ".."):
        raise ValidationError(f"{str(path)!r} is no path of a file")
    return name
