"""``comfy-headless check``: what would go wrong with a workflow or a preset, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from comfy_headless.api.check import check as check_workflow
from comfy_headless.cli import options as o
from comfy_headless.cli.completion import every_preset_name
from comfy_headless.cli.endings import DONE, FAILED
from comfy_headless.cli.output import Action, Answer, Terminal
from comfy_headless.cli.request import pairs, settings_of
from comfy_headless.cli.server import server_of
from comfy_headless.cli.workflow_argument import PARSED, workflow_of
from comfy_headless.config import shown_url
from comfy_headless.errors import ValidationError
from comfy_headless.graph.report import Report

EPILOG: Final = "\n\n".join(
    [
        "Examples:",
        "comfy-headless check --preset wan_5b",
        "comfy-headless check workflow.json --offline",
    ]
)


@o.takes({**o.SETTINGS, "images": o.IMAGES}, o.VARIANTS)
def check(
    asked: Mapping[str, Any],
    workflow: Annotated[str | None, typer.Argument(**PARSED)] = None,
    preset: Annotated[
        str | None, typer.Option(help="Name of a preset, in place of a workflow.", autocompletion=every_preset_name)
    ] = None,
    params: Annotated[
        list[str] | None,
        typer.Option("--param", "-p", metavar="NAME=VALUE", help="Value for a marker; may be repeated."),
    ] = None,
    task: Annotated[o.TaskName | None, typer.Option(help="What a preset makes something from; else its first.")] = None,
    image: o.Image = None,
    last_image: o.LastImage = None,
    negative_prompt: o.NegativePrompt = None,
    seed: o.Seed = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", **o.PATH, help="Where the file is to go: is there room for it?")
    ] = None,
    server: o.Server = None,
    untested: o.Untested = False,
    offline: Annotated[
        bool, typer.Option("--offline", help="Ask no server: by ComfyUI 0.30.0's own nodes, with every file there.")
    ] = False,
    simulate: o.Simulate = False,
    as_json: o.Json = False,
    log_json: o.LogJson = False,
    debug: o.Debug = False,
) -> Action:
    """Say what would go wrong with a workflow or a preset, and what to do about it. Nothing is sent to run.

    Exit code 1: a job would not end well. Warnings and notes leave it 0.
    """
    if offline and (server is not None or simulate):
        other = f"--server {shown_url(server)}" if server is not None else "--simulate"
        raise ValidationError(f"--offline and {other}: give one of them")
    if untested and preset is None:
        raise ValidationError("--untested: that is for a preset (--preset)")
    wanted = {
        "preset": preset,
        "params": pairs(params, "--param") or None,
        "task": task and task.value,
        "out": out,
        "image": image,
        "last_image": last_image,
        "negative_prompt": negative_prompt,
        "seed": seed,
        **({"allow_untested": True} if untested else {}),
        **settings_of(asked),
    }
    return partial(_check, workflow, wanted, server, offline, simulate)


def _check(
    workflow: str | None,
    wanted: dict[str, Any],
    server: str | None,
    offline: bool,
    simulate: bool,
    terminal: Terminal,
) -> Answer:
    with _where(server, offline, simulate, terminal) as url:
        report = check_workflow(workflow and workflow_of(workflow), url, **wanted)
    data = {
        "server": url and shown_url(url),
        "preset": wanted["preset"],
        "workflow": workflow,
        **report.to_dict(),
    }
    return Answer(data, page(report, url), FAILED if report.fails else DONE)


@contextmanager
def _where(server: str | None, offline: bool, simulate: bool, terminal: Terminal) -> Iterator[str | None]:
    if offline:
        yield None
        return
    with server_of(server, simulate=simulate, terminal=terminal) as url:
        yield url


def page(report: Report, url: str | None) -> str:
    """Return a line for each problem with what to do below it, each remedy once, and how many there are."""
    lines, said = list[str](), set[str]()
    for problem in report.problems:
        lines.append(f"{problem.severity}: {problem}")
        if problem.remedy and problem.remedy not in said:
            lines.append(f"    {problem.remedy}")
        said.add(problem.remedy)
    return "\n".join([*lines, _summary(report, url)])


def _summary(report: Report, url: str | None) -> str:
    where = "by ComfyUI 0.30.0's own nodes, no server asked" if url is None else f"for {shown_url(url)}"
    ends, warnings = len(report.of("refused", "fails")), len(report.of("warning"))
    notes = len(report.of("note"))
    counts = [
        *([f"{ends} problem{'s' if ends > 1 else ''} would end the job"] if ends else []),
        *([f"{warnings} warning{'s' if warnings > 1 else ''}"] if warnings else []),
        *([f"{notes} note{'s' if notes > 1 else ''}"] if notes else []),
    ]
    again = "\nA server stops at such a thing and looks at nothing behind it: check again once it is mended."
    return f"{'no problem' if not counts else ', '.join(counts)} ({where}){again if report.of('refused') else ''}"
