"""``comfy-headless presets``: what can be made, and what a preset needs and takes."""

from __future__ import annotations

from functools import partial
from typing import Any

import typer

from comfy_headless.catalog.preset import Preset
from comfy_headless.catalog.presets import VIDEO_PRESETS
from comfy_headless.cli import options as o
from comfy_headless.cli.output import Action, Answer, Terminal, columns
from comfy_headless.errors import ValidationError
from comfy_headless.graph.values import nearest

app = typer.Typer(no_args_is_help=False)


@app.callback()
def _top(as_json: o.Json = False, log_json: o.LogJson = False, debug: o.Debug = False) -> None:
    """List the presets, or show one."""


@app.command("list")
def list_presets(as_json: o.Json = False, log_json: o.LogJson = False, debug: o.Debug = False) -> Action:
    """List all presets: the built-in ones and those of COMFY_HEADLESS_PRESETS."""
    return _list


@app.command("show")
def show_preset(
    name: o.PresetName, as_json: o.Json = False, log_json: o.LogJson = False, debug: o.Debug = False
) -> Action:
    """Show one preset: its settings and rules, its files and where to put them, and how to prompt it."""
    return partial(_show, name)


def _list(terminal: Terminal) -> Answer:
    presets = list(VIDEO_PRESETS.values())
    data = {"presets": [{**_brief(preset), "summary": str(preset)} for preset in presets]}
    return Answer(data, columns([(preset.name, str(preset)) for preset in presets]))


def _brief(preset: Preset) -> dict[str, Any]:
    return {
        "name": preset.name,
        "title": preset.title,
        "description": preset.description,
        "family": preset.family,
        "tier": preset.tier,
        "tasks": list(preset.tasks),
        "path": str(preset.path),
    }


def _show(name: str, terminal: Terminal) -> Answer:
    if name not in VIDEO_PRESETS:
        raise ValidationError(f"no preset {name!r}{nearest(name, VIDEO_PRESETS)} There are: {', '.join(VIDEO_PRESETS)}")
    preset = VIDEO_PRESETS[name]
    files = [file.model_dump(mode="json") for file in preset.model_files().values()]
    data = {**preset.model_dump(mode="json", by_alias=True), "model_files": files, "path": str(preset.path)}
    parts = [
        f"{preset.name}: {preset.title}\n{preset.description}",
        _block("makes a video from", [(_TASKS[task],) for task in preset.tasks]),
        _block("settings", _settings(preset)),
        _block("rules", _rules(preset)),
        _block("files, in the folder models/ of ComfyUI", _files(preset)),
        _block("needs", _needs(preset)),
        _block("prompting", [(line,) for line in preset.prompt.guidance]),
        _block("licence of the weights", [(line,) for line in (preset.licence.name, *preset.licence.limits)]),
        f"written in {preset.path}",
    ]
    return Answer(data, "\n\n".join(part for part in parts if part))


_TASKS = {"text": "text", "image": "a first image", "first_last": "a first and a last image"}


def _block(heading: str, rows: list[tuple[str, ...]]) -> str:
    return f"{heading}\n{columns(rows, indent='  ')}" if rows else ""


def _settings(preset: Preset) -> list[tuple[str, ...]]:
    common = [
        (name, str(item.value), f"fixed: {item.fixed}" if item.fixed else "") for name, item in preset.settings.items()
    ]
    own = [
        (
            name,
            str(item.default) if item.default is not None else f"{item.rule} of {item.origin}",
            f"fixed: {item.fixed}" if item.fixed else item.description,
        )
        for name, item in preset.declared.items()
    ]
    return [*common, *own]


def _rules(preset: Preset) -> list[tuple[str, ...]]:
    size, frames, fps = preset.rules.size, preset.rules.frames, preset.rules.fps
    rows: list[tuple[str, ...]] = []
    if size.only:
        rows.append(("size", " or ".join(f"{width}x{height}" for width, height in size.only), ""))
    else:
        rows.append(("size", f"multiples of {size.multiple}, at least {size.minimum}", _tested(size.tested)))
    if frames is not None:
        rows.append(("frames", str(frames), _tested(frames.tested)))
    if fps is not None:
        rows.append(("fps", "any", _tested(fps.tested)))
    return rows


def _tested(tested: object) -> str:
    return f"tested: {tested}" if tested is not None else ""


def _files(preset: Preset) -> list[tuple[str, ...]]:
    return [
        (file.key, f"{file.size_gb:g} GB" if file.size_gb else "", f"Hugging Face {file.repository}: {file.path}")
        for file in preset.model_files().values()
    ]


def _needs(preset: Preset) -> list[tuple[str, ...]]:
    needs = preset.needs
    return [
        ("VRAM", f"{needs.min_vram_gb.value:g} GiB, better {needs.rec_vram_gb.value:g}"),
        ("RAM", f"{needs.min_ram_gb.value:g} GiB"),
    ]
