"""Streams of server-sent events, line by line."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comfy_headless.protocol.frames import Frame
from comfy_headless.protocol.server_events import EventReader


def read(text: str) -> list[Frame]:
    """All events of a stream."""
    reader = EventReader("a-job")
    return [frame for line in text.split("\n") if (frame := reader.read(line)) is not None]


@pytest.mark.parametrize(
    ("text", "events"),
    [
        ('event: progress\ndata: {"value": 0.5}\n\n', [("progress", {"value": 0.5})]),
        ('data: {"value": 1}\n\n', [("message", {"value": 1})]),
        ('event:status\ndata:{"status":\ndata: "queued"}\n\n', [("status", {"status": "queued"})]),
        (": keepalive\n\nid: 7\nretry: 3\nevent: a\ndata: {}\n\n", [("a", {})]),
        ("event: progress\ndata: {half\n\nevent: status\ndata: [1]\n\n", []),
        ("event: nothing\n\ndata:\n\n\n\n", []),
        ('event: cut\ndata: {"value": 1}', []),
    ],
)
def test_an_event_is_its_name_and_its_data(text: str, events: list[tuple[str, object]]) -> None:
    """An event ends with an empty line; what is no event, or no object of JSON, is passed over."""
    assert [(frame.type, frame.data) for frame in read(text)] == events
    assert all(frame.prompt_id == "a-job" for frame in read(text))


@given(st.text(), st.dictionaries(st.text(max_size=5), st.integers(), max_size=3))
def test_no_rubbish_hides_the_next_event(rubbish: str, data: dict[str, int]) -> None:
    """Whatever came before, an event after an empty line is read."""
    assert read(f"{rubbish}\n\nevent: x\ndata: {json.dumps(data)}\n\n")[-1].data == data
