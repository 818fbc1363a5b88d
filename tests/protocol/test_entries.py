"""Large JSON is read as json.loads reads it, and other threads go on meanwhile."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comfy_headless.protocol.effects import Reply
from comfy_headless.protocol.entries import LARGE, read_json

PAD = " " * LARGE
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=10)
@given(VALUES, st.sampled_from([None, 1]), st.booleans())
def test_it_is_what_json_says(value: Any, indent: int | None, ascii_only: bool) -> None:
    """Any value, however it is written, comes out the same."""
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    assert read_json(f"{text}{PAD}".encode()) == read_json(f"{PAD}{text}".encode()) == value


BROKEN = [
    *("", "{", '{"a"', '{"a" 1}', '{"a":', '{"a":1', '{"a":1,', '{"a":1,}', '{"a":1 "b":2}', "{1:2}", "{'a':1}"),
    *('{"a":1}}', '{"a":1}x', '{"a":[}', "[1,]", "<html>", '{"a":1,"b"}', "{,}"),
]


@pytest.mark.parametrize("text", BROKEN)
def test_what_is_none_is_an_error(text: str) -> None:
    """What json.loads refuses is refused, in the same words."""
    body = f"{text}{PAD}".encode()
    with pytest.raises(ValueError) as words:
        json.loads(body)
    with pytest.raises(ValueError) as caught:
        read_json(body)
    assert str(caught.value) == str(words.value)


def test_bytes_that_are_no_text() -> None:
    """They are an error, and other encodings of JSON are read."""
    with pytest.raises(ValueError):
        read_json(b'{"\xff": 1}' + PAD.encode())
    assert read_json(f'{{"a": 1}}{PAD}'.encode("utf-16")) == {"a": 1}


def test_an_answer_is_read_once() -> None:
    """Who shares an answer shares what is read in it."""
    reply = Reply(200, {}, b'{"a": [1]}')
    assert reply.json() is reply.json() and reply == Reply(200, {}, b'{"a": [1]}')
    for _ in range(2):
        with pytest.raises(ValueError, match="nested too deeply"):
            Reply(200, {}, b"[" * 300_000).json()
