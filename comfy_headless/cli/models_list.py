"""``comfy-headless models list``: every model file, what it is, who needs it; of a server, which it has."""

from __future__ import annotations

from functools import partial
from itertools import groupby
from typing import Annotated, Any, Final

import typer

from comfy_headless.catalog.fetching import page_of
from comfy_headless.cli import options as o
from comfy_headless.cli.completion import every_preset_name
from comfy_headless.cli.output import Action, Answer, Terminal, columns
from comfy_headless.cli.preset_table import wrapped
from comfy_headless.models.listing import ListedModel, ModelList, list_models
from comfy_headless.models.sizes import file_size_text

EPILOG: Final = "Example:\n\ncomfy-headless models list --preset wan_5b"


def list_files(
    preset: Annotated[
        list[str] | None,
        typer.Option(help="Only files of this preset; may be repeated.", autocompletion=every_preset_name),
    ] = None,
    server: Annotated[str | None, typer.Option(help="Address of ComfyUI: say which it has.")] = None,
    comfyui: o.ComfyFolder = None,
    extra_paths: o.ExtraPaths = None,
    as_json: o.Json = False,
    log_json: o.LogJson = False,
    debug: o.Debug = False,
) -> Action:
    """List model files: folder and name, size, precision, repository, licence, and the presets that need each.

    Without --server and --comfyui nobody is asked what is there.
    """
    asked = {"preset": preset or (), "server": server, "comfyui": comfyui, "extra_paths": extra_paths or ()}
    return partial(_list, asked)


def _list(asked: dict[str, Any], terminal: Terminal) -> Answer:
    found = list_models(**asked)
    data = {"place": found.place, "files": [_data(each, found) for each in found.files]}
    return Answer(data, _text(found, terminal.width))


def _text(found: ModelList, width: int | None) -> str:
    if width is None:
        return columns([_whole(each, found) for each in found.files])
    lines = []
    for folder, rows in groupby(found.files, key=lambda each: each.file.folder):
        lines.append(f"{folder}/")
        for each in rows:
            parts = (each.file.name, file_size_text(each.file), each.file.precision, _there(each, found))
            lines.append(f"  {'  '.join(part for part in parts if part)}")
            lines += wrapped(
                f"{each.file.repository}; {_licences(each)}; {_needed_by(each)}", width, "      ", "      "
            )
    return "\n".join(lines)


def _whole(each: ListedModel, found: ModelList) -> tuple[str, ...]:
    there = (_there(each, found),) if found.place is not None else ()
    file = each.file
    return (
        file.key,
        file_size_text(each.file),
        file.precision,
        *there,
        file.repository,
        _licences(each),
        _needed_by(each),
    )


def _there(each: ListedModel, found: ModelList) -> str:
    if found.place is None:
        return ""
    if each.listed is None:
        return "not there"
    return "there" if each.listed == each.file.name else f"there as {each.listed}"


def _licences(each: ListedModel) -> str:
    return ", ".join(each.licences) or "licence: see its repository"


def _needed_by(each: ListedModel) -> str:
    if each.presets:
        return f"for {', '.join(each.presets)}"
    if each.in_place_of:
        return f"in place of {', '.join(each.in_place_of)}"
    return f"for {each.variant}" if each.variant else "for no preset as it is"


def _data(each: ListedModel, found: ModelList) -> dict[str, Any]:
    file = each.file
    return {
        "folder": file.folder,
        "name": file.name,
        "size_gb": file.size_gb,
        "precision": file.precision,
        "repository": file.repository,
        "path": file.path,
        "url": page_of(file),
        "licences": list(each.licences),
        "presets": list(each.presets),
        "in_place_of": list(each.in_place_of),
        "variant": each.variant,
        "there": None if found.place is None else each.listed is not None,
        "listed": each.listed,
    }
