"""Performs flows on asyncio: httpx.AsyncClient, a kept WebSocket with a reader task, files in threads.

Everything is closed when the last user leaves: an ``async with`` block, or, without one, the call itself. So a client
can be used from one ``asyncio.run`` after another, and leaves nothing open behind.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar

import httpx

from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.effects import (
    Announce,
    Attend,
    Broken,
    Call,
    Deadline,
    Done,
    Download,
    Effect,
    Fetch,
    Flow,
    HangUp,
    Listen,
    Notify,
    Now,
    Reply,
    Sleep,
    Stream,
    Subscribe,
    Tell,
    Work,
)
from comfy_headless.transport.aio_listening import AsyncListening
from comfy_headless.transport.aio_socket import AsyncKeptSocket, AwaitedMailbox
from comfy_headless.transport.aio_streaming import read_events
from comfy_headless.transport.aside import aside
from comfy_headless.transport.deadline import Limit
from comfy_headless.transport.http import (
    BREAKS,
    CHUNK,
    broken_by,
    download_options,
    reply_of,
    request_options,
    stream_options,
    unsigned,
)
from comfy_headless.transport.lanes import Lanes
from comfy_headless.transport.mailbox import needed
from comfy_headless.transport.reach import Reach
from comfy_headless.transport.sharing import Shared

T = TypeVar("T")
HttpClient: TypeAlias = httpx.AsyncClient

GATE: Final = 8
"""Requests of one kind in flight at once, each on a connection of its own: a server of one thread answers no more of
them sooner. What can take long (downloads, uploads, prompts that are answered late) has gates of its own: meanwhile
the history of other jobs is asked, their prompts cancelled."""


class AsyncTransport:
    """Connections, and one socket, for any number of flows in tasks of one event loop.

    Args:
        http: a client of the caller's that makes all HTTP requests; it is never closed here.
    """

    def __init__(
        self, server: Server, *, clock: Callable[[], float] = time.monotonic, http: httpx.AsyncClient | None = None
    ) -> None:
        self._server, self._clock, self._http = server, clock, http
        self._reach = Reach(server)
        self._socket = self._new_socket()
        self._listening: AsyncListening | None = None
        self._users = self._blocks = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._gates = _gates()
        self._lanes, self._elsewhere = self._new_lanes()
        self._shared: dict[str, Shared[asyncio.Lock]] = {}
        self._streams: dict[asyncio.Task[None], AwaitedMailbox] = {}

    async def __aenter__(self) -> AsyncTransport:
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._begin(loop)
        self._users += 1
        return self

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start anew in ``loop``; what a loop left behind that ended without closing is dead."""
        if self._loop is not None and self._loop.is_running():
            raise RuntimeError("this client is in use in another event loop; give each loop a client of its own")
        self._loop, self._users, self._blocks = loop, 0, 0
        self._gates = _gates()
        self._socket, self._listening = self._new_socket(), None
        self._lanes, self._elsewhere = self._new_lanes()
        self._shared, self._streams = {}, {}

    def _new_socket(self) -> AsyncKeptSocket:
        return AsyncKeptSocket(self._reach, self._server.client_id, self._server.timing)

    def _new_lanes(self) -> tuple[Lanes[httpx.AsyncClient], Lanes[httpx.AsyncClient]]:
        reach = self._reach
        here = Lanes(lambda: httpx.AsyncClient(**reach.http_options))
        return here, Lanes(lambda: httpx.AsyncClient(**reach.elsewhere_options))

    async def __aexit__(self, kind: object = None, *_: object) -> None:
        self._users -= 1
        if self._users <= 0 and kind is not GeneratorExit:  # then nothing can be awaited any more
            await self.close()
            if self._users <= 0:
                self._loop = None

    async def enter(self) -> None:
        """Begin a block of the caller's: connections are kept until it ends."""
        await self.__aenter__()
        self._blocks += 1

    async def leave(self, kind: object = None, *_: object) -> None:
        """End a block; with the last one all listening ends."""
        self._blocks -= 1
        if self._blocks <= 0 and self._listening is not None and kind is not GeneratorExit:
            await self._listening.end()
        await self.__aexit__(kind)

    @property
    def listening(self) -> AsyncListening:
        """Those who listen to everything, in the running loop; for users of the transport."""
        if self._listening is None:
            self._listening = AsyncListening(self._server, self._socket, self.drive)
        return self._listening

    async def drive(self, flow: Flow[T], jobs: dict[str, AwaitedMailbox] | None = None) -> T:
        """Perform the effects of ``flow`` in this task and return its result.

        Args:
            jobs: mailboxes that are there already.
        """
        jobs = {} if jobs is None else jobs
        limit = Limit(self._server.timing.grace)
        async with self:
            try:
                while True:
                    step = await self._advance(flow, jobs, limit)
                    if isinstance(step, Done):
                        return step.value
            finally:
                self._release(jobs)

    async def iterate(self, flow: Flow[None]) -> AsyncGenerator[Any, None]:
        """Perform the effects of ``flow`` as far as its events are asked for, and give these."""
        jobs: dict[str, AwaitedMailbox] = {}
        limit = Limit(self._server.timing.grace)
        await self.__aenter__()
        try:
            while isinstance(step := await self._advance(flow, jobs, limit), Tell):
                yield step.event
        finally:
            flow.close()
            self._release(jobs)
            await self.__aexit__()  # with no word of GeneratorExit: a generator that is closed can still await

    async def _advance(self, flow: Flow[T], jobs: dict[str, AwaitedMailbox], limit: Limit) -> Tell | Done[T]:
        """Perform effects until the flow tells something or ends."""
        answer: Any = None
        error: BaseException | None = None
        while True:
            try:
                effect = flow.send(answer) if error is None else flow.throw(error)
            except StopIteration as done:
                return Done(done.value)
            if isinstance(effect, Tell):
                return effect
            error = None
            try:
                if isinstance(effect, Deadline):
                    limit.set(effect)
                answer = await self._in_time(effect, jobs, limit)
            except GeneratorExit:
                _abandon(flow)
                raise
            except BaseException as raised:  # noqa: BLE001 - all is the flow's to decide, a cancelled task too
                error = raised

    def _mailbox(self, jobs: dict[str, AwaitedMailbox], prompt_id: str, *, quiet: bool = False) -> AwaitedMailbox:
        if prompt_id not in jobs:
            jobs[prompt_id] = AwaitedMailbox(wants=needed if quiet else None)
        return jobs[prompt_id]

    def _release(self, jobs: dict[str, AwaitedMailbox]) -> None:
        for prompt_id, mailbox in jobs.items():
            for task in [task for task, reader in self._streams.items() if reader is mailbox]:
                task.cancel()
            self._socket.release(prompt_id, mailbox)

    def _start(self, effect: Stream, mailbox: AwaitedMailbox) -> None:
        call, streams = effect.call, self._streams
        opened = self._stream(call.method, call.route, stream_options(call, self._server.timing))
        task = asyncio.create_task(read_events(effect.prompt_id, opened, mailbox.put), name="comfy-headless-events")
        streams[task] = mailbox
        task.add_done_callback(lambda done: streams.pop(done, None) and None)

    async def close(self) -> None:
        """End all listening, close the socket and all idle connections.

        The transport can be used again, from another loop too.
        """
        if self._listening is not None:
            await self._listening.end()
        self._shared = {}
        idle = self._lanes.empty() + self._elsewhere.empty()  # those in use are closed by their calls
        for task in self._streams:
            task.cancel()
        try:
            if self._streams:
                await asyncio.gather(*self._streams, return_exceptions=True)
            await self._socket.close()
        finally:
            for http in idle:
                await http.aclose()

    async def _in_time(self, effect: Effect, jobs: dict[str, AwaitedMailbox], limit: Limit) -> Any:
        left = limit.left(effect, self._clock())
        if left is None:
            return await self._perform(effect, jobs)
        timer = asyncio.timeout(left)
        try:
            async with timer:
                return await self._perform(effect, jobs)
        except TimeoutError:
            if timer.expired():
                raise limit.strike() from None
            raise

    async def _perform(self, effect: Effect, jobs: dict[str, AwaitedMailbox]) -> Any:
        match effect:
            case Listen(prompt_id, timeout):
                return await self._mailbox(jobs, prompt_id).next(timeout)
            case Now():
                return self._clock()
            case Call(shared=None):
                return await self._call(effect)
            case Call():
                return await self._share(effect, time.monotonic() - (effect.shared or 0.0))
            case Download():
                return await self._download(effect)
            case Subscribe(prompt_id, quiet):
                return await self._socket.subscribe(prompt_id, self._mailbox(jobs, prompt_id, quiet=quiet))
            case Stream(prompt_id):
                return self._start(effect, self._mailbox(jobs, prompt_id))
            case Attend():
                return await self._socket.attend()
            case HangUp():
                return await self._socket.hang_up()
            case Announce(frame):
                return self._socket.announce(frame)
            case Notify(callback, event):
                return await _notify(callback, event)
            case Work(function, args, long):
                return await asyncio.to_thread(function, *args) if long else function(*args)
            case Fetch():
                return await _fetch(effect)
            case Sleep(seconds):
                return await asyncio.sleep(seconds)

    @asynccontextmanager
    async def _client(self, lanes: Lanes[httpx.AsyncClient]) -> AsyncIterator[httpx.AsyncClient]:
        lane = lanes.take()
        try:
            yield lane.client
        finally:
            unwanted = lanes.give(lane)
            if unwanted is not None:
                await unwanted.aclose()

    async def _share(self, effect: Call, since: float) -> Reply:
        shared = self._shared.setdefault(effect.route, Shared(asyncio.Lock()))
        async with shared.lock:
            reply = shared.give(since)
            if reply is None:
                began = time.monotonic()
                try:
                    reply = await self._call(effect)
                except Broken as broken:
                    shared.note(began, broken)
                    raise
                shared.note(began, reply)
            return reply

    @asynccontextmanager
    async def _stream(self, method: str, route: str, options: dict[str, Any]) -> AsyncIterator[httpx.Response]:
        elsewhere = self._reach.is_elsewhere(route)
        if (route if elsewhere else self._reach.base).startswith("https"):
            options["extensions"] = {"trace": _closing_what_is_cut()}
        async with AsyncExitStack() as stack:
            if elsewhere or self._reach.is_secret:
                stack.enter_context(unsigned())
            if self._http is not None:
                http, route = self._http, route if elsewhere else f"{self._reach.base}{route}"
                options = self._reach.through_another(options, elsewhere=elsewhere)
            else:
                lanes = self._elsewhere if elsewhere else self._lanes
                http = await stack.enter_async_context(self._client(lanes))
            yield await stack.enter_async_context(http.stream(method, route, **options))

    async def _call(self, effect: Call) -> Reply:
        with ExitStack() as stack:
            options = request_options(effect, self._server.timing, stack)
            try:
                async with (
                    self._gates["body" if effect.body or effect.parts else "ask"],
                    asyncio.timeout(effect.limit),
                    self._stream(effect.method, effect.route, options) as response,
                ):
                    reply = reply_of(response, await response.aread())
            except BREAKS as error:
                raise broken_by(error) from error
            except TimeoutError as error:
                raise Broken("timeout", f"no whole answer in {effect.limit or 0:g} s") from error
        self._socket.note(effect, reply)
        return reply

    async def _download(self, effect: Download) -> Reply:
        response = None
        options = download_options(effect, self._server.timing)
        try:
            async with self._gates["download"], self._stream("GET", effect.route, options) as response:
                if response.status_code not in (200, 206):
                    return reply_of(response, await response.aread())
                with Path(effect.part).open("r+b" if effect.offset else "wb") as file:
                    file.seek(effect.offset if response.status_code == 206 else 0)
                    file.truncate()
                    async for chunk in response.aiter_bytes(CHUNK):
                        file.write(chunk)
                return reply_of(response)
        except BREAKS as error:
            raise broken_by(error, response) from error


def _closing_what_is_cut() -> Callable[[str, dict[str, Any]], Coroutine[None, None, None]]:
    """Return what httpcore tells of one request to: a connection that is cancelled in its TLS handshake is closed.

    httpcore (1.0.9) leaves it open: it closes those that fail, and a cancelled task is no ``Exception`` to it.
    """
    opened: list[Any] = []

    async def trace(event: str, info: dict[str, Any]) -> None:
        if event == "connection.connect_tcp.complete":
            opened.append(info["return_value"])
        elif event == "connection.start_tls.failed" and isinstance(info["exception"], asyncio.CancelledError):
            for stream in opened:
                await stream.aclose()

    return trace


async def _fetch(effect: Fetch) -> Any:
    timer = asyncio.timeout(effect.limit)
    try:
        with aside(effect) as future:
            async with timer:
                return await asyncio.wrap_future(future)
    except TimeoutError as error:
        if timer.expired():
            raise Broken("timeout", f"not done in {effect.limit or 0:g} s") from error
        raise


async def _notify(callback: Callable[[Any], Any], event: Any) -> Any:
    told = callback(event)
    if not inspect.isawaitable(told):
        return told
    try:
        return await told
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise RuntimeError("what the callback waited for was cancelled") from error  # not this task


def _gates() -> dict[str, asyncio.Semaphore]:
    return {kind: asyncio.Semaphore(GATE) for kind in ("ask", "body", "download")}


def _abandon(flow: Flow[T]) -> None:
    """Let ``flow`` remove its files where its coroutine is dropped (its loop was closed): all it can still do."""
    try:
        effect = flow.throw(GeneratorExit())
        while True:
            if isinstance(effect, Work):
                effect = flow.send(effect.function(*effect.args))
            else:
                effect = flow.throw(GeneratorExit())
    except (StopIteration, GeneratorExit):
        return
