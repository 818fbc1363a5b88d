"""``--log-json``: one JSON object per line on stderr, and nothing else there."""

from __future__ import annotations

import json
import signal
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from comfy_headless.cli.endings import refuse
from comfy_headless.client.sync import ComfyClient
from comfy_headless.errors import FeatureMissingError
from comfy_headless.simulator import Simulator
from comfy_headless.simulator.faults import Fault, NodeFails, SpoilOutput
from tests.cli.program import Program, Ran, finish, process

pytestmark = pytest.mark.slow
"""Takes its time, all together."""

MAKE = ("generate", "x", "--preset", "wan_5b", "--seconds", "0.2", "--untested", "--out", "x.mp4", "--log-json")


def lines(ran: Ran) -> list[dict[str, Any]]:
    """The lines, each with what all have."""
    read = [json.loads(line) for line in ran.err.splitlines()]
    for line in read:
        assert list(line)[:4] == ["time", "level", "event", "prompt_id"]
        assert abs(datetime.fromisoformat(line["time"]) - datetime.now(UTC)) < timedelta(minutes=1)
        assert line["level"] in ("debug", "info", "warning", "error")
    return read


def test_a_job(program: Program, server: str) -> None:
    """Its events come in their order, with its id, and are those of job.events(); stdout is as ever."""
    ran = program(*MAKE, "--server", server)
    told = lines(ran)
    assert (ran.code, ran.out) == (0, "x.mp4\n")
    kinds = [line["event"] for line in told if line["event"] not in ("log", "progress")]
    assert kinds == ["started", "output", "finished"]
    assert len({line["prompt_id"] for line in told if line["event"] != "log"}) == 1
    steps = [line for line in told if line["event"] == "progress"]
    assert [line["progress"] for line in steps] == sorted(line["progress"] for line in steps)
    with ComfyClient(server) as client:
        own = [event.to_dict() for event in client.job(told[-1]["prompt_id"]).events()]
    assert {line["event"]: set(line) - {"time", "level", "prompt_id"} for line in told} | {
        event["event"]: set(event) for event in own
    } == {line["event"]: set(line) - {"time", "level", "prompt_id"} for line in told}
    said = [line["message"] for line in told if line["event"] == "log"]
    assert f"prompt {told[-1]['prompt_id']}: queued on {server}" in said
    assert said[-1].startswith("done in ")


def test_beside_json(program: Program, server: str) -> None:
    """With --json too, stdout is the object and stderr the lines; --no-progress leaves out the steps."""
    ran = program(*MAKE, "--server", server, "--json", "--no-progress")
    assert ran.json["prompt_id"] == lines(ran)[-1]["prompt_id"]
    assert {line["event"] for line in lines(ran)} == {"log", "output", "finished"}


@pytest.mark.slow
def test_a_job_that_waits(program: Program) -> None:
    """How many are ahead is told, with the id; a job that is taken up has its id from the first line on."""
    with Simulator(step_seconds=0.1) as simulator, ComfyClient(simulator.url) as client:
        client.submit_video("x", preset="wan_5b", seconds=0.2, allow_untested=True)
        waits = client.submit_video("x", preset="wan_5b", seconds=0.2, allow_untested=True)
        told = lines(program("jobs", "watch", waits.prompt_id, "--server", simulator.url, "--log-json"))
    first = next(line for line in told if line["event"] == "queued")
    assert first["position"] == 1
    assert {line["prompt_id"] for line in told} == {waits.prompt_id}


@pytest.mark.parametrize(
    ("fault", "level", "event", "said"),
    [(NodeFails(), "error", "finished", "failed"), (SpoilOutput("black"), "warning", "log", "black")],
    ids=str,
)
def test_what_is_off(program: Program, fault: Fault, level: str, event: str, said: str) -> None:
    """A warning and a failure have their level."""
    with Simulator(faults=[fault]) as simulator:
        told = lines(program(*MAKE, "--server", simulator.url))
    assert any(line["level"] == level and line["event"] == event and said in json.dumps(line) for line in told)
    assert (told[-1]["event"] == "error") == (level == "error")


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (("generate", "x", "--preset", "wan5b"), "ValidationError"),
        (("generate", "--widht", "5"), "ValidationError"),
        (("generate", "x", "--server", "http://127.0.0.1:9"), "ComfyUIOfflineError"),
    ],
)
def test_an_error(program: Program, words: tuple[str, ...], kind: str) -> None:
    """However wrong the words are, the error is one line; --debug adds the traceback."""
    (told,) = lines(program(*words, "--log-json"))
    assert (told["level"], told["event"], told["error"]["type"]) == ("error", "error", kind)
    assert "traceback" not in told
    assert "Traceback" in lines(program("--log-json", *words, "--debug"))[-1]["traceback"]


def test_requests(program: Program, server: str) -> None:
    """--debug adds each request."""
    told = lines(program(*MAKE, "--server", server, "--debug"))
    assert any(line["level"] == "debug" and line["message"] == "POST /prompt: 200" for line in told)


def test_an_interrupt(folder: Path) -> None:
    """Ctrl-C: what became of the job, and the end."""
    with Simulator(step_seconds=0.5) as simulator:
        started = process(*MAKE, "--server", simulator.url, cwd=folder)
        until = time.monotonic() + 30
        while not simulator.jobs_run:
            assert time.monotonic() < until
            time.sleep(0.02)
        started.send_signal(signal.SIGINT)
        ran = finish(started)
    told = lines(ran)
    assert (ran.code, ran.out) == (130, "")
    assert any("cancelled on the server" in line.get("message", "") for line in told)
    assert told[-1]["error"]["type"] == "KeyboardInterrupt"


def test_without_the_extra(capsys: pytest.CaptureFixture[str]) -> None:
    """Where the extra cli is missing, the error is a line too."""
    assert refuse(FeatureMissingError("no typer", extra="cli", install="pip"), ["generate", "--log-json"]) == 2
    written = capsys.readouterr()
    assert json.loads(written.err)["error"]["message"] == "no typer"
    assert written.out == ""
