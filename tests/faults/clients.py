"""Both clients behind one face, so that every behaviour is tested on each, with the socket and by polling."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import pytest

from comfy_headless import AsyncComfyClient, ComfyClient, Result, Timing

FAST: Final = Timing().scaled(0.05)._replace(connect=3.0)
"""Every waiting time a twentieth of the default; but a busy machine may take seconds for a connection."""

PATIENT: Final = Timing()._replace(check=60.0)
"""A busy machine may take seconds to tell what a server has: no test that counts on the check goes without it."""

WAYS: Final = [
    pytest.param(
        kind, transport, marks=[pytest.mark.slow] * ((kind, transport) in (("async", "websocket"), ("sync", "polling")))
    )
    for kind in ("sync", "async")
    for transport in ("websocket", "polling")
]
"""Two combinations hold each client and each transport; the others are run with the slow tests."""

VIDEO: Final = {
    "1": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 48, "batch_size": 6, "color": 5}},
    "2": {"class_type": "CreateVideo", "inputs": {"images": ["1", 0], "fps": 8}},
    "3": {
        "class_type": "SaveVideo",
        "inputs": {"video": ["2", 0], "filename_prefix": "video/x", "format": "auto", "codec": "auto"},
    },
}
"""A graph that needs no model."""


class Person:
    """Somebody with a client: calls are the same whatever the client is."""

    def __init__(self, kind: str, url: str, **options: Any) -> None:
        self.kind, self._url, self._options = kind, url, {"timing": PATIENT, **options}

    def call(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Call one method of a fresh client and close it."""
        if self.kind == "sync":
            with ComfyClient(self._url, **self._options) as client:
                return getattr(client, method)(*args, **kwargs)

        async def one_call() -> Any:
            async with AsyncComfyClient(self._url, **self._options) as client:
                return await getattr(client, method)(*args, **kwargs)

        return asyncio.run(one_call())

    def run(self, graph: Mapping[str, Any] = VIDEO, *, check: bool = False, **kwargs: Any) -> Result:
        """Run a workflow; ``check`` asks before what the server has, which takes its time."""
        result = self.call("run_workflow", graph, check=check, **kwargs)
        assert isinstance(result, Result)
        return result


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Fail if the block took longer: a hang, not a figure."""
    started = time.monotonic()
    yield
    taken = time.monotonic() - started
    assert taken < seconds, f"took {taken:.1f} s"


def fast_clock(factor: float) -> Callable[[], float]:
    """Return a clock that runs ``factor`` times as fast as time."""
    return lambda: time.monotonic() * factor


def until(condition: Callable[[], bool], *, seconds: float = 15) -> None:
    """Wait until ``condition`` holds; fail if it does not."""
    give_up = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up, "it never came to that"
        time.sleep(0.02)
