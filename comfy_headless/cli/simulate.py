"""``comfy-headless simulate``: a ComfyUI server that runs no model, until it is interrupted."""

from __future__ import annotations

import json
from contextlib import suppress
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from comfy_headless.cli import options as o
from comfy_headless.cli.output import Action, Answer, Terminal
from comfy_headless.errors import ValidationError


class Device(StrEnum):
    """What the simulated server says it runs on."""

    CUDA = "cuda"
    CPU = "cpu"
    MPS = "mps"


def simulate(
    port: Annotated[int, typer.Option(**o.WHOLE, help="Port on 127.0.0.1; 0 takes a free one.")] = 8188,
    vram_gb: Annotated[
        list[float] | None,
        typer.Option(**o.NUMBER, help="GiB of the graphics card; may be repeated: several cards.", show_default="24.0"),
    ] = None,
    ram_gb: Annotated[float, typer.Option(**o.NUMBER, help="GiB of the machine.")] = 64.0,
    device: Annotated[Device, typer.Option(help="What it says it runs on.")] = Device.CUDA,
    device_name: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="Name of the graphics card; may be repeated: one for each.", show_default=False
        ),
    ] = None,
    windows: Annotated[
        bool, typer.Option("--windows", help="Be a server on Windows: a backslash parts sub-folders.")
    ] = False,
    step_seconds: Annotated[float, typer.Option(**o.NUMBER, help="How long a step of a sampler takes.")] = 0.0,
    bare: Annotated[bool, typer.Option("--bare", help="Have no model files; else all that the presets name.")] = False,
    files: Annotated[
        Path | None,
        typer.Option(**o.PATH, help='Have the model files of this JSON: {"folder": ["name"]}.', show_default=False),
    ] = None,
    no_packs: Annotated[
        bool, typer.Option("--no-packs", help="Have ComfyUI's own nodes only; else those of the presets' packs too.")
    ] = False,
    output_folder: Annotated[
        Path | None, typer.Option(**o.PATH, help="Keep results here; without it they go with the server.")
    ] = None,
    as_json: o.Json = False,
    log_json: o.LogJson = False,
    debug: o.Debug = False,
) -> Action:
    """Run a simulated ComfyUI server until Ctrl-C, which ends it with exit code 0.

    It checks every graph as ComfyUI does and makes placeholder videos; no model runs. Its address is printed first.
    """
    settings: dict[str, Any] = {
        "port": port,
        "vram_gb": vram_gb or 24.0,
        "ram_gb": ram_gb,
        "device": device.value,
        "device_name": device_name or None,
        "windows": windows,
        "step_seconds": step_seconds,
        "files": _files(files, bare=bare),
        "packs": () if no_packs else None,
        "output_folder": output_folder,
    }
    return partial(_simulate, settings)


def _files(path: Path | None, *, bare: bool) -> Any:
    """Return the model files to have; None for all that the presets name."""
    if path is None:
        return {} if bare else None
    if bare:
        raise ValidationError(f"--files {path} and --bare: give one of them")
    try:
        files = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValidationError(f"--files {path}: {error.strerror}") from error
    except ValueError as error:
        raise ValidationError(f"--files {path}: not JSON: {error}") from error
    named = files.values() if isinstance(files, dict) else [None]
    if not all(isinstance(names, list) and all(isinstance(name, str) for name in names) for names in named):
        raise ValidationError(
            f'--files {path}: expected names per folder, such as {{"vae": ["wan_2.1_vae.safetensors"]}}'
        )
    return files


def _simulate(settings: dict[str, Any], terminal: Terminal) -> None:
    from comfy_headless.simulator import serve

    def ready(url: str) -> None:
        terminal.answer(Answer({"server": url}, url))
        terminal.note("a simulated ComfyUI: no model runs; Ctrl-C ends it")

    with suppress(KeyboardInterrupt):
        serve(ready=ready, **settings)
