"""Fetches of other hosts: the wait for them ends with the deadline and when it is left, and so do they."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from comfy_headless.errors import GenerationTimeoutError
from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.effects import Broken, Deadline, Fetch, Flow, Now
from comfy_headless.protocol.timing import Timing
from comfy_headless.transport.aio import AsyncTransport
from comfy_headless.transport.aside import aside
from comfy_headless.transport.sync import SyncTransport
from tests.faults.clients import within

NOWHERE = Server("http://127.0.0.1:9", "c", Timing(grace=0.05))
LONG = 60.0
BOTH = pytest.mark.parametrize("kind", ["sync", "async"])


def drive(kind: str, flow: Flow[Any]) -> Any:
    """Perform a flow."""
    if kind == "async":
        return asyncio.run(AsyncTransport(NOWHERE).drive(flow))
    transport = SyncTransport(NOWHERE)
    try:
        return transport.drive(flow)
    finally:
        transport.close()


def fetching(function: Callable[..., Any], *args: Any, timeout: float | None = None) -> Flow[Any]:
    """A flow that fetches one thing."""
    if timeout is not None:
        yield Deadline((yield Now()) + timeout, timeout)
    return (yield Fetch(function, args))


class Endless:
    """What fetches until it is told to stop."""

    def __init__(self) -> None:
        self.began, self.ended = threading.Event(), threading.Event()

    def __call__(self, stop: threading.Event) -> None:
        self.began.set()
        if stop.wait(LONG):
            self.ended.set()


@BOTH
def test_what_comes_of_it(kind: str) -> None:
    """The flow gets what the function gives, or raises, in time."""
    assert drive(kind, fetching(lambda one, stop: (one, stop.is_set()), 5, timeout=LONG)) == (5, False)

    def wrong(stop: threading.Event) -> None:
        raise TimeoutError("of its own")

    with pytest.raises(TimeoutError, match="of its own"):
        drive(kind, fetching(wrong, timeout=LONG))


@BOTH
def test_the_deadline_holds(kind: str) -> None:
    """The flow gets the error of its deadline, and the fetch is told to stop."""
    endless = Endless()
    with within(LONG / 2), pytest.raises(GenerationTimeoutError, match=r"not done after 0\.1 s; nothing was queued"):
        drive(kind, fetching(endless, timeout=0.1))
    assert endless.ended.wait(LONG / 2)


@BOTH
def test_a_limit_of_its_own(kind: str) -> None:
    """A fetch that takes longer than its limit breaks and is told to stop; the deadline of the flow stands."""
    endless = Endless()

    def limited() -> Flow[Any]:
        yield Deadline((yield Now()) + LONG, LONG)
        return (yield Fetch(endless, limit=0.1))

    with within(LONG / 2), pytest.raises(Broken, match=r"timeout: not done in 0\.1 s"):
        drive(kind, limited())
    assert endless.ended.wait(LONG / 2)


def test_a_cancelled_task_leaves_it() -> None:
    """The task ends and the fetch is told to stop; the loop does not wait for what cannot be told."""
    endless, deaf, heard = Endless(), threading.Event(), threading.Event()

    def listens_to_nobody(stop: threading.Event) -> None:
        heard.set()
        deaf.wait(LONG)

    async def leave(function: Callable[..., Any], began: threading.Event) -> None:
        task = asyncio.create_task(AsyncTransport(NOWHERE).drive(fetching(function)))
        while not began.is_set():
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with within(LONG / 2):
        asyncio.run(leave(endless, endless.began))
        asyncio.run(leave(listens_to_nobody, heard))
    deaf.set()
    assert endless.ended.wait(LONG / 2)


def test_ctrl_c_leaves_it() -> None:
    """An interrupt of the wait tells the fetch to stop."""
    endless = Endless()
    with pytest.raises(KeyboardInterrupt), aside(Fetch(endless)):
        raise KeyboardInterrupt
    assert endless.ended.wait(LONG / 2)
