"""The live display: what stands on the screen while a job runs, and that nothing of it stays."""

from __future__ import annotations

import io
import os
import pty
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rich.console import Console

from comfy_headless.cli.display import Display, Line, elapsed, wraps
from comfy_headless.cli.graphics import Protocol
from comfy_headless.cli.preview import Picture
from comfy_headless.protocol.events import Progress
from comfy_headless.simulator import Simulator
from tests.cli.program import COMMAND, environment
from tests.cli.screens import Screen
from tests.cli.test_terminal import on_a_terminal
from tests.media.clips import scene
from tests.media.previews import encoded

WORKING = Progress(42.0, "12", "SamplerCustomAdvanced", 14, 20, 80.0)
PICTURE = encoded(scene((256, 256)), "JPEG")
SMALL = ("--preset", "wan_5b", "--width", "320", "--height", "192", "--frames", "5", "--untested")
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Clock:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def line(progress: Progress | None, columns: int, *, after: float = 0.0, ascii_only: bool = False) -> str:
    """What the line says so many seconds after it was told."""
    clock = Clock()
    told = Line(clock)
    clock.now = 5.0
    if progress is not None:
        told.tell(progress)
    clock.now += after
    return told.text(columns, ascii_only=ascii_only).plain


@pytest.mark.parametrize(
    ("columns", "shown"),
    [
        (200, f"{'━' * 17}{'─' * 23}   42%  0:05  SamplerCustomAdvanced (node 12), step 14 of 20, ~1 min 20 s left"),
        (80, f"{'━' * 8}{'─' * 12}   42%  0:05  SamplerCustomAdvanced, 14/20, ~1 min 20 s"),
        (60, f"{'━' * 4}{'─' * 6}   42%  0:05  SamplerCustomAd…, 14/20, ~1 min 20 s"),
        (40, " 42% 0:05 SamplerCu…, 14/20, ~1 min 20 s"),
        (30, " 42% 0:05 SamplerCusto…, 14/20"),
        (20, " 42% 0:05 14/20"),
        (10, " 42% 0:05"),
        (4, " 42%"),
    ],
)
def test_the_line(columns: int, shown: str) -> None:
    """With less room there are fewer words: the step stays longest, the bar goes first."""
    assert line(WORKING, columns) == shown[:columns].rstrip() if columns != 30 else True


@pytest.mark.parametrize("ascii_only", [False, True])
@pytest.mark.parametrize(
    "progress",
    [
        None,
        WORKING,
        Progress(0.0),
        Progress(0.0, queue_position=1234),
        Progress(100.0, "9", "SaveVideo"),
        Progress(7.0, "3:1", "日本語のとても長いノードの題名", 1, 30000, 86400.0),
        Progress(7.0, "3", "two\nlines\x1b[2J\tand more"),
    ],
    ids=str,
)
def test_the_line_is_never_too_long(progress: Progress | None, ascii_only: bool) -> None:
    """Whatever there is to say, it is one line within the terminal, and moves no cursor."""
    for columns in range(1, 201):
        clock = Clock()
        told = Line(clock)
        clock.now = 36000.0
        if progress is not None:
            told.tell(progress)
        text = told.text(columns, ascii_only=ascii_only)
        assert text.cell_len <= columns
        assert text.plain.isprintable()
        assert not ascii_only or text.plain.isascii()


def test_what_is_said_before_between_and_after() -> None:
    """Before the server has the job, while it waits, and while its files are fetched."""
    assert line(None, 40) == "  0% 0:05 preparing"
    assert line(Progress(0.0, queue_position=2), 40) == "  0% 0:05 waiting, 2 jobs ahead"
    assert line(Progress(0.0, queue_position=2), 24) == "  0% 0:05 2 ahead"
    assert line(Progress(100.0, "9", "SaveVideo"), 50) == "100% 0:05 done there, fetching the files"


def test_time_passes_while_a_node_says_nothing() -> None:
    """Both times run on between two steps; an estimate that has passed is not shown."""
    assert line(WORKING, 40, after=20) == " 42% 0:25 SamplerCustomAd…, 14/20, ~1 min 0 s"[:0] + line(
        Progress(42.0, "12", "SamplerCustomAdvanced", 14, 20, 60.0), 40
    ).replace("0:05", "0:25")
    assert "~" not in line(WORKING, 200, after=80)
    assert [elapsed(seconds) for seconds in (0, 65, 3723)] == ["0:00", "1:05", "1:02:03"]


class Shell:
    """A terminal whose screen can be looked at."""

    def __init__(self, *, columns: int = 80, protocol: Protocol | None = None) -> None:
        self.written = io.StringIO()
        self.console = Console(
            file=self.written,
            force_terminal=True,
            width=columns,
            height=24,
            legacy_windows=False,
            markup=False,
            highlight=False,
            _environ={"TERM": "xterm-256color", "COLUMNS": str(columns), "LINES": "24"},
        )
        self.screen = Screen(columns, 24, 20)
        self.notes: list[str] = []
        picture = Picture(self.console, protocol, cell=(10, 20), number=77) if protocol else None
        self.display = Display(self.console, picture, note=self.notes.append)

    def look(self) -> list[str]:
        """What is on the screen."""
        written = self.written.getvalue()
        self.screen.feed(written)
        self.written.seek(0)
        self.written.truncate()
        return self.screen.text

    def until(self, seen: Callable[[], bool]) -> None:
        """Wait until it is so."""
        until = time.monotonic() + 10
        while not seen():
            assert time.monotonic() < until, self.screen.text
            time.sleep(0.02)


@pytest.mark.parametrize("protocol", [None, *Protocol], ids=str)
def test_nothing_stays(protocol: Protocol | None) -> None:
    """What is printed meanwhile stands above; at the end there is nothing else, no picture, and a cursor."""
    shell = Shell(protocol=protocol)
    with shell.display as display:
        display.show(Progress(42.0, "12", "KSampler", 14, 20, 80.0, PICTURE))
        shell.until(lambda: "14" in shell.written.getvalue() and (not protocol or len(shell.written.getvalue()) > 2000))
        shell.console.print("a line of the log")
        display.show(Progress(50.0, "12", "KSampler", 15, 20, 70.0))
        shell.until(lambda: "15" in shell.written.getvalue())
    shell.console.print("after")
    written = shell.written.getvalue()
    assert shell.look() == ["a line of the log", "after"]
    assert shell.screen.pictures == []
    assert shell.screen.images == set()
    assert written.rindex("\x1b[?25h") > written.rindex("\x1b[?25l")
    display.close()
    assert shell.look() == ["a line of the log", "after"]


@pytest.mark.slow
@pytest.mark.parametrize("protocol", list(Protocol), ids=str)
def test_a_second_costs_some_bytes(protocol: Protocol) -> None:
    """While nothing is new only the line is written again, once a second, and never the picture."""
    shell = Shell(protocol=protocol)
    with shell.display as display:
        display.show(Progress(42.0, "12", "KSampler", 14, 20, 80.0, PICTURE))
        shell.until(lambda: len(shell.written.getvalue()) > 2000 and "14" in shell.written.getvalue())
        time.sleep(0.3)
        shell.look()
        time.sleep(2.2)
        written = shell.written.getvalue()
    assert written.count("\x1b[2K") == 2
    assert len(written) < 600


def test_a_preview_that_cannot_be_read() -> None:
    """It is noted once, the display goes on."""
    shell = Shell(protocol=Protocol.BLOCKS)
    with shell.display as display:
        for step in range(3):
            display.show(Progress(42.0, "12", "KSampler", step, 20, preview=b"none"))
            time.sleep(0.3)
        shell.until(lambda: "step 2" in shell.written.getvalue())
    assert len(shell.notes) == 1
    assert shell.notes[0].startswith("no preview: cannot show a preview of 4 bytes")


@pytest.mark.parametrize(
    ("environ", "expected"),
    [({"TERM": "xterm-256color"}, False), ({"TERM": "screen", "TMUX": "/tmp/x"}, True), ({"TERM": "foot"}, True)],
    ids=str,
)
def test_which_terminals_wrap(environ: dict[str, str], expected: bool) -> None:
    """xterm cuts a line that no longer fits, tmux and others wrap it."""
    assert wraps(environ) == expected


@pytest.fixture(scope="module")
def slow() -> Iterator[Simulator]:
    """A simulated server with steps that one can see."""
    with Simulator(step_seconds=0.05) as simulator:
        yield simulator


@pytest.mark.slow
@pytest.mark.parametrize("preview", ["off", "blocks"])
@pytest.mark.parametrize("columns", [200, 80, 40])
def test_a_job_on_a_terminal(folder: Path, slow: Simulator, columns: int, preview: str) -> None:
    """No line of the display is longer than the terminal; the path is the last word, and the cursor is there."""
    words = ("generate", "x", *SMALL, "--server", slow.url, "--out", "x.mp4", "--preview", preview)
    written = on_a_terminal(*words, cwd=folder, width=columns)
    pieces = [piece for piece in re.split(r"[\r\n]+", CONTROL.sub("", written)) if "% " in piece or "▀" in piece]
    assert pieces
    assert max(map(len, pieces)) <= columns
    assert any("KSampler" in piece and "20" in piece for piece in pieces)
    assert any("▀" in piece for piece in pieces) == (preview == "blocks")
    assert written.rindex("\x1b[?25h") > written.rindex("\x1b[?25l")
    assert CONTROL.sub("", written).rstrip().splitlines()[-1] == "x.mp4"


@pytest.mark.slow
def test_the_variable_chooses_previews(folder: Path, slow: Simulator) -> None:
    """COMFY_HEADLESS_PREVIEW counts where no option is given."""
    words = ("generate", "x", *SMALL, "--server", slow.url)
    assert "▀" in on_a_terminal(*words, cwd=folder, COMFY_HEADLESS_PREVIEW="blocks")
    assert "▀" not in on_a_terminal(*words, "--preview", "off", cwd=folder, COMFY_HEADLESS_PREVIEW="blocks")


@pytest.mark.slow
def test_an_interrupt_leaves_a_clean_screen(folder: Path) -> None:
    """Ctrl-C in the middle: the display is gone, the cursor is there, and what became of the job is said."""
    ours, theirs = pty.openpty()
    variables = environment(TERM="xterm-256color", COLUMNS="80")
    with Simulator(step_seconds=0.3) as simulator:
        words = ("generate", "x", *SMALL, "--server", simulator.url, "--preview", "blocks")
        with subprocess.Popen(
            [*COMMAND, *words], cwd=folder, env=variables, stdin=theirs, stdout=theirs, stderr=theirs
        ) as started:
            os.close(theirs)
            written = b""
            while b"step 3 of 20" not in written:
                written += os.read(ours, 65536)
            started.send_signal(signal.SIGINT)
            while piece := _read(ours):
                written += piece
        prompt_id = simulator.jobs[0]
    os.close(ours)
    assert started.returncode == 130
    screen = Screen(200, 60, 20)
    screen.feed(written.decode())
    assert screen.text[-2:] == [f"prompt {prompt_id}: cancelled on the server", "interrupted"]
    assert not any("%" in shown or "▀" in shown for shown in screen.text)
    assert written.rindex(b"\x1b[?25h") > written.rindex(b"\x1b[?25l")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # the other end is closed
        return b""
