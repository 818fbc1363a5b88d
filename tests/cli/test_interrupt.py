"""Ctrl-C, and its kin: the job is cancelled on the server, and the command says so."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from comfy_headless.cli.endings import error_text
from comfy_headless.client.sync import ComfyClient
from comfy_headless.protocol.status import JobStatus
from comfy_headless.simulator import Simulator
from comfy_headless.simulator.faults import Stall
from tests.cli.program import Program, Ran, finish, process
from tests.faults.clients import until

pytestmark = pytest.mark.slow
"""Takes its time, all together."""

WORDS = ("generate", "x", "--preset", "wan_5b", "--out", "x.mp4")


@pytest.fixture
def slow() -> Iterator[Simulator]:
    """A simulated server that takes its time."""
    with Simulator(step_seconds=0.5) as simulator:
        yield simulator


def interrupt(started: subprocess.Popen[str], simulator: Simulator, number: int) -> Ran:
    """Send a signal once the job runs."""
    until(lambda: bool(simulator.jobs_run))
    started.send_signal(number)
    return finish(started)


def cancelling(simulator: Simulator) -> str:
    """What is said at once when Ctrl-C is pressed."""
    return f"cancelling prompt {simulator.jobs[0]} on {simulator.url} ... (Ctrl-C again leaves at once)"


@pytest.mark.parametrize(
    "number", [signal.SIGINT, *(pytest.param(each, marks=pytest.mark.slow) for each in (signal.SIGTERM, signal.SIGHUP))]
)
def test_an_interrupt_cancels_the_job(folder: Path, slow: Simulator, number: int) -> None:
    """Ctrl-C, a container's stop and a closed terminal cancel that prompt; nothing half-written stays; code 130."""
    code, out, err = interrupt(process(*WORDS, "--server", slow.url, cwd=folder), slow, number)
    assert (code, out) == (130, "")
    assert err.splitlines()[-3:] == [
        f"warning: {cancelling(slow)}",
        f"prompt {slow.jobs[0]}: cancelled on the server",
        "interrupted",
    ]
    assert "Traceback" not in err
    with ComfyClient(slow.url) as client:
        ended = client.wait_for_completion(slow.jobs[0], raise_on_error=False)
    assert "interrupted" in (ended.error or "")
    assert list(folder.iterdir()) == []


def test_an_interrupt_in_json(folder: Path, slow: Simulator) -> None:
    """With --json an interrupt is the object, which says what became of the job."""
    code, out, err = interrupt(process(*WORDS, "--server", slow.url, "--json", cwd=folder), slow, signal.SIGINT)
    assert (code, err) == (130, f"warning: {cancelling(slow)}\n")
    assert json.loads(out) == {
        "error": {
            "type": "KeyboardInterrupt",
            "message": f"interrupted\nprompt {slow.jobs[0]}: cancelled on the server",
            "prompt_id": slow.jobs[0],
        }
    }


@pytest.mark.slow
@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize("command", ["generate", "run"])
def test_a_second_interrupt_leaves_at_once(
    program: Program, folder: Path, slow: Simulator, command: str, as_json: bool
) -> None:
    """While the server keeps the first one waiting, the second leaves, and says what runs where and what ends it."""
    slow.add(Stall("POST /jobs", times=None))
    words: tuple[str, ...] = WORDS
    if command == "run":
        assert program("compile", "--preset", "wan_5b", "x", "--out", "graph.json").code == 0
        words = ("run", "graph.json", "--out", "x.mp4")
    started = process(*words, "--server", slow.url, *["--json"][:as_json], cwd=folder)
    until(lambda: bool(slow.jobs_run))
    started.send_signal(signal.SIGINT)
    assert started.stderr is not None
    while "cancelling" not in (line := started.stderr.readline()):
        assert line
    assert line == f"warning: {cancelling(slow)}\n"
    until(lambda: any(request.path.endswith("/cancel") for request in slow.requests))
    started.send_signal(signal.SIGINT)
    again = time.monotonic()
    code, out, err = finish(started)
    assert time.monotonic() - again < 4  # the call that cancels would be waited for 5 s
    ends = f"comfy-headless jobs cancel {slow.jobs[0]} --server {slow.url}"
    outcome = f"prompt {slow.jobs[0]}: interrupted before it was cancelled; it may still run on {slow.url}: {ends}"
    assert code == 130
    if as_json:
        told = {"type": "KeyboardInterrupt", "message": f"interrupted\n{outcome}", "prompt_id": slow.jobs[0]}
        assert json.loads(out) == {"error": told}
        assert err == f"warning: {outcome}\n"
    else:
        assert out == ""
        assert err.splitlines()[-2:] == [f"warning: {outcome}", "interrupted"]
    with ComfyClient(slow.url) as client:
        assert client.job(slow.jobs[0]).status() is JobStatus.RUNNING
    slow.clear_faults()
    assert program(*ends.split()[1:]).out == f"{slow.jobs[0]}  cancelled\n"


def test_interrupts_while_the_last_words_are_said() -> None:
    """An interrupt that strikes while another is on its way out says what that one has to say."""
    first, second = KeyboardInterrupt(), KeyboardInterrupt()
    first.add_note("prompt p: it may still run")
    second.__context__ = first
    assert error_text(second) == "interrupted\nprompt p: it may still run"


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
