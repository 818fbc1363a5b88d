"""What came of a call, for the flows that share it: the answer, or how it broke."""

from __future__ import annotations

import math
from typing import Generic, TypeVar

from comfy_headless.protocol.effects import Broken, Reply

L = TypeVar("L")


class Shared(Generic[L]):
    """The last call of one route, and the lock that lets one flow at a time make it; the others wait for what it got.

    Args:
        lock: of the owner's kind; held around everything else here.
    """

    __slots__ = ("_outcome", "began", "lock")

    def __init__(self, lock: L) -> None:
        self.lock = lock
        self.began = -math.inf
        self._outcome: Reply | Broken | None = None

    def note(self, began: float, outcome: Reply | Broken) -> None:
        """Keep what came of a call that was begun at ``began``."""
        self.began, self._outcome = began, outcome

    def give(self, since: float) -> Reply | None:
        """Return the answer to the last call, if that was begun at ``since`` or later; raises ``Broken`` as it did."""
        if self.began < since or self._outcome is None:
            return None
        if isinstance(self._outcome, Broken):
            raise Broken(self._outcome.kind, self._outcome.detail, self._outcome.headers)
        return self._outcome
