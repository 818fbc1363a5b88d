"""How far a job is, in words for a person; and as a line now and then where nothing can move."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from rich.cells import cell_len, set_cell_size

from comfy_headless.protocol.events import Progress

_LINE_EVERY: Final = 10
"""Percent between two lines of one node."""

_LEAST_TITLE: Final = 6
"""Columns below which what is left of a title says nothing."""


def describe(progress: Progress) -> str:
    """Return where a job is, without the percent: node, step, time left."""
    if progress.queue_position:
        ahead = progress.queue_position
        return f"waiting, {ahead} job{'s' if ahead > 1 else ''} ahead"
    parts = []
    title = _title(progress)
    if progress.node is not None:
        parts.append(f"{title} (node {progress.node})" if title else f"node {progress.node}")
    if progress.step is not None and progress.steps:
        parts.append(f"step {progress.step} of {progress.steps}")
    if progress.eta and progress.progress < 100:
        parts.append(f"{time_left(progress.eta)} left")
    return ", ".join(parts) or "running"


def describe_within(progress: Progress, room: int, *, ellipsis: str = "…") -> str:
    """Return where a job is in at most ``room`` columns: fewer words, then a shorter title, then none."""
    words = describe(progress)
    if cell_len(words) <= room:
        return words
    if progress.queue_position:
        return _cut(f"{progress.queue_position} ahead", room, ellipsis)
    counted = [f"{progress.step}/{progress.steps}"] if progress.step is not None and progress.steps else []
    timed = [time_left(progress.eta)] if progress.eta and progress.progress < 100 else []
    title = _title(progress) or (f"node {progress.node}" if progress.node is not None else "")
    for rest in ([*counted, *timed], counted or timed):
        left = room - cell_len("".join(f", {part}" for part in rest))
        if title and left >= min(_LEAST_TITLE, cell_len(title)):
            return ", ".join([_cut(title, left, ellipsis), *rest])
    return _cut(", ".join(counted or timed) or title, room, ellipsis)


def _cut(text: str, room: int, ellipsis: str) -> str:
    if cell_len(text) <= room:
        return text
    return set_cell_size(text, room - len(ellipsis)).rstrip() + ellipsis if room > len(ellipsis) else ""


def _title(progress: Progress) -> str:
    """Return the title as one line that cannot move the cursor: it comes from a file."""
    shown = "".join(letter if letter.isprintable() else " " for letter in progress.title or "")
    return " ".join(shown.split())


def time_left(seconds: float) -> str:
    """Return an estimate in seconds as a person says it: ``"~40 s"``, ``"~2 min 10 s"``."""
    whole = max(1, round(seconds))
    hours, minutes = whole // 3600, whole % 3600 // 60
    if hours:
        return f"~{hours} h {minutes} min"
    return f"~{minutes} min {whole % 60} s" if minutes else f"~{whole} s"


class Lines:
    """Progress as lines: one per node, and one each ten percent."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._last: Progress | None = None

    def show(self, progress: Progress) -> None:
        """Write a line if enough has changed since the last one."""
        last = self._last
        if last is None or (
            progress.node != last.node
            or progress.queue_position != last.queue_position
            or progress.progress >= last.progress + _LINE_EVERY
            or (progress.progress >= 100 > last.progress)
        ):
            self._last = progress
            self._write(f"{progress.progress:5.1f}%  {describe(progress)}".rstrip())
