"""``comfy-headless prompt``: work on a prompt before anything is made of it."""

from __future__ import annotations

import typer

from comfy_headless.cli import options as o
from comfy_headless.cli import prompt_analyze, prompt_enhance, prompt_expand

app = typer.Typer(no_args_is_help=False)
app.command("analyze", epilog=prompt_analyze.EPILOG)(prompt_analyze.analyze)
app.command("enhance", epilog=prompt_enhance.EPILOG)(prompt_enhance.enhance)
app.command("expand", epilog=prompt_expand.EPILOG)(prompt_expand.expand)


@app.callback()
def _top(as_json: o.Json = False, log_json: o.LogJson = False, debug: o.Debug = False) -> None:
    """Say what a prompt asks for, write it as a model wants it, make prompts of a template."""
