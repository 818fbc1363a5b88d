"""Which pictures a terminal shows: by its environment, and by asking one that answers, is silent, or is late."""

from __future__ import annotations

import fcntl
import io
import json
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import pytest

from comfy_headless.cli.graphics import Choice, Protocol, cell_size, protocol_of
from comfy_headless.errors import ValidationError

XTERM = {"TERM": "xterm-256color"}
IN_TMUX = {"TERM": "tmux-256color", "TMUX": "/tmp/tmux-0/default,1,0", "TERM_PROGRAM": "tmux"}
IN_SCREEN = {"TERM": "screen.xterm-256color", "STY": "1.pts-0.host"}


@contextmanager
def terminal(encoding: str = "utf-8") -> Iterator[TextIO]:
    """A terminal that says nothing and is not that of this process."""
    ours, theirs = pty.openpty()
    with open(theirs, "w", encoding=encoding) as stream:  # noqa: PTH123 (a descriptor)
        yield stream
    os.close(ours)


@pytest.mark.parametrize(
    ("environ", "protocol"),
    [
        ({"TERM": "xterm-kitty"}, Protocol.KITTY),
        ({"TERM": "xterm-kitty", "KITTY_WINDOW_ID": "1", "NO_COLOR": "1"}, Protocol.KITTY),
        ({**XTERM, "KITTY_WINDOW_ID": "1"}, Protocol.KITTY),
        ({"TERM": "xterm-ghostty"}, Protocol.KITTY),
        ({**XTERM, "TERM_PROGRAM": "ghostty"}, Protocol.KITTY),
        ({**XTERM, "TERM_PROGRAM": "WezTerm"}, Protocol.ITERM2),
        ({**XTERM, "TERM_PROGRAM": "iTerm.app", "LC_TERMINAL": "iTerm2"}, Protocol.ITERM2),
        ({**XTERM, "LC_TERMINAL": "iTerm2"}, Protocol.ITERM2),
        ({**XTERM, "TERM_PROGRAM": "mintty"}, Protocol.ITERM2),
        ({"TERM": "foot"}, Protocol.SIXEL),
        ({"TERM": "foot-extra"}, Protocol.SIXEL),
        ({"TERM": "mlterm"}, Protocol.SIXEL),
        ({"TERM": "contour"}, Protocol.SIXEL),
        # Nothing known, and nobody here to ask.
        (XTERM, None),
        ({"TERM": "alacritty"}, None),
        ({**XTERM, "TERM_PROGRAM": "Apple_Terminal"}, None),
        # Started from kitty or iTerm2, which left their variables, in another terminal.
        ({**XTERM, "TERM_PROGRAM": "vscode", "KITTY_WINDOW_ID": "1", "LC_TERMINAL": "iTerm2"}, None),
        ({**XTERM, "VTE_VERSION": "7600", "KITTY_WINDOW_ID": "1"}, None),
        ({"TERM": "foot", "KITTY_WINDOW_ID": "1"}, Protocol.SIXEL),
        # tmux and screen keep the screen, whatever is outside.
        ({**IN_TMUX, "KITTY_WINDOW_ID": "1"}, None),
        ({**XTERM, "TMUX": "/tmp/tmux", "LC_TERMINAL": "iTerm2"}, None),
        ({**IN_SCREEN, "LC_TERMINAL": "iTerm2"}, None),
        # No terminal to draw on.
        ({"TERM": "dumb", "KITTY_WINDOW_ID": "1"}, None),
        ({"KITTY_WINDOW_ID": "1"}, None),
    ],
    ids=str,
)
def test_what_a_terminal_is_known_for(environ: dict[str, str], protocol: Protocol | None) -> None:
    """What a terminal says of itself counts more than what it has inherited."""
    with terminal() as stream:
        assert protocol_of("auto", environ, stream, keyboard=stream) is protocol


@pytest.mark.parametrize("choice", Choice)
def test_nothing_is_drawn_where_nobody_looks(choice: Choice) -> None:
    """A file, a dumb terminal and "off" get no previews, whatever is chosen, and that is no error."""
    assert protocol_of(choice, {"TERM": "xterm-kitty"}, io.StringIO()) is None
    with terminal() as stream:
        assert protocol_of(choice, {"TERM": "dumb"}, stream) is None
        assert protocol_of("off", {"TERM": "xterm-kitty"}, stream) is None


@pytest.mark.parametrize("environ", [XTERM, {"TERM": "xterm-kitty"}, {"TERM": "foot"}], ids=str)
@pytest.mark.parametrize("choice", ["kitty", "iterm2", "sixel", "blocks"])
def test_what_is_chosen_is_drawn(choice: str, environ: dict[str, str]) -> None:
    """A choice is not second-guessed."""
    with terminal() as stream:
        assert protocol_of(choice, environ, stream) == choice


@pytest.mark.parametrize(
    ("choice", "environ", "expected"),
    [
        ("kitty", IN_TMUX, Protocol.PLACEHOLDERS),
        ("sixel", IN_TMUX, Protocol.SIXEL),
        ("blocks", IN_TMUX, Protocol.BLOCKS),
        ("blocks", IN_SCREEN, Protocol.BLOCKS),
        ("iterm2", IN_TMUX, "tmux shows no previews as iterm2: use blocks or off"),
        ("iterm2", IN_SCREEN, "screen shows no previews as iterm2: use blocks or off"),
        ("kitty", IN_SCREEN, "screen shows no previews as kitty"),
        ("sixel", IN_SCREEN, "screen shows no previews as sixel"),
        ("blocks", {**XTERM, "NO_COLOR": "1"}, "previews as blocks are made of colours, and NO_COLOR is set"),
        ("kitty", {**IN_TMUX, "NO_COLOR": "1"}, "previews as kitty are made of colours, and NO_COLOR is set"),
        ("blocks", {**XTERM, "NO_COLOR": ""}, Protocol.BLOCKS),
        ("kitty", {**XTERM, "NO_COLOR": "1"}, Protocol.KITTY),
    ],
    ids=str,
)
def test_a_choice_that_cannot_work_is_refused(choice: str, environ: dict[str, str], expected: Protocol | str) -> None:
    """It is said why, and what would work; pictures are no colours in the sense of NO_COLOR."""
    with terminal() as stream:
        if isinstance(expected, Protocol):
            assert protocol_of(choice, environ, stream) is expected
        else:
            with pytest.raises(ValidationError, match=expected):
                protocol_of(choice, environ, stream)


def test_half_blocks_need_their_character() -> None:
    """A terminal in latin-1 has no half blocks."""
    with terminal("latin-1") as stream, pytest.raises(ValidationError, match="UTF-8, this one is in latin-1"):
        protocol_of("blocks", XTERM, stream)


@pytest.mark.parametrize(
    ("window", "cell"),
    [
        ((24, 80, 800, 480), (10, 20)),
        ((24, 80, 0, 0), (6, 12)),
        ((0, 0, 0, 0), (6, 12)),
        ((50, 133, 1605, 1700), (12, 34)),
    ],
)
def test_the_size_of_a_character(window: tuple[int, int, int, int], cell: tuple[int, int]) -> None:
    """It follows from the window's; where that is unknown it is taken small, so that a picture fits its lines."""
    with terminal() as stream:
        fcntl.ioctl(stream.fileno(), termios.TIOCSWINSZ, struct.pack("HHHH", *window))
        assert cell_size(stream) == cell
    assert cell_size(io.StringIO()) == (6, 12)


# Run with a terminal as stdin; a session leader without a terminal gets the one it opens.
ASKING = """
import json, os, select, subprocess, sys, time
from comfy_headless.cli.graphics import protocol_of
if "leader" in sys.argv:
    os.close(os.open(os.ttyname(0), os.O_RDWR))
if "background" in sys.argv:
    sys.exit(subprocess.run([sys.executable, sys.argv[0], sys.argv[1]], process_group=0).returncode)
start = time.monotonic()
try:
    found = protocol_of("auto", os.environ, sys.stderr, patience=float(sys.argv[1]))
except KeyboardInterrupt:
    found = "interrupted"
took = time.monotonic() - start
left = os.read(0, 99).decode() if select.select([0], [], [], 0)[0] else ""
print(json.dumps({"found": found, "took": took, "left": left}))
"""
ANSWER = 30.0  # seconds that a test waits for an answer that does come
ABSENCE = 0.3


class Asking:
    """A program that asks its terminal, which is this object."""

    def __init__(self, folder: Path, patience: float, *words: str, stderr: int | None = None) -> None:
        self._ours, self._theirs = pty.openpty()
        self.before = termios.tcgetattr(self._theirs)
        script = folder / "asking.py"
        script.write_text(ASKING)
        root = str(Path(__file__).parents[2])
        self._program = subprocess.Popen(
            [sys.executable, str(script), str(patience), "leader", *words],
            env={**XTERM, "PATH": os.environ["PATH"], "PYTHONPATH": root},
            stdin=self._theirs,
            stderr=self._theirs if stderr is None else stderr,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )

    def asked(self) -> bool:
        """Wait for the question."""
        return self._written() == b"\x1b[c"

    def says(self, text: str) -> None:
        """Type at the program, as the terminal and the person before it do."""
        os.write(self._ours, text.encode())

    def waits_no_longer(self) -> None:
        """Wait until the terminal is as it was before the question."""
        deadline = time.monotonic() + 30
        while termios.tcgetattr(self._theirs) != self.before:
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def end(self) -> dict[str, Any]:
        """What the program found, with what else it wrote on the terminal and whether that is as before."""
        with self._program as program:
            told = program.communicate(timeout=60)[0]
        settings = termios.tcgetattr(self._theirs)
        shown = self._written() if select.select([self._ours], [], [], 0)[0] else b""
        os.close(self._theirs)
        os.close(self._ours)
        return {**json.loads(told), "restored": settings == self.before, "shown": shown}

    def _written(self) -> bytes:
        assert select.select([self._ours], [], [], 30)[0], "nothing was asked"
        return os.read(self._ours, 999)


@pytest.mark.parametrize(
    ("pieces", "found"),
    [
        (["\x1b[?62;4c"], "sixel"),
        (["\x1b[?64;1;2;4;6;9;15;22c"], "sixel"),
        (["\x1b[?6", "2;", "4c"], "sixel"),
        (["typed \x1b[A", "ahead\x1b[?65;4c"], "sixel"),
        (["\x1b[?62;22c"], None),
        (["\x1b[?65;14;24;40c"], None),
        (["\x1b[?4c"], None),
        (["\x1b[?1;2c"], None),
    ],
    ids=repr,
)
def test_a_terminal_that_answers(tmp_path: Path, pieces: list[str], found: str | None) -> None:
    """4 among the attributes means sixel; the answer is not shown, and the terminal is left as it was."""
    program = Asking(tmp_path, ANSWER)
    assert program.asked()
    for piece in pieces:
        program.says(piece)
        time.sleep(0.02)
    end = program.end()
    assert (end["found"], end["left"], end["shown"], end["restored"]) == (found, "", b"", True)
    assert end["took"] < ANSWER / 2


@pytest.mark.parametrize("half", ["", "\x1b[?62", "typed"])
def test_a_terminal_that_never_answers(tmp_path: Path, half: str) -> None:
    """After a short while it is taken for one without pictures; half an answer is left to nobody."""
    program = Asking(tmp_path, ABSENCE)
    assert program.asked()
    program.says(half)
    end = program.end()
    assert (end["found"], end["left"], end["restored"]) == (None, "", True)
    assert ABSENCE <= end["took"] < ABSENCE + 5


def test_a_terminal_that_answers_late(tmp_path: Path) -> None:
    """The program has gone on without pictures by then, with its terminal in order, and is not disturbed."""
    program = Asking(tmp_path, 0.05)
    assert program.asked()
    program.waits_no_longer()
    program.says("\x1b[?62;4c")
    end = program.end()
    assert (end["found"], end["restored"]) == (None, True)


def test_an_interrupt_while_waiting(tmp_path: Path) -> None:
    """Ctrl-C ends the wait at once and leaves the terminal as it was."""
    program = Asking(tmp_path, ANSWER)
    assert program.asked()
    program.says("\x03")
    end = program.end()
    assert (end["found"], end["restored"]) == ("interrupted", True)
    assert end["took"] < ANSWER / 2


def test_only_the_terminal_in_front_is_asked(tmp_path: Path) -> None:
    """Nothing is asked where keyboard and screen differ, nor in the background, where asking would stop the program."""
    ours, theirs = pty.openpty()
    end = Asking(tmp_path, ANSWER, stderr=theirs).end()
    assert (end["found"], end["shown"], select.select([ours], [], [], 0)[0]) == (None, b"", [])
    os.close(ours)
    os.close(theirs)
    end = Asking(tmp_path, ANSWER, "background").end()
    assert (end["found"], end["shown"], end["restored"]) == (None, b"", True)
