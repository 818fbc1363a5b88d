"""The deadline of one flow, kept by the transport that performs it."""

from __future__ import annotations

from comfy_headless.errors import GenerationTimeoutError
from comfy_headless.protocol.effects import Deadline, Effect, Notify, Now, Work

_FREE = (Deadline, Notify, Now, Work)


class Limit:
    """When the exchanges of one flow must end. It strikes once.

    Args:
        grace: seconds that an exchange may outlast the deadline.
    """

    __slots__ = ("_at", "_grace", "_timeout")

    def __init__(self, grace: float) -> None:
        self._grace = grace
        self._at: float | None = None
        self._timeout = 0.0

    def set(self, deadline: Deadline) -> None:
        """Take the flow's deadline."""
        self._at = None if deadline.at is None else deadline.at + self._grace
        self._timeout = deadline.timeout

    def left(self, effect: Effect, now: float) -> float | None:
        """Return how many seconds ``effect`` may take, None for as many as it likes.

        Raises:
            GenerationTimeoutError: there are none left.
        """
        if self._at is None or isinstance(effect, _FREE):
            return None
        if now >= self._at:
            raise self.strike()
        return self._at - now

    def strike(self) -> GenerationTimeoutError:
        """Return the error for a deadline that has passed; from now on there is none."""
        self._at = None
        return GenerationTimeoutError(f"not done after {self._timeout:g} s; nothing was queued", timeout=self._timeout)
