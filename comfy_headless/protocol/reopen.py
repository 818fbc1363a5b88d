"""When a socket that was lost is opened again: the first time at once, then at growing intervals.

The intervals begin anew only once a socket has stayed open for ``last_poll`` seconds: a proxy that lets the handshake
pass and drops what follows is no reason to ask it for sockets without end.
"""

from __future__ import annotations

import math

from comfy_headless.protocol.timing import Timing


class Reopening:
    """The waits before a socket is opened again, from ``retry`` doubling up to ``last_poll``."""

    def __init__(self, timing: Timing) -> None:
        self._first, self._most = timing.retry, timing.last_poll
        self._wait = 0.0
        self._open_since = math.inf

    def opened(self, now: float) -> None:
        """Note that it is open."""
        self._open_since = now

    def lost(self, now: float) -> float:
        """Return when to open the one that was just lost again."""
        if now - self._open_since >= self._most:
            self._wait = 0.0
        self._open_since = math.inf
        return self.refused(now)

    def refused(self, now: float) -> float:
        """Return when to try it again."""
        at = now + self._wait
        self._wait = min(max(self._wait * 2, self._first), self._most)
        return at
