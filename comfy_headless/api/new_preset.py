"""A preset from a workflow's file: drafted, written, and read again as any preset is."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final, NamedTuple

from comfy_headless.api.reading import read_api_graph, read_there
from comfy_headless.catalog.audit import Located, locate_preset
from comfy_headless.catalog.draft import Draft, draft_preset
from comfy_headless.catalog.preset_file import Pack
from comfy_headless.catalog.presets import IMAGE_PRESETS, VIDEO_PRESETS, PresetLibrary
from comfy_headless.config import user_preset_folders
from comfy_headless.errors import ValidationError
from comfy_headless.graph.origins import Workflow
from comfy_headless.graph.values import shown

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_.]*")


class NewPreset(NamedTuple):
    """A preset that was drafted.

    Args:
        paths: of the preset and of its template; where they would be, if nothing was written.
        written: whether they were.
        problem: why the preset cannot be read yet; None if it can, or nothing was written.
    """

    draft: Draft
    paths: tuple[Path, Path]
    written: bool
    problem: str | None


def new_preset(
    name: str,
    workflow: Workflow,
    *,
    folder: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    server: str | None = None,
    dry_run: bool = False,
) -> NewPreset:
    """Draft a preset from a workflow, and write it with its template.

    Args:
        name: of the preset and its files: lower-case letters, digits, underscores and dots.
        folder: where they go; None is the folder that COMFY_HEADLESS_PRESETS names, if it names one, else
            ``presets`` in the current folder.
        workflow: a graph, its path, address, or place on a server; docs/workflows.md has all of them.
        overwrite: replace files that are there.
        server: base address of the server that keeps the workflow, or whose nodes are in it; None asks none.
        dry_run: write nothing.

    Raises:
        ValidationError: the name is none or taken, the workflow cannot be read, or a file is there already.
        ComfyUIConnectionError: the server does not answer.
    """
    if not _NAME.fullmatch(name):
        raise ValidationError(f"name {shown(name)}: expected lower-case letters, digits, underscores and dots")
    where = _folder(folder)
    path = where / f"{name}.toml"
    _check_free(name, path)
    read = read_there(server, lambda there: read_api_graph(there, workflow))
    draft = draft_preset(name, read.graph, VIDEO_PRESETS.files, _known_packs(), origin=read.name)
    paths = path, where / "templates" / f"{draft.template_name}.json"
    if dry_run:
        return NewPreset(draft, paths, False, None)
    draft.write(where, overwrite=overwrite)
    return NewPreset(draft, paths, True, _problem(locate_preset(str(path))))


def _folder(folder: str | os.PathLike[str] | None) -> Path:
    if folder is not None:
        return Path(folder)
    named = user_preset_folders()
    return named[0] if len(named) == 1 else Path("presets")


def _check_free(name: str, path: Path) -> None:
    for presets in (VIDEO_PRESETS, IMAGE_PRESETS):
        if name in presets and not path.exists():
            raise ValidationError(f"name {name!r}: there is a preset of that name already; take another one")


def _known_packs() -> dict[str, Pack]:
    """The node packs that the shipped presets name, with their sources in words."""
    shipped = PresetLibrary([])
    return {
        pack.name: pack.model_copy(update={"source": preset.sources[pack.source]})
        for preset in shipped.values()
        for pack in preset.packs
    }


def _problem(located: Located) -> str | None:
    try:
        located.read()
    except ValidationError as error:
        return str(error)
    return None
