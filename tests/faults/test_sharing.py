"""One client, many users: waits for one job, event loops, a close while a job runs."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from comfy_headless import AsyncComfyClient, ComfyClient, Progress, Result
from comfy_headless.simulator import Simulator
from tests.faults.clients import FAST, VIDEO, WAYS, within
from tests.faults.test_waiting import SLOW

pytestmark = pytest.mark.slow
"""Takes its time, all together."""

ways = pytest.mark.parametrize(("kind", "transport"), WAYS)


def gathered(kind: str, url: str, transport: str, calls: list[Callable[[Any], Any]]) -> list[Any]:
    """Make all calls at once with one client; ``calls`` take the client."""

    async def tasks() -> list[Any]:
        async with AsyncComfyClient(url, transport=transport, timing=FAST) as client:
            return await asyncio.gather(*(call(client) for call in calls))

    if kind == "async":
        return asyncio.run(tasks())
    results: list[Any] = [None] * len(calls)
    with ComfyClient(url, transport=transport, timing=FAST) as client:

        def work(number: int) -> None:
            results[number] = calls[number](client)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(len(calls))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return results


@ways
def test_many_may_wait_for_one_job(kind: str, transport: str, tmp_path: Path) -> None:
    """Each of three waits of one client for one job hears its progress, ends, and gets a file of its own."""
    told: list[list[Progress]] = [[], [], []]
    with Simulator(step_seconds=0.02) as sim, within(10):
        with ComfyClient(sim.url) as other:
            prompt_id = other.queue_prompt(SLOW)
        calls = [
            lambda client, told=told: client.wait_for_completion(prompt_id, out=f"{tmp_path}/", on_progress=told.append)
            for told in told
        ]
        results: list[Result] = gathered(kind, sim.url, transport, calls)
        assert [result.status for result in results] == ["completed"] * 3
        assert all(each[-1].progress == 100 for each in told)
        made = next(sim.output_folder.rglob("*.mp4")).read_bytes()
    files = [result.files[0] for result in results]
    assert len(set(files)) == 3
    assert [file.read_bytes() for file in files] == [made] * 3
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == sorted(files)


@pytest.mark.parametrize("transport", ["websocket", "polling"])
def test_one_client_in_one_loop_after_another(transport: str, tmp_path: Path) -> None:
    """Each ``asyncio.run`` finds the client usable, and leaves no connection open."""
    with Simulator() as sim, within(10):
        client = AsyncComfyClient(sim.url, transport=transport, timing=FAST)
        for number in range(3):
            assert asyncio.run(client.run_workflow(VIDEO, out=tmp_path / f"{number}.mp4")).files


def test_a_loop_that_ended_without_closing(tmp_path: Path) -> None:
    """A client whose last loop was dropped inside ``async with`` begins anew in the next."""
    with Simulator() as sim, within(10):
        client = AsyncComfyClient(sim.url, transport="polling", timing=FAST)
        dropped = asyncio.new_event_loop()
        dropped.run_until_complete(client.__aenter__())
        dropped.close()
        assert asyncio.run(client.run_workflow(VIDEO, out=tmp_path / "a.mp4")).files


def test_two_loops_at_once() -> None:
    """Connections belong to one loop: a second one at the same time is told so."""
    with Simulator() as sim:
        client = AsyncComfyClient(sim.url, timing=FAST)

        async def one() -> None:
            async with client:
                with pytest.raises(RuntimeError, match="give each loop a client of its own"):
                    await asyncio.to_thread(lambda: asyncio.run(client.queue()))
                assert await client.queue() == ((), ())

        asyncio.run(one())


@ways
def test_a_close_while_a_job_runs(kind: str, transport: str, tmp_path: Path) -> None:
    """``close`` from elsewhere drops connections, not jobs: they open new ones and get their files."""
    started = threading.Event()

    def begun(progress: Progress) -> None:
        started.set()

    async def async_close(client: AsyncComfyClient) -> None:
        await asyncio.to_thread(started.wait, 5)
        await client.close()

    def sync_close(client: ComfyClient) -> None:
        started.wait(5)
        client.close()

    with Simulator(step_seconds=0.03) as sim, within(10):
        run = lambda client: client.run_workflow(SLOW, out=tmp_path / "a.mp4", on_progress=begun)  # noqa: E731
        close: Callable[[Any], Any] = async_close if kind == "async" else sync_close
        result, _ = gathered(kind, sim.url, transport, [run, close])
        assert set(sim.jobs_run.values()) == {1}
    assert result.path == tmp_path / "a.mp4"
