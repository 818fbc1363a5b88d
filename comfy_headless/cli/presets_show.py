"""``comfy-headless presets show``: all that a preset says, and where each value comes from."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Final

import typer

from comfy_headless.catalog.preset import Preset
from comfy_headless.catalog.preset_file import Task
from comfy_headless.catalog.presets import IMAGE_PRESETS, VIDEO_PRESETS, no_preset
from comfy_headless.cli import options as o
from comfy_headless.cli.output import Action, Answer, Terminal
from comfy_headless.cli.preset_page import page, resolved
from comfy_headless.errors import ValidationError

EPILOG: Final = "Example:\n\ncomfy-headless presets show wan_5b --task image"


def show_preset(
    name: o.PresetName,
    task: Annotated[o.TaskName | None, typer.Option(help="As it is for this task alone.")] = None,
    as_json: o.Json = False,
    log_json: o.LogJson = False,
    debug: o.Debug = False,
) -> Action:
    """Show one preset: settings, rules, files and where to put them, needs, licence, how to prompt it; with sources."""
    return partial(_show, name, task.value if task else None)


def _show(name: str, task: Task | None, terminal: Terminal) -> Answer:
    preset = _preset(name)
    if task is not None and task not in preset.tasks:
        raise ValidationError(f"preset {name!r} has no task {task!r}; it has: {', '.join(preset.tasks)}")
    tasks = (task,) if task else tuple(preset.tasks)
    files = VIDEO_PRESETS.files
    data = {
        **preset.model_dump(mode="json", by_alias=True),
        "by_task": {each: resolved(preset, each, files) for each in tasks},
        "path": str(preset.path),
    }
    return Answer(data, page(preset, tasks, files, terminal.width))


def _preset(name: str) -> Preset:
    for library in (VIDEO_PRESETS, IMAGE_PRESETS):
        if name in library:
            return library[name]
    raise no_preset(name, [*VIDEO_PRESETS, *IMAGE_PRESETS])
