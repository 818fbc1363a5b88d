"""Lanes: httpx clients of one connection each. A request has a lane to itself; the last one given back is taken first.

httpx's own pool looks at each of its connections for each request that comes and for each that goes, and asks the
system whether the idle ones are still open: with 24 connections that is a third of a request (httpx 0.28, httpcore
1.0.9; measured with 200 jobs at once). Of a pool of one there is nothing to look at.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Final, Generic, TypeVar

C = TypeVar("C")

KEPT: Final = 30.0
"""Seconds for which an idle connection is kept."""


class Lane(Generic[C]):
    """A client, and where it is kept while idle."""

    __slots__ = ("client", "home", "since")

    def __init__(self, client: C, home: deque[Lane[C]]) -> None:
        self.client, self.home, self.since = client, home, 0.0


class Lanes(Generic[C]):
    """All lanes of one transport. Not locked: its owner is. What it gives to be closed, its owner closes.

    Args:
        make: makes a client.
    """

    __slots__ = ("_idle", "_make")

    def __init__(self, make: Callable[[], C]) -> None:
        self._make = make
        self._idle: deque[Lane[C]] = deque()

    def take(self) -> Lane[C]:
        """Take a lane, the one that was used last."""
        return self._idle.pop() if self._idle else Lane(self._make(), self._idle)

    def give(self, lane: Lane[C]) -> C | None:
        """Give a lane back; return a client that is not to be kept, if there is one."""
        if lane.home is not self._idle:  # all were closed meanwhile
            return lane.client
        lane.since = time.monotonic()
        self._idle.append(lane)
        return self._idle.popleft().client if lane.since - self._idle[0].since > KEPT else None

    def empty(self) -> list[C]:
        """Give up all lanes; return the idle ones' clients. The others' come when they are given back."""
        idle, self._idle = self._idle, deque()
        return [lane.client for lane in idle]
