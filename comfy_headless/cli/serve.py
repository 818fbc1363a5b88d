"""``comfy-headless serve``: a ComfyUI of this machine, started from its folder, until it is interrupted."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from comfy_headless.cli import options as o
from comfy_headless.cli.output import Action, Answer, Terminal
from comfy_headless.local.folder import usual_folder
from comfy_headless.local.server import ComfyServer

EPILOG: Final = "Example:\n\ncomfy-headless serve ~/ComfyUI --gpu 0 -- --lowvram"
_LOOK: Final = 1.0
"""Seconds; on Windows a wait without an end hears no Ctrl-C."""


def serve(
    folder: Annotated[
        Path | None,
        typer.Argument(
            **{**o.PATH, "metavar": "FOLDER"},
            help="Where ComfyUI lies; without it COMFY_HEADLESS_COMFYUI, then where people have it.",
            show_default=False,
        ),
    ] = None,
    args: Annotated[
        list[str] | None,
        typer.Argument(metavar="-- [OPTION]...", help="Options of ComfyUI itself, after --.", show_default=False),
    ] = None,
    port: Annotated[int, typer.Option(**o.WHOLE, help="Its port; 0 takes a free one.")] = 8188,
    host: Annotated[
        str, typer.Option(help="Address to listen on; 0.0.0.0 lets other machines in, without any password.")
    ] = "127.0.0.1",
    gpu: Annotated[
        str | None, typer.Option(help="Number of a GPU, several such as 0,1, or cpu; without it ComfyUI chooses.")
    ] = None,
    python: Annotated[
        Path | None, typer.Option(**o.PATH, help="Its Python, or the folder of its environment; without it, found.")
    ] = None,
    log: Annotated[
        Path | None, typer.Option(**o.PATH, help="File for what it says; without it one in the temporary folder.")
    ] = None,
    timeout: Annotated[float, typer.Option(**o.NUMBER, help="Seconds until it must answer.")] = 300.0,
    as_json: o.Json = False,
    log_json: o.LogJson = False,
    debug: o.Debug = False,
) -> Action:
    """Start a ComfyUI of this machine and keep it until Ctrl-C, which ends it with exit code 0.

    Its address is printed once it answers. Where it dies, the end of its log says why.
    """
    named: dict[str, Any] = {"folder": folder, "args": tuple(args or ()), "port": port, "host": host, "gpu": _gpu(gpu)}
    return partial(_serve, {**named, "python": python, "log": log, "timeout": timeout})


def _gpu(text: str | None) -> int | str | None:
    return int(text) if text is not None and text.isdecimal() else text


def _serve(settings: dict[str, Any], terminal: Terminal) -> None:
    settings["folder"] = settings["folder"] or usual_folder()
    server = ComfyServer(**settings)
    with suppress(KeyboardInterrupt), server:
        terminal.answer(Answer({"server": server.url, "pid": server.pid, "log": str(server.log)}, server.url))
        terminal.note("Ctrl-C ends it")
        while server.wait(_LOOK) is None:
            continue
        server.check()
