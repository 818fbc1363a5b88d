"""How long a server worked, read from a history entry of any shape."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comfy_headless.protocol.spent import Spent, spent


def entry(*messages: Any) -> dict[str, Any]:
    return {"status": {"messages": list(messages)}}


START = ["execution_start", {"timestamp": 1_700_000_000_000}]
END = ["execution_success", {"timestamp": 1_700_000_012_500}]


@pytest.mark.parametrize(
    ("given_entry", "expected"),
    [
        (entry(START, ["execution_cached", {"nodes": ["1", "4"]}], END), Spent(12.5, ("1", "4"))),
        (entry(START, END), Spent(12.5, ())),
        (entry(START), Spent(None, ())),
        (entry(END, START), Spent(12.5, ())),
        (entry(["execution_start", {"timestamp": 5}], ["execution_success", {"timestamp": 4}]), Spent(None, ())),
        (entry(["execution_start", {"timestamp": True}], END), Spent(None, ())),
        (entry(["execution_start", {}], END), Spent(None, ())),
        (entry(START, ["execution_success", {"timestamp": 10**400}]), Spent(None, ())),
        (entry(["execution_start", {"timestamp": -(10**400)}], END), Spent(None, ())),
        (entry(["execution_cached", {"nodes": None}]), Spent(None, ())),
        ({"status": None}, Spent(None, ())),
        ({}, Spent(None, ())),
    ],
)
def test_an_entry(given_entry: dict[str, Any], expected: Spent) -> None:
    """The time is that between the two messages; what is missing or no time gives none."""
    assert spent(given_entry) == expected


@given(
    st.recursive(
        st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_anything(messages: Any) -> None:
    """Whatever a server has in its history, it is read without an error."""
    assert spent({"status": {"messages": messages}}).kept == ()
