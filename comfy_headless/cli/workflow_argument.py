"""The argument WORKFLOW: what a workflow can be given as at the command line."""

from __future__ import annotations

import sys
from typing import Annotated, Final

import typer

from comfy_headless.api.contents import drain
from comfy_headless.errors import ValidationError

HELP: Final = (
    "A workflow: a file (JSON, or a picture or video that ComfyUI made), an https address, server:NAME, template:NAME, "
    "or - for what is piped in."
)


def text(given: str) -> str:
    """Read what names a workflow; an empty text, as an unset variable leaves it, names none."""
    if not given.strip():
        raise typer.BadParameter(f"{given!r} names no workflow; give a path, or such as server:NAME")
    return given


PARSED: Final = {"parser": text, "metavar": "WORKFLOW", "show_default": False, "help": HELP}

Workflow = Annotated[str, typer.Argument(**PARSED)]


def workflow_of(given: str) -> str | bytes:
    """Return the workflow that was typed, read from stdin for ``-``; raises ValidationError."""
    if given != "-":
        return given
    if sys.stdin is None or sys.stdin.isatty():
        raise ValidationError(
            "workflow '-' is what is piped in, and nothing is: cat workflow.json | comfy-headless ... -"
        )
    content = drain(sys.stdin.buffer)
    if not content.strip():
        raise ValidationError("workflow '-': standard input is empty; what is left of the pipe has written nothing")
    return content
