"""How far a job is, shown to a person: one moving bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as RichProgress
from rich.table import Column

from comfy_headless.protocol.events import Progress

_LINE_EVERY: Final = 10
"""Percent between two lines of one node."""

_ROOM_FOR_A_BAR: Final = 60
"""Columns below which the bar gives way to the words."""


def describe(progress: Progress) -> str:
    """Return where a job is, without the percent: node, step, time left."""
    if progress.queue_position:
        ahead = progress.queue_position
        return f"waiting, {ahead} job{'s' if ahead > 1 else ''} ahead"
    parts = []
    if progress.node is not None:
        parts.append(f"{progress.title} (node {progress.node})" if progress.title else f"node {progress.node}")
    if progress.step is not None and progress.steps:
        parts.append(f"step {progress.step} of {progress.steps}")
    if progress.eta and progress.progress < 100:
        parts.append(f"{time_left(progress.eta)} left")
    return ", ".join(parts) or "started"


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


class Bar:
    """Progress as one line that moves and leaves nothing behind."""

    def __init__(self, console: Console) -> None:
        words = Column(no_wrap=True, overflow="ellipsis")
        self._bar = RichProgress(
            *([BarColumn(bar_width=20)] if console.width >= _ROOM_FOR_A_BAR else []),
            TextColumn("{task.percentage:>3.0f}% {task.description}", markup=False, table_column=words),
            console=console,
            transient=True,
        )
        self._task = self._bar.add_task("", total=100)

    def __enter__(self) -> Bar:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def show(self, progress: Progress) -> None:
        """Move the bar."""
        self._bar.update(self._task, completed=progress.progress, description=describe(progress))
