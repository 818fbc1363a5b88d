"""Every route of a real server has a call or a reason why there is none; any other is asked by ``request``."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Any

import pytest

from comfy_headless import ComfyClient, ComfyUIConnectionError
from comfy_headless.protocol.route_table import LEFT_OUT, ROUTES
from tests.faults.clients import FAST, Person
from tests.simulator.talk import image_graph

from .conversation import own_prefix

KINDS = pytest.mark.parametrize("kind", ["sync", pytest.param("async", marks=pytest.mark.slow)])
ALL_ROUTES = "/comfy_headless_test/routes"  # of a node file that the tests give to the real server


def spoken_for(method: str, path: str) -> bool:
    """Whether a route has a call, or a reason."""
    ways = {path, path.removeprefix("/api") or "/", f"/api{path}", path.replace("/api/api/", "/api/", 1)}
    covered = any(route.method == method and route.path in ways for route in ROUTES)
    return covered or any(fnmatchcase(f"{method} {way}", pattern) for way in ways for pattern in LEFT_OUT)


def test_every_route_of_a_real_server(real_server: str) -> None:
    """No route is forgotten, none is invented; HEAD goes with GET."""
    with ComfyClient(real_server) as client:
        reply = client.request("GET", ALL_ROUTES)
    if reply.status == 404:
        pytest.skip("the server that COMFY_HEADLESS_TEST_URL names lists no routes")
    there = {(method, path) for method, path in reply.json() if method != "HEAD"}
    assert len(there) > 100
    assert [route for route in sorted(there) if not spoken_for(*route)] == []
    assert [route for route in ROUTES if (route.method, route.path) not in there] == []
    heads = {path for method, path in reply.json() if method == "HEAD"}
    assert heads - {path for _, path in there} == {"/api/assets/hash/{hash}"}


@KINDS
def test_any_route(server: str, kind: str) -> None:
    """The answer is the caller's, whatever its status: headers, bytes, text, JSON."""
    ask = Person(kind, server).call
    reply = ask("request", "get", "/system_stats")
    assert (reply.status, reply.headers["content-type"]) == (200, "application/json; charset=utf-8")
    assert reply.json()["system"]["comfyui_version"] in reply.text
    assert reply.body == reply.text.encode()
    assert ask("request", "GET", "/no/such/route").status == 404
    assert ask("request", "POST", "/no/such/route").status == 405
    assert ask("request", "GET", "/api/tags").status == 503
    assert ask("request", "POST", "/queue", data=b"no json").status == 500
    assert ask("request", "GET", "/history", params={"max_items": 1, "offset": 0}).status == 200


@KINDS
def test_a_form_of_any_route(server: str, kind: str) -> None:
    """A form with a file goes out as a browser sends it."""
    ask = Person(kind, server).call
    form = {"files": {"image": ("note.txt", b"hello")}, "data": {"type": "temp", "overwrite": True}}
    reply = ask("request", "POST", "/upload/image", **form)
    assert reply.json() == {"name": "note.txt", "subfolder": "", "type": "temp"}
    assert ask("view", "note.txt", type="temp") == b"hello"


@KINDS
def test_what_a_server_says_of_itself(server: str, kind: str) -> None:
    """Features, extensions, templates, translations and replacements come in their shapes."""
    ask = Person(kind, server).call
    assert ask("features")["max_upload_size"] == 100 * 1024 * 1024
    assert ask("extensions") == ()
    assert ask("workflow_templates") == {}
    assert ask("i18n") == {}
    assert ask("node_replacements")["ImageBatch"][0]["new_node_id"] == "BatchImagesNode"


@KINDS
def test_blueprints(server: str, kind: str) -> None:
    """The list has no data, one of it has; an unknown id names what there is."""
    ask = Person(kind, server).call
    listed = ask("global_subgraphs")
    assert all(each.data is None for each in listed)
    if listed:
        whole = ask("global_subgraph", listed[0].id)
        assert whole._replace(data=None) == listed[0]
        assert whole.data is not None
    with pytest.raises(ComfyUIConnectionError, match=r"has no blueprint with the id 'nope'"):
        ask("global_subgraph", "nope")


@KINDS
def test_the_log(server: str, kind: str) -> None:
    """What the server wrote comes as one text, or in pieces; the socket can be told of it."""
    ask = Person(kind, server).call
    entries = ask("log_entries")
    text = ask("logs")
    assert [entry for entry in entries if not re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", entry.time)] == []
    assert all(entry.text in text for entry in entries[-3:])
    assert ask("subscribe_logs") is None
    assert ask("subscribe_logs", enabled=False) is None


def test_the_log_is_heard(server: str) -> None:
    """Who subscribed hears what the server writes while a job runs."""
    with ComfyClient(server) as client, client.events("logs") as events:
        client.subscribe_logs()
        client.wait(client.queue_prompt(image_graph(prefix=own_prefix())))
        told = events.wait(10)
        client.subscribe_logs(enabled=False)
    assert told is not None
    assert all({"t", "m"} <= set(entry) for entry in told.data["entries"])


ALONE = [
    "features",
    "node_replacements",
    "global_subgraphs",
    "i18n",
    "workflow_templates",
    "extensions",
    "model_locations",
    "userdata_tree",
    "embeddings",
    "log_entries",
    "queue_remaining",
]


@pytest.mark.parametrize("call", ALONE)
def test_a_route_that_a_server_has_not(simulated_server: str, call: str) -> None:
    """A server of another age, or behind something, is told from a server that is broken, at once."""
    elsewhere = Person("sync", f"{simulated_server}/elsewhere", timing=FAST)
    words = r"elsewhere has no GET /.*: its ComfyUI is another version \(0\.30\.0 has it\)"
    with pytest.raises(ComfyUIConnectionError, match=words):
        elsewhere.call(call)


def test_calls_that_change_something_on_a_server_without_them(simulated_server: str) -> None:
    """They say the same."""
    elsewhere = Person("sync", f"{simulated_server}/elsewhere", timing=FAST)
    asked: list[tuple[str, tuple[Any, ...]]] = [
        ("clear_queue", ()),
        ("delete_history", (["x"],)),
        ("interrupt", ()),
        ("subscribe_logs", ()),
    ]
    for call, args in asked:
        with pytest.raises(ComfyUIConnectionError, match=r"elsewhere has no P"):
            elsewhere.call(call, *args)
