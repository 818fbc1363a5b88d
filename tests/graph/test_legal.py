"""The nearest legal value of an input is one that the server takes, whatever was there before."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from comfy_headless.graph.input_values import cast, find_value_error
from comfy_headless.graph.legal import legal_value
from comfy_headless.graph.schemas import InputSchema

BOUNDS = st.integers(-100, 100)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.just({"__value__": 3}),
    st.just({}),
    st.just([1]),
)


def _item(spec: Any, **options: Any) -> InputSchema:
    return InputSchema("x", "required", spec, options)


@given(spec=st.sampled_from(["INT", "FLOAT"]), one=BOUNDS, other=BOUNDS, default=st.none() | BOUNDS, value=VALUES)
def test_a_number_is_in_range(spec: str, one: int, other: int, default: int | None, value: Any) -> None:
    """Of any value, a number of the type comes out that the range holds."""
    item = _item(spec, min=min(one, other), max=max(one, other), default=default)
    legal = legal_value(item, value)
    assert legal is not None
    taken, error = cast(item, legal.value)
    assert error is None and taken == legal.value and find_value_error(item, taken) is None


@given(options=st.lists(st.text(max_size=8), min_size=1, max_size=6), value=VALUES)
@example(options=["", "\r"], value=None)
def test_a_choice_is_one_of_them(options: list[str], value: Any) -> None:
    """Of any value, one of the choices comes out; one that is among them stays."""
    for item in (_item(options), _item("COMBO", options=options)):
        legal = legal_value(item, value)
        assert legal is not None and legal.value in options
        assert all(legal_value(item, each).value == each for each in options)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("item", "value", "legal"),
    [
        (_item("INT", min=8, max=64), "about 20 steps", 20),
        (_item("INT", min=8, max=64), 63.7, 64),
        (_item("FLOAT", min=0.0, max=1.0), "0,5", 0),
        (_item("FLOAT", default=2.5), "much", 2.5),
        (_item("BOOLEAN"), "false", False),
        (_item("BOOLEAN"), "Yes", True),
        (_item("BOOLEAN", default=True), None, True),
        (_item("STRING"), 7, "7"),
        (_item("STRING", default="a"), None, "a"),
        (_item([8, 16, 32]), "17", 16),
        (_item(["euler", "dpmpp_2m"]), "DPMPP_2M ", "dpmpp_2m"),
        (_item(["a/x.pt", "b/y.pt"]), "b\\y.pt", "b/y.pt"),
        (_item(["fp8", "fp16"], default="fp16"), "zzzzzzzz", "fp16"),
        (_item(["a", "b"], multiselect=True), ["b", "c"], ["b"]),
    ],
)
def test_what_is_nearest(item: InputSchema, value: Any, legal: Any) -> None:
    """A text is read for its number or its meaning, a name found in other letters or folders; else the default."""
    found = legal_value(item, value)
    assert found is not None and found.value == legal and type(found.value) is type(legal)


def test_what_takes_no_value() -> None:
    """An input for links has no legal value, and neither has a list of nothing."""
    assert legal_value(_item("MODEL"), 3) is None and legal_value(_item([]), "x") is None


@pytest.mark.parametrize("size", ["1" + "0" * 400, "-1" + "0" * 400, "inf", "nan"])
@pytest.mark.parametrize("spec", ["INT", "FLOAT", "COMBO", "STRING", "BOOLEAN"])
def test_a_number_that_no_float_can_be(spec: str, size: str) -> None:
    """It has a legal neighbour too, whatever the range."""
    values = [size, float(size), *([int(size), int(size) ** 13] if size.strip("-").isdigit() else [])]
    for options in ({}, {"min": 0, "max": 9}, {"max": float("inf")}, {"options": [1, 2.5, 10**400]}):
        found = [legal_value(_item(spec, **options), value) for value in values]
        assert all(legal is None or legal.value is not None for legal in found)


def test_a_range_of_infinity_has_no_least_value() -> None:
    """Where the least is more than any number there is nothing to give."""
    assert legal_value(_item("INT", min=float("inf")), 3) is None
