"""``comfy-headless run``: a workflow of one's own, with values for its markers."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, Final

import typer

from comfy_headless.api.functions import run_workflow
from comfy_headless.cli import options as o
from comfy_headless.cli.dry_run import dry_run_workflow
from comfy_headless.cli.generate import How, queued, report
from comfy_headless.cli.graphics import Choice
from comfy_headless.cli.output import Action, Answer, Terminal
from comfy_headless.cli.request import pairs, settings_of
from comfy_headless.cli.server import server_of
from comfy_headless.cli.workflow_argument import Workflow, workflow_of
from comfy_headless.client.sync import ComfyClient

EPILOG: Final = "\n\n".join(
    [
        "Example:",
        'comfy-headless run workflow.json --param prompt="a red kite" --param image=first.png --out clips/',
    ]
)


@o.takes(o.WISHES, o.VARIANTS)
def run(
    asked: Mapping[str, Any],
    workflow: Workflow,
    params: Annotated[
        list[str] | None,
        typer.Option("--param", "-p", metavar="NAME=VALUE", help="Value for a marker; may be repeated."),
    ] = None,
    image: o.Image = None,
    last_image: o.LastImage = None,
    out: o.Out = None,
    overwrite: o.Overwrite = False,
    server: o.Server = None,
    simulate: o.Simulate = False,
    timeout: o.Timeout = None,
    dry: o.DryRun = False,
    show_progress: o.ShowProgress = None,
    preview: o.Preview = Choice.AUTO,
    strict: o.Strict = False,
    no_wait: o.NoWait = False,
    no_check: o.NoCheck = False,
    as_json: o.Json = False,
    log_json: o.LogJson = False,
    debug: o.Debug = False,
) -> Action:
    """Run a workflow of your own and bring its files here.

    Node titles may carry markers such as $prompt.text! or $~image, which --param fills; comfy-headless describe
    WORKFLOW lists them.
    """
    how = How(
        server, simulate, timeout, out, overwrite, show_progress, strict, no_wait, preview, no_check=no_check
    ).checked()
    wishes = settings_of({"image": image, "last_image": last_image, **asked})
    return partial(_plan if dry else _queue if no_wait else _run, workflow, pairs(params, "--param"), wishes, how)


def _plan(workflow: str, params: dict[str, str], wishes: dict[str, Any], how: How, terminal: Terminal) -> Answer:
    with server_of(how.server, simulate=how.simulate, terminal=terminal) as url:
        return dry_run_workflow(workflow, params, wishes, url, how.out)


def _run(workflow: str, params: dict[str, str], wishes: dict[str, Any], how: How, terminal: Terminal) -> Answer:
    with (
        server_of(how.server, simulate=how.simulate, terminal=terminal) as url,
        terminal.progress(how.show_progress, how.preview) as on_progress,
    ):
        result = run_workflow(
            workflow_of(workflow),
            params,
            out=how.out,
            overwrite=how.overwrite,
            server=url,
            on_progress=on_progress,
            timeout=how.timeout,
            strict=how.strict,
            check=not how.no_check,
            **wishes,
        )
    return report(result, url, simulated=how.simulate, terminal=terminal)


def _queue(workflow: str, params: dict[str, str], wishes: dict[str, Any], how: How, terminal: Terminal) -> Answer:
    with ComfyClient(how.server) as client:
        return queued(client.submit(workflow_of(workflow), params, check=not how.no_check, **wishes), terminal)
