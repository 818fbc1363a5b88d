"""Take the captures of docs/terminal.md anew: ``python -m tests.cli.capture``.

The real program runs against a simulated server, for the text inside tmux, for the pictures inside xterm. Needs tmux,
and for the pictures xterm, Xvfb and ImageMagick.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from comfy_headless.client.sync import ComfyClient
from comfy_headless.simulator import Simulator
from tests.cli.program import ROOT, environment

PAGE: Final = ROOT / "docs" / "terminal.md"
WIDTHS: Final = (200, 80, 40)
ASKED: Final = ("generate", "a sunset over the sea", "--preset", "wan_5b", "--seconds", "2")
COLOURS: Final = {"dark": ("#1e1e1e", "#d4d4d4"), "light": ("#ffffff", "#1f1f1f")}
DISPLAY: Final = ":97"


class Pane:
    """A terminal of tmux in which a program runs."""

    def __init__(self, columns: int, command: str, folder: str, url: str) -> None:
        self._name = f"capture{os.getpid()}-{columns}"
        variables = environment(COMFY_HEADLESS_URL=url, PS1="$ ")
        self._tmux("-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y", "40", "-c", folder, env=variables)
        self._tmux("set", "-g", "status", "off")
        self._tmux("send-keys", f" exec bash --norc -c {shlex.quote(command)}", "Enter")

    def _tmux(self, *words: str, env: dict[str, str] | None = None) -> str:
        done = subprocess.run(["tmux", "-L", self._name, *words], capture_output=True, text=True, env=env)
        return done.stdout

    def shot(self, seen: Callable[[str], bool]) -> str:
        """What is on the screen once it is there."""
        until = time.monotonic() + 60
        while True:
            text = self._tmux("capture-pane", "-p")
            lines = [line.rstrip() for line in text.splitlines()]
            if seen(text):
                return "\n".join(lines).strip("\n")
            assert time.monotonic() < until, text
            time.sleep(0.05)

    def close(self) -> None:
        """End it."""
        self._tmux("kill-server")


def told(columns: int) -> str:
    """A job in a terminal of tmux: while it waits, while it works, and when it is done."""
    program = f"{sys.executable} -m comfy_headless"
    command = f"clear; {program} {shlex.join([*ASKED, '--out', 'sunset.mp4'])}; sleep 9"
    with tempfile.TemporaryDirectory() as folder, Simulator(step_seconds=0.2) as simulator:
        with ComfyClient(simulator.url) as client:
            client.submit_video("first", preset="wan_5b", seconds=0.2, allow_untested=True)
        pane = Pane(columns, command, folder, simulator.url)
        try:
            waits = pane.shot(lambda text: "ahead" in text)
            works = pane.shot(lambda text: re.search(r"\b1[2-5]( of |/)20.*~", text) is not None)
            done = pane.shot(lambda text: "sunset.mp4" in text and "done in" in text)
        finally:
            pane.close()
    return "\n\n".join([waits, works, done])


@contextmanager
def screen() -> Iterator[None]:
    """A screen that nobody sees."""
    with subprocess.Popen(["Xvfb", DISPLAY, "-screen", "0", "1000x700x24"], stderr=subprocess.DEVNULL) as server:
        time.sleep(1)
        try:
            yield
        finally:
            server.terminate()


def picture(theme: str) -> None:
    """A job in xterm, with a preview as sixels."""
    back, front = COLOURS[theme]
    program = f"{sys.executable} -m comfy_headless"
    typed = f"$ {shlex.join(['comfy-headless', *ASKED])}"
    command = f"clear; echo {shlex.quote(typed)}; {program} {shlex.join(ASKED)}"
    look = ["-bg", back, "-fg", front, "-fa", "DejaVu Sans Mono", "-fs", "11", "-geometry", "80x18+0+0", "-b", "8"]
    with tempfile.TemporaryDirectory() as folder, Simulator(step_seconds=0.3) as simulator:
        variables = environment(COMFY_HEADLESS_URL=simulator.url, DISPLAY=DISPLAY)
        started = ["xterm", "-ti", "vt340", *look, "-e", "bash", "--norc", "-c", command]
        with subprocess.Popen(started, cwd=folder, env=variables) as terminal:
            while not simulator.jobs_run:
                time.sleep(0.1)
            time.sleep(4.4)
            target = PAGE.parent / f"terminal-{theme}.png"
            taken = ["import", "-display", DISPLAY, "-window", "root", "-trim", "-colors", "128", str(target)]
            subprocess.run(taken, check=True)
            terminal.terminate()


def main() -> None:
    """Put the captures into the page and the pictures beside it."""
    page = PAGE.read_text(encoding="utf-8")
    for columns in WIDTHS:
        block = f"<!-- capture: {columns} -->\n```text\n{told(columns)}\n```"
        page, found = re.subn(
            rf"<!-- capture: {columns} -->\n```text\n.*?\n```", lambda _, new=block: new, page, flags=re.DOTALL
        )
        assert found == 1, columns
    PAGE.write_text(page, encoding="utf-8")
    with screen():
        for theme in COLOURS:
            picture(theme)


if __name__ == "__main__":
    main()
