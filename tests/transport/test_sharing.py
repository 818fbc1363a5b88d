"""What flows of one client share: connections, and the answers that all of them need."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from comfy_headless import AsyncComfyClient, Timing
from comfy_headless.protocol.conversation import Attempt, Server, attempt
from comfy_headless.protocol.effects import Call, Flow
from comfy_headless.simulator import Simulator
from comfy_headless.simulator.faults import Break, Delay
from comfy_headless.transport.aio import AsyncTransport
from comfy_headless.transport.lanes import Lanes
from comfy_headless.transport.sync import SyncTransport
from tests.faults.clients import FAST, VIDEO
from tests.faults.test_waiting import SLOW


def asks(sim: Simulator, route: str) -> int:
    """How often a route was asked for."""
    return sum(request.path.startswith(route) for request in sim.requests)


def queue(shared: float | None) -> Flow[Attempt]:
    return attempt(Call("GET", "/queue", timeout=5, shared=shared))


def server(sim: Simulator) -> Server:
    return Server(sim.url, "me", Timing(), socket=False)


def together(kind: str, sim: Simulator, shared: list[float | None]) -> list[Any]:
    """Ask for the queue in as many flows at once."""
    if kind == "async":

        async def gathered() -> list[Any]:
            async with AsyncTransport(server(sim)) as transport:
                return await asyncio.gather(*(transport.drive(queue(age)) for age in shared))

        return asyncio.run(gathered())
    transport, got = SyncTransport(server(sim)), []
    threads = [threading.Thread(target=lambda age=age: got.append(transport.drive(queue(age)))) for age in shared]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    transport.close()
    return got


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_one_asks_for_all(kind: str) -> None:
    """Flows that may share an answer ask once together; one that may not asks for itself."""
    with Simulator(faults=[Delay("GET /queue", 0.2, times=None)]) as sim:
        answers = together(kind, sim, [5.0] * 6 + [None])
        assert [answer.value["queue_pending"] for answer in answers] == [[]] * 7
        assert asks(sim, "/queue") == 2


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_failure_is_shared_too(kind: str) -> None:
    """What broke for the one that asked is broken for those that waited for it."""
    with Simulator(faults=[Delay("GET /queue", 0.2, when="before"), Break("GET /queue")]) as sim:
        answers = together(kind, sim, [5.0] * 4)
        assert all("reset" in (answer.problem or "") for answer in answers)
        assert asks(sim, "/queue") == 1


def test_a_flow_that_is_cancelled_while_it_asks_for_all() -> None:
    """The next one asks in its place."""

    async def main(sim: Simulator) -> Attempt:
        async with AsyncTransport(server(sim)) as transport:
            first = asyncio.create_task(transport.drive(queue(5.0)))
            await asyncio.sleep(0.1)
            second = asyncio.create_task(transport.drive(queue(5.0)))
            await asyncio.sleep(0.1)
            first.cancel()
            return await second

    with Simulator(faults=[Delay("GET /queue", 0.5)]) as sim:
        assert asyncio.run(main(sim)).value["queue_running"] == []
        assert asks(sim, "/queue") == 2


@pytest.mark.slow
@pytest.mark.parametrize("transport", [pytest.param("websocket", marks=pytest.mark.slow), "polling"])
def test_many_that_wait_ask_little(transport: str, tmp_path: Path) -> None:
    """Forty jobs behind a slow one share what the queue says, and each asks the history for its own end only."""

    async def main(url: str) -> None:
        async with AsyncComfyClient(url, transport=transport, timing=FAST) as client:
            slow = await client.submit(SLOW)
            await asyncio.gather(*(client.run_workflow(VIDEO, out=tmp_path / f"{n}/") for n in range(40)))
            await slow.result(download=False)

    with Simulator(step_seconds=0.06) as sim:
        asyncio.run(main(sim.url))
        assert asks(sim, "/queue") < 80
        assert asks(sim, "/history") < 130


def test_lanes() -> None:
    """The last one given back is taken first; one that comes back after all were closed is to be closed."""
    made = iter("abc")
    lanes = Lanes(lambda: next(made))
    first, second = lanes.take(), lanes.take()
    assert (first.client, second.client) == ("a", "b")
    assert lanes.give(first) is None
    assert lanes.take() is first
    assert lanes.give(second) is None
    assert lanes.empty() == ["b"]
    assert lanes.give(first) == "a"
    assert lanes.take().client == "c"
