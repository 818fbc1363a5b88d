"""``comfy-headless prompt analyze``: what a prompt asks for, and which presets go with it."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Final

import typer

from comfy_headless.ai.analyzing import analyze_prompt
from comfy_headless.cli import options as o
from comfy_headless.cli.completion import prompt_model_names
from comfy_headless.cli.output import Action, Answer, Terminal
from comfy_headless.cli.prompt_analyze_page import page
from comfy_headless.cli.text_argument import Text, text_of
from comfy_headless.config import shown_url

EPILOG: Final = "\n\n".join(
    [
        "Examples:",
        'comfy-headless prompt analyze "a slow pan over a city at night, vertical, 6 seconds" --vram-gb 12',
        "comfy-headless prompt analyze - --model cogvideo --json < prompt.txt",
    ]
)


def analyze(
    prompt: Text,
    model: Annotated[
        str | None,
        typer.Option(
            help="A preset or a family: tokens are counted as it counts them.", autocompletion=prompt_model_names
        ),
    ] = None,
    vram_gb: Annotated[
        float | None,
        typer.Option(
            "--vram-gb", **o.NUMBER, help="GiB of VRAM that a preset for videos is suggested for; without it 8."
        ),
    ] = None,
    server: Annotated[
        str | None,
        typer.Option(help="Suggest a preset for videos by what this server has: it is asked. Else nobody is."),
    ] = None,
    as_json: o.Json = False,
    log_json: o.LogJson = False,
    debug: o.Debug = False,
) -> Action:
    """Say what a prompt asks for: subject, camera, light, length, sound and more, and what is likely to go wrong.

    It is read by rules and word lists in many languages; the prompt goes nowhere.
    """
    return partial(_analyze, prompt, model, vram_gb, server)


def _analyze(prompt: str, model: str | None, vram_gb: float | None, server: str | None, terminal: Terminal) -> Answer:
    if vram_gb is not None:
        from comfy_headless.catalog.vram import check_gb  # with the catalog, which only this option needs

        check_gb("--vram-gb", vram_gb)
    found = analyze_prompt(text_of(prompt, "prompt analyze"), model=model, vram_gb=vram_gb, server=server)
    suggested = {"suggested_preset": found.suggested_preset, "suggested_video_preset": found.suggested_video_preset}
    data = {
        **found.to_dict(),
        **{name: {"preset": str(each), "reason": each.reason} for name, each in suggested.items()},
        "vram_gb": vram_gb,
        "server": server and shown_url(server),
    }
    return Answer(data, page(found, suggested, terminal.width))
