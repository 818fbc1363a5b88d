"""``comfy-headless models check``: what presets need, what of it is there, and a line to paste for what is not."""

from __future__ import annotations

import shlex
from functools import partial
from typing import Annotated, Any, Final

import typer

from comfy_headless.catalog.fetching import at_folder
from comfy_headless.cli import options as o
from comfy_headless.cli.completion import every_preset_name
from comfy_headless.cli.endings import DONE, FAILED
from comfy_headless.cli.output import Action, Answer, Terminal, columns
from comfy_headless.client.executors import executor_name
from comfy_headless.config import comfyui_at
from comfy_headless.models.looking import ModelCheck, NeededFile, check_models
from comfy_headless.models.sizes import file_size_text, size_text

EPILOG: Final = "Example:\n\ncomfy-headless models check --preset wan_5b --comfyui ~/ComfyUI"


def check(
    preset: Annotated[
        list[str], typer.Option(help="Name of a preset; may be repeated.", autocompletion=every_preset_name)
    ],
    task: Annotated[o.TaskName | None, typer.Option(help="Only what is needed for this; without it for all.")] = None,
    server: Annotated[
        str | None,
        typer.Option(help="Address of ComfyUI; without it and --comfyui COMFY_HEADLESS_COMFYUI, COMFY_HEADLESS_URL."),
    ] = None,
    comfyui: o.ComfyFolder = None,
    extra_paths: o.ExtraPaths = None,
    as_json: o.Json = False,
    log_json: o.LogJson = False,
    debug: o.Debug = False,
) -> Action:
    """Say which model files presets need, and which of them a server, or a local ComfyUI, has.

    A file counts in any sub-folder, by another usual name, and in another precision. The exit code is 1 if one is
    missing; each has a line to paste.
    """
    asked = {"task": task and task.value, "server": server, "comfyui": comfyui, "extra_paths": extra_paths or ()}
    return partial(_check, preset, asked)


def _check(presets: list[str], asked: dict[str, Any], terminal: Terminal) -> Answer:
    found = check_models(presets, **asked)
    data = {
        "presets": list(found.presets),
        "place": found.place,
        "ok": found.ok,
        "missing_gb": None if found.missing_gb is None else round(found.missing_gb, 3),
        "files": [_data(each) for each in found.files],
    }
    return Answer(data, _text(found, asked["task"], asked["server"]), DONE if found.ok else FAILED)


def _text(found: ModelCheck, task: str | None, server: str | None) -> str:
    rows = [(_state(each), each.file.key, _about(each)) for each in found.files]
    lines = [f"{', '.join(found.presets)} at {found.place}:", columns(rows, indent="  ")]
    if found.ok:
        return "\n".join([*lines, "every model file is there"])
    if executor_name(server) is not None:
        return "\n".join([*lines, "what is missing there cannot be brought there from here; another preset may run"])
    gets = [each.get or f"# nobody has said where {each.file.name} is had" for each in found.missing]
    size = f" ({size_text(found.missing_gb * 1e9)})" if found.missing_gb is not None else ""
    if found.tree is None and comfyui_at(found.place) is None:
        return "\n".join([*lines, f"to fetch what is missing{size}, in the ComfyUI folder of the server:", *gets])
    options = found.tree.options if found.tree is not None else at_folder(comfyui_at(found.place))
    named = [word for preset in found.presets for word in ("--preset", preset)]
    words = ["comfy-headless", "models", "download", *named, *(["--task", task] if task else [])]
    every = [shlex.join([*words, *options]), "or one by one:"] if len(gets) > 1 else []
    return "\n".join([*lines, f"to fetch what is missing{size}:", *every, *gets])


def _state(each: NeededFile) -> str:
    return "there" if each.listed is not None else "MISSING"


def _about(each: NeededFile) -> str:
    if each.listed is not None:
        return each.note
    return f"{file_size_text(each.file)}, {each.file.precision}{f'; {each.note}' if each.note else ''}"


def _data(each: NeededFile) -> dict[str, Any]:
    return {
        "folder": each.file.folder,
        "name": each.file.name,
        "size_gb": each.file.size_gb,
        "precision": each.file.precision,
        "presets": list(each.presets),
        "tasks": list(each.tasks),
        "roles": list(each.roles),
        "there": each.listed is not None,
        "listed": each.listed,
        "listed_precision": each.precision,
        "note": each.note,
        "get": each.get,
    }
