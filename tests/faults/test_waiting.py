"""How long is waited, for what, and what an end of the wait leaves behind."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from comfy_headless import (
    AsyncComfyClient,
    ComfyClient,
    ComfyUIConnectionError,
    ComfyUIOfflineError,
    GenerationTimeoutError,
    Progress,
    ResultSaveError,
    Timing,
    compile_workflow,
)
from comfy_headless.simulator import Simulator
from comfy_headless.simulator.faults import Break, CutSocket, Delay, Restart, SilentSocket, Stall
from tests.faults.clients import FAST, VIDEO, WAYS, Person, fast_clock, until, within

pytestmark = pytest.mark.slow
"""Takes its time, all together; test_cases.py has a case of each."""

SLOW = {
    node_id: {"class_type": node["class_type"], "inputs": node["inputs"]}
    for node_id, node in compile_workflow(
        "wan_5b", "a sunset", seed=1, width=64, height=64, frames=5, steps=20, allow_untested=True
    ).items()
}
"""A graph with a sampler: at step_seconds=0.1 it takes two seconds."""

ways = pytest.mark.parametrize(("kind", "transport"), WAYS)


@pytest.mark.slow
@ways
def test_a_socket_may_drop_at_every_message(kind: str, transport: str, tmp_path: Path) -> None:
    """Wherever the socket drops, the file comes and the job runs once."""
    for number in range(1, 16):
        with Simulator(faults=[CutSocket(at=number)]) as sim, within(10):
            result = Person(kind, sim.url, transport=transport, timing=FAST).run(out=tmp_path / str(number))
            assert len(result.files) == 1
            assert set(sim.jobs_run.values()) == {1}


@ways
def test_a_lost_answer_is_looked_up_and_never_sent_twice(kind: str, transport: str, tmp_path: Path) -> None:
    """The answer to POST /prompt comes later than we wait: the job is found on the server and runs once."""
    timing = FAST._replace(post=0.5)
    with Simulator(faults=[Delay(route="POST /prompt", delay=2.0)]) as sim, within(10):
        assert Person(kind, sim.url, transport=transport, timing=timing).run(out=tmp_path / "a").files
        assert set(sim.jobs_run.values()) == {1}
        assert len(sim.jobs) == 1


@ways
def test_an_answer_that_never_comes_and_no_job(kind: str, transport: str) -> None:
    """Neither answered nor found: it may still run, says the error, with the id to look for; nothing is sent again."""
    timing = FAST._replace(post=0.3, lookup=0.5, lookup_gap=0.1)
    with Simulator(faults=[Stall(route="POST /prompt", times=None)]) as sim, within(10):
        with pytest.raises(ComfyUIConnectionError) as caught:
            Person(kind, sim.url, transport=transport, timing=timing).call("run_workflow", VIDEO)
        assert caught.value.may_still_run
        assert caught.value.prompt_id
        assert caught.value.prompt_id in str(caught.value)
        assert sum(request.path == "/prompt" for request in sim.requests) == 1


@ways
def test_nobody_there(kind: str, transport: str, tmp_path: Path) -> None:
    """A refused connection at the first call is said at once, with the address and what to do."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    with within(5), pytest.raises(ComfyUIOfflineError, match=r"no ComfyUI answers at .*comfy-headless simulate"):
        Person(kind, url, transport=transport).run(out=tmp_path / "a")


@ways
def test_a_server_that_stays_away(kind: str, transport: str, tmp_path: Path) -> None:
    """After ``patience`` the wait gives up and says that the job may still run."""
    with Simulator(faults=[Restart(at="running", away=60)]) as sim, within(30):
        timing = FAST._replace(patience=1.0)
        with pytest.raises(ComfyUIConnectionError, match="may still run") as caught:
            Person(kind, sim.url, transport=transport, timing=timing).run(out=tmp_path / "a")
        assert caught.value.may_still_run
        assert type(caught.value) is ComfyUIConnectionError


@ways
def test_a_deadline_cancels_that_prompt(kind: str, transport: str, tmp_path: Path) -> None:
    """The deadline passes: the prompt is cancelled on the server, others are not, and nothing is left here."""
    with Simulator(step_seconds=0.1) as sim, within(10), ComfyClient(sim.url) as other:
        person = Person(kind, sim.url, transport=transport, timing=FAST)
        with pytest.raises(GenerationTimeoutError, match=r"not done after 1 s"):
            person.run(SLOW, timeout=1, out=tmp_path / "a")
        until(lambda: other.history(sim.jobs[0]) is not None)
        entry = other.history(sim.jobs[0])
        assert entry is not None
        assert entry["status"]["messages"][-1][0] == "execution_interrupted"
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@ways
def test_a_failure_can_be_a_result(kind: str, transport: str, tmp_path: Path) -> None:
    """``raise_on_error=False``: a result with status "failed" and the message."""
    with Simulator(step_seconds=0.1) as sim:
        person = Person(kind, sim.url, transport=transport, timing=FAST)
        result = person.run(SLOW, timeout=1, out=tmp_path / "a", raise_on_error=False)
    assert result.status == "failed"
    assert result.error is not None
    assert "not done after 1 s" in result.error
    assert result.files == []


@ways
def test_an_hour_of_silence_is_waited_for(kind: str, transport: str, tmp_path: Path) -> None:
    """Without a deadline a job with no news is still waited for; the clock says that it took more than an hour."""
    with Simulator(step_seconds=0.1, faults=[SilentSocket()]) as sim, within(20):
        person = Person(kind, sim.url, transport=transport, timing=FAST, clock=fast_clock(2000))
        result = person.run(SLOW, out=tmp_path / "a")
    assert result.duration > 3600
    assert len(result.files) == 1


@ways
def test_a_callback_that_fails_never_loses_the_video(
    kind: str, transport: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """An exception in on_progress is logged once, ends the calls, and stands in the result."""
    calls = []

    def fails(progress: Progress) -> None:
        calls.append(progress)
        raise ZeroDivisionError("mine")

    with Simulator() as sim:
        result = Person(kind, sim.url, transport=transport, timing=FAST).run(out=tmp_path / "a", on_progress=fails)
    assert len(result.files) == 1
    assert len(calls) == 1
    assert result.callback_error == "ZeroDivisionError: mine"
    assert sum("on_progress failed" in record.message for record in caplog.records) == 1


@ways
def test_progress_may_be_plain_or_async(kind: str, transport: str, tmp_path: Path) -> None:
    """Both kinds of callback are called, with Progress that never falls and ends at 100."""
    told: list[float] = []

    async def tells(progress: Progress) -> None:
        await asyncio.sleep(0)
        told.append(progress.progress)

    with Simulator(step_seconds=0.01) as sim:
        person = Person(kind, sim.url, transport=transport, timing=FAST)
        person.run(SLOW, out=tmp_path / "a", on_progress=tells)
        plain: list[Progress] = []
        person.run(VIDEO, out=tmp_path / "b", on_progress=plain.append)
    assert told == sorted(told)
    assert told[-1] == plain[-1].progress == 100
    assert transport == "polling" or len(told) > 15


@ways
def test_ctrl_c_cancels_on_the_server(kind: str, transport: str, tmp_path: Path) -> None:
    """SIGINT in a waiting process: the prompt is cancelled, KeyboardInterrupt comes out, no file is left."""
    script = (
        "import sys, json; from tests.faults.clients import FAST, Person; from tests.faults.test_waiting import SLOW\n"
        "print('ready', flush=True)\n"
        f"Person({kind!r}, sys.argv[1], transport={transport!r}, timing=FAST).run(SLOW, out=sys.argv[2])"
    )
    with Simulator(step_seconds=0.2) as sim, within(20), ComfyClient(sim.url) as other:
        process = subprocess.Popen(
            [sys.executable, "-c", script, sim.url, str(tmp_path / "a")],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        with process:
            until(lambda: bool(other.queue().running))
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=10)
        assert "KeyboardInterrupt" in errors
        until(lambda: other.history(sim.jobs[0]) is not None)
        entry = other.history(sim.jobs[0])
        assert entry is not None
        assert entry["status"]["messages"][-1][0] == "execution_interrupted"
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("transport", ["websocket", "polling"])
def test_a_cancelled_task_cancels_on_the_server(transport: str, tmp_path: Path) -> None:
    """``asyncio.timeout`` around a call, or ``task.cancel()``: the prompt is cancelled by its id."""

    async def give_up(url: str) -> None:
        async with AsyncComfyClient(url, transport=transport, timing=FAST) as client, asyncio.timeout(1):
            await client.run_workflow(SLOW, out=tmp_path / "a", check=False)

    with Simulator(step_seconds=0.1) as sim, within(10), ComfyClient(sim.url) as other:
        with pytest.raises(TimeoutError):
            asyncio.run(give_up(sim.url))
        until(lambda: other.queue() == ((), ()))
        assert other.history(sim.jobs[0]) is not None


def test_leaving_a_job_of_somebody_else_does_not_cancel_it() -> None:
    """``wait_for_completion`` taken up and left by a cancelled task: the job goes on."""

    async def look(url: str, prompt_id: str) -> None:
        async with AsyncComfyClient(url, timing=FAST) as client, asyncio.timeout(0.3):
            await client.wait_for_completion(prompt_id)

    with Simulator(step_seconds=0.05) as sim, ComfyClient(sim.url, timing=FAST) as client:
        prompt_id = client.queue_prompt(SLOW)
        with pytest.raises(TimeoutError):
            asyncio.run(look(sim.url, prompt_id))
        assert client.wait_for_completion(prompt_id).status == "completed"


@ways
def test_many_at_once_share_one_socket(kind: str, transport: str, tmp_path: Path) -> None:
    """Sixteen jobs from threads or tasks of one client: each gets its own file; one WebSocket in all."""
    graphs = [
        {**VIDEO, "1": {"class_type": "EmptyImage", "inputs": {**VIDEO["1"]["inputs"], "width": 64 + 2 * number}}}
        for number in range(16)
    ]

    async def tasks(url: str) -> None:
        async with AsyncComfyClient(url, transport=transport, timing=FAST) as client:
            runs = (client.run_workflow(graph, out=tmp_path / f"{n}.mp4") for n, graph in enumerate(graphs))
            await asyncio.gather(*runs)

    def threads(url: str) -> None:
        with ComfyClient(url, transport=transport, timing=FAST) as client:
            workers = [
                threading.Thread(target=client.run_workflow, args=(graph,), kwargs={"out": tmp_path / f"{n}.mp4"})
                for n, graph in enumerate(graphs)
            ]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()

    with Simulator() as sim, within(30):
        asyncio.run(tasks(sim.url)) if kind == "async" else threads(sim.url)
        assert sum(request.path == "/ws" for request in sim.requests) == (1 if transport == "websocket" else 0)
        assert sorted(sim.jobs_run.values()) == [1] * 16
    assert len({path.read_bytes() for path in tmp_path.glob("*.mp4")}) == 16


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process are POSIX")
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_full_disk(kind: str, tmp_path: Path) -> None:
    """The file cannot be written whole: the error says where it still is, nothing half-written stays, it can be had."""
    script = (
        "import resource, signal, sys; from tests.faults.clients import FAST, Person\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))\n"
        "from comfy_headless import ResultSaveError\n"
        f"try: Person({kind!r}, sys.argv[1], timing=FAST).run(out=sys.argv[2])\n"
        "except ResultSaveError as error: print(error.prompt_id, error)"
    )
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] != 0
    with Simulator() as sim:
        done = subprocess.run(
            [sys.executable, "-c", script, sim.url, str(tmp_path / "a.mp4")], capture_output=True, text=True, check=True
        )
        prompt_id, _, message = done.stdout.partition(" ")
        assert "could not be saved" in message
        assert "/view?filename=" in message
        assert list(tmp_path.iterdir()) == []
        with ComfyClient(sim.url) as client:
            assert client.wait_for_completion(prompt_id, out=tmp_path / "a.mp4").files


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX")
def test_kill_in_the_middle_of_a_download(tmp_path: Path) -> None:
    """kill -9 leaves an unfinished file that says so by its name, and the job can be taken up by its id."""
    script = (
        "import sys; from tests.faults.clients import FAST, Person\n"
        "Person('sync', sys.argv[1], timing=FAST).run(out=sys.argv[2])"
    )
    with Simulator(faults=[Stall(route="GET /view")]) as sim, within(20):
        process = subprocess.Popen([sys.executable, "-c", script, sim.url, str(tmp_path / "a.mp4")])
        with process:
            until(lambda: any(request.path == "/view" for request in sim.requests))
            os.kill(process.pid, signal.SIGKILL)
        assert not (tmp_path / "a.mp4").exists()
        with ComfyClient(sim.url) as client:
            result = client.wait_for_completion(sim.jobs[0], out=tmp_path / "a.mp4")
    assert result.path == tmp_path / "a.mp4"


@ways
def test_a_file_that_never_comes(kind: str, transport: str, tmp_path: Path) -> None:
    """A download that cannot be repaired names the file, where it is, and the job."""
    with Simulator(faults=[Break(route="GET /view", times=None)]) as sim, within(10):
        timing = FAST._replace(patience=0.5)
        with pytest.raises(ResultSaveError, match=r"x_00001_\.mp4.*/view\?filename") as caught:
            Person(kind, sim.url, transport=transport, timing=timing).run(out=tmp_path / "a.mp4")
        assert caught.value.prompt_id == sim.jobs[0]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_forgotten_success_still_gives_the_file(kind: str, tmp_path: Path) -> None:
    """The server told success and outputs, then restarted before history was asked: the announced files count."""
    with Simulator(faults=[Restart(at="finished", away=0.1)]) as sim, within(10):
        result = Person(kind, sim.url, transport="websocket", timing=FAST).run(out=tmp_path / "a.mp4")
    assert result.path == tmp_path / "a.mp4"


@ways
def test_a_cached_graph_still_gives_its_files(kind: str, transport: str, tmp_path: Path) -> None:
    """The same graph again runs nothing on the server and gives the same file."""
    with Simulator() as sim:
        person = Person(kind, sim.url, transport=transport, timing=FAST)
        first, second = (person.run(out=tmp_path / "a.mp4") for _ in range(2))
    assert (first.path, second.path) == (tmp_path / "a.mp4", tmp_path / "a-2.mp4")
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "a-2.mp4").read_bytes()


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_socket_that_cannot_be_opened_is_waited_for_once(kind: str, tmp_path: Path) -> None:
    """A proxy that swallows WebSockets costs the first job its handshake's time, not every job."""

    async def three(url: str) -> None:
        async with AsyncComfyClient(url, timing=FAST) as client:
            for number in range(3):
                await client.run_workflow(VIDEO, out=tmp_path / f"{number}.mp4")

    with Simulator(faults=[Stall(route="GET /ws", times=None)]) as sim, within(10):
        if kind == "async":
            asyncio.run(three(sim.url))
        else:
            with ComfyClient(sim.url, timing=FAST) as client:
                for number in range(3):
                    client.run_workflow(VIDEO, out=tmp_path / f"{number}.mp4")
        assert sum(request.path == "/ws" for request in sim.requests) == 1
    assert len(list(tmp_path.glob("*.mp4"))) == 3


def test_defaults_have_no_deadline_and_a_long_post() -> None:
    """A late answer is waited for while the connection is open; all limits scale together."""
    assert Timing().post >= 60
    assert Timing().scaled(2).gone == Timing().gone * 2
