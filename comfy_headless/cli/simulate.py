"""``comfy-headless simulate``: a ComfyUI server that runs no model, until it is interrupted."""

from __future__ import annotations

from contextlib import suppress
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from comfy_headless.cli import options as o
from comfy_headless.cli.output import Action, Answer, Terminal


class Device(StrEnum):
    """What the simulated server says it runs on."""

    CUDA = "cuda"
    CPU = "cpu"
    MPS = "mps"


def simulate(
    port: Annotated[int, typer.Option(**o.WHOLE, help="Port on 127.0.0.1; 0 takes a free one.")] = 8188,
    vram_gb: Annotated[float, typer.Option(**o.NUMBER, help="GiB of the graphics card.")] = 24.0,
    ram_gb: Annotated[float, typer.Option(**o.NUMBER, help="GiB of the machine.")] = 64.0,
    device: Annotated[Device, typer.Option(help="What it says it runs on.")] = Device.CUDA,
    step_seconds: Annotated[float, typer.Option(**o.NUMBER, help="How long a step of a sampler takes.")] = 0.0,
    bare: Annotated[bool, typer.Option("--bare", help="Have no model files; else all that the presets name.")] = False,
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
        "vram_gb": vram_gb,
        "ram_gb": ram_gb,
        "device": device.value,
        "step_seconds": step_seconds,
        "files": {} if bare else None,
        "packs": () if no_packs else None,
        "output_folder": output_folder,
    }
    return partial(_simulate, settings)


def _simulate(settings: dict[str, Any], terminal: Terminal) -> None:
    from comfy_headless.simulator import serve

    def ready(url: str) -> None:
        terminal.answer(Answer({"server": url}, url))
        terminal.note("a simulated ComfyUI: no model runs; Ctrl-C ends it")

    with suppress(KeyboardInterrupt):
        serve(ready=ready, **settings)
