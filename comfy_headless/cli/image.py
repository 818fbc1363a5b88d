"""``comfy-headless image``: one prompt, one image, or several."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from comfy_headless.cli import options as o
from comfy_headless.cli.completion import image_preset_names
from comfy_headless.cli.generate import How, action
from comfy_headless.cli.graphics import Choice
from comfy_headless.cli.output import Action
from comfy_headless.cli.request import Request, settings_of
from comfy_headless.errors import ValidationError

EPILOG: Final = "\n\n".join(
    [
        "Examples:",
        'comfy-headless image "a cat in the rain" --simulate --out cat.png',
        'comfy-headless image "a cat in the rain" --preset portrait --images 4 --out cats/',
        'comfy-headless image "a street at night" --preset sdxl_fast --aspect 21:9 --seed 7 --json',
    ]
)


@o.takes(o.IMAGE_SETTINGS, o.IMAGE_VARIANTS)
def image(
    asked: Mapping[str, Any],
    prompt: o.Prompt = "",
    preset: Annotated[
        str | None,
        typer.Option(
            help="Such as draft, fast, quality, hd, portrait, landscape, cinematic, square, or one of these of SDXL "
            "(sdxl_fast); without it the best one that the server has the files and VRAM for.",
            autocompletion=image_preset_names,
        ),
    ] = None,
    within: o.Within = None,
    negative_prompt: o.NegativePrompt = None,
    enhance: o.Enhance = False,
    style: o.Style = None,
    seed: o.Seed = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", **o.PATH, help="File such as cat.png, or a folder; else the current folder."),
    ] = None,
    overwrite: o.Overwrite = False,
    server: o.Server = None,
    simulate: o.Simulate = False,
    timeout: o.Timeout = None,
    untested: o.Untested = False,
    dry: o.DryRun = False,
    show_progress: o.ShowProgress = None,
    preview: o.Preview = Choice.AUTO,
    strict: o.Strict = False,
    on_oom: o.OnOomOption = o.OnOom.RAISE,
    no_wait: o.NoWait = False,
    no_check: o.NoCheck = False,
    as_json: o.Json = False,
    log_json: o.LogJson = False,
    debug: o.Debug = False,
) -> Action:
    """Make an image from a prompt, or several.

    The files' paths are printed on stdout. Ctrl-C cancels the job on the server.
    """
    if not prompt:
        raise ValidationError("image needs a PROMPT")
    request = Request(
        prompt, preset, negative_prompt=negative_prompt, seed=seed, untested=untested, settings=settings_of(asked),
        kind="image", within=within, enhance=style or enhance,
    )  # fmt: skip
    how = How(
        server, simulate, timeout, out, overwrite, show_progress, strict, no_wait, preview, on_oom, no_check
    ).checked()
    return action(request, how, dry=dry)
