"""What a server refuses is told with its words, and with what they mean."""

from __future__ import annotations

from typing import Any

import pytest

from comfy_headless import ComfyUIConnectionError
from comfy_headless.simulator import Simulator
from comfy_headless.simulator.faults import Answer, Fault, OldServer
from tests.faults.clients import FAST, Person

LARGE = "Maximum request body size 104857600 exceeded."
REFUSED: list[tuple[Fault, str, tuple[Any, ...], dict[str, Any], str]] = [
    (
        Answer("POST /upload/image", 413, LARGE),
        "upload",
        (b"x",),
        {"name": "a.bin"},
        f"upload of a.bin failed: .*{LARGE} .the file is larger than the server's --max-upload-size",
    ),
    (
        Answer("POST /userdata/a", 413, LARGE),
        "store_userdata",
        ("a", b"x"),
        {},
        f"the file 'a' was not written: .*{LARGE}; the server's --max-upload-size is smaller than it",
    ),
    (Answer("GET /settings", 401, ""), "settings", (), {}, "no such user: client.users.. lists them"),
    (Answer("GET /features", 403, "no entry"), "features", (), {}, "GET /features answered 403: no entry"),
    (Answer("GET /features", 200, "[]", "application/json"), "features", (), {}, r"GET /features answered \[\]"),
    (Answer("GET /prompt", 200, "{}", "application/json"), "queue_remaining", (), {}, r"GET /prompt answered \{\}"),
    (Answer("GET /jobs", 200, "[]", "application/json"), "job_records", (), {}, r"GET /api/jobs answered \[\]"),
    (OldServer(), "node_replacements", (), {}, "has no GET /node_replacements: its ComfyUI is another version"),
    (OldServer(), "global_subgraphs", (), {}, "has no GET /global_subgraphs: its ComfyUI is another version"),
]


@pytest.mark.parametrize(
    ("fault", "call", "args", "more", "words"),
    REFUSED,
    ids=[f"{row[1]}-{number}" for number, row in enumerate(REFUSED)],
)
def test_what_a_refusal_says(fault: Fault, call: str, args: tuple[Any, ...], more: dict[str, Any], words: str) -> None:
    """The server, what was asked for, its own words, and what to do."""
    with Simulator(faults=[fault]) as simulator:
        person = Person("sync", simulator.url, timing=FAST)
        with pytest.raises(ComfyUIConnectionError, match=words) as caught:
            person.call(call, *args, **more)
        assert simulator.url in str(caught.value)


def test_a_web_page_is_no_file() -> None:
    """What something in front of the server says instead is asked again, never taken for the file."""
    page = Answer("GET /view", 200, "<html>log in</html>", "text/html")
    with Simulator(faults=[page]) as simulator:
        person = Person("sync", simulator.url, timing=FAST)
        person.call("upload", b"content", name="a.bin")
        assert person.call("view", "a.bin", type="input") == b"content"
        assert len([each for each in simulator.requests if each.path == "/view"]) == 2
