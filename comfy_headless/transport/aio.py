"""Performs flows on asyncio: httpx.AsyncClient, a kept WebSocket with a reader task, files in threads.

Everything is closed when the last user leaves: an ``async with`` block, or, without one, the call itself. So a client
can be used from one ``asyncio.run`` after another, and leaves nothing open behind.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import time
from collections.abc import Callable
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import httpx

from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.effects import (
    Broken,
    Call,
    Download,
    Effect,
    Flow,
    Listen,
    Notify,
    Now,
    Reply,
    Sleep,
    Subscribe,
    Work,
)
from comfy_headless.protocol.frames import LOST, Frame, FrameReader
from comfy_headless.transport.http import (
    CHUNK,
    MAX_FRAME,
    broken_by,
    client_options,
    download_options,
    is_local,
    reply_of,
    request_options,
)
from comfy_headless.transport.mailbox import Mailbox
from comfy_headless.transport.socket import HELLO, socket_address

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

T = TypeVar("T")
logger = logging.getLogger("comfy_headless")

GATE: Final = 8
"""Calls in flight at once, and downloads: httpx's pool costs more the more requests wait in it (462 calls a second
with one in flight, 180 with 16; measured with httpx 0.28 on 2 cores)."""


class _Waiting:
    """A mailbox and the future of the task that waits on it, if one does."""

    __slots__ = ("mailbox", "reader")

    def __init__(self) -> None:
        self.mailbox = Mailbox()
        self.reader: asyncio.Future[None] | None = None

    def put(self, frame: Frame) -> None:
        self.mailbox.put(frame)
        self.wake()

    def wake(self) -> None:
        if self.reader is not None and not self.reader.done():
            self.reader.set_result(None)


class AsyncTransport:
    """One httpx client and one socket for any number of flows in tasks of one event loop."""

    def __init__(self, server: Server, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._server, self._clock = server, clock
        self._waiting: dict[str, _Waiting] = {}
        self._users = 0
        self._http: httpx.AsyncClient | None = None
        self._gates: tuple[asyncio.Semaphore, asyncio.Semaphore] | None = None
        self._opening: asyncio.Lock | None = None
        self._connection: ClientConnection | None = None
        self._stack: AsyncExitStack | None = None
        self._reader: asyncio.Task[None] | None = None
        self._refused_until = 0.0

    async def __aenter__(self) -> AsyncTransport:
        self._users += 1
        return self

    async def __aexit__(self, *_: object) -> None:
        self._users -= 1
        if self._users == 0:
            await self.close()

    async def drive(self, flow: Flow[T]) -> T:
        """Perform the effects of ``flow`` in this task and return its result."""
        jobs: list[str] = []
        async with self:
            try:
                answer: Any = None
                error: BaseException | None = None
                while True:
                    try:
                        effect = flow.send(answer) if error is None else flow.throw(error)
                    except StopIteration as done:
                        return done.value  # type: ignore[no-any-return]
                    error = None
                    try:
                        answer = await self._perform(effect, jobs)
                    except BaseException as raised:  # noqa: BLE001 - all is the flow's to decide, a cancelled task too
                        error = raised
            finally:
                for prompt_id in jobs:
                    self._waiting.pop(prompt_id, None)

    async def close(self) -> None:
        """Close the socket and all connections; the transport can be used again, from another loop too."""
        reader, stack, http = self._reader, self._stack, self._http
        self._reader = self._stack = self._connection = self._http = self._gates = self._opening = None
        if reader is not None:
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)
        if stack is not None:
            await stack.aclose()
        if http is not None:
            await http.aclose()

    async def _perform(self, effect: Effect, jobs: list[str]) -> Any:
        match effect:
            case Listen(prompt_id, timeout):
                return await self._listen(prompt_id, timeout)
            case Now():
                return self._clock()
            case Call():
                return await self._call(effect)
            case Download():
                return await self._download(effect)
            case Subscribe(prompt_id):
                jobs.append(prompt_id)
                return await self._subscribe(prompt_id)
            case Notify(callback, event):
                told = callback(event)
                return await told if inspect.isawaitable(told) else None
            case Work(function, args):
                return function(*args)
            case Sleep(seconds):
                return await asyncio.sleep(seconds)

    async def _listen(self, prompt_id: str, timeout: float) -> Frame | None:
        waiting = self._waiting.get(prompt_id)
        if waiting is None:
            await asyncio.sleep(timeout)
            return None
        frame = waiting.mailbox.take()
        if frame is None and timeout > 0:
            loop = asyncio.get_running_loop()
            waiting.reader = loop.create_future()
            timer = loop.call_later(timeout, waiting.wake)
            try:
                await waiting.reader
            finally:
                timer.cancel()
                waiting.reader = None
            frame = waiting.mailbox.take()
        return frame

    async def _subscribe(self, prompt_id: str) -> bool:
        self._waiting.setdefault(prompt_id, _Waiting())
        if self._opening is None:
            self._opening = asyncio.Lock()
        async with self._opening:
            return self._connection is not None or (time.monotonic() >= self._refused_until and await self._open())

    async def _open(self) -> bool:
        from websockets.asyncio.client import connect
        from websockets.exceptions import WebSocketException

        address = socket_address(self._server.url, self._server.client_id)
        stack = AsyncExitStack()
        try:
            connection = await stack.enter_async_context(
                connect(
                    address,
                    max_size=MAX_FRAME,
                    open_timeout=self._server.timing.connect,
                    close_timeout=1,
                    ping_timeout=60,
                    compression=None,
                    proxy=None if is_local(address) else True,
                )
            )
            await connection.send(HELLO)
        except (OSError, WebSocketException) as error:
            await stack.aclose()
            self._refused_until = time.monotonic() + self._server.timing.idle  # not every job shall wait for it anew
            logger.info("no WebSocket at %s (%s); polling", address, error)
            return False
        self._connection, self._stack = connection, stack
        self._reader = asyncio.create_task(self._read(connection, stack), name="comfy-headless")
        return True

    async def _read(self, connection: ClientConnection, stack: AsyncExitStack) -> None:
        from websockets.exceptions import WebSocketException

        frames = FrameReader()
        try:
            async for message in connection:
                frame = frames.read(message)
                waiting = self._waiting.get(frame.prompt_id) if frame is not None and frame.prompt_id else None
                if waiting is not None and frame is not None:
                    waiting.put(frame)
        except (OSError, WebSocketException) as error:
            logger.info("the WebSocket ended: %s", error)
        if self._connection is connection:
            self._connection = self._stack = self._reader = None
            await stack.aclose()
        for prompt_id, waiting in self._waiting.items():
            waiting.put(Frame(LOST, prompt_id))

    def _client(self) -> tuple[httpx.AsyncClient, tuple[asyncio.Semaphore, asyncio.Semaphore]]:
        if self._http is None:
            self._http = httpx.AsyncClient(**client_options(self._server.url, self._server.timing))
        if self._gates is None:
            self._gates = (asyncio.Semaphore(GATE), asyncio.Semaphore(GATE))
        return self._http, self._gates

    async def _call(self, effect: Call) -> Reply:
        http, (gate, _) = self._client()
        with ExitStack() as stack:
            options = request_options(effect, self._server.timing, stack)
            try:
                async with gate:
                    response = await http.request(effect.method, effect.route, **options)
            except httpx.TransportError as error:
                raise broken_by(error) from error
            except httpx.DecodingError as error:
                raise Broken("reset", str(error)) from error
            return reply_of(response, response.content)

    async def _download(self, effect: Download) -> Reply:
        http, (_, gate) = self._client()
        response = None
        options = download_options(effect, self._server.timing)
        try:
            async with gate, http.stream("GET", effect.route, **options) as response:
                if response.status_code not in (200, 206):
                    return reply_of(response, await response.aread())
                with Path(effect.part).open("r+b" if effect.offset else "wb") as file:
                    file.seek(effect.offset if response.status_code == 206 else 0)
                    file.truncate()
                    async for chunk in response.aiter_bytes(CHUNK):
                        file.write(chunk)
                return reply_of(response)
        except httpx.TransportError as error:
            raise broken_by(error, response) from error
