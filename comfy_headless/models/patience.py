"""How long a hub is waited for: what passes is asked again, with growing pauses; any byte that comes begins anew."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from comfy_headless.errors import ModelDownloadError, ValidationError
from comfy_headless.models.hub import Passing

logger = logging.getLogger("comfy_headless")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class HubTiming:
    """Seconds.

    Args:
        connect: for connecting, and for an answer without a file.
        read: without a byte before the connection is taken for dead.
        patience: without a byte, over several tries, before it is given up.
        pause: before the second try; it doubles with each one more.
        longest_pause: at most, but for what the hub itself asks for.
    """

    connect: float = 10.0
    read: float = 30.0
    patience: float = 300.0
    pause: float = 1.0
    longest_pause: float = 30.0

    def __post_init__(self) -> None:
        for name in self.__dataclass_fields__:
            value = getattr(self, name)
            if not value >= 0:
                raise ValidationError(f"{name}={value!r}: expected seconds, 0 or more")


class Patience:
    """The waits of one file.

    Args:
        what: the file, in words.
    """

    def __init__(self, what: str, timing: HubTiming) -> None:
        self._what, self._timing = what, timing
        self.renew()

    def renew(self) -> None:
        """Begin anew: something came."""
        self._since, self._pause = time.monotonic(), self._timing.pause

    def wait(self, why: Passing) -> None:
        """Wait before the next try; raises ModelDownloadError where the patience is at its end."""
        pause = min(self._pause, self._timing.longest_pause) if why.after is None else why.after
        waited = time.monotonic() - self._since
        if waited + pause > self._timing.patience:
            raise ModelDownloadError(
                f"{self._what}: {why}, for {waited:.0f} s now; what came is kept, and the next try goes on from there"
            )
        logger.info("%s: %s; the next try in %g s", self._what, why, pause)
        time.sleep(pause)
        self._pause *= 2


def patiently(ask: Callable[[], T], what: str, timing: HubTiming) -> T:
    """Return what ``ask`` returns, asked again while it raises Passing."""
    patience = Patience(what, timing)
    while True:
        try:
            return ask()
        except Passing as why:
            patience.wait(why)
