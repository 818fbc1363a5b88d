"""How long a hub is waited for: what passes is asked again, with growing pauses; any byte that comes begins anew."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass

from comfy_headless.errors import ModelDownloadError, ValidationError
from comfy_headless.models.hub import Passing

logger = logging.getLogger("comfy_headless")


@dataclass(frozen=True, slots=True)
class HubTiming:
    """Seconds.

    Args:
        connect: for connecting, and for an answer without a file.
        read: without a byte before the connection is taken for dead.
        patience: without a byte, over several tries, before it is given up.
        asking: the same where only sizes are asked for, of all files together.
        pause: before the second try; it doubles with each one more.
        longest_pause: at most, but for what the hub itself asks for.
    """

    connect: float = 10.0
    read: float = 30.0
    patience: float = 300.0
    asking: float = 20.0
    pause: float = 1.0
    longest_pause: float = 30.0

    def __post_init__(self) -> None:
        for name in self.__dataclass_fields__:
            value = getattr(self, name)
            if not value >= 0:
                raise ValidationError(f"{name}={value!r}: expected seconds, 0 or more")


class Patience:
    """The waits for one file, or for one question.

    Args:
        what: that is waited for, in words.
        limit: seconds without news after which it is given up.
        ending: what an error says at its end.
    """

    def __init__(self, what: str, timing: HubTiming, limit: float, ending: str) -> None:
        self._what, self._timing, self._limit, self._ending = what, timing, limit, ending
        self.renew()

    def renew(self) -> None:
        """Begin anew: something came."""
        self._since, self._pause = time.monotonic(), self._timing.pause

    def wait(self, why: Passing) -> None:
        """Wait before the next try; raises ModelDownloadError where the patience is at its end."""
        pause = min(self._pause, self._timing.longest_pause) if why.after is None else why.after
        waited = time.monotonic() - self._since
        if waited + pause > self._limit:
            raise ModelDownloadError(f"{self._what}: {why}, for {waited:.0f} s now; {self._ending}")
        logger.info("%s: %s; the next try in %g s", self._what, why, pause)
        time.sleep(pause)
        self._pause *= 2
