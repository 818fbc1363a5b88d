"""Frames as events, and who wants which."""

from __future__ import annotations

import json

import pytest

from comfy_headless.errors import ValidationError
from comfy_headless.protocol.frames import BACK, CLOSED, ENDED, LOST, QUEUED, Frame, FrameReader
from comfy_headless.protocol.stream import OWN_TYPES, ServerEvent, event_of, wish


def test_a_frame_as_an_event() -> None:
    """The server's own type, or ours without what sets it apart; the node under either of its names."""
    assert event_of(Frame(LOST)) == ServerEvent("lost")
    assert event_of(Frame("executed", "p", {"node": "3"})).node == "3"
    assert event_of(Frame("execution_error", "p", {"node_id": 4})).node == "4"
    assert event_of(Frame("executing", "p", {"node": None})).node is None
    read = FrameReader().read(b"\0\0\0\3\0\0\0\2" + b"17" + "64×48".encode())
    assert read is not None
    assert event_of(read) == ServerEvent("text", {"node": "17", "text": "64×48"}, None, "17")


def test_an_event_is_json() -> None:
    """Pictures are told as data URLs where they are asked for, else left out."""
    event = ServerEvent("preview", {"node": "3"}, "p", "3", b"\xff\xd8x", "image/jpeg")
    assert json.loads(json.dumps(event.to_dict())) == {
        "type": "preview",
        "data": {"node": "3"},
        "prompt_id": "p",
        "node": "3",
        "image": None,
        "mime": "image/jpeg",
    }
    assert event.to_dict(previews=True)["image"] == "data:image/jpeg;base64,/9h4"
    assert "xff" not in repr(event)


@pytest.mark.parametrize(
    ("types", "prompt_id", "wanted"),
    [
        ((), None, ["status", "executed p", "executed q", "lost", "back", "ended p"]),
        (("executed", None), None, ["status", "executed p", "executed q", "lost", "back", "ended p"]),
        (("executed", "lost"), None, ["executed p", "executed q", "lost"]),
        ((), "p", ["executed p", "lost", "back", "ended p"]),
        (("ended", "executed"), "q", ["executed q"]),
    ],
)
def test_wishes(types: tuple[str | None, ...], prompt_id: str | None, wanted: list[str]) -> None:
    """By type, by job, or all; what is about the connection is about each job; how we work is nobody's to hear."""
    frames = [
        Frame("status"),
        Frame("executed", "p"),
        Frame("executed", "q"),
        Frame(LOST),
        Frame(BACK),
        Frame(ENDED, "p"),
        Frame(QUEUED, "p"),
    ]
    wants = wish(types, prompt_id)
    told = [event_of(frame) for frame in frames if wants(frame)]
    assert [f"{event.type} {event.prompt_id or ''}".strip() for event in told] == wanted
    assert wants(Frame(CLOSED))


def test_our_own_types() -> None:
    """They are told without what sets their frames apart from a server's."""
    assert {event_of(Frame(f"comfy_headless.{name}")).type for name in OWN_TYPES} == {*OWN_TYPES}


def test_what_is_no_type() -> None:
    """It is refused, with what a type is."""
    with pytest.raises(ValidationError, match="event type 7: expected a name such as 'progress'"):
        wish((7,))  # type: ignore[arg-type]
