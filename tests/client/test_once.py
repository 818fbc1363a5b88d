"""What may happen twice is asked again; what may not is sent once, and the error says that it may have been done."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from comfy_headless import ComfyUIConnectionError
from comfy_headless.simulator import Simulator
from comfy_headless.simulator.faults import Answer, Break
from tests.faults.clients import FAST, Person

pytestmark = pytest.mark.slow

AGAIN: list[tuple[str, str, tuple[Any, ...], dict[str, Any]]] = [
    ("GET /features", "features", (), {}),
    ("GET /history", "whole_history", (), {}),
    ("GET /models/loras", "models", ("loras",), {}),
    ("GET /view", "view", ("a.bin",), {"type": "input"}),
    ("POST /queue", "delete_queued", (["x"],), {}),
    ("POST /history", "delete_history", (["x"],), {}),
    ("POST /settings/a", "set_setting", ("a", 1), {}),
    ("POST /jobs/cancel", "cancel_jobs", ([str(uuid.uuid4())],), {}),
    ("GET /jobs", "job_records", (), {}),
]
ONCE: list[tuple[str, str, tuple[Any, ...], dict[str, Any]]] = [
    ("POST /queue", "clear_queue", (), {}),
    ("POST /history", "clear_history", (), {}),
    ("POST /interrupt", "interrupt", (), {}),
    ("POST /users", "create_user", ("bob",), {}),
    ("POST /userdata/a", "store_userdata", ("a", b"x"), {}),
    ("DELETE /userdata/a", "delete_userdata", ("a",), {}),
    ("POST /userdata/a/move/b", "move_userdata", ("a", "b"), {}),
    ("POST /upload/mask", "upload_mask", (b"x", "a.bin"), {"name": "c.bin"}),
]


def talked(faults: list[Any], call: str, args: tuple[Any, ...], more: dict[str, Any]) -> tuple[Any, list[str]]:
    """What a call gives, or its error, and what the server was asked meanwhile."""
    with Simulator(faults=faults) as simulator:
        person = Person("sync", simulator.url, timing=FAST)
        person.call("upload", b"x", name="a.bin", overwrite=True, type="input")
        before = len(simulator.requests)
        try:
            told = person.call(call, *args, **more)
        except ComfyUIConnectionError as error:
            told = error
        return told, [f"{each.method} {each.path}" for each in simulator.requests[before:]]


@pytest.mark.parametrize(("route", "call", "args", "more"), AGAIN, ids=[row[1] for row in AGAIN])
def test_what_may_happen_twice(route: str, call: str, args: tuple[Any, ...], more: dict[str, Any]) -> None:
    """Busy once, then broken once: the third answer counts."""
    told, asked = talked([Answer(route, 503), Break(route)], call, args, more)
    assert not isinstance(told, ComfyUIConnectionError), told
    assert len(asked) == 3


@pytest.mark.parametrize(("route", "call", "args", "more"), ONCE, ids=[row[1] for row in ONCE])
def test_what_may_not_happen_twice(route: str, call: str, args: tuple[Any, ...], more: dict[str, Any]) -> None:
    """The answer is lost: it was sent once, and the error says what to do."""
    told, asked = talked([Break(route)], call, args, more)
    assert "the server may have done it: look before you send it again" in str(told)
    assert [each for each in asked if not each.startswith("HEAD")] == [route]
