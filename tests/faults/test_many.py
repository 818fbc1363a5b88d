"""Many jobs at once on one client: one WebSocket, and every event at the right job."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from comfy_headless import AsyncComfyClient, ComfyClient, Event, Finished, OutputReady, Preview, Progress, Timing
from comfy_headless.simulator import Simulator
from tests.faults.clients import within
from tests.faults.test_waiting import SLOW

PATIENT = Timing(idle=60.0)


def named(number: int) -> dict[str, Any]:
    """A graph whose node ids and file carry a number."""

    def own(value: Any) -> Any:
        return [f"j{number}n{value[0]}", value[1]] if isinstance(value, list) else value

    graph = {
        f"j{number}n{node_id}": {**node, "inputs": {name: own(value) for name, value in node["inputs"].items()}}
        for node_id, node in SLOW.items()
    }
    (saver,) = [node for node in graph.values() if node["class_type"] == "SaveVideo"]
    (sampler,) = [node for node in graph.values() if node["class_type"] == "KSampler"]
    saver["inputs"]["filename_prefix"] = f"j{number}n"
    sampler["inputs"] |= {"seed": number, "steps": 3}
    return graph


def judge(sim: Simulator, told: dict[int, list[Event]]) -> None:
    """Fail if an event is not of its job, a job lacks its end or its file, or a second socket was opened."""
    heard = 0
    for number, events in told.items():
        own = f"j{number}n"
        assert events[-1] == Finished("done")
        assert [event.output.filename for event in events if isinstance(event, OutputReady)] == [f"{own}_00001_.mp4"]
        nodes = [event.node for event in events if isinstance(event, Progress | Preview) and event.node is not None]
        heard += bool(nodes)  # one that ended before it was listened to tells its file and its end
        assert all(node.startswith(own) for node in nodes)
    assert heard > len(told) / 2
    assert sum(request.path == "/ws" for request in sim.requests) == 1


@pytest.mark.slow
def test_two_hundred_at_once_on_asyncio(tmp_path: Path) -> None:
    """Each of 200 jobs hears its own events and gets its own file."""
    told: dict[int, list[Event]] = {}
    files: dict[int, Path | None] = {}

    async def work(client: AsyncComfyClient, number: int) -> None:
        job = await client.submit(named(number))
        told[number] = [event async for event in job.events()]
        files[number] = (await job.result(tmp_path)).path

    async def main(url: str) -> None:
        async with AsyncComfyClient(url, timing=PATIENT) as client:
            await asyncio.gather(*(work(client, number) for number in range(200)))

    with Simulator(step_seconds=0.001) as sim, within(60):
        asyncio.run(main(sim.url))
        judge(sim, told)
    assert len(told) == 200
    assert {number: path and path.name for number, path in files.items()} == {
        number: f"j{number}n_00001_.mp4" for number in range(200)
    }


@pytest.mark.slow
def test_fifty_from_sixteen_threads(tmp_path: Path) -> None:
    """Each of 50 jobs hears its own events and gets its own file."""
    told: dict[int, list[Event]] = {}

    with Simulator(step_seconds=0.001) as sim, ComfyClient(sim.url, timing=PATIENT) as client, within(30):

        def work(number: int) -> str:
            job = client.submit(named(number))
            told[number] = list(job.events())
            path = job.result(tmp_path).path
            return path.name if path else ""

        with ThreadPoolExecutor(16) as pool:
            assert list(pool.map(work, range(50))) == [f"j{number}n_00001_.mp4" for number in range(50)]
        judge(sim, told)
    assert len(told) == 50
