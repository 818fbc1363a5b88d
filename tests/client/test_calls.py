"""Both clients have the same calls, and the table of routes names them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest

from comfy_headless.client.aio_calls import AsyncCalls
from comfy_headless.client.calls import Calls
from comfy_headless.protocol.route_table import ROUTES


def calls(owner: type) -> dict[str, Callable[..., Any]]:
    """The public methods of a class by name."""
    return {name: method for name, method in inspect.getmembers(owner, callable) if not name.startswith("_")}


def test_both_clients_have_the_same_calls() -> None:
    """Names, arguments, defaults, types and words are the same; one is asynchronous, except what asks nothing."""
    blocking, asynchronous = calls(Calls), calls(AsyncCalls)
    assert list(blocking) == list(asynchronous)
    for name, method in blocking.items():
        other = asynchronous[name]
        assert inspect.signature(method) == inspect.signature(other), name
        assert inspect.getdoc(method) == inspect.getdoc(other), name
        assert inspect.iscoroutinefunction(other) is (name != "url_for"), name


def test_every_call_has_its_route() -> None:
    """The table names each call, and no other; ``request`` is for all routes, and ``url_for`` asks none."""
    assert {route.call for route in ROUTES} == set(calls(Calls)) - {"request", "url_for"}


@pytest.mark.parametrize("name", sorted(calls(Calls)))
def test_a_call_says_what_it_does(name: str) -> None:
    """The first line of its words is one sentence that begins with a capital and ends."""
    first = (inspect.getdoc(calls(Calls)[name]) or "").splitlines()[0]
    assert first[:1].isupper()
    assert first.endswith(".")
