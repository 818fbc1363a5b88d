"""``comfy-headless compile``: a preset and a prompt as an API-format graph, offline."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from comfy_headless.catalog.compiler import WorkflowCompiler
from comfy_headless.cli import options as o
from comfy_headless.cli.completion import every_preset_name
from comfy_headless.cli.output import Action, Answer, Terminal
from comfy_headless.cli.request import Request, settings_of
from comfy_headless.errors import ValidationError

EPILOG: Final = "\n\n".join(
    [
        "Example:",
        'comfy-headless compile --preset wan_5b "a sunset over the sea" --seed 7 --out graph.json',
    ]
)


@o.takes({**o.SETTINGS, "images": o.IMAGES}, o.VARIANTS)
def compile_graph(
    asked: Mapping[str, Any],
    preset: Annotated[
        str, typer.Option(help="Name of a preset.", autocompletion=every_preset_name, show_default=False)
    ],
    prompt: o.Prompt = "",
    image: o.Image = None,
    last_image: o.LastImage = None,
    negative_prompt: o.NegativePrompt = None,
    seed: o.Seed = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", **o.PATH, help="Write the graph here, not on stdout.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file if it is there.")] = False,
    untested: o.Untested = False,
    as_json: o.Json = False,
    log_json: o.LogJson = False,
    debug: o.Debug = False,
) -> Action:
    """Print the graph of a video or image, in API format. Nothing is opened and nothing is sent."""
    settings = settings_of(asked)
    request = Request(prompt, preset, image, last_image, negative_prompt, seed, untested, settings)
    return partial(_compile, request, out, overwrite)


def _compile(request: Request, out: Path | None, overwrite: bool, terminal: Terminal) -> Answer:
    compiled = WorkflowCompiler().compile(request.preset or "", request.prompt, **request.values)
    for note in compiled.notes:
        terminal.note(note, label="note: ")
    if out is not None:
        write_text(out, json.dumps(compiled.graph, indent=2, ensure_ascii=False) + "\n", overwrite=overwrite)
    data = {
        "preset": compiled.preset,
        "task": compiled.task,
        "seed": compiled.seed,
        "settings": compiled.settings,
        "uploads": [{"path": str(one), "node_id": one.node_id, "input": one.field} for one in compiled.uploads],
        "notes": list(compiled.notes),
        "out": None if out is None else str(out),
        "graph": compiled.graph,
    }
    return Answer(data, json.dumps(compiled.graph, indent=2) if out is None else str(out))


def write_text(path: Path, text: str, *, overwrite: bool) -> None:
    """Write a file that appears whole or not at all."""
    if path.is_dir() or not path.name:
        raise ValidationError(f"out={os.fspath(path)!r} is a folder; give a file such as graph.json")
    if path.exists() and not overwrite:
        raise ValidationError(f"out={os.fspath(path)!r} exists; give another name, or --overwrite")
    part = path.with_name(f"{path.name}.{secrets.token_hex(3)}.part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise ValidationError(f"out={os.fspath(path)!r}: {error.strerror or error}") from error
