"""Which frames are chosen, by values: spread, few, and never more decoding than one pass."""

from __future__ import annotations

from itertools import pairwise

import pytest

from comfy_headless.media.timeline import SAMPLES, Plan, Timeline, choose, choose_at


def timeline(frames: int, *, group: int = 250, large: tuple[int, ...] = ()) -> Timeline:
    made = Timeline(unit=1 / 24)
    for number in range(frames):
        made.add(number, 5000 if number % group == 0 else 900 if number in large else 40, key=number % group == 0)
    return made


def decoded(plan: Plan) -> int:
    return sum(last - first + 1 for first, last in plan.spans)


@pytest.mark.parametrize("frames", [1, 2, 5, 16])
def test_few_frames_are_all_looked_at(frames: int) -> None:
    """Up to 16 frames nothing is left out."""
    assert list(choose(timeline(frames)).wanted) == list(range(frames))


@pytest.mark.parametrize("frames", [17, 25, 121, 600, 1440, 14400])
@pytest.mark.parametrize("group", [1, 12, 250, 100_000])
def test_at_most_sixteen_frames_from_the_first_to_the_last_second(frames: int, group: int) -> None:
    """The number is bounded, no part of the clip is left out, and what is decoded is never more than the clip."""
    plan = choose(timeline(frames, group=group))
    wanted = sorted(plan.wanted)
    assert 12 <= len(wanted) <= SAMPLES
    assert wanted[0] <= 40
    assert wanted[-1] >= frames - 1 - min(group, frames * 0.12)
    assert max(later - earlier for earlier, later in pairwise(wanted)) <= max(4, frames / 5)
    assert decoded(plan) <= frames
    for position in wanted:
        assert any(first <= position <= last for first, last in plan.spans)


def test_a_long_clip_costs_no_more_than_a_short_one() -> None:
    """Ten minutes with a key frame every ten seconds: fewer than 300 frames are decoded, two settled ones a group."""
    plan = choose(timeline(14400))
    assert decoded(plan) < 300
    assert all(place.settled for place in plan.wanted.values())
    assert sorted({place.group for place in plan.wanted.values()})[0] == 0


def test_a_large_packet_is_looked_at() -> None:
    """Where a still picture changes for two frames, one of them is chosen."""
    for place in range(20, 110):
        assert {place, place + 1} & choose(timeline(121, large=(place, place + 1))).wanted.keys()


def test_a_file_without_prediction_is_one_group() -> None:
    """Where every frame is a key frame, all are comparable, and single frames are decoded."""
    plan = choose(timeline(121, group=1))
    assert {place.group for place in plan.wanted.values()} == {0}
    assert all(first == last for first, last in plan.spans)


def test_frames_are_decoded_from_a_key_frame_that_is_shown_before_them() -> None:
    """An open group begins with frames that are shown before its key frame and need the group before."""
    made = Timeline(unit=1.0)
    for time, key in ((0, True), (2, False), (1, False), (5, True), (3, False), (4, False), (6, False)):
        made.add(time, 10, key=key)
    assert choose_at(made, 4.0).spans == ((0, 5),)
    assert choose_at(made, 6.0).spans == ((3, 6),)


def test_frames_without_time_are_counted() -> None:
    """If the container keeps no times, everything is decoded and frames are told by their number."""
    made = Timeline(unit=1.0)
    for number in range(40):
        made.add(None, 10, key=number % 10 == 0)
    plan = choose(made)
    assert plan.spans == ((0, 39),)
    assert max(plan.wanted) == 39


@pytest.mark.parametrize(("seconds", "frame"), [(0.0, 0), (0.04, 0), (0.05, 1), (1.0, 24), (99.0, 47)])
def test_the_frame_at_a_time(seconds: float, frame: int) -> None:
    """It is the last one that has appeared by then."""
    assert list(choose_at(timeline(48), seconds).wanted) == [frame]
