"""``comfy-headless presets new``: a preset from a workflow, with a TODO wherever a person is asked."""

from __future__ import annotations

import shlex
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from comfy_headless.api.new_preset import NewPreset, new_preset
from comfy_headless.cli import options as o
from comfy_headless.cli.output import Action, Answer, Terminal
from comfy_headless.cli.workflow_argument import PARSED, workflow_of
from comfy_headless.config import user_preset_folders

EPILOG: Final = "Example:\n\ncomfy-headless presets new my_model --from workflow.json --out my_presets"


def new(
    name: Annotated[str, typer.Argument(help="What the preset will be called.", show_default=False)],
    workflow: Annotated[str, typer.Option("--from", **PARSED)],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", **o.PATH, help="Folder; without it that of COMFY_HEADLESS_PRESETS, else ./presets."
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that are there.")] = False,
    server: Annotated[
        str | None,
        typer.Option(help="Address of the ComfyUI that keeps the workflow, or has its nodes; else none is asked."),
    ] = None,
    dry: Annotated[bool, typer.Option("--dry-run", help="Print the preset and write nothing.")] = False,
    as_json: o.Json = False,
    log_json: o.LogJson = False,
    debug: o.Debug = False,
) -> Action:
    """Draft a preset from a workflow: NAME.toml, and its template with markers in the node titles.

    What the workflow tells is read off; what takes a source is left as a TODO, which `presets test` lists.
    """
    return partial(_new, name, workflow, out, overwrite=overwrite, server=server, dry=dry)


def _new(
    name: str, workflow: str, out: Path | None, terminal: Terminal, *, overwrite: bool, server: str | None, dry: bool
) -> Answer:
    made = new_preset(name, workflow_of(workflow), folder=out, overwrite=overwrite, server=server, dry_run=dry)
    for line in _told(made):
        terminal.note(line)
    for line in made.draft.found.notes:
        terminal.note(line, label="note: ")
    if made.problem is not None:
        terminal.warn(f"it cannot be read yet: {made.problem}")
    terminal.note(_next(made))
    text = made.draft.toml.rstrip("\n") if dry else "\n".join(map(str, made.paths))
    return Answer(_data(made), text)


def _told(made: NewPreset) -> list[str]:
    draft = made.draft
    nodes: dict[str, list[str]] = {}
    for mark in draft.found.marks:
        if mark.name not in draft.files and mark.node_id not in nodes.setdefault(mark.name, []):
            nodes[mark.name].append(mark.node_id)
    found = ", ".join(f"{name} (node {' '.join(ids)})" for name, ids in nodes.items())
    files = [
        f"{role}: {file}{'' if described else ', described nowhere yet'}"
        for role, (file, described) in draft.files.items()
    ]
    return [f"found: {found}", *files, f"{len(draft.todo)} lines with a TODO are left to you"]


def _next(made: NewPreset) -> str:
    path = made.paths[0]
    known = any(path.resolve().is_relative_to(folder.resolve()) for folder in user_preset_folders())
    named = made.draft.name if known else str(path)
    return f"next: edit {path}, then {shlex.join(['comfy-headless', 'presets', 'test', named, '--simulate'])}"


def _data(made: NewPreset) -> dict[str, Any]:
    draft = made.draft
    return {
        "name": draft.name,
        "task": draft.task,
        "preset": str(made.paths[0]),
        "template": str(made.paths[1]),
        "written": made.written,
        "markers": [{"name": mark.name, "node_id": mark.node_id, "input": mark.input} for mark in draft.found.marks],
        "files": [
            {"role": role, "file": file, "described": described} for role, (file, described) in draft.files.items()
        ],
        "todo": [{"line": number, "text": text} for number, text in draft.todo],
        "notes": list(draft.found.notes),
        "problem": made.problem,
        "toml": draft.toml,
    }
