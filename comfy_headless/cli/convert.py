"""``comfy-headless convert``: what a browser saved, as the graph that a server takes."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import typer

from comfy_headless.api.convert import read_converted
from comfy_headless.cli import options as o
from comfy_headless.cli.compile_graph import write_text
from comfy_headless.cli.output import Action, Answer, Terminal
from comfy_headless.cli.workflow_argument import Workflow, workflow_of
from comfy_headless.config import shown_url
from comfy_headless.errors import ValidationError

EPILOG: Final = "\n\n".join(
    [
        "Examples:",
        "comfy-headless convert workflow.json --out graph.json",
        "comfy-headless convert workflow.json --server http://localhost:8188",
    ]
)


def convert(
    workflow: Workflow,
    object_info: Annotated[
        Path | None,
        typer.Option(**o.PATH, help="Go by this answer of a server's GET /object_info.", show_default=False),
    ] = None,
    server: Annotated[
        str | None,
        typer.Option("--server", "-s", metavar="URL", help="Ask this server for its node classes.", show_default=False),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", **o.PATH, help="Write the graph here, not on stdout.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file if it is there.")] = False,
    as_json: o.Json = False,
    log_json: o.LogJson = False,
    debug: o.Debug = False,
) -> Action:
    """Print a workflow as a server takes it, whichever way the browser saved it. Nothing is sent to run.

    Without --object-info and --server the node classes of ComfyUI 0.30.0 count, and those of the presets' node packs.
    """
    if object_info is not None and server is not None:
        raise ValidationError(f"--object-info {object_info} and --server {shown_url(server)}: give one of them")
    return partial(_convert, workflow, object_info, server, out, overwrite)


def _convert(
    workflow: str,
    object_info: Path | None,
    server: str | None,
    out: Path | None,
    overwrite: bool,
    terminal: Terminal,
) -> Answer:
    read = read_converted(workflow_of(workflow), object_info, server)
    for warning in read.warnings:
        terminal.warn(warning)
    if out is not None:
        write_text(out, json.dumps(read.graph, indent=2, ensure_ascii=False) + "\n", overwrite=overwrite)
    data = {
        "name": read.name,
        "server": server and shown_url(server),
        "warnings": list(read.warnings),
        "out": None if out is None else str(out),
        "graph": read.graph,
    }
    return Answer(data, json.dumps(read.graph, indent=2, ensure_ascii=False) if out is None else str(out))
