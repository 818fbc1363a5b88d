"""``comfy-headless doctor``: look at the server, this machine and this package, and say what is wrong."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Final

import typer

from comfy_headless.cli import options as o
from comfy_headless.cli.endings import DONE, FAILED
from comfy_headless.cli.output import Action, Answer, Terminal
from comfy_headless.cli.preset_table import wrapped
from comfy_headless.doctor.look import check_health
from comfy_headless.health.report import HealthReport

EPILOG: Final = "Example:\n\ncomfy-headless doctor --server http://localhost:8188"
_UNBROKEN: Final = 10**6
"""Columns where no terminal has any."""


def doctor(
    server: o.Server = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", **o.PATH, help="Where results are to go; without it the current folder."),
    ] = None,
    timeout: Annotated[float, typer.Option(**o.NUMBER, help="Seconds that an answer of the server may take.")] = 5.0,
    as_json: o.Json = False,
    log_json: o.LogJson = False,
    debug: o.Debug = False,
) -> Action:
    """Look at the server, this machine and this package; say what is wrong, and what to type about it.

    Ends with 1 if something fails, with 0 if there are no more than warnings.
    """
    return partial(_doctor, server, out, timeout)


def _doctor(server: str | None, out: Path | None, timeout: float, terminal: Terminal) -> Answer:
    report = check_health(server, out=out, timeout=timeout)
    return Answer(report.to_dict(), page(report, terminal.width), DONE if report.ok else FAILED)


def page(report: HealthReport, width: int | None) -> str:
    """Return a report as lines; what is to be pasted stands on a line of its own, whole, however long it is."""
    columns, lines = width or _UNBROKEN, []
    label = max(len(line.name) for line in report.lines)
    indent = " " * (label + 8)
    for line in report.lines:
        lines += wrapped(line.text, columns, f"{line.state:<4}  {line.name:<{label}}  ", indent)
        if line.remedy is not None:
            lines.append(f"{indent}try: {line.remedy}")
    return "\n".join([*lines, "", _sum(report)])


def _sum(report: HealthReport) -> str:
    failures, warnings = (sum(line.state == state for line in report.lines) for state in ("fail", "warn"))
    if not failures and not warnings:
        return "All is well."
    told = [_count(failures, "failure"), _count(warnings, "warning")]
    return f"{' and '.join(filter(None, told))}."


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}" if number else ""
