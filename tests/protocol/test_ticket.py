"""The label that travels with a job, and what comes back of it from servers where others queue too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comfy_headless.protocol.destination import Destination, place
from comfy_headless.protocol.ticket import Label, Ticket, graph_in, label_in

LABEL = Label("wan_5b", 7, {"width": 640, "fps": 16.0, "sampler": "euler", "image": None}, ("chosen",), False)

scalars = st.none() | st.booleans() | st.integers() | st.just(10**400) | st.floats() | st.text()
anything = st.recursive(scalars, lambda some: st.lists(some) | st.dictionaries(st.text(), some), max_leaves=8)
names = st.sampled_from(["preset", "seed", "settings", "notes", "sound"])
sizes = st.dictionaries(st.sampled_from(["width", "height", "frames", "fps"]), anything)
labels = st.dictionaries(names, anything) | st.fixed_dictionaries({"preset": st.text(), "settings": sizes}) | anything


def item(label: Any) -> list[Any]:
    return [0, "id", {}, {"comfy_headless": label}, []]


def test_a_label_comes_back_as_it_went() -> None:
    """By way of JSON."""
    told = json.loads(json.dumps(LABEL.extra_data()))
    assert label_in([0, "id", {"1": {}}, told, []]) == LABEL
    assert Ticket("id", graph_in([0, "id", {"1": {}}, told, []])).graph == {"1": {}}


@given(labels)
def test_a_label_that_is_not_ours(told: Any) -> None:
    """Whatever it is, it can be told as JSON, asked for, and leads to no file outside of the destination."""
    label = label_in(item(told))
    json.dumps(label._asdict(), allow_nan=False)
    assert all(0 < value < 1e9 for name, value in label.asked.items() if name != "sound")
    made = place(Destination(Path("out"), stem=label.stem), "a.mp4", "", number=1)
    assert made.parent == Path("out")
    assert len(made.name.encode()) < 240


@pytest.mark.parametrize("preset", ["../../x", "/x", "a/b", "..\\x", "x\0"])
def test_a_preset_is_no_path(preset: str) -> None:
    """A preset that somebody else's job names stays below the destination."""
    label = label_in(item({"preset": preset, "seed": 5}))
    assert place(Destination(Path("out"), stem=label.stem), "a.mp4", "", number=1).parent == Path("out")
