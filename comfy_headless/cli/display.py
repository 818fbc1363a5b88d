"""How far a job is, live: one line that moves at the bottom of a terminal, above it the latest preview.

A thread of its own draws. So nothing that is told of a job waits for the terminal, the seconds run while a node says
nothing, and Ctrl-C, which strikes the main thread, never strikes in the middle of a drawing. Only a new picture and a
new width draw the whole block; all else is the line alone, under 300 bytes a second.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from rich.console import Console, ConsoleOptions, ConsoleRenderable, Group, RenderResult
from rich.control import Control
from rich.live import Live
from rich.segment import ControlType
from rich.text import Text

from comfy_headless.cli.preview import Picture
from comfy_headless.cli.progress import describe_within
from comfy_headless.errors import FeatureMissingError, MediaError
from comfy_headless.protocol.events import Progress

_BARS: Final = ((120, 40), (80, 20), (60, 10))
"""From how many columns on the bar is how long."""
_REFRESH: Final = 0.25
"""Seconds between two drawings, so pictures come at most four times a second."""
_BAR: Final = "green"
_ERASE: Final = ((ControlType.CARRIAGE_RETURN,), (ControlType.ERASE_IN_LINE, 2))
# How terminals name themselves that wrap a line which no longer fits, instead of cutting it.
_WRAPPING: Final = ("tmux", "xterm-kitty", "xterm-ghostty", "foot", "alacritty", "contour")
_WRAPPING_VARIABLES: Final = ("TMUX", "VTE_VERSION", "KONSOLE_VERSION", "WT_SESSION", "TERM_PROGRAM")


class Line:
    """The line that moves.

    Args:
        clock: gives seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began = self._told = clock()
        self.progress: Progress | None = None

    def tell(self, progress: Progress) -> None:
        """Take what is known now."""
        self.progress, self._told = progress, self._clock()

    def text(self, columns: int, *, ascii_only: bool = False) -> Text:
        """Return the line for a terminal of so many columns; it is never longer."""
        now, progress = self._clock(), self.progress
        percent = progress.progress if progress else 0.0
        known = progress is None or percent or progress.node or progress.queue_position
        shown = f"{percent:3.0f}%" if known else "    "
        line = Text(no_wrap=True, overflow="crop", end="")
        gap = " "
        size = next((size for least, size in _BARS if columns >= least), 0)
        if size:
            gap = "  "
            done, left = "=-" if ascii_only else "━─"
            filled = round(size * percent / 100)
            line.append(done * filled, _BAR).append(left * (size - filled), "bright_black").append(gap)
        line.append(shown, "bold").append(gap).append(elapsed(now - self._began), "dim").append(gap)
        line.append(self._words(now, columns - line.cell_len, ascii_only))
        line.rstrip()
        line.truncate(columns)
        return line

    def _words(self, now: float, room: int, ascii_only: bool) -> str:
        progress = self.progress
        if progress is None:
            words = "preparing"
        elif progress.progress >= 100:
            words = "done there, fetching the files"
        else:
            left = (progress.eta or 0.0) - (now - self._told)
            now_known = replace(progress, eta=left if left >= 1 else None)
            words = describe_within(now_known, room, ellipsis="..." if ascii_only else "…")
        return words.encode("ascii", "replace").decode("ascii") if ascii_only else words


def elapsed(seconds: float) -> str:
    """Return a time that passes as a clock shows it: ``0:05``, ``1:02:03``."""
    whole = int(seconds)
    hours, minutes = whole // 3600, whole % 3600 // 60
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


class _Whole:
    """The line as a renderable that takes back what a narrower terminal has made of the last one."""

    def __init__(self, line: Line, *, wrapping: bool) -> None:
        self._line, self._wrapping = line, wrapping
        self.drawn = 0

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = options.max_width
        if self._wrapping and self.drawn > width:
            for _ in range(-(-self.drawn // width) - 1):
                yield Control((ControlType.CURSOR_UP, 1), (ControlType.ERASE_IN_LINE, 2))
        yield self.at(width, options)

    def at(self, width: int, options: ConsoleOptions) -> Text:
        """Return the line as it is now, and remember how long it is on the screen."""
        text = self._line.text(width, ascii_only=options.ascii_only)
        self.drawn = text.cell_len
        return text


class Display:
    """A block at the bottom of a terminal that leaves nothing behind.

    Args:
        console: what else is printed meanwhile goes through it too.
        picture: where previews are shown; None shows none.
        note: is told, once, if a preview cannot be shown.
        environ: ``os.environ``: says what the terminal does with lines that no longer fit.
    """

    def __init__(
        self,
        console: Console,
        picture: Picture | None = None,
        *,
        note: Callable[[str], None] = lambda text: None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._console, self._picture, self._note = console, picture, note
        # Beside the one that Live hooks into: what this one prints is printed as it is.
        self._plain = Console(
            file=console.file,
            force_terminal=console.is_terminal,
            color_system="auto" if console.color_system else None,
            no_color=console.no_color,
        )
        self._line = Line()
        self._whole = _Whole(self._line, wrapping=wraps(environ or {}))
        self._preview: bytes | None = None
        self._noted = False
        self._news, self._closing = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="comfy-headless display", daemon=True)

    def __enter__(self) -> Display:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Take the block off the screen and wait until it is; again does no harm."""
        self._closing.set()
        self._thread.join()

    def show(self, progress: Progress) -> None:
        """Show it soon; of several within a moment the last."""
        if progress.preview is not None and self._picture is not None:
            self._preview = progress.preview
        self._line.tell(progress)
        self._news.set()

    def _run(self) -> None:
        live = Live(get_renderable=self._block, console=self._console, transient=True, auto_refresh=False)
        live.start(refresh=True)
        width, second = self._console.width, time.monotonic()
        try:
            while not self._closing.wait(_REFRESH):
                told = self._news.is_set()
                self._news.clear()
                if self._take_preview() or width != self._console.width:
                    width = self._console.width
                    live.refresh()
                elif told or time.monotonic() - second >= 1:
                    second = time.monotonic()
                    self._plain.print(
                        Control(*_ERASE), self._whole.at(width, self._plain.options), end="", soft_wrap=True
                    )
        finally:
            if self._picture is not None:
                self._picture.clear()
            live.stop()

    def _block(self) -> ConsoleRenderable:
        return Group(self._picture, self._whole) if self._picture is not None else Group(self._whole)

    def _take_preview(self) -> bool:
        data, self._preview = self._preview, None
        if data is None or self._picture is None:
            return False
        try:
            self._picture.show(data)
        except (MediaError, FeatureMissingError) as error:  # the last picture stays
            if not self._noted:
                self._noted = True
                self._note(f"no preview: {error}")
            return False
        return True


def wraps(environ: Mapping[str, str]) -> bool:
    """Say whether the terminal wraps lines anew when it becomes narrower; xterm, for one, cuts them."""
    term = environ.get("TERM", "")
    return term.startswith(_WRAPPING) or any(environ.get(name) for name in _WRAPPING_VARIABLES)
