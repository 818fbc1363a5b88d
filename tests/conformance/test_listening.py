"""All that a client hears, of the simulator and of a real server: jobs, the connection, what was missed."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from websockets.sync.client import connect

from comfy_headless import ComfyClient, ServerEvent
from tests.conformance.conversation import wan
from tests.faults.clients import FAST, until
from tests.faults.listeners import listening

kinds = pytest.mark.parametrize("kind", ["sync", "async"])


class Relay:
    """Passes connections on to a server, and cuts them where it is told to.

    Args:
        url: the server.
    """

    def __init__(self, url: str) -> None:
        self._there = urlsplit(url)
        self._open: set[asyncio.StreamWriter] = set()
        self._passing: set[asyncio.Task[Any] | None] = set()
        self._loop = asyncio.new_event_loop()
        self.refuses = False
        self.url = ""

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while block := await reader.read(65536):
                writer.write(block)
                await writer.drain()
        except ConnectionError:
            pass
        writer.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._passing.add(asyncio.current_task())
        ends = [writer]
        try:
            line = await reader.readline()
            if line and not (self.refuses and b"/ws" in line):
                there, back = await asyncio.open_connection(self._there.hostname, self._there.port)
                ends.append(back)
                back.write(line)
                self._open |= {*ends} if b"/ws" in line else set()
                await asyncio.gather(self._pump(reader, back), self._pump(there, writer))
        finally:
            self._open -= {*ends}
            for end in ends:
                end.close()
            await asyncio.gather(*(end.wait_closed() for end in ends), return_exceptions=True)

    def cut(self) -> None:
        """Cut all WebSockets."""

        def abort() -> None:
            for writer in self._open:
                writer.transport.abort()

        self._loop.call_soon_threadsafe(abort)

    @contextmanager
    def running(self) -> Iterator[Relay]:
        """Pass on for the length of the block."""
        started = threading.Event()

        async def serve() -> None:
            self._done = asyncio.Event()
            async with await asyncio.start_server(self._pass_on, "127.0.0.1", 0) as server:
                self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
                started.set()
                await self._done.wait()
                for task in self._passing:
                    assert task is not None
                    task.cancel()
                await asyncio.gather(*(task for task in self._passing if task), return_exceptions=True)

        def run() -> None:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(serve())

        thread = threading.Thread(target=run, name="relay")
        thread.start()
        started.wait(10)
        try:
            yield self
        finally:
            self._loop.call_soon_threadsafe(self._done.set)
            thread.join()


@pytest.mark.parametrize("kind", ["async", pytest.param("sync", marks=pytest.mark.slow)])
def test_a_job_and_all_around_it(kind: str, server: str) -> None:
    """A listener hears the jobs of its client step by step with pictures, and the queue of all."""
    with listening(kind, server) as listener, ComfyClient(server) as other:
        ears = listener.events()
        prompt_id = listener.call("queue_prompt", wan(steps=3, seed=uuid4().int % 2**32))
        heard = ears.end_of(prompt_id)
        types = [event.type for event in heard]
        assert types[:2] == ["connected", "status"]
        assert {"execution_start", "progress_state", "progress", "executing", "executed"} <= {*types}
        assert types[-1] == "executing"
        assert "execution_success" in types
        assert {event.mime for event in heard if event.type == "preview"} == {"image/jpeg"}
        assert {event.prompt_id for event in heard} == {None, prompt_id}
        json.dumps([event.to_dict(previews=True) for event in heard])
        theirs = other.queue_prompt(wan(steps=2, seed=uuid4().int % 2**32))
        other.wait(theirs)
        foreign = ears.rest(1.0)
        assert {*foreign} == {"status"}  # nothing of the jobs of others but that the queue changed
        result = listener.call("wait", prompt_id, reduce=lambda names, one: [*names, one.kind], initial=[])
        assert result == ["video"]


@kinds
def test_a_connection_that_is_cut(kind: str, server: str) -> None:
    """It is told, opened again, and the end that was missed comes from the history; the next job is heard."""
    with Relay(server).running() as relay, listening(kind, relay.url) as listener:
        ears = listener.events()
        prompt_id = listener.call("queue_prompt", wan(steps=3, seed=uuid4().int % 2**32))
        ears.until("execution_start")
        relay.refuses = True
        relay.cut()
        ears.until("lost")
        until(lambda: listener.call("history", prompt_id) is not None, seconds=60)
        relay.refuses = False
        back = ears.until("ended")
        assert "back" in [event.type for event in back]
        assert (back[-1].prompt_id, back[-1].data["status"]) == (prompt_id, "done")
        assert back[-1].data["outputs"][0]["kind"] == "video"
        relay.cut()
        ears.until("back")
        again = listener.call("queue_prompt", wan(steps=2, seed=uuid4().int % 2**32))
        assert "ended" not in [event.type for event in ears.end_of(again)]


def over(event: ServerEvent) -> bool:
    """Whether a server says that a job has ended."""
    return event.type == "executing" and event.node is None


@pytest.mark.slow
@kinds
def test_two_with_one_name(kind: str, server: str) -> None:
    """Another socket with its clientId takes the news away; the end is found, and the socket opened anew."""
    name: dict[str, Any] = {"client_id": uuid4().hex, "timing": FAST}
    with listening(kind, server, **name) as listener:
        ears = listener.events()
        ears.until("feature_flags")
        with connect(f"ws{server[4:]}/ws?clientId={name['client_id']}", max_queue=None, close_timeout=1):
            prompt_id = listener.call("queue_prompt", wan(steps=2, seed=uuid4().int % 2**32))
            ended = ears.until("ended", seconds=60)[-1]
        assert (ended.prompt_id, ended.data["status"]) == (prompt_id, "done")
        ears.until("back")
        for _ in range(2):  # the other's end may have taken the news away once more
            again = listener.call("queue_prompt", wan(steps=2, seed=uuid4().int % 2**32))
            last = ears.next()
            while last is None or last.prompt_id != again or (last.type != "ended" and not over(last)):
                last = ears.next()
        assert over(last)
