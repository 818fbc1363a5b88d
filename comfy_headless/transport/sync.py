"""Performs flows with blocking calls: httpx.Client, a kept WebSocket with a reader thread, the caller's own thread."""

from __future__ import annotations

import asyncio
import inspect
import math
import threading
import time
from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

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
from comfy_headless.transport.listening import Listening
from comfy_headless.transport.reach import Reach
from comfy_headless.transport.sharing import Shared
from comfy_headless.transport.socket import KeptSocket, WaitedMailbox
from comfy_headless.transport.streaming import EventStream

T = TypeVar("T")
HttpClient: TypeAlias = httpx.Client


class SyncTransport:
    """Connections, and one socket, for any number of flows in any number of threads.

    Args:
        http: a client of the caller's that makes all HTTP requests; it is never closed here.
    """

    def __init__(
        self, server: Server, *, clock: Callable[[], float] = time.monotonic, http: httpx.Client | None = None
    ) -> None:
        self._server, self._clock, self._http = server, clock, http
        self._reach = reach = Reach(server)
        self._socket = KeptSocket(reach, server.client_id, server.timing)
        self.listening = Listening(server, self._socket, self.drive)
        self._lanes: Lanes[httpx.Client] = Lanes(lambda: httpx.Client(**reach.http_options))
        self._elsewhere: Lanes[httpx.Client] = Lanes(lambda: httpx.Client(**reach.elsewhere_options))
        self._lock = threading.Lock()
        self._shared: dict[str, Shared[threading.Lock]] = {}
        self._streams: dict[int, list[EventStream]] = {}

    def drive(self, flow: Flow[T], jobs: dict[str, WaitedMailbox] | None = None) -> T:
        """Perform the effects of ``flow`` in this thread and return its result.

        Args:
            jobs: mailboxes that are there already.
        """
        jobs = {} if jobs is None else jobs
        limit = Limit(self._server.timing.grace)
        try:
            while True:
                step = self._advance(flow, jobs, limit)
                if isinstance(step, Done):
                    return step.value
        finally:
            self._release(jobs)

    def iterate(self, flow: Flow[None]) -> Iterator[Any]:
        """Perform the effects of ``flow`` as far as its events are asked for, and give these."""
        jobs: dict[str, WaitedMailbox] = {}
        limit = Limit(self._server.timing.grace)
        try:
            while isinstance(step := self._advance(flow, jobs, limit), Tell):
                yield step.event
        finally:
            flow.close()
            self._release(jobs)

    def _advance(self, flow: Flow[T], jobs: dict[str, WaitedMailbox], limit: Limit) -> Tell | Done[T]:
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
                answer = self._in_time(effect, jobs, limit)
            except BaseException as raised:  # noqa: BLE001 - all is the flow's to decide, Ctrl-C too
                error = raised

    def _mailbox(self, jobs: dict[str, WaitedMailbox], prompt_id: str, *, quiet: bool = False) -> WaitedMailbox:
        if prompt_id not in jobs:
            jobs[prompt_id] = self._socket.mailbox(quiet=quiet)
        return jobs[prompt_id]

    def _release(self, jobs: dict[str, WaitedMailbox]) -> None:
        for prompt_id, mailbox in jobs.items():
            for stream in self._streams.pop(id(mailbox), ()):
                stream.stop()
            self._socket.release(prompt_id, mailbox)

    def _begin(self, effect: Stream, mailbox: WaitedMailbox) -> None:
        call = effect.call
        opened = self._stream(call.method, call.route, stream_options(call, self._server.timing))
        stream = EventStream(effect.prompt_id, opened, partial(self._socket.give, mailbox))
        self._streams.setdefault(id(mailbox), []).append(stream)

    def close(self) -> None:
        """End all listening, close the socket and all idle connections; the transport can be used again."""
        self.listening.end()
        self._socket.close()
        self.listening.join()
        with self._lock:
            self._shared = {}
            idle = self._lanes.empty() + self._elsewhere.empty()  # those in use are closed by their calls
        for http in idle:
            http.close()

    def _in_time(self, effect: Effect, jobs: dict[str, WaitedMailbox], limit: Limit) -> Any:
        left = limit.left(effect, self._clock())
        try:
            return self._perform(effect, jobs, limit, math.inf if left is None else left)
        except Broken:
            limit.left(effect, self._clock())  # what broke it may be the deadline
            raise

    def _perform(self, effect: Effect, jobs: dict[str, WaitedMailbox], limit: Limit, most: float) -> Any:
        match effect:
            case Listen(prompt_id, timeout):
                return self._socket.listen(self._mailbox(jobs, prompt_id), min(timeout, most))
            case Now():
                return self._clock()
            case Call(shared=None):
                return self._call(replace(effect, timeout=min(effect.timeout, most)))
            case Call():
                return self._share(effect, time.monotonic() - (effect.shared or 0.0), most)
            case Download():
                return self._download(replace(effect, timeout=min(effect.timeout, most)), limit)
            case Subscribe(prompt_id, quiet):
                return self._socket.subscribe(prompt_id, self._mailbox(jobs, prompt_id, quiet=quiet), most)
            case Stream(prompt_id):
                return self._begin(effect, self._mailbox(jobs, prompt_id))
            case Attend():
                return self._socket.attend()
            case HangUp():
                return self._socket.hang_up()
            case Announce(frame):
                return self._socket.announce(frame)
            case Notify(callback, event):
                return _notify(callback, event)
            case Work(function, args):
                return function(*args)
            case Fetch():
                return _fetch(effect, limit, most)
            case Sleep(seconds):
                return time.sleep(min(seconds, most))

    @contextmanager
    def _stream(self, method: str, route: str, options: dict[str, Any]) -> Iterator[httpx.Response]:
        elsewhere = self._reach.is_elsewhere(route)
        with ExitStack() as stack:
            if elsewhere or self._reach.is_secret:
                stack.enter_context(unsigned())
            if self._http is not None:
                http, route = self._http, route if elsewhere else f"{self._reach.base}{route}"
                options = self._reach.through_another(options, elsewhere=elsewhere)
            else:
                http = stack.enter_context(self._client(self._elsewhere if elsewhere else self._lanes))
            yield stack.enter_context(http.stream(method, route, **options))

    @contextmanager
    def _client(self, lanes: Lanes[httpx.Client]) -> Iterator[httpx.Client]:
        with self._lock:
            lane = lanes.take()
        try:
            yield lane.client
        finally:
            with self._lock:
                unwanted = lanes.give(lane)
            if unwanted is not None:
                unwanted.close()

    def _share(self, effect: Call, since: float, most: float) -> Reply:
        with self._lock:
            shared = self._shared.setdefault(effect.route, Shared(threading.Lock()))
        asked = time.monotonic()
        if not shared.lock.acquire(timeout=min(most, threading.TIMEOUT_MAX)):
            raise Broken("timeout", f"no answer in {most:g} s")
        try:
            reply = shared.give(since)
            if reply is None:
                began = time.monotonic()
                left = max(0.001, most - (began - asked))
                try:
                    reply = self._call(replace(effect, timeout=min(effect.timeout, left)))
                except Broken as broken:
                    if left >= effect.timeout:  # else it was the deadline of this flow that broke it
                        shared.note(began, broken)
                    raise
                shared.note(began, reply)
            return reply
        finally:
            shared.lock.release()

    def _call(self, effect: Call) -> Reply:
        with ExitStack() as stack:
            options = request_options(effect, self._server.timing, stack)
            until = math.inf if effect.limit is None else time.monotonic() + effect.limit
            try:
                with self._stream(effect.method, effect.route, options) as response:
                    reply = reply_of(response, _read(response, until))
            except BREAKS as error:
                raise broken_by(error) from error
        self._socket.note(effect, reply)
        return reply

    def _download(self, effect: Download, limit: Limit) -> Reply:
        response = None
        options = download_options(effect, self._server.timing)
        try:
            with self._stream("GET", effect.route, options) as response:
                if response.status_code not in (200, 206):
                    return reply_of(response, response.read())
                with Path(effect.part).open("r+b" if effect.offset else "wb") as file:
                    file.seek(effect.offset if response.status_code == 206 else 0)
                    file.truncate()
                    whole = limit.left(effect, self._clock()) is None
                    for chunk in response.iter_bytes(CHUNK if whole else None):  # else looked at as it comes
                        file.write(chunk)
                        limit.left(effect, self._clock())
                return reply_of(response)
        except BREAKS as error:
            raise broken_by(error, response) from error


def _read(response: httpx.Response, until: float) -> bytes:
    if until == math.inf:
        return response.read()
    chunks: list[bytes] = []
    for chunk in response.iter_bytes():
        chunks.append(chunk)
        if time.monotonic() > until:
            raise httpx.ReadTimeout("the answer takes too long", request=response.request)
    return b"".join(chunks)


def _fetch(effect: Fetch, limit: Limit, most: float) -> Any:
    own = math.inf if effect.limit is None else effect.limit
    with aside(effect) as future:
        if futures.wait((future,), min(most, own, threading.TIMEOUT_MAX)).done:
            return future.result()
        if own < most:
            raise Broken("timeout", f"not done in {own:g} s")
        raise limit.strike()


def _notify(callback: Callable[[Any], Any], event: Any) -> Any:
    told = callback(event)
    if not inspect.isawaitable(told):
        return told
    try:
        return asyncio.run(_wait_for(told))
    except asyncio.CancelledError as error:
        raise RuntimeError("what the callback waited for was cancelled") from error


async def _wait_for(awaitable: Any) -> Any:
    return await awaitable
