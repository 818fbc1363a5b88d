"""How far a download of model files is: one line that moves on a terminal, else a line now and then."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.table import Column

from comfy_headless.models.progress import DownloadProgress, Phase
from comfy_headless.models.sizes import size_text

_LINE_EVERY: Final = 10
"""Percent between two lines of one file."""

_PHASES: Final[dict[Phase, str]] = {
    "waiting": "waiting for another process that fetches ",
    "checking": "checking what is there of ",
    "fetching": "",
}

_WIDE: Final = 100
_NARROW: Final = 60
"""Columns of a terminal that has room for a bar, and for the speed."""


class DownloadBar:
    """A line at the bottom of a terminal that leaves nothing behind: the file at work, and how far all of them are.

    Args:
        console: what else is printed meanwhile goes through it too.
    """

    def __init__(self, console: Console) -> None:
        name = Column(ratio=1, no_wrap=True, overflow="ellipsis")
        whole = partial(Column, no_wrap=True)
        columns = [
            TextColumn("{task.description}", markup=False, table_column=name),
            *([BarColumn(20)] if console.width >= _WIDE else []),
            DownloadColumn(table_column=whole()),
            *([TransferSpeedColumn(table_column=whole())] if console.width >= _NARROW else []),
            TimeRemainingColumn(compact=True, table_column=whole()),
        ]
        self._progress = Progress(*columns, console=console, transient=True, expand=True)
        self._task = self._progress.add_task("")
        self._phase = ""

    def __enter__(self) -> DownloadBar:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._progress.stop()

    def show(self, progress: DownloadProgress) -> None:
        """Show it soon."""
        if progress.phase != self._phase:  # a disk is read much faster than a hub
            self._phase = progress.phase
            self._progress.reset(self._task, completed=progress.total_done, total=progress.total)
        self._progress.update(
            self._task, description=_words(progress), completed=progress.total_done, total=progress.total
        )


class DownloadLines:
    """Lines: one for each file, and one each ten percent of it."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._last: DownloadProgress | None = None

    def show(self, progress: DownloadProgress) -> None:
        """Write a line if enough has changed since the last one."""
        last, percent = self._last, _percent(progress)
        new = last is None or (progress.file, progress.phase) != (last.file, last.phase)
        if new or (last is not None and percent // _LINE_EVERY > _percent(last) // _LINE_EVERY):
            self._last = progress
            size = f"{size_text(progress.done)} of {size_text(progress.size)}"
            self._write(f"{percent:3d}%  {_words(progress)}, {size}")


def _words(progress: DownloadProgress) -> str:
    number = f"{progress.number} of {progress.count}: " if progress.count > 1 else ""
    return f"{number}{_PHASES[progress.phase]}{progress.file}"


def _percent(progress: DownloadProgress) -> int:
    return progress.done * 100 // max(progress.size, 1)
