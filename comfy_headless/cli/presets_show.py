"""``comfy-headless presets show``: all that a preset says and where it comes from; what it takes in memory and time."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, Final, NamedTuple

import typer

from comfy_headless.catalog.preset import Preset
from comfy_headless.catalog.preset_file import Task
from comfy_headless.catalog.presets import IMAGE_PRESETS, VIDEO_PRESETS, no_preset
from comfy_headless.catalog.settings import effective
from comfy_headless.catalog.variants import parted
from comfy_headless.catalog.vram import estimate
from comfy_headless.cli import options as o
from comfy_headless.cli.output import Action, Answer, Terminal
from comfy_headless.cli.preset_page import page, resolved
from comfy_headless.cli.request import settings_of
from comfy_headless.cli.vram_page import estimate_data, estimate_page
from comfy_headless.errors import ValidationError

EPILOG: Final = "\n\n".join(
    [
        "Examples:",
        "comfy-headless presets show wan_5b --task image",
        'comfy-headless presets show wan_5b --vram --card "RTX 3060" --vram-gb 12 --frames 49 --precision fp8',
    ]
)


class _Question(NamedTuple):
    """What memory and time are asked for.

    Args:
        given: settings and variants.
    """

    card: str | None
    vram_gb: float | None
    given: Mapping[str, Any]


@o.takes(o.SETTINGS, o.VARIANTS)
def show_preset(
    asked: Mapping[str, Any],
    name: o.PresetName,
    task: Annotated[o.TaskName | None, typer.Option(help="As it is for this task alone.")] = None,
    vram: Annotated[
        bool, typer.Option("--vram", help="What it takes in memory and time instead, with the settings given.")
    ] = False,
    card: Annotated[
        str | None, typer.Option(help="With --vram: the time on this card, such as RTX 3060; without it an RTX 4090.")
    ] = None,
    vram_gb: Annotated[
        float | None, typer.Option(**o.NUMBER, help="With --vram: GiB of the card, and whether they are enough.")
    ] = None,
    as_json: o.Json = False,
    log_json: o.LogJson = False,
    debug: o.Debug = False,
) -> Action:
    """Show one preset: settings, rules, files and where to put them, needs, licence, how to prompt it; with sources."""
    question = _Question(card, vram_gb, settings_of(asked))
    chosen: Task | None = task.value if task else None
    if vram:
        return partial(_estimate, name, chosen, question)
    if question != _Question(None, None, {}):
        raise ValidationError("settings, variants, --card and --vram-gb are for --vram, which is missing")
    return partial(_show, name, chosen)


def _show(name: str, task: Task | None, terminal: Terminal) -> Answer:
    preset = _preset(name, task)
    tasks = (task,) if task else tuple(preset.tasks)
    files = VIDEO_PRESETS.files
    data = {
        **preset.model_dump(mode="json", by_alias=True),
        "by_task": {each: resolved(preset, each, files) for each in tasks},
        "path": str(preset.path),
    }
    return Answer(data, page(preset, tasks, files, terminal.width))


def _estimate(name: str, task: Task | None, question: _Question, terminal: Terminal) -> Answer:
    preset = _preset(name, task)
    told = estimate(preset, question.given, task=task, card=question.card, vram_gb=question.vram_gb)
    variants, given = parted(question.given)
    values = effective(preset, told.task, given, allow_untested=True).values
    changed = ", ".join(f"{key} {value}" for key, value in {**given, **variants}.items() if value is not None)
    what = f"with {changed}" if changed else f"as it is ({preset.output()})"
    data = estimate_data(told, {**values, **variants}, question.vram_gb)
    return Answer(data, estimate_page(told, what, question.vram_gb, terminal.width))


def _preset(name: str, task: Task | None) -> Preset:
    for library in (VIDEO_PRESETS, IMAGE_PRESETS):
        if name in library:
            preset = library[name]
            if task is not None and task not in preset.tasks:
                raise ValidationError(f"preset {name!r} has no task {task!r}; it has: {', '.join(preset.tasks)}")
            return preset
    raise no_preset(name, [*VIDEO_PRESETS, *IMAGE_PRESETS])
