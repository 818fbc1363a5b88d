"""Ctrl-C, and its kin: the job is cancelled on the server, and the command says so."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from comfy_headless.client.sync import ComfyClient
from comfy_headless.simulator import Simulator
from tests.cli.program import Ran, finish, process

WORDS = ("generate", "x", "--preset", "wan_5b", "--out", "x.mp4")


@pytest.fixture
def slow() -> Iterator[Simulator]:
    """A simulated server that takes its time."""
    with Simulator(step_seconds=0.5) as simulator:
        yield simulator


def interrupt(started: subprocess.Popen[str], simulator: Simulator, number: int) -> Ran:
    """Send a signal once the job runs."""
    until = time.monotonic() + 30
    while not simulator.jobs_run:
        assert time.monotonic() < until
        time.sleep(0.02)
    started.send_signal(number)
    return finish(started)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupt_cancels_the_job(folder: Path, slow: Simulator, number: int) -> None:
    """Ctrl-C, a container's stop and a closed terminal cancel that prompt; nothing half-written stays; code 130."""
    code, out, err = interrupt(process(*WORDS, "--server", slow.url, cwd=folder), slow, number)
    assert (code, out) == (130, "")
    assert err.splitlines()[-2:] == [f"prompt {slow.jobs[0]}: cancelled on the server", "interrupted"]
    assert "Traceback" not in err
    with ComfyClient(slow.url) as client:
        ended = client.wait_for_completion(slow.jobs[0], raise_on_error=False)
    assert "interrupted" in (ended.error or "")
    assert list(folder.iterdir()) == []


def test_an_interrupt_in_json(folder: Path, slow: Simulator) -> None:
    """With --json an interrupt is the object, which says what became of the job."""
    code, out, err = interrupt(process(*WORDS, "--server", slow.url, "--json", cwd=folder), slow, signal.SIGINT)
    assert (code, err) == (130, "")
    assert json.loads(out) == {
        "error": {
            "type": "KeyboardInterrupt",
            "message": f"interrupted\nprompt {slow.jobs[0]}: cancelled on the server",
        }
    }


def test_an_interrupt_of_a_simulated_run(folder: Path) -> None:
    """With --simulate the server goes with the command."""
    started = process("generate", "x", "--simulate", "--preset", "wan_5b", "--progress", cwd=folder)
    assert started.stderr is not None
    assert "simulated server" in started.stderr.readline()
    started.send_signal(signal.SIGINT)
    code, _, err = finish(started)
    assert code == 130
    assert err.splitlines()[-1] == "interrupted"
    assert "Traceback" not in err
