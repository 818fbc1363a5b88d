"""What a person sees: a moving bar on a terminal, lines elsewhere, colours only where they are wanted."""

from __future__ import annotations

import os
import pty
import re
import subprocess
from pathlib import Path

import pytest

from comfy_headless.cli.output import columns, fold
from comfy_headless.cli.progress import Lines, describe, time_left
from comfy_headless.protocol.events import Progress
from comfy_headless.simulator import Simulator
from comfy_headless.simulator.faults import SpoilOutput
from tests.cli.program import COMMAND, environment

pytestmark = pytest.mark.slow
"""Takes its time, all together."""


def on_a_terminal(*words: str, cwd: Path, width: int = 80, **more: str) -> str:
    """What a command writes to a terminal, with its control sequences."""
    ours, theirs = pty.openpty()
    variables = environment(**{"TERM": "xterm-256color", "COLUMNS": str(width), **more})
    with subprocess.Popen([*COMMAND, *words], cwd=cwd, env=variables, stdin=theirs, stdout=theirs, stderr=theirs):
        os.close(theirs)
        written = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
            if not piece:
                break
            written += piece
    os.close(ours)
    return written.decode()


def test_a_bar_on_a_terminal(folder: Path, server: str) -> None:
    """On a terminal one line moves and is gone at the end; the path is the last word."""
    written = on_a_terminal("generate", "x", "--preset", "wan_5b", "--server", server, "--out", "x.mp4", cwd=folder)
    assert "━" in written
    assert "\x1b[2K" in written
    assert written.rstrip().splitlines()[-1].endswith("x.mp4")
    assert "%" not in written.rstrip().splitlines()[-2]


@pytest.mark.slow
def test_a_narrow_terminal(folder: Path, server: str) -> None:
    """Where there is no room for a bar, percent and node stay."""
    words = ("generate", "x", "--preset", "wan_5b", "--server", server)
    written = on_a_terminal(*words, cwd=folder, width=40)
    assert "━" not in written
    assert "100%" in written


@pytest.mark.slow
def test_a_warning_is_coloured(folder: Path) -> None:
    """What the look found begins with a word in colour on a terminal."""
    with Simulator(faults=[SpoilOutput("black")]) as simulator:
        written = on_a_terminal("generate", "x", "--preset", "wan_5b", "--server", simulator.url, cwd=folder)
    assert re.search(r"\x1b\[[0-9;]+mwarning: \x1b\[0m.*black", written)


RED = re.compile(r"\x1b\[[0-9;]*31m")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("more", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)], ids=str
)
def test_colour(folder: Path, more: dict[str, str], coloured: bool) -> None:
    """An error is red, unless NO_COLOR or a dumb terminal forbids it."""
    written = on_a_terminal("presets", "show", "x", cwd=folder, **more)
    assert "error: " in re.sub(r"\x1b\[[0-9;]*m", "", written)
    assert bool(RED.search(written)) == coloured


def test_where_a_job_is() -> None:
    """Node, step and time left, as far as they are known."""
    assert describe(Progress(0.0)) == "running"
    assert describe(Progress(0.0, queue_position=1)) == "waiting, 1 job ahead"
    assert describe(Progress(0.0, queue_position=2)) == "waiting, 2 jobs ahead"
    assert describe(Progress(5.0, "3", "KSampler", 4, 20, 61.0)) == "KSampler (node 3), step 4 of 20, ~1 min 1 s left"
    assert describe(Progress(5.0, "3")) == "node 3"


def test_time_left() -> None:
    """Seconds, minutes and hours."""
    assert [time_left(seconds) for seconds in (0.2, 59.4, 60, 3600 + 125)] == [
        "~1 s",
        "~59 s",
        "~1 min 0 s",
        "~1 h 2 min",
    ]


def test_lines_are_few() -> None:
    """A line per node and per ten percent, however often progress is told."""
    written: list[str] = []
    lines = Lines(written.append)
    for step in range(1, 101):
        lines.show(Progress(step / 2, "3", "KSampler", step, 100))
    lines.show(Progress(100.0, "4", "SaveVideo"))
    assert len(written) == 6
    assert written[-1] == "100.0%  SaveVideo (node 4)"


def test_lines_end_between_words() -> None:
    """A long line is folded at spaces; indentation, commands and words that are too long stay as they are."""
    assert fold("one two three four", 9) == "one two\nthree\nfour"
    assert fold("short", 9) == "short"
    assert fold("  in  two\n\nlines of words", 9) == "  in  two\n\nlines of\nwords"
    assert fold("a_word_that_is_too_long and", 9) == "a_word_that_is_too_long\nand"
    command = "comfy-headless jobs fetch 3f2b9c --server http://localhost:8188"
    assert fold(f"to bring it here: {command}", 40) == f"to bring it here:\n{command}"
    assert fold("make it smaller (comfy-headless presets list), or", 24) == (
        "make it smaller\n(comfy-headless presets list),\nor"
    )


def test_columns() -> None:
    """Cells are aligned, a long one does not push the others away, and nothing is cut."""
    assert columns([("a", "b"), ("long", "c")]) == "a     b\nlong  c"
    assert columns([("a", "b"), ("x" * 99, "c")]) == f"a  b\n{'x' * 99}  c"
