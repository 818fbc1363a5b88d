"""A deadline ends whatever stands still, soon, and the error says what became of the job."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from comfy_headless import (
    AsyncComfyClient,
    GenerationRejectedError,
    GenerationTimeoutError,
    Progress,
    ResultSaveError,
    Timing,
)
from comfy_headless.simulator import Simulator
from comfy_headless.simulator.faults import Answer, Break, Delay, LateHistory, RefuseOutput, Stall
from tests.faults.cases import TWO
from tests.faults.clients import FAST, VIDEO, WAYS, Person, until, within
from tests.faults.test_waiting import SLOW

pytestmark = pytest.mark.slow
"""Takes its time, all together."""

PATIENT = Timing()._replace(grace=0.3, cancel=0.5)
"""Waiting times that are far longer than the deadline, which alone ends the wait."""

ways = pytest.mark.parametrize(("kind", "transport"), WAYS)


@ways
@pytest.mark.parametrize(
    ("route", "words"),
    [
        ("POST /prompt", "not there yet, but sent; the server may still take and run it"),
        ("GET /history", "had ended already"),
        pytest.param("POST /upload/image", "nothing was queued", marks=pytest.mark.slow),
        ("*", "nothing was queued"),
    ],
)
def test_whatever_stands_still_ends(kind: str, transport: str, route: str, words: str, tmp_path: Path) -> None:
    """A POST, a look at the history or an upload that is never answered ends soon after the deadline."""
    picture = tmp_path / "i.png"
    picture.write_bytes(
        bytes.fromhex(
            "89504e470d0a1a0a0000000d494844520000000100000001080200000090"
            "7753de0000000c4944415478da6338b1b903000399019f5ba1ea110000000049454e44ae426082"
        )
    )
    graph = {**VIDEO, "1": {"class_type": "LoadImage", "inputs": {"image": "x"}, "_meta": {"title": "$~image"}}}
    with Simulator(faults=[Stall(route=route, times=None)]) as sim, within(10):
        person = Person(kind, sim.url, transport=transport, timing=PATIENT)
        with pytest.raises(GenerationTimeoutError, match=rf"not done after 2 s; .*{words}"):
            person.run(graph, params={"image": picture}, timeout=2, out=tmp_path / "a.mp4")
        assert list(tmp_path.iterdir()) == [picture]


@ways
def test_a_download_that_stands_still(kind: str, transport: str, tmp_path: Path) -> None:
    """The job is done and its file does not come by the deadline: it is still there, says the error, and where."""
    with Simulator(faults=[Stall(route="GET /view")]) as sim, within(20):
        person = Person(kind, sim.url, transport=transport, timing=PATIENT)
        words = r"(not here 4 s after the call.*/view\?filename|had ended already: client\.job)"
        with pytest.raises((ResultSaveError, GenerationTimeoutError), match=words) as caught:
            person.run(timeout=4, out=tmp_path / "a.mp4")
        assert list(tmp_path.iterdir()) == []
        assert person.call("wait_for_completion", caught.value.prompt_id, out=tmp_path / "a.mp4").files


@ways
def test_a_deadline_whose_cancel_fails(kind: str, transport: str) -> None:
    """Nobody says "cancelled" of a prompt that could not be cancelled."""
    with (
        Simulator(step_seconds=0.1, faults=[Answer(route="POST /jobs", times=None)]) as sim,
        pytest.raises(GenerationTimeoutError, match=r"could not cancel .*; it may still run"),
    ):
        Person(kind, sim.url, transport=transport, timing=FAST).run(SLOW, timeout=1)


@ways
def test_a_refusal_whose_cancel_fails(kind: str, transport: str) -> None:
    """What the server refused is said, also if the accepted part of the graph could not be cancelled."""
    faults = [RefuseOutput(), Answer(route="POST /jobs", times=None)]
    with (
        Simulator(faults=faults) as sim,
        pytest.raises(GenerationRejectedError, match=r"drop some outputs .* may still run"),
    ):
        Person(kind, sim.url, transport=transport, timing=FAST).run(TWO)


@pytest.mark.parametrize("transport", ["websocket", "polling"])
def test_a_task_cancelled_while_the_post_is_on_its_way(transport: str) -> None:
    """The server may take the prompt after we left: the note says so, and does not say that it does not run."""

    async def leave(sim: Simulator) -> None:
        async with AsyncComfyClient(sim.url, transport=transport, timing=FAST) as client:
            task = asyncio.create_task(client.run_workflow(VIDEO, check=False))
            while not any(request.path == "/prompt" for request in sim.requests):
                await asyncio.sleep(0.02)
            task.cancel()
            with pytest.raises(asyncio.CancelledError) as caught:
                await task
            assert "may still take and run it" in caught.value.__notes__[0]

    with Simulator(faults=[Delay(route="POST /prompt", delay=2.0, when="before")]) as sim, within(10):
        asyncio.run(leave(sim))


@ways
def test_an_upload_is_sent_again(kind: str, transport: str, tmp_path: Path) -> None:
    """A lost answer to an upload loses nothing: the server knows the same content again."""
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(50))
    with Simulator(faults=[Break(route="POST /upload/image", when="after")]) as sim, within(5):
        stored = Person(kind, sim.url, transport=transport, timing=FAST).call("upload", tmp_path / "a.png")
    assert stored == "a.png"


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_an_early_download_that_fails(kind: str, tmp_path: Path) -> None:
    """A file refused while the job still runs is asked for again when it has ended."""
    faults = [Answer(route="GET /view", status=403), LateHistory(late=0.5)]
    with Simulator(faults=faults) as sim, within(5):
        assert Person(kind, sim.url, transport="websocket", timing=FAST).run(out=tmp_path / "a.mp4").files


@ways
def test_one_file_of_two_cannot_be_had(kind: str, transport: str, tmp_path: Path) -> None:
    """The other is saved, and named in the error."""
    gone = Answer(route="GET /view", status=404, body="", times=None, skip=6)
    with (
        Simulator(faults=[gone]) as sim,
        pytest.raises(ResultSaveError, match=r"answered 404.*Saved: .*\.(mp4|png)"),
    ):
        Person(kind, sim.url, transport=transport, timing=FAST).run(TWO, out=f"{tmp_path}/")
    here = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(here) == 6
    assert not [path for path in here if path.suffix == ".part"]


@ways
def test_a_callback_that_waits_for_something_cancelled(kind: str, transport: str, tmp_path: Path) -> None:
    """CancelledError out of a callback is the callback's, while nobody cancelled the task: the video comes."""

    async def waits(progress: Progress) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        future.cancel()
        await future

    with Simulator() as sim, within(5):
        result = Person(kind, sim.url, transport=transport, timing=FAST).run(out=tmp_path / "a.mp4", on_progress=waits)
    assert result.files
    assert "was cancelled" in str(result.callback_error)


def test_a_task_cancelled_while_its_callback_waits() -> None:
    """``task.cancel()`` that arrives in an async callback is the task's: the prompt is cancelled on the server."""

    async def leave(url: str) -> None:
        begun = asyncio.Event()

        async def waits(progress: Progress) -> None:
            begun.set()
            await asyncio.sleep(30)

        async with AsyncComfyClient(url, timing=FAST) as client:
            task = asyncio.create_task(client.run_workflow(SLOW, on_progress=waits))
            await begun.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError) as caught:
                await task
            assert "cancelled on the server" in caught.value.__notes__[0]

    with Simulator(step_seconds=0.1) as sim, within(10):
        asyncio.run(leave(sim.url))
        until(lambda: len(sim.jobs) == 1)
