"""``comfy-headless presets schema``: what editors need to complete, explain and check the files of presets."""

from __future__ import annotations

import json
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import typer

from comfy_headless.catalog.preset_schema import Kind, preset_schema
from comfy_headless.cli import options as o
from comfy_headless.cli.output import Action, Answer, Terminal
from comfy_headless.errors import ValidationError

EPILOG: Final = "Example:\n\ncomfy-headless presets schema --out preset.schema.json"


class FileKind(StrEnum):
    """A kind of file in a folder of presets."""

    PRESET = "preset"
    FAMILY = "family"
    FILES = "files"
    NETWORKS = "networks"


def show_schema(
    kind: Annotated[
        FileKind, typer.Argument(help="Which file: a preset's own, family.toml, files.toml or networks.toml.")
    ] = (FileKind.PRESET),
    out: Annotated[Path | None, typer.Option("--out", "-o", **o.PATH, help="Write it to this file.")] = None,
    as_json: o.Json = False,
    log_json: o.LogJson = False,
    debug: o.Debug = False,
) -> Action:
    """Print the JSON schema of a preset's file, with which editors complete, explain and check it."""
    return partial(_schema, kind.value, out)


def _schema(kind: Kind, out: Path | None, terminal: Terminal) -> Answer:
    schema = preset_schema(kind)
    text = json.dumps(schema, indent=2, ensure_ascii=False)
    if out is not None:
        try:
            out.write_text(f"{text}\n", encoding="utf-8")
        except OSError as error:
            raise ValidationError(f"out={str(out)!r}: {error.strerror or error}") from error
    return Answer({"kind": kind, "out": out and str(out), "schema": schema}, str(out) if out else text)
