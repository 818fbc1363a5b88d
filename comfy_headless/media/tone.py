"""Make a soft tone of a given length, in plain Python: one second is computed and repeated."""

from __future__ import annotations

import array
import functools
import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass

RATE = 48000


@dataclass(frozen=True, slots=True)
class Sound:
    """A tone that swells once a second.

    Args:
        seconds: its length.
        hertz: its pitch.
    """

    seconds: float
    hertz: int = 220

    @property
    def samples(self) -> int:
        """Samples in each of the two channels."""
        return max(1, round(self.seconds * RATE))

    def chunks(self) -> Iterator[bytes]:
        """Yield stereo 16-bit samples, a second or less at a time."""
        second = _second(self.hertz)
        left = self.samples
        while left > 0:
            count = min(left, RATE)
            yield second[: count * 4]
            left -= count


@functools.cache
def _second(hertz: int) -> bytes:
    turn = 2 * math.pi / RATE
    samples = array.array("h")
    for index in range(RATE):
        swell = math.sin(turn * index / 2) ** 2
        level = int(5000 * swell * math.sin(turn * hertz * index))
        samples.append(level)
        samples.append(level)
    if sys.byteorder == "big":
        samples.byteswap()
    return samples.tobytes()
