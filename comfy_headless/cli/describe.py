"""``comfy-headless describe``: what a workflow takes and gives."""

from __future__ import annotations

import json
from functools import partial
from typing import Annotated, Final

import typer

from comfy_headless.api.describe import describe as describe_workflow
from comfy_headless.cli import options as o
from comfy_headless.cli.output import Action, Answer, Terminal
from comfy_headless.cli.workflow_argument import Workflow, workflow_of

EPILOG: Final = "\n\n".join(
    [
        "Examples:",
        "comfy-headless describe workflow.json",
        "comfy-headless describe workflow.json --schema",
    ]
)


def describe(
    workflow: Workflow,
    server: Annotated[
        str | None,
        typer.Option(
            "--server",
            "-s",
            metavar="URL",
            help="Ask this server for ranges and choices, model files too.",
            show_default=False,
        ),
    ] = None,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON schema of the parameters instead.")] = False,
    as_json: o.Json = False,
    log_json: o.LogJson = False,
    debug: o.Debug = False,
) -> Action:
    """List what a workflow takes and gives: parameters, as the markers in its titles name them, and outputs.

    Without --server no server is asked: types, ranges and choices are those of ComfyUI 0.30.0's own nodes.
    """
    return partial(_describe, workflow, server, schema)


def _describe(workflow: str, server: str | None, schema: bool, terminal: Terminal) -> Answer:
    description = describe_workflow(workflow_of(workflow), server)
    told = description.to_json_schema()
    text = json.dumps(told, indent=2, ensure_ascii=False) if schema else str(description)
    return Answer({**description.to_dict(), "schema": told}, text)
