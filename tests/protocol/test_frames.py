"""Frames of the WebSocket, decoded; bytes as measured on ComfyUI 0.30.0."""

from __future__ import annotations

import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comfy_headless.protocol.frames import PREVIEW, Frame, FrameReader


def text(kind: str, **data: object) -> str:
    return json.dumps({"type": kind, "data": data})


def with_metadata(metadata: bytes, image: bytes) -> bytes:
    return struct.pack(">II", 4, len(metadata)) + metadata + image


def test_text_frame_names_its_job() -> None:
    """A text frame carries the server's type and data, and the job's id."""
    frame = FrameReader().read(text("progress", prompt_id="p", node="3", value=1, max=4))
    assert frame == Frame("progress", "p", {"prompt_id": "p", "node": "3", "value": 1, "max": 4})


def test_preview_with_metadata() -> None:
    """Event 4 is JSON metadata, then the image."""
    metadata = json.dumps({"node_id": "7", "prompt_id": "p", "image_type": "image/png"}).encode()
    frame = FrameReader().read(with_metadata(metadata, b"\x89PNG"))
    assert frame == Frame(PREVIEW, "p", {"node": "7"}, b"\x89PNG", "image/png")


@pytest.mark.parametrize(("number", "mime"), [(1, "image/jpeg"), (2, "image/png")])
def test_bare_preview_belongs_to_the_running_job(number: int, mime: str) -> None:
    """Event 1 names no job: it belongs to the one that runs."""
    reader = FrameReader()
    reader.read(text("execution_start", prompt_id="p"))
    frame = reader.read(struct.pack(">II", 1, number) + b"bytes")
    assert frame == Frame(PREVIEW, "p", {}, b"bytes", mime)


def test_executing_after_a_reconnect_has_no_id() -> None:
    """After a reconnect the server repeats ``executing`` without an id: before any other frame it is nobody's."""
    frame = FrameReader().read(text("executing", node="3"))
    assert frame is not None
    assert frame.prompt_id is None


@pytest.mark.parametrize(
    ("frame", "ends"),
    [
        (Frame("executing", "p", {"node": None}), True),
        (Frame("executing", "p", {"node": "3"}), False),
        (Frame("execution_error", "p"), True),
        (Frame("execution_interrupted", "p"), True),
        (Frame("execution_success", "p"), True),
        (Frame("executed", "p", {"node": "3"}), False),
    ],
)
def test_ends(frame: Frame, ends: bool) -> None:
    """The server ends a job with ``executing`` and no node, or with one of three events."""
    assert frame.ends is ends


@given(st.binary())
def test_any_bytes_are_survived(message: bytes) -> None:
    """Binary frames of custom nodes are never an error."""
    FrameReader().read(message)


@given(st.text() | st.recursive(st.none() | st.text() | st.integers(), st.lists).map(json.dumps))
def test_any_text_is_survived(message: str) -> None:
    """Text frames of custom nodes are never an error."""
    FrameReader().read(message)


@pytest.mark.parametrize("prompt_id", [["x"], {}, 5, None])
def test_an_id_that_is_no_text_is_none(prompt_id: object) -> None:
    """A frame is given out by a text, or to the job that runs."""
    metadata = json.dumps({"prompt_id": prompt_id}).encode()
    frame = FrameReader().read(b"\0\0\0\4" + len(metadata).to_bytes(4, "big") + metadata + b"\xff\xd8")
    assert frame is not None
    assert frame.prompt_id is None
