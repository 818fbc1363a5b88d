"""The table of ``jobs list``: a line per job, or more where the terminal is narrow. Ids are never cut."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

from comfy_headless.protocol.status import JobInfo

_GAP: Final = "  "
_IDS: Final = 1
"""The column of ids: what one copies."""


def table(jobs: Sequence[JobInfo], width: int | None, *, now: float | None = None) -> str:
    """Return jobs as lines: state, id, age, preset, seed, and why it failed or what it made.

    Args:
        width: columns of the terminal; what does not fit goes below, and a cell that fits on no line is cut with an
            ellipsis. None cuts nothing.
        now: seconds since 1970.
    """
    now = time.time() if now is None else now
    rows = [_cells(job, now) for job in jobs]
    sizes = [max(map(len, column)) for column in zip(*(row[:-1] for row in rows), strict=True)]
    lines: list[str] = []
    for row in rows:
        padded = [cell.ljust(size) for cell, size in zip(row, sizes, strict=False)]
        lines += _lines([*padded, row[-1]], width)
    return "\n".join(lines)


def age(seconds: float) -> str:
    """Return how long ago something was, in one unit: ``"40 s"``, ``"3 min"``, ``"2 h"``, ``"5 d"``."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"  # the server's clock may be ahead


def _cells(job: JobInfo, now: float) -> list[str]:
    return [
        f"{job.status} #{job.position}" if job.position else str(job.status),
        job.prompt_id,
        "" if job.created is None else age(now - job.created),
        job.preset or "",
        "" if job.seed is None else str(job.seed),
        next(iter((job.error or "").splitlines()), "") or ", ".join(job.outputs),
    ]


def _lines(cells: Sequence[str], width: int | None) -> list[str]:
    """Return the line of a job, and lines below for what does not fit on it."""
    whole = _GAP.join(cells).rstrip()
    if width is None or len(whole) <= width:
        return [whole]
    fitting = len(cells) - 1
    while fitting > _IDS + 1 and len(_GAP.join(cells[:fitting])) > width:
        fitting -= 1
    first, rest = list(cells[:fitting]), list(cells[fitting:])
    if len(_GAP.join(first)) > width:
        first, rest = [cells[_IDS]], [*cells[:_IDS], *rest]
    below: list[str] = []
    for cell in (_GAP + cell.strip() for cell in rest if cell.strip()):
        if below and len(below[-1] + cell) <= width:
            below[-1] += cell
        else:
            below.append(cell if len(cell) <= width else f"{cell[: width - 1]}…")
    return [_GAP.join(first).rstrip(), *below]
