"""The program as tests call it: inside this process, or as a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from comfy_headless.cli import main
from comfy_headless.media.card import Card
from comfy_headless.media.encode import write_image

ROOT = Path(__file__).resolve().parents[2]
COMMAND = (sys.executable, "-W", "error", "-m", "comfy_headless")


class Ran(NamedTuple):
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON object on stdout."""
        return json.loads(self.out)


class Program:
    """Runs commands in this process."""

    def __init__(self, capture: pytest.CaptureFixture[str]) -> None:
        self._capture = capture

    def __call__(self, *words: object) -> Ran:
        self._capture.readouterr()
        code = main([str(word) for word in words])
        return Ran(code, *self._capture.readouterr())


def environment(**more: str) -> dict[str, str]:
    """The variables of a process that finds this checkout and nothing else of the project."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COMFY_HEADLESS")}
    return {**kept, "PYTHONPATH": str(ROOT), **more}


def process(*words: object, cwd: Path, **more: str) -> subprocess.Popen[str]:
    """Start a command as a process of its own."""
    return subprocess.Popen(
        [*COMMAND, *map(str, words)],
        cwd=cwd,
        env=environment(**more),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(started: subprocess.Popen[str]) -> Ran:
    """Wait for a process and return what it wrote."""
    with started:
        out, err = started.communicate(timeout=60)
        return Ran(started.returncode, out, err)


def draw(path: Path) -> Path:
    """Make an image file."""
    write_image(path, next(Card(320, 192, text="first frame").pictures()))
    return path
