"""A job that one holds: its events, its status, its result; what lives on when the holder does not."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from comfy_headless import (
    AsyncComfyClient,
    AsyncJob,
    ComfyClient,
    ComfyUIConnectionError,
    Event,
    Finished,
    GenerationFailedError,
    Job,
    JobStatus,
    OutputReady,
    Preview,
    Progress,
    Queued,
    Started,
    ValidationError,
    generate_video,
)
from comfy_headless.simulator import Simulator
from tests.faults.clients import FAST, VIDEO, WAYS, until, within
from tests.faults.test_waiting import SLOW

pytestmark = pytest.mark.slow
"""Takes its time, all together."""
ways = pytest.mark.parametrize(("kind", "transport"), WAYS)
ROOT = Path(__file__).resolve().parents[2]


class Held:
    """A job behind one face, whatever client made it: each call of an ``AsyncJob`` runs in one loop."""

    def __init__(self, made: Any, run: Callable[[Any], Any]) -> None:
        self.made, self._run = made, run

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.made, name)
        return (lambda *args, **kwargs: self._run(value(*args, **kwargs))) if callable(value) else value

    def events(self) -> list[Event]:
        """All events until the end."""

        async def listed() -> list[Event]:
            return [event async for event in self.made.events()]

        return self._run(listed()) if isinstance(self.made, AsyncJob) else list(self.made.events())  # type: ignore[no-any-return]


@contextmanager
def clients(kind: str, url: str, **options: Any) -> Iterator[Callable[..., Any]]:
    """Give a function that calls a method of one open client, and hands out jobs as ``Held``."""
    if kind == "sync":
        with ComfyClient(url, **options) as client:

            def call(method: str, *args: Any, **kwargs: Any) -> Any:
                got = getattr(client, method)(*args, **kwargs)
                return Held(got, lambda value: value) if isinstance(got, Job) else got

            yield call
        return
    with asyncio.Runner() as runner:
        other = AsyncComfyClient(url, **options)
        runner.run(other.__aenter__())

        def ask(method: str, *args: Any, **kwargs: Any) -> Any:
            got = runner.run(getattr(other, method)(*args, **kwargs))
            return Held(got, lambda value: runner.run(value)) if isinstance(got, AsyncJob) else got

        try:
            yield ask
        finally:
            runner.run(other.__aexit__())


@ways
def test_the_events_of_a_job(kind: str, transport: str, tmp_path: Path) -> None:
    """Waiting, start, steps, pictures, the file, the end: in this order, and the result brings the file."""
    with (
        Simulator(step_seconds=0.02) as sim,
        clients(kind, sim.url, transport=transport, timing=FAST) as call,
        within(20),
    ):
        first = call("submit", SLOW)
        job = call("submit_video", "a sunset", preset="wan_5b", seconds=1, seed=7, out=tmp_path / "a.mp4")
        assert (job.preset, job.seed, job.settings["frames"]) == ("wan_5b", 7, 25)
        assert job.status() is JobStatus.QUEUED
        events = job.events()
        kinds = [type(event) for event in events]
        assert isinstance(events[0], Queued)
        assert events[0].position == 1
        assert kinds.count(Started) == 1
        assert set(kinds[: kinds.index(Started)]) == {Queued}
        assert isinstance(events[-1], Finished)
        assert events[-1] == Finished("done")
        (made,) = [event for event in events if isinstance(event, OutputReady)]
        assert made.output.kind == "video"
        steps = [event.progress for event in events if isinstance(event, Progress)]
        assert steps == sorted(steps)
        assert steps[-1] == 100
        if transport == "websocket":
            assert next(event for event in events if isinstance(event, Preview)).mime == "image/jpeg"
            assert len(steps) > 5
        assert (first.status(), job.status()) == (JobStatus.DONE, JobStatus.DONE)
        result = job.result()
        assert (result.path, result.preset, result.seed) == (tmp_path / "a.mp4", "wan_5b", 7)
        assert [type(event) for event in job.events()] == [OutputReady, Finished]


@ways
def test_an_event_is_json(kind: str, transport: str) -> None:
    """Each event becomes JSON that says what it is; pictures are data URLs, or left out."""
    with Simulator(step_seconds=0.02) as sim, clients(kind, sim.url, transport=transport, timing=FAST) as call:
        for event in call("submit", SLOW).events():
            told, shown = event.to_dict(), event.to_dict(previews=True)
            assert json.loads(json.dumps(shown))["event"] == type(event).event
            if isinstance(event, Preview):
                assert told["image"] is None
                assert shown["image"].startswith("data:image/jpeg;base64,/9j/")


@ways
def test_how_a_job_can_fail(kind: str, transport: str) -> None:
    """A cancelled job ends its events as failed, and its result is the error; the others go on."""
    with Simulator(step_seconds=0.02) as sim, clients(kind, sim.url, transport=transport, timing=FAST) as call:
        running, waiting, last = (call("submit", SLOW) for _ in range(3))
        until(lambda: running.status() is JobStatus.RUNNING)
        assert waiting.cancel()
        assert running.cancel()
        assert "cancelled the job" in running.events()[-1].error
        assert waiting.events()[-1].status == "failed"
        with pytest.raises(GenerationFailedError, match="cancelled or deleted while it waited"):
            waiting.result()
        assert running.status() is JobStatus.FAILED
        assert waiting.status() is JobStatus.UNKNOWN
        with pytest.raises(GenerationFailedError, match="cancelled the job"):
            running.result()
        failed = running.result(raise_on_error=False)
        assert (failed.status, failed.prompt_id) == ("failed", running.prompt_id)
        assert last.result(download=False).outputs[0].url
        assert not last.cancel()


@ways
def test_a_job_is_taken_up_by_its_id(kind: str, transport: str, tmp_path: Path) -> None:
    """Another client learns preset, seed and settings from the server; an unknown id is an error that says so."""
    with Simulator(step_seconds=0.01) as sim:
        mine = generate_video("x", preset="wan_5b", seconds=1, seed=5, server=sim.url, wait=False)
        with clients(kind, sim.url, transport=transport, timing=FAST) as call:
            job = call("job", mine.prompt_id)
            assert (job.preset, job.seed, job.settings, job.graph) == ("wan_5b", 5, mine.settings, mine.graph)
            assert job.result(tmp_path).path == tmp_path / "wan_5b_5.mp4"
            ended = call("job", mine.prompt_id)
            assert (ended.preset, ended.seed, ended.graph) == ("wan_5b", 5, mine.graph)
            told = call("wait_for_completion", mine.prompt_id)
            assert (told.preset, told.seed, told.files) == ("wan_5b", 5, [])
            with pytest.raises(GenerationFailedError, match="neither queued nor in the history"):
                call("job", "00000000-0000-4000-8000-000000000000")
            with pytest.raises(ValidationError, match="prompt_id"):
                call("job", "../queue")
        assert list(tmp_path.iterdir()) == [tmp_path / "wan_5b_5.mp4"]


@ways
def test_the_jobs_of_a_server(kind: str, transport: str) -> None:
    """Running, waiting in run order, then the ended ones, newest first, each with what is known of it."""
    with Simulator(step_seconds=0.02) as sim, clients(kind, sim.url, transport=transport, timing=FAST) as call:
        done = call("submit_video", "x", preset="wan_5b", seconds=1, seed=3)
        done.result(download=False)
        cancelled, *others = (call("submit", SLOW) for _ in range(3))
        until(lambda: cancelled.status() is JobStatus.RUNNING)
        cancelled.cancel()
        until(lambda: others[0].status() is JobStatus.RUNNING)
        jobs = call("jobs")
        assert [(job.prompt_id, job.status, job.position) for job in jobs] == [
            (others[0].prompt_id, "running", 0),
            (others[1].prompt_id, "queued", 1),
            (cancelled.prompt_id, "failed", None),
            (done.prompt_id, "done", None),
        ]
        assert (jobs[3].preset, jobs[3].seed, jobs[3].outputs) == ("wan_5b", 3, ("wan_5b_00001_.mp4",))
        assert "cancelled the job" in (jobs[2].error or "")
        assert abs((jobs[0].created or 0) - time.time()) < 60
        assert [job.prompt_id for job in call("jobs", limit=1)][-1] == cancelled.prompt_id
        json.dumps([job.to_dict() for job in jobs])
        with pytest.raises(ValidationError, match="limit=-1"):
            call("jobs", limit=-1)


@ways
@pytest.mark.parametrize("name", ["on_progress", "timeout", "raise_on_error", "strict"])
def test_what_belongs_to_the_wait(kind: str, transport: str, name: str) -> None:
    """What only a wait can keep is refused where nobody waits, before anything is sent."""
    with Simulator() as sim, clients(kind, sim.url, transport=transport, timing=FAST) as call:
        with pytest.raises(ValidationError, match=rf"give it to job.result\({name}=...\)"):
            call("generate_video", "x", preset="wan_5b", wait=False, **{name: None})
        assert sim.jobs == ()


@ways
def test_leaving_the_events_leaves_the_job(kind: str, transport: str) -> None:
    """Whoever breaks out of the loop loses nothing: the job goes on, and another loop hears its end."""
    with Simulator(step_seconds=0.02) as sim, within(20):
        if kind == "sync":
            with ComfyClient(sim.url, transport=transport, timing=FAST) as client:
                held = client.submit(SLOW)
                events = held.events()
                next(events)
                events.close()
                assert list(held.events())[-1] == Finished("done")
            return

        async def leave() -> None:
            client = AsyncComfyClient(sim.url, transport=transport, timing=FAST)
            held = await client.submit(SLOW)
            async with aclosing(held.events()) as events:
                async for _ in events:
                    break
            assert [event async for event in held.events()][-1] == Finished("done")

        asyncio.run(leave())


@pytest.mark.parametrize("kind", ["sync", pytest.param("async", marks=pytest.mark.slow)])
def test_a_reader_that_never_reads(kind: str, tmp_path: Path) -> None:
    """It holds up nobody: other jobs and the end of its own come, and what waits for it stays small."""
    graph = {**VIDEO, "1": {**VIDEO["1"], "inputs": {**VIDEO["1"]["inputs"], "batch_size": 2}}}
    with Simulator(step_seconds=0.001) as sim, within(30), clients(kind, sim.url, timing=FAST) as call:
        job = call("submit", {**SLOW})
        stream = job.made.events()
        first = next(stream) if kind == "sync" else job._run(anext(stream))
        assert isinstance(first, Event)
        others = [call("submit", graph) for _ in range(4)]
        assert [other.result(tmp_path).status for other in others] == ["completed"] * 4
        assert job.result(download=False).status == "completed"
        if kind == "sync":
            late = list(stream)
        else:

            async def rest() -> list[Event]:
                return [event async for event in stream]

            late = job._run(rest())
        assert late[-1] == Finished("done")
        assert len(late) < 2 * len(SLOW)  # of 500 steps with a picture each


def test_threads_read_each_its_own(tmp_path: Path) -> None:
    """Every event reaches the job it is of, however many threads read on one client."""
    with Simulator(step_seconds=0.002) as sim, ComfyClient(sim.url, timing=FAST) as client, within(30):
        seen: dict[int, list[Event]] = {}

        def work(number: int) -> None:
            graph = {
                **SLOW,
                "11": {**SLOW["11"], "inputs": {**SLOW["11"]["inputs"], "filename_prefix": f"n{number}"}},
            }
            seen[number] = list(client.submit(graph).events())

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for number, events in seen.items():
            assert [e.output.filename for e in events if isinstance(e, OutputReady)] == [f"n{number}_00001_.mp4"]
            assert events[-1] == Finished("done")


SUBMIT = """
import os, signal, sys
from comfy_headless import generate_video
print(generate_video("x", preset="wan_5b", seconds=1, seed=9, server=sys.argv[1], wait=False).prompt_id, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@ways
def test_a_process_killed_after_submit(kind: str, transport: str, tmp_path: Path) -> None:
    """Another process gets the file by the prompt_id alone."""
    with Simulator(step_seconds=0.01) as sim:
        killed = subprocess.run(
            [sys.executable, "-c", SUBMIT, sim.url], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
        )
        assert killed.returncode == -9
        with clients(kind, sim.url, transport=transport, timing=FAST) as call:
            result = call("job", killed.stdout.strip()).result(tmp_path / "late.mp4")
    assert (result.path, result.seed) == (tmp_path / "late.mp4", 9)
    assert (tmp_path / "late.mp4").stat().st_size > 1000


@ways
def test_a_server_that_stays_away(kind: str, transport: str, caplog: pytest.LogCaptureFixture) -> None:
    """It is said once, at once; the events end with an error that says that the job may still run."""
    with Simulator(step_seconds=0.05) as sim, clients(kind, sim.url, transport=transport, timing=FAST) as call:
        job = call("submit", SLOW)
        sim.stop()
        with within(20), pytest.raises(ComfyUIConnectionError, match="may still run") as caught:
            job.events()
        assert caught.value.prompt_id == job.prompt_id
    told = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert sum("asking again for up to 3 s" in message for message in told) == 1


@pytest.mark.parametrize("kind", ["sync", pytest.param("async", marks=pytest.mark.slow)])
def test_a_client_that_keeps_its_name(kind: str) -> None:
    """A server tells the steps to the client that queued the job: one that comes back under its name hears them."""
    with Simulator(step_seconds=0.1) as sim:
        with clients(kind, sim.url, timing=FAST, client_id="farm-7") as call:
            prompt_id = call("submit", SLOW).prompt_id
        with clients(kind, sim.url, timing=FAST, client_id="farm-7") as call:
            steps = [event.step for event in call("job", prompt_id).events() if isinstance(event, Progress)]
        assert len([step for step in steps if step is not None]) > 2
        with pytest.raises(ValidationError, match="client_id='a b'"), clients(kind, sim.url, client_id="a b"):
            pass


def test_events_hold_their_client() -> None:
    """The events of a job that nobody holds are heard on one socket, and nothing stays open after them."""
    before = threading.active_count()
    with Simulator(step_seconds=0.05) as sim:
        events = [type(event) for event in ComfyClient(sim.url, timing=FAST).submit(SLOW).events()]
        assert events[-1] is Finished
        assert sum(request.path.startswith("/ws") for request in sim.requests) == 1
    until(lambda: threading.active_count() <= before)
