"""What compiling gives: a graph ready to be sent, and the files to bring to the server before."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from comfy_headless.catalog.media_in import Way, in_words, one_of, path_of, stand_in, way_of
from comfy_headless.graph.by_parameter import Filled
from comfy_headless.graph.loaders import Media, media_of
from comfy_headless.graph.source import Graph
from comfy_headless.graph.template import Template
from comfy_headless.protocol.enhanced import EnhancedPrompt

SEEDS: Final = 2**53
"""Drawn seeds stay below this, so that JSON readers that count in doubles (every browser) keep them exact."""

RANDOM = ("random", -1)


@dataclass(frozen=True, slots=True)
class Upload:
    """A file of the caller's whose name on the server belongs into ``graph[node_id]["inputs"][field]``.

    Args:
        path: where it lies here; for a text that is no local path, what a path of that text would be. None: it is
            given in another way.
        value: what was given.
        media: what the input takes: "image", "mask", "video", "audio", or "file" for any other.
        name: the parameter, for errors.
    """

    node_id: str
    field: str
    path: Path | None = None
    value: Any = dataclasses.field(default=None, compare=False, repr=False)
    media: Media = dataclasses.field(default="file", compare=False, repr=False)
    name: str = dataclasses.field(default="", compare=False, repr=False)

    @property
    def given(self) -> Any:
        """What was given, or the path of an upload that was made with no more than that."""
        return self.path if self.value is None else self.value

    @property
    def what(self) -> str:
        """What errors call it."""
        return self.name or self.field

    def __str__(self) -> str:
        return in_words(self.given)


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
        there: files that the graph names and the server was seen to have.
        filled: parameters of a workflow of the caller's own, by the inputs that they fill.
        enhanced: how the prompt was improved before; None: it was not.
    """

    graph: Graph
    seed: int | None
    settings: dict[str, Any]
    notes: tuple[str, ...] = ()
    uploads: tuple[Upload, ...] = ()
    preset: str | None = None
    task: str | None = None
    files: Mapping[str, str] = dataclasses.field(default_factory=dict)
    comfyui: str | None = None
    there: frozenset[str] = frozenset()
    filled: Filled = dataclasses.field(default_factory=dict, repr=False)
    enhanced: EnhancedPrompt | None = None

    @property
    def workflow(self) -> Graph:
        """The graph, as comfy-headless 3.x calls it."""
        return self.graph

    @property
    def coming(self) -> frozenset[str]:
        """What the graph calls the files that are uploaded before the job, or are there already."""
        return self.there | {str(self.graph[each.node_id]["inputs"][each.field]) for each in self.uploads}


def drawn_seed(least: int = 0, most: int = SEEDS - 1) -> int:
    """Draw a seed of at least ``least`` and at most ``most``, below ``SEEDS`` where that leaves any."""
    return random.SystemRandom().randint(least, max(least, min(most, SEEDS - 1)))


def uploads_of(template: Template, given: Mapping[str, Any]) -> tuple[tuple[Upload, ...], dict[str, str]]:
    """Return the files that parameters are given, and what the graph calls them until they are on the server.

    Raises:
        ValidationError: a value is no file, nor a way to one.
    """
    uploads, names = list[Upload](), dict[str, str]()
    for name, value in given.items():
        if value is None:
            continue
        parameter = template.parameters[name]
        chosen = one_of(value, name, parameter.media or "file")
        names[name] = stand_in(chosen, name, parameter.media or "file")
        path = path_of(chosen) if way_of(chosen, name) in (Way.PATH, Way.TEXT) else None
        for slot in parameter.slots:
            media = media_of(slot.class_type, slot.field) or parameter.media or "file"
            uploads.append(Upload(slot.node_id, slot.field, path, chosen, media, name))
    return tuple(uploads), names
