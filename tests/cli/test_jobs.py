"""`jobs`: what a server has to do, and jobs that are taken up by their id."""

from __future__ import annotations

import json
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from comfy_headless.cli.job_table import age, table
from comfy_headless.client.sync import ComfyClient
from comfy_headless.media.probe import probe
from comfy_headless.protocol.status import JobInfo, JobStatus
from comfy_headless.simulator import Simulator
from comfy_headless.simulator.faults import Break, NodeFails
from tests.cli.program import Program, finish, process
from tests.cli.test_terminal import on_a_terminal

pytestmark = pytest.mark.slow
"""Takes its time, all together."""

UNKNOWN = "00000000-0000-4000-8000-000000000000"
VIDEO: dict[str, Any] = {"preset": "wan_5b", "width": 320, "height": 192, "frames": 9, "allow_untested": True}


@pytest.fixture
def sim() -> Iterator[Simulator]:
    """A simulated server of the test's own."""
    with Simulator(step_seconds=0.01) as simulator:
        yield simulator


@pytest.fixture
def client(sim: Simulator) -> Iterator[ComfyClient]:
    """Somebody who queues jobs."""
    with ComfyClient(sim.url) as client:
        yield client


def stay(client: ComfyClient) -> str:
    """Queue a job of five seconds, and wait until it runs."""
    job = client.submit_video("x", **VIDEO, steps=500)
    until = time.monotonic() + 20
    while job.status() is not JobStatus.RUNNING:
        assert time.monotonic() < until
        time.sleep(0.02)
    return job.prompt_id


def ended(client: ComfyClient, **more: Any) -> str:
    """Queue a job and wait for its end."""
    job = client.submit_video("x", **VIDEO, steps=1, **more)
    return job.result(download=False, raise_on_error=False).prompt_id


def test_an_empty_server(program: Program, sim: Simulator) -> None:
    """A server without jobs says so."""
    assert program("jobs", "list", "--server", sim.url) == (
        0,
        f"no jobs: nothing runs, waits or has ended at {sim.url}\n",
        "",
    )
    assert (
        program("jobs", "list", "--limit", "0", "--server", sim.url).out
        == f"no jobs: nothing runs or waits at {sim.url}\n"
    )
    assert program("jobs", "list", "--server", sim.url, "--json").json == {"server": sim.url, "jobs": []}


def test_the_jobs_of_a_server(program: Program, sim: Simulator, client: ComfyClient) -> None:
    """One line each: state and place, whole id, age, preset, seed, and what it made or why it failed."""
    done = ended(client, seed=3)
    sim.add(NodeFails("shapes do not fit\nat all", node="KSampler"))
    failed = ended(client, seed=4)
    running = stay(client)
    waiting = client.submit_video("x", **VIDEO, seed=5).prompt_id
    code, out, err = program("jobs", "list", "--server", sim.url)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert [line.split("  ")[0].strip() for line in lines] == ["running", "queued #1", "failed", "done"]
    assert [line[11:47] for line in lines] == [running, waiting, failed, done]
    assert re.search(r"  \d+ s +wan_5b  5$", lines[1])
    assert "KSampler) failed on the server: RuntimeError: shapes do not fit" in lines[2]
    assert lines[3].endswith("wan_5b_00001_.mp4")
    told = program("jobs", "list", "--limit", "1", "--server", sim.url, "--json").json
    assert [job["prompt_id"] for job in told["jobs"]] == [running, waiting, failed]
    assert "at all" in told["jobs"][2]["error"]
    assert program("jobs", "list", "--limit", "-1", "--server", sim.url).code == 2
    client.cancel(running)


JOBS = (
    JobInfo("a" * 36, JobStatus.RUNNING, 0, "ltx_standard", 2**53 - 1, 940.0),
    JobInfo("b" * 36, JobStatus.QUEUED, 12, None, None, None),
    JobInfo("c" * 36, JobStatus.FAILED, None, "wan_5b", 7, 0.0, "node 3 (KSampler) failed: " + "x" * 60 + "\nmore"),
)


@pytest.mark.parametrize("width", [30, 40, 60, 80, 200])
def test_a_narrow_table(width: int) -> None:
    """Whatever the width, no line is wider than it, and every id is whole."""
    lines = table(JOBS, width, now=1000.0).splitlines()
    for job in JOBS:
        assert sum(job.prompt_id in line for line in lines) == 1
    assert all(len(line) <= max(width, 36) for line in lines)
    assert len(lines) == {30: 8, 40: 8, 60: 6, 80: 6, 200: 3}[width]
    assert any("9007199254740991" in line for line in lines)


def test_a_table_that_nobody_looks_at() -> None:
    """Where no terminal reads it, a job is one line, and nothing is cut but the lines below an error's first."""
    lines = table(JOBS, None, now=1000.0).splitlines()
    assert lines == [
        f"running     {'a' * 36}  1 min   ltx_standard  9007199254740991",
        f"queued #12  {'b' * 36}",
        f"failed      {'c' * 36}  17 min  wan_5b        7                 node 3 (KSampler) failed: {'x' * 60}",
    ]


def test_nothing_more_is_known() -> None:
    """A job of which only the id is known leaves no empty line on a narrow terminal."""
    assert len(table([JOBS[0], JOBS[1]], 60, now=1000.0).splitlines()) == 3


def test_an_age() -> None:
    """One unit; a server's clock that is ahead is no age below zero."""
    assert [age(s) for s in (-5, 0.4, 59, 60, 7300, 200000)] == ["0 s", "0 s", "59 s", "1 min", "2 h", "2 d"]


def test_the_list_on_a_terminal(folder: Path, sim: Simulator, client: ComfyClient) -> None:
    """At 80 columns no line is broken by the terminal, and the id is whole."""
    prompt_id = ended(client)
    written = on_a_terminal("jobs", "list", "--server", sim.url, cwd=folder, width=80)
    assert prompt_id in written
    assert all(len(line) <= 80 for line in written.splitlines())


def test_fetch(program: Program, folder: Path, sim: Simulator, client: ComfyClient) -> None:
    """A job that still runs is waited for, with progress; its file is brought here, its path printed."""
    job = client.submit_video("x", **VIDEO, steps=30, seed=8)
    code, out, err = program("jobs", "fetch", job.prompt_id, "--server", sim.url)
    assert (code, out) == (0, "wan_5b_8.mp4\n"), err
    assert "100.0%" in err
    assert err.splitlines()[-1] == "done: preset wan_5b, seed 8, 320x192, 9 frames at 24 fps"
    assert probe(folder / "wan_5b_8.mp4").frames == 9
    words = ("jobs", "fetch", job.prompt_id[:8], "--server", sim.url)
    assert program(*words).out == "wan_5b_8-2.mp4\n"
    assert program(*words, "--overwrite").out == "wan_5b_8.mp4\n"
    assert program(*words, "--out", "clips/").out == "clips/wan_5b_8.mp4\n"
    code, out, err = program(*words, "--json", "--strict", "--timeout", "30", "--out", "last.mp4")
    told = json.loads(out)
    assert (code, err, told["path"], told["seed"], told["looked"]) == (0, "", "last.mp4", 8, True)


def test_fetch_in_time(program: Program, sim: Simulator, client: ComfyClient) -> None:
    """A deadline that passes cancels the job, as it does for generate."""
    prompt_id = stay(client)
    code, _, err = program("jobs", "fetch", prompt_id, "--server", sim.url, "--timeout", "0.3")
    assert (code, "cancelled on the server" in err) == (5, True)


def test_watch(program: Program, folder: Path, sim: Simulator, client: ComfyClient) -> None:
    """How far a job is, until it ends; where its file is offered goes to stdout, and nothing is brought here."""
    job = client.submit_video("x", **VIDEO, steps=30)
    code, out, err = program("jobs", "watch", job.prompt_id, "--server", sim.url)
    assert code == 0
    assert "100.0%" in err
    assert f"comfy-headless jobs fetch {job.prompt_id} --server {sim.url}" in err
    assert out.startswith(f"{sim.url}/view?filename=wan_5b")
    told = program("jobs", "watch", job.prompt_id, "--server", sim.url, "--json")
    assert (told.err, told.json["status"], told.json["path"]) == ("", "completed", None)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("command", ["watch", "fetch"])
def test_a_job_that_failed(program: Program, sim: Simulator, client: ComfyClient, command: str) -> None:
    """The exit code is that of the job, with the server's words."""
    sim.add(NodeFails("shapes do not fit", node="KSampler"))
    prompt_id = ended(client)
    code, out, err = program("jobs", command, prompt_id, "--server", sim.url)
    assert (code, out) == (1, "")
    assert "shapes do not fit" in err


@pytest.mark.slow
@pytest.mark.parametrize("command", ["watch", "fetch"])
@pytest.mark.parametrize("as_json", [False, True])
def test_leaving_leaves_the_job_alone(
    folder: Path, sim: Simulator, client: ComfyClient, command: str, as_json: bool
) -> None:
    """Ctrl-C ends the look at the job, not the job, and says how to come back."""
    prompt_id = stay(client)
    started = process("jobs", command, prompt_id, "--server", sim.url, "--progress", *["--json"][:as_json], cwd=folder)
    assert started.stderr is not None
    started.stderr.readline()
    started.send_signal(signal.SIGINT)
    code, out, err = finish(started)
    again = f"comfy-headless jobs {command} {prompt_id} --server {sim.url}"
    message = f"interrupted\nprompt {prompt_id}: left alone on {sim.url}; to take it up again: {again}"
    assert code == 130
    if as_json:
        assert json.loads(out) == {"error": {"type": "KeyboardInterrupt", "message": message}}
    else:
        assert err.endswith(f"{message}\n")
    assert client.job(prompt_id).status() is JobStatus.RUNNING
    client.cancel(prompt_id)


def test_cancel(program: Program, sim: Simulator, client: ComfyClient) -> None:
    """Each job is told apart: cancelled, ended before, unknown; the code is 1 only for the last."""
    done, running = ended(client), stay(client)
    waiting = client.submit_video("x", **VIDEO).prompt_id
    code, out, err = program("jobs", "cancel", waiting, running[:8], done, running, "--server", sim.url)
    assert (code, err) == (0, "")
    assert out.splitlines() == [f"{waiting}  cancelled", f"{running}  cancelled", f"{done}  had ended already"]
    code, out, err = program("jobs", "cancel", UNKNOWN, done, "--server", sim.url)
    assert code == 1
    assert out.splitlines() == [
        f"{UNKNOWN}  unknown: neither queued nor in the history of the server",
        f"{done}  had ended already",
    ]
    assert f"comfy-headless jobs list --server {sim.url}" in err
    code, out, err = program("jobs", "cancel", UNKNOWN, "--server", sim.url, "--json")
    assert (code, err) == (1, "")
    assert json.loads(out) == {
        "server": sim.url,
        "jobs": [{"prompt_id": UNKNOWN, "became": "unknown", "error": None}],
    }


def test_cancel_when_the_server_goes(program: Program, sim: Simulator, client: ComfyClient) -> None:
    """What was cancelled before the exchange broke is still told."""
    running = stay(client)
    waiting = client.submit_video("x", **VIDEO).prompt_id
    sim.add(Break(f"POST /jobs/{running}/cancel", times=None))
    code, out, _ = program("jobs", "cancel", waiting, running, "--server", sim.url, "--json")
    told = json.loads(out)["jobs"]
    assert (code, [one["became"] for one in told]) == (3, ["cancelled", "unclear"])
    assert f"could not cancel {running}" in told[1]["error"]
    assert program("jobs", "cancel", running, "--server", sim.url).code == 3
    client.queue()


@pytest.mark.parametrize("command", ["watch", "fetch"])
def test_an_unknown_id(program: Program, sim: Simulator, command: str) -> None:
    """The message says where it was looked for, and what shows the ids that there are."""
    for word in (UNKNOWN, "deadbeef"):
        code, out, err = program("jobs", command, word, "--server", sim.url)
        assert (code, out) == (1, "")
        assert f"the job {word} is neither queued nor in the history of {sim.url}" in err
        assert f"comfy-headless jobs list --server {sim.url}" in err
    assert program("jobs", command, UNKNOWN, "--server", sim.url, "--json").json["error"]["prompt_id"] == UNKNOWN
    assert "at least its first 6 characters" in program("jobs", command, "dead", "--server", sim.url).err


@pytest.mark.parametrize("command", ["watch", "fetch", "cancel"])
def test_an_ambiguous_beginning(program: Program, sim: Simulator, client: ComfyClient, command: str) -> None:
    """Several ids that begin so are listed, and nothing is done."""
    graph = dict(client.submit_video("x", **VIDEO, steps=1).graph)
    ids = [f"abcdef00-0000-4000-8000-00000000000{number}" for number in range(2)]
    for prompt_id in ids:
        post(sim.url, graph, prompt_id)
    code, out, err = program("jobs", command, "abcdef", "--server", sim.url)
    assert (code, out) == (2, "")
    assert err.splitlines()[0] == "error: the ids of 2 jobs begin with 'abcdef'; type more of the one you mean:"
    assert sorted(line.strip() for line in err.splitlines()[1:]) == ids
    assert program("jobs", command, ids[0], "--server", sim.url).code == 0


def post(url: str, graph: dict[str, Any], prompt_id: str) -> None:
    """Queue a graph under an id."""
    body = json.dumps({"prompt": graph, "prompt_id": prompt_id}).encode()
    request = Request(f"{url}/prompt", body, {"Content-Type": "application/json"})
    with urlopen(request, timeout=20) as answer:
        assert answer.status == 200


@pytest.mark.parametrize("words", ["list", f"watch {UNKNOWN}", f"fetch {UNKNOWN}", f"cancel {UNKNOWN}", "watch abcdef"])
def test_nobody_answers(program: Program, words: str) -> None:
    """An address where nothing answers is exit code 3 for each of them."""
    code, out, err = program("jobs", *words.split(), "--server", "http://127.0.0.1:9")
    assert (code, out) == (3, "")
    assert err.startswith("error: ")
