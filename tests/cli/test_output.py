"""What is written survives an interrupt in the middle of writing."""

from __future__ import annotations

import io
import logging
import sys
from contextlib import redirect_stderr
from types import FrameType
from typing import Any

import pytest
from rich import console

from comfy_headless.cli.output import Terminal


class InterruptAt:
    """A trace function that presses Ctrl-C at the ``number``-th instruction inside rich's console."""

    def __init__(self, number: int) -> None:
        self.left = number

    def __call__(self, frame: FrameType, event: str, argument: Any) -> Any:
        if frame.f_code.co_filename != console.__file__:
            return None
        frame.f_trace_opcodes = True
        return self.inside

    def inside(self, frame: FrameType, event: str, argument: Any) -> Any:
        """Count instructions."""
        if event == "opcode":
            self.left -= 1
            if self.left == 0:
                sys.settrace(None)
                raise KeyboardInterrupt
        return self.inside


def test_an_interrupt_anywhere_in_a_line_is_still_told() -> None:
    """Wherever Ctrl-C strikes while a line is printed, the error's block is printed after it."""
    before, struck = sys.gettrace(), 0
    while True:
        with redirect_stderr(io.StringIO()) as stream:
            terminal, interrupt = Terminal(), InterruptAt(struck + 1)
            try:
                sys.settrace(interrupt)
                terminal.note("a line")
            except KeyboardInterrupt as error:
                assert terminal.fail(error) == 130
            finally:
                sys.settrace(before)
        if interrupt.left > 0:
            break
        assert stream.getvalue().endswith("interrupted\n"), f"instruction {struck + 1}"
        struck += 1
    assert struck > 100


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize("debug", [False, True])
def test_a_line_of_the_log_said_again(as_json: bool, debug: bool) -> None:
    """A line that the log repeats is said each time with --debug, else once; notes are said once always."""
    with redirect_stderr(io.StringIO()) as stream:
        terminal = Terminal(as_json=as_json, debug=debug)
        with terminal.logging():
            for _ in range(3):
                logging.getLogger("comfy_headless").debug("GET /queue: 200")
                logging.getLogger("comfy_headless").warning("looking again")
                terminal.note("said by the way")
    lines = stream.getvalue().splitlines()
    assert lines.count("GET /queue: 200") == (3 if debug else 0)
    assert lines.count("warning: looking again") == (3 if debug else 1)
    assert lines.count("said by the way") == (0 if as_json else 1)
