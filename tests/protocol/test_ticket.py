"""The label that travels with a job, and what comes back of it from servers where others queue too."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comfy_headless.protocol.destination import Destination, place
from comfy_headless.protocol.enhanced import EnhancedPrompt, enhanced_in
from comfy_headless.protocol.ticket import Label, Ticket, graph_in, label_in

LABEL = Label("wan_5b", 7, {"width": 640, "fps": 16.0, "sampler": "euler", "image": None}, ("chosen",), False)

scalars = st.none() | st.booleans() | st.integers() | st.just(10**400) | st.floats() | st.text()
anything = st.recursive(scalars, lambda some: st.lists(some) | st.dictionaries(st.text(), some), max_leaves=8)
names = st.sampled_from(["preset", "seed", "settings", "notes", "sound", "enhanced"])
sizes = st.dictionaries(st.sampled_from(["width", "height", "frames", "fps"]), anything)
labels = st.dictionaries(names, anything) | st.fixed_dictionaries({"preset": st.text(), "settings": sizes}) | anything


def item(label: Any) -> list[Any]:
    return [0, "id", {}, {"comfy_headless": label}, []]


def test_a_label_comes_back_as_it_went() -> None:
    """By way of JSON."""
    told = json.loads(json.dumps(LABEL.extra_data()))
    assert label_in([0, "id", {"1": {}}, told, []]) == LABEL
    assert Ticket("id", graph_in([0, "id", {"1": {}}, told, []])).graph == {"1": {}}


BETTER = EnhancedPrompt(
    "a cat", "a cat, light", "blurry", ("light",), ("It was dark.",), "openai", "wan_5b", "en", 9, 512, False, ("!",)
)


def test_an_improved_prompt_travels_along() -> None:
    """All but the address of the language model, which is none of the server's business."""
    label = LABEL._replace(enhanced=replace(BETTER, sent_to="http://127.0.0.1:8080/v1"))
    told = json.dumps(label.extra_data())
    assert "8080" not in told and label_in([0, "id", {}, json.loads(told), []]).enhanced == BETTER


@given(st.sampled_from(list(BETTER.to_dict())), anything)
def test_an_improved_prompt_that_is_not_ours(name: str, value: Any) -> None:
    """Whatever stands in one of its fields, it is read as one that can be told as JSON, or not at all."""
    read = enhanced_in({**BETTER.to_dict(), name: value})
    if read is not None:
        assert enhanced_in(json.loads(json.dumps(read.to_dict()))) == read


@pytest.mark.parametrize(("name", "value"), [("notes", [{"a": 1}]), ("additions", [None]), ("tokens", True)])
def test_what_an_improved_prompt_never_holds(name: str, value: object) -> None:
    """A list of anything but texts, or a count that is no number, is not of our making."""
    assert enhanced_in({**BETTER.to_dict(), name: value}) is None


@given(labels)
def test_a_label_that_is_not_ours(told: Any) -> None:
    """Whatever it is, it can be told as JSON, asked for, and leads to no file outside of the destination."""
    label = label_in(item(told))
    json.dumps(label._replace(enhanced=None)._asdict(), allow_nan=False)
    assert all(0 < value < 1e9 for name, value in label.asked.items() if name != "sound")
    made = place(Destination(Path("out"), stem=label.stem), "a.mp4", "", number=1)
    assert made.parent == Path("out")
    assert len(made.name.encode()) < 240


@pytest.mark.parametrize("preset", ["../../x", "/x", "a/b", "..\\x", "x\0"])
def test_a_preset_is_no_path(preset: str) -> None:
    """A preset that somebody else's job names stays below the destination."""
    label = label_in(item({"preset": preset, "seed": 5}))
    assert place(Destination(Path("out"), stem=label.stem), "a.mp4", "", number=1).parent == Path("out")
