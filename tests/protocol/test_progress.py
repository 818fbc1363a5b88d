"""Progress of the whole job, from frames."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comfy_headless.protocol.frames import PREVIEW, Frame
from comfy_headless.protocol.progress import ProgressTracker

GRAPH = {
    "1": {"class_type": "UNETLoader", "inputs": {}},
    "2": {"class_type": "KSampler", "inputs": {}, "_meta": {"title": "Sample, $seed.seed"}},
    "3": {"class_type": "SaveVideo", "inputs": {}, "_meta": {"title": "$output.video"}},
}


def frame(kind: str, **data: object) -> Frame:
    return Frame(kind, "p", data)


def test_a_sampler_step_is_told() -> None:
    """Node, title without markers, step of steps, and an estimate."""
    tracker = ProgressTracker(GRAPH)
    tracker.see(frame("executing", node="1"), 0.0)
    tracker.see(frame("executing", node="2"), 0.0)
    first = tracker.see(frame("progress", node="2", value=1, max=20), 2.0)
    assert first is not None
    assert first.eta is None
    told = tracker.see(frame("progress", node="2", value=5, max=20), 10.0)
    assert told is not None
    assert (told.node, told.title, told.step, told.steps) == ("2", "Sample", 5, 20)
    assert 20 < told.progress < 35
    assert told.eta is not None
    assert 30 < told.eta < 35


def test_a_title_of_markers_only_gives_way_to_the_class() -> None:
    """A node whose title is all markers is called by its class."""
    told = ProgressTracker(GRAPH).see(frame("executing", node="3"), 0.0)
    assert told is not None
    assert told.title == "SaveVideo"


def test_cached_nodes_count_as_done() -> None:
    """What the server has cached is done from the start, and does not make the estimate rosy."""
    told = ProgressTracker(GRAPH).see(frame("execution_cached", nodes=["1", "2"]), 0.0)
    assert told is not None
    assert told.progress > 90
    assert told.eta is None


def test_a_late_frame_does_not_lead_back() -> None:
    """The last step of a node may be told when later nodes have run; the job stays where it is."""
    tracker = ProgressTracker(GRAPH)
    tracker.see(frame("executing", node="2"), 0.0)
    tracker.see(frame("executing", node="3"), 0.0)
    assert tracker.see(frame("progress", node="2", value=20, max=20), 1.0) is None


def test_a_preview_is_handed_on() -> None:
    """A preview comes with the progress at that moment."""
    told = ProgressTracker(GRAPH).see(Frame(PREVIEW, "p", image=b"jpeg"), 0.0)
    assert told is not None
    assert told.preview == b"jpeg"


def test_a_frame_that_says_nothing_new_is_not_told() -> None:
    """The server repeats itself; callers hear each step once."""
    tracker = ProgressTracker(GRAPH)
    assert tracker.see(frame("executing", node="1"), 0.0) is not None
    assert tracker.see(frame("executing", node="1"), 1.0) is None


frames = st.lists(
    st.one_of(
        st.builds(lambda n: frame("executing", node=n), st.sampled_from("123")),
        st.builds(lambda n: frame("executed", node=n), st.sampled_from("123")),
        st.builds(lambda n, v: frame("progress", node=n, value=v, max=4), st.sampled_from("123x"), st.integers(0, 9)),
        st.builds(
            lambda n, s: frame("progress_state", nodes={n: {"value": 1, "max": 2, "state": s}}),
            st.sampled_from("123x"),
            st.sampled_from(["running", "finished", "error"]),
        ),
    )
)


@given(frames)
def test_it_never_falls_and_ends_at_100(seen: list[Frame]) -> None:
    """Percent is monotone, below 100 until the end, whatever order frames come in."""
    tracker = ProgressTracker(GRAPH)
    told = [tracker.see(one, float(number)) for number, one in enumerate(seen)]
    percents = [one.progress for one in told if one is not None]
    assert percents == sorted(percents)
    assert all(0 <= percent <= 99 for percent in percents)
    assert tracker.ends().progress == 100


ODD = (None, 5, "x", 10**400, float("nan"), float("inf"), ["1"], {"1": None}, [["1"]])


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_odd_frames_are_passed_over(odd: object) -> None:
    """Whatever a custom node sends under a known name, the job does not end by it."""
    tracker = ProgressTracker({**GRAPH, "4": odd, "5": {"class_type": "X", "_meta": odd}})
    for kind, names in {
        "execution_cached": ("nodes",),
        "executing": ("node", "display_node"),
        "executed": ("node", "display_node"),
        "progress": ("node", "value", "max"),
        "progress_state": ("nodes",),
    }.items():
        right = {"node": "2", "display_node": "2", "value": 1, "max": 2, "nodes": ["2"]}
        for name in names:
            tracker.see(frame(kind, **{**right, name: odd}), 0.0)
    tracker.see(frame("progress_state", nodes={"2": odd}), 0.0)
    tracker.see(frame("progress_state", nodes={"2": {"state": "finished", "display_node_id": odd}}), 0.0)
    assert tracker.ends().progress == 100
