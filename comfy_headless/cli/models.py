"""``comfy-headless models``: the model files that presets need, what is there of them, and fetching the rest."""

from __future__ import annotations

import typer

from comfy_headless.cli import models_check, models_download, models_list
from comfy_headless.cli import options as o

app = typer.Typer(no_args_is_help=False)
app.command("list", epilog=models_list.EPILOG)(models_list.list_files)
app.command("check", epilog=models_check.EPILOG)(models_check.check)
app.command("download", epilog=models_download.EPILOG)(models_download.download)


@app.callback()
def _top(as_json: o.Json = False, log_json: o.LogJson = False, debug: o.Debug = False) -> None:
    """List the model files of presets, check which are there, fetch what is missing into a local ComfyUI."""
