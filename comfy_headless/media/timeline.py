"""Which frames of a clip are looked at, and which packets must be decoded for them.

The packets are known from one reading without decoding, a few bytes each; what is chosen here is never more than one
pass over the clip. A decoder can begin at a key frame only, so a long clip is looked at near some of its key frames.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from heapq import nlargest
from itertools import pairwise
from typing import Final, NamedTuple

SAMPLES: Final = 16
# Up to here the whole clip is decoded if need be (25 s at 24 fps); beyond, only the beginnings of some groups.
_WHOLE: Final = 600
_FEW_GROUPS: Final = 6
_STRETCHES: Final = 10
# So many frames after a key frame, an encoder has refined a still picture as far as it will.
_SETTLED: Final = 16
_IN_GROUP: Final = ((_SETTLED, 1), (2 * _SETTLED, 2))  # of a shorter group, the middle and the end


@dataclass(slots=True)
class Timeline:
    """Frames of one video stream in the order of the file (which is that of decoding).

    Args:
        times: presentation time of each frame in units of the stream.
        sizes: encoded bytes of each.
        keys: 1 where decoding can begin.
        unit: seconds that one unit lasts.
        timed: False if a frame had no time; frames are then found by counting.
    """

    times: array[int] = field(default_factory=lambda: array("q"))
    sizes: array[int] = field(default_factory=lambda: array("q"))
    keys: bytearray = field(default_factory=bytearray)
    unit: float = 0.0
    timed: bool = True

    def __len__(self) -> int:
        return len(self.keys)

    def add(self, time: int | None, size: int, *, key: bool) -> None:
        """Take the next frame."""
        self.timed = self.timed and time is not None
        self.times.append(len(self.times) if time is None else time)
        self.sizes.append(size)
        self.keys.append(key)


class Place(NamedTuple):
    """Where a frame stands in its group, the frames that are encoded one from the other.

    Args:
        group: position of the group's key frame; all frames of a file without prediction are one group.
        settled: it comes so late after the key frame that a still picture no longer changes.
    """

    group: int
    settled: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """What to decode.

    Args:
        wanted: position in the file of each frame to look at.
        spans: first and last position of each run of packets that the decoder needs.
    """

    wanted: dict[int, Place]
    spans: tuple[tuple[int, int], ...]


def choose(timeline: Timeline) -> Plan:
    """Choose at most 16 frames, spread over the whole clip, the first and the last among them."""
    order = sorted(range(len(timeline)), key=timeline.times.__getitem__)
    groups = [position for position in order if timeline.keys[position]]
    intra = len(groups) == len(order)
    if len(order) <= SAMPLES:
        wanted = order
    elif intra or len(order) <= _WHOLE or len(groups) < _FEW_GROUPS:
        wanted = _spread(order, timeline)
    else:
        wanted = _near_keys(groups, len(order))
    found: dict[int, Place] = {}
    spans: list[tuple[int, int]] = []
    for position in sorted(set(wanted)):
        start = _start(timeline, position)
        found[position] = Place(0 if intra else start, intra or position - start >= _SETTLED)
        if spans and start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], position)
        else:
            spans.append((start, position))
    return _counted(timeline, Plan(found, tuple(spans)))


def choose_at(timeline: Timeline, seconds: float) -> Plan:
    """Choose the one frame that is shown so many seconds after the first one appears."""
    order = sorted(range(len(timeline)), key=timeline.times.__getitem__)
    until = timeline.times[order[0]] + seconds / timeline.unit if timeline.unit else 0.0
    position = [order[0], *(place for place in order if timeline.times[place] <= until)][-1]
    return _counted(timeline, Plan({position: Place(0, False)}, ((_start(timeline, position), position),)))


def _counted(timeline: Timeline, plan: Plan) -> Plan:
    """Return a plan that decodes everything where frames cannot be told by their time."""
    return plan if timeline.timed else Plan(plan.wanted, ((0, len(timeline) - 1),))


def _spread(order: Sequence[int], timeline: Timeline) -> list[int]:
    """Return both ends, a frame of each of 10 stretches, and the 4 with the largest packets.

    The places differ from stretch to stretch, so that nothing regular hides between them. A short change in a picture
    that else stands still shows as a large packet.
    """
    edges = [round(1 + index * (len(order) - 2) / _STRETCHES) for index in range(_STRETCHES + 1)]
    wanted = [order[0], order[-1]]
    for index, (begin, end) in enumerate(pairwise(edges)):
        wanted.append(order[begin + int((end - begin) * (index * 0.618 % 1.0))])
    others = set(order).difference(wanted)
    if not all(timeline.keys):
        others = {place for place in others if not timeline.keys[place]}  # those are large anyway
    return wanted + nlargest(SAMPLES - len(wanted), others, key=timeline.sizes.__getitem__)


def _near_keys(groups: Sequence[int], count: int) -> list[int]:
    """Return two frames of each of at most eight groups, spread from the first to the last."""
    pairs = min(SAMPLES // 2, len(groups))
    chosen = [groups[round(index * (len(groups) - 1) / (pairs - 1))] for index in range(pairs)]
    ends = {begin: end - 1 for begin, end in pairwise([*sorted(groups), count])}
    return [begin + min(step, part * (ends[begin] - begin) // 2) for begin in chosen for step, part in _IN_GROUP]


def _start(timeline: Timeline, position: int) -> int:
    """Return the key frame from which a frame can be decoded: the last that is neither sent nor shown after it."""
    for start in range(position, -1, -1):
        if timeline.keys[start] and timeline.times[start] <= timeline.times[position]:
            return start
    return 0
