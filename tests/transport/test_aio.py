"""The asyncio shell where there is nothing left to wait for."""

from __future__ import annotations

import asyncio

from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.effects import Flow, Sleep, Work
from comfy_headless.protocol.timing import Timing
from comfy_headless.transport.aio import AsyncTransport


def test_a_dropped_coroutine_removes_its_files() -> None:
    """Closed in the middle (its loop is gone), a flow still does its work on files, and no exchange."""
    done: list[str] = []

    def flow() -> Flow[None]:
        try:
            yield Sleep(10)
        finally:
            yield Work(done.append, ("first",))
            try:
                yield Sleep(10)
                done.append("never")
            finally:
                yield Work(done.append, ("second",))

    async def drop() -> None:
        transport = AsyncTransport(Server("http://127.0.0.1:9", "c", Timing()))
        coroutine = transport.drive(flow())
        coroutine.send(None)
        coroutine.close()

    asyncio.run(drop())
    assert done == ["first", "second"]
