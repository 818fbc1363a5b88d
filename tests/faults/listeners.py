"""Both clients behind one face, listening: the one on asyncio has its loop in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from typing import Any

from comfy_headless import AsyncComfyClient, AsyncEventStream, ComfyClient, EventStream, ServerEvent
from tests.faults.clients import FAST, until

LONG = 15.0


class Ears:
    """What one stream of events tells."""

    def __init__(self, stream: EventStream | AsyncEventStream, listener: Listener) -> None:
        self._stream, self._listener = stream, listener

    def next(self, seconds: float = LONG) -> ServerEvent | None:
        """Return the next event, None after so many seconds or at the end."""
        if isinstance(self._stream, EventStream):
            return self._stream.wait(seconds)
        stream = self._stream

        async def one() -> ServerEvent | None:
            try:
                return await asyncio.wait_for(anext(stream), seconds)
            except (TimeoutError, StopAsyncIteration):
                return None

        event = self._listener.run(one())
        assert event is None or isinstance(event, ServerEvent)
        return event

    def until(self, type: str, *, seconds: float = LONG) -> list[ServerEvent]:
        """Return the events up to the first of a type."""
        heard: list[ServerEvent] = []
        while not heard or heard[-1].type != type:
            event = self.next(seconds)
            assert event is not None, f"no {type} after {[one.type for one in heard]}"
            heard.append(event)
        return heard

    def end_of(self, prompt_id: str) -> list[ServerEvent]:
        """Return the events up to the end of a job."""
        heard = self.until("executing")
        while heard[-1].prompt_id != prompt_id or heard[-1].node is not None:
            heard += self.until("executing")
        return heard

    def rest(self, seconds: float) -> list[str]:
        """Return the types of what comes until there is silence for so many seconds, or the end."""
        types = []
        while (event := self.next(seconds)) is not None:
            types.append(event.type)
        return types

    def close(self) -> None:
        """Hear no more."""
        if isinstance(self._stream, EventStream):
            self._stream.close()
        else:
            self._listener.run(self._stream.close())


class Listener:
    """A client; its calls are made where it lives."""

    def __init__(self, client: ComfyClient | AsyncComfyClient, loop: asyncio.AbstractEventLoop | None) -> None:
        self.client, self._loop = client, loop

    def run(self, coroutine: Awaitable[Any]) -> Any:
        """Await something in the client's loop."""
        assert self._loop is not None

        async def awaited() -> Any:
            return await coroutine

        return asyncio.run_coroutine_threadsafe(awaited(), self._loop).result(30)

    def call(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Call a method of the client."""
        if self._loop is None:
            return getattr(self.client, method)(*args, **kwargs)

        async def called() -> Any:
            return await getattr(self.client, method)(*args, **kwargs)

        return self.run(called())

    def events(self, *types: str | None, **how: Any) -> Ears:
        """Listen from now on."""
        if isinstance(self.client, ComfyClient):
            return Ears(self.client.events(*types, **how), self)
        client = self.client

        async def opened() -> AsyncEventStream:
            return await client.events(*types, **how).__aenter__()

        return Ears(self.run(opened()), self)


@contextmanager
def listening(kind: str, url: str, **options: Any) -> Iterator[Listener]:
    """Give an open client; afterwards fail if it left a thread or a task behind."""
    before = threading.active_count()
    options = {"timing": FAST, **options}
    if kind == "sync":
        with ComfyClient(url, **options) as client:
            yield Listener(client, None)
        assert "comfy-headless" not in [thread.name for thread in threading.enumerate()]
        until(lambda: threading.active_count() <= before + 1)  # the simulator may have begun to render
        return
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="loop")
    thread.start()
    listener = Listener(AsyncComfyClient(url, **options), loop)
    try:
        listener.call("__aenter__")
        try:
            yield listener
        finally:
            listener.call("__aexit__", None, None, None)

        async def left() -> list[str]:
            await asyncio.sleep(0.05)  # for streams that were collected
            return [task.get_name() for task in asyncio.all_tasks() if task is not asyncio.current_task()]

        assert listener.run(left()) == []
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
