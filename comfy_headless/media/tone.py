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
        rate: samples a second.
    """

    seconds: float
    hertz: int = 220
    rate: int = RATE

    @property
    def samples(self) -> int:
        """Samples in each of the two channels."""
        return max(1, round(self.seconds * self.rate))

    def chunks(self) -> Iterator[bytes]:
        """Yield stereo 16-bit samples, a second or less at a time."""
        second = _second(self.hertz, self.rate)
        left = self.samples
        while left > 0:
            count = min(left, self.rate)
            yield second[: count * 4]
            left -= count


@functools.cache
def _second(hertz: int, rate: int) -> bytes:
    turn = 2 * math.pi / rate
    samples = array.array("h")
    for index in range(rate):
        swell = math.sin(turn * index / 2) ** 2
        level = int(5000 * swell * math.sin(turn * hertz * index))
        samples.append(level)
        samples.append(level)
    if sys.byteorder == "big":
        samples.byteswap()
    return samples.tobytes()
