"""The asyncio shell where there is nothing left to wait for."""

from __future__ import annotations

import asyncio
import gc
import socket

from comfy_headless import AsyncComfyClient
from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.effects import Flow, Listen, Sleep, Subscribe, Tell, Work
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


def waiting() -> Flow[None]:
    """A flow that waits for news of a job."""
    yield Subscribe("job")
    yield Listen("job", 60)
    yield Tell("event")


def test_a_loop_that_was_closed_over_a_reader() -> None:
    """What waits in a loop that is gone is woken no more; the client can be used in the next loop."""
    transport = AsyncTransport(Server("http://127.0.0.1:9", "c", Timing()))
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda *_: None)  # it says of the task that it was destroyed
    task = loop.create_task(anext(transport.iterate(waiting())))  # type: ignore[arg-type]
    loop.run_until_complete(asyncio.sleep(0.3))
    loop.close()

    async def use() -> None:
        async with transport:
            pass

    asyncio.run(use())
    assert not task.done()
    del task
    gc.collect()


def test_a_handshake_that_is_cut() -> None:
    """A connection that is given up in its TLS handshake is closed at once; httpcore alone leaves it open."""

    async def cut(listener: socket.socket) -> bytes:
        async with AsyncComfyClient(f"https://127.0.0.1:{listener.getsockname()[1]}", verify=False) as client:
            asking = asyncio.create_task(client.system_stats())
            connection, _ = await asyncio.to_thread(listener.accept)
            with connection:
                connection.settimeout(5)
                assert await asyncio.to_thread(connection.recv, 65536)  # the client's hello
                asking.cancel()
                await asyncio.wait([asking])
                return await asyncio.to_thread(connection.recv, 65536)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert asyncio.run(cut(listener)) == b""
