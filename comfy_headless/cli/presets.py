"""``comfy-headless presets``: what can be made, what a preset needs and takes, and presets of one's own."""

from __future__ import annotations

import typer

from comfy_headless.cli import options as o
from comfy_headless.cli import presets_list, presets_new, presets_schema, presets_show, presets_test

app = typer.Typer(no_args_is_help=False)
app.command("list", epilog=presets_list.EPILOG)(presets_list.list_presets)
app.command("show", epilog=presets_show.EPILOG)(presets_show.show_preset)
app.command("new", epilog=presets_new.EPILOG)(presets_new.new)
app.command("test", epilog=presets_test.EPILOG)(presets_test.test)
app.command("schema", epilog=presets_schema.EPILOG)(presets_schema.show_schema)


@app.callback()
def _top(as_json: o.Json = False, log_json: o.LogJson = False, debug: o.Debug = False) -> None:
    """List the presets, show one, draft one, try one; print the schema of their files."""
