"""The program, an empty folder to run it in, and a simulated server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from comfy_headless.simulator import Simulator
from tests.cli.program import Program


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder, without settings in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in ("COMFY_HEADLESS_URL", "COMFY_HEADLESS_PRESETS", "COMFY_HEADLESS_PREVIEW"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def program(capsys: pytest.CaptureFixture[str]) -> Program:
    """Runs a command in this process."""
    return Program(capsys)


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """Address of a simulated server that does what it should."""
    with Simulator() as simulator:
        yield simulator.url
