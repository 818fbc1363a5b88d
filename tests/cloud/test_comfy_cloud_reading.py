"""What Comfy's API v2 says, read; where it is and with which key: all without a server."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comfy_headless.cloud.comfy_cloud import ComfyCloud
from comfy_headless.cloud.comfy_cloud_assets import with_assets
from comfy_headless.cloud.comfy_cloud_jobs import STATES, Step, entry_of, read_job, read_step
from comfy_headless.cloud.comfy_cloud_refusals import read_answer, read_refusal
from comfy_headless.cloud.comfy_cloud_settings import read_api
from comfy_headless.cloud.comfy_cloud_submit import forms_at
from comfy_headless.cloud.comfy_cloud_watch import ask_job
from comfy_headless.errors import (
    ComfyHeadlessError,
    ComfyUIConnectionError,
    GenerationFailedError,
    ValidationError,
)
from comfy_headless.protocol.collect import saved_in
from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.effects import Call, Flow, Listen, Now, Part, Reply, Work
from comfy_headless.protocol.failure import failure
from comfy_headless.protocol.job import Sign
from comfy_headless.protocol.known import Known
from comfy_headless.protocol.spent import spent
from comfy_headless.protocol.telling import Teller

KEY = "comfyui-0123456789"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)


def made(name: str, node: str = "9", kind: str = "image", **more: Any) -> dict[str, Any]:
    """A file as a job tells it."""
    url = f"https://storage.example/{name}?X-Signature=1"
    return {"node_id": node, "name": name, "type": kind, "id": f"asset-{name}-{node}", "url": url, **more}


def job(status: str = "succeeded", **more: Any) -> Any:
    """A job as it is told, read."""
    return read_job({"id": "j", "status": status, "outputs": [], **more})


def test_what_a_job_made_is_an_entry_of_a_history() -> None:
    """Each file has its address, its node, a name of its own, and the kind that it is said to have."""
    outputs = [
        made("a.mp4", kind="video"),
        made("a.png", "3"),
        made("video/a.png", "4"),
        made("", "5", content_type="audio/flac", kind="audio"),
        made("dance.gif", "6", kind="video"),
        {"node_id": "7"},
        "rubbish",
    ]
    entry = entry_of(job(outputs=outputs))
    saved = saved_in(entry, {"3": {}, "9": {}})[0]
    found = {one.filename: (one.kind, one.node_id) for one in saved}
    assert found == {
        "a.png": ("image", "3"),
        "a.mp4": ("video", "9"),
        "a-2.png": ("image", "4"),
        "output_4.flac": ("audio", "5"),
        "dance.gif": ("video", "6"),
    }
    assert saved[0].url == "https://storage.example/a.png?X-Signature=1"


def test_how_long_a_job_took_there() -> None:
    """Begin and end are those that the API tells, to the fraction of a second."""
    times = {"started_at": "2026-08-21T12:00:00.25Z", "completed_at": "2026-08-21T12:00:42.750000+00:00"}
    assert spent(entry_of(job(**times))).seconds == 42.5
    assert spent(entry_of(job(started_at="soon", completed_at=None))).seconds is None


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        ("failed", {"code": "node_execution_error", "message": "boom", "node_id": "3", "class_type": "K"}, "K"),
        ("failed", {"code": "OOMError", "message": "CUDA out of memory"}, "ran out of memory"),
        ("failed", None, "does not say why"),
        ("failed", "boom", "does not say why"),
        ("canceled", None, "cancelled"),
    ],
)
def test_why_a_job_failed(status: str, error: Any, words: str) -> None:
    """The reason is told in the API's own words, with its node."""
    told = failure(entry_of(job(status, error=error)), "j")
    assert words in str(told)
    assert told.node_id == (error.get("node_id") if isinstance(error, dict) else None)


@pytest.mark.parametrize(
    ("told", "step"),
    [
        ({"value": 0.5, "nodes_total": 4, "current_node": "3", "step": 2, "steps": 8}, Step(0.5, "3", 2, 8)),
        ({"value": 1, "nodes_done": 4, "nodes_total": 4}, Step(1.0)),
        ({"value": 0.25, "nodes_total": 4, "step": 2, "steps": 0}, Step(0.25)),
        ({"value": 0, "nodes_done": 0, "nodes_total": 0}, None),
        ({"value": 1.5}, None),
        ({"value": True}, None),
        ({"value": "0.5"}, None),
        (None, None),
    ],
)
def test_how_far_a_job_is(told: Any, step: Step | None) -> None:
    """What is told is taken as it is; a proxy that knows nothing says 0 of 0 nodes."""
    assert read_step(told) == step


@given(JSON, st.sampled_from([*STATES, "teleporting"]))
def test_no_rubbish_is_a_crash(rubbish: Any, status: str) -> None:
    """Whatever an answer has in its fields, it is read."""
    names = ("outputs", "error", "progress", "queue_position", "started_at", "completed_at", "created_at")
    for name in names:
        told = job(status, **{name: rubbish})
        entry_of(told)
        assert told.step is None or 0 <= told.step.share <= 1
        assert told.position is None or told.position >= 1
    read_job(rubbish)
    read_refusal(Reply(422, {}, json.dumps(rubbish).encode()))
    assert STATES.get("teleporting") is None and STATES["expired"] is Sign.ERROR


def refusal(status: int, body: Any, **headers: str) -> Any:
    """An answer that is no success, read."""
    return read_refusal(Reply(status, headers, body if isinstance(body, bytes) else json.dumps(body).encode()))


def test_a_refusal_is_its_code_its_words_and_the_remedy() -> None:
    """The envelope is read; without one, the status says what it means."""
    told = refusal(402, {"error": {"code": "insufficient_credits", "message": "no credits", "details": None}})
    assert (told.code, told.message, told.waits) == ("insufficient_credits", "no credits", False)
    assert "buy some" in told.remedy
    assert refusal(401, b"<html>no</html>").remedy.startswith("the key is not accepted")
    assert refusal(403, {"detail": "no"}).code == "forbidden"
    assert refusal(500, b"").message == "(empty body)"


@pytest.mark.parametrize(
    ("body", "headers", "waits"),
    [
        ({"error": {"code": "queue_full"}}, {}, True),
        ({"error": {"code": "rate_limited"}}, {"retry-after": "3"}, True),
        ({"error": {"code": "something_new"}}, {"retry-after": "3"}, True),
        ({"error": {"code": "something_new"}}, {}, False),
        (b"", {}, False),
    ],
)
def test_what_passes_by_itself(body: Any, headers: dict[str, str], waits: bool) -> None:
    """A 429 is waited out if its code or a time says so; without either it is an account that takes no jobs."""
    assert refusal(429, body, **headers).waits is waits
    call = Call("GET", "https://cloud.comfy.org/api/v2/jobs?X-Signature=secret")
    reply = Reply(429, headers, body if isinstance(body, bytes) else json.dumps(body).encode())
    tried = read_answer(call, reply)
    assert tried.passing is waits
    assert "secret" not in str(tried.problem)


def refused(way: Callable[[ComfyCloud, Server], Flow[Any]], cloud: ComfyCloud, reply: Reply) -> str:
    """What is said where each call of a flow has one answer."""
    flow = way(cloud, Server(cloud.address, "me", cloud.timing, executor=cloud))
    came: Any = None
    try:
        while True:
            match flow.send(came):
                case Call():
                    came = reply
                case Work(function=function, args=args):
                    came = function(*args)
                case Now():
                    came = 0.0
    except StopIteration as done:
        return str(done.value)
    except ComfyUIConnectionError as error:
        return str(error)


@pytest.mark.parametrize(
    "way",
    [
        pytest.param(lambda cloud, server: cloud.upload(server, Part("image", "a.png", b"a picture")), id="upload"),
        pytest.param(lambda cloud, server: ask_job(server, cloud._api, "j"), id="watch"),
        pytest.param(lambda cloud, server: cloud.cancel(server, "j"), id="cancel"),
        pytest.param(lambda cloud, server: cloud.seek(server, "j"), id="seek"),
        pytest.param(lambda cloud, server: cloud.renewed(server, "j", "a.png", ""), id="renewed"),
    ],
)
def test_an_answer_that_repeats_a_key(way: Callable[[ComfyCloud, Server], Flow[Any]]) -> None:
    """Whatever was asked, the answer is told without the key, and without the one for partner nodes."""
    cloud = ComfyCloud(KEY, comfy_org_key="comfyui-partner", environ={})
    words = f"key {KEY} or comfyui-partner is not valid"
    error = {"error": {"code": "unauthorized", "message": words}}
    assert "key *** or *** is not valid" in refused(way, cloud, Reply(401, {}, json.dumps(error).encode()))


@pytest.mark.parametrize(("at_once", "kind"), [(False, ComfyUIConnectionError), (True, GenerationFailedError)])
def test_a_job_that_is_not_to_be_found(at_once: bool, kind: type[ComfyHeadlessError]) -> None:
    """A job that was just made is looked for for half a minute, and may run still; one of an id that is given is none.

    Args:
        at_once: it is taken up by its id.
    """
    cloud = ComfyCloud(KEY, environ={})
    server = Server(cloud.address, "me", cloud.timing, socket=False, executor=cloud)
    how: dict[str, Any] = {"deadline": None, "timeout": None, "executed": None, "at_once": at_once}
    flow = cloud.watch(server, {}, "j", teller=Teller(None, ()), **how)
    came, now = None, 0.0
    with pytest.raises(kind) as caught:
        while True:
            match flow.send(came):
                case Call():
                    came = Reply(404, {}, b"{}")
                case Listen(timeout=timeout):
                    came, now = None, now + timeout
                case Now():
                    came = now
                case _:
                    came = None
    assert 30 <= now < 60
    assert getattr(caught.value, "may_still_run", False) is not at_once


@pytest.mark.parametrize("full", [False, True])
def test_a_job_that_was_on_its_way(full: bool) -> None:
    """Nothing runs if the last answer says so; that no job is listed yet does not, while the answer is not here."""
    cloud = ComfyCloud(base_url="http://127.0.0.1:8189", environ={})
    server = Server(cloud.address, "me", cloud.timing, known=Known(), executor=cloud)
    sending = cloud.submit(server, {}, "p", extra_data=None)
    next(sending)
    if full:
        sending.send(Reply(429, {"retry-after": "5"}, b"{}"))
    sending.close()
    leaving, came = cloud.cancel(server, "p"), None
    try:
        while True:
            match leaving.send(came):
                case Call(method="POST"):
                    came = Reply(404, {}, b"{}")
                case Call():
                    came = Reply(200, {}, b'{"jobs": []}')
                case Now():
                    came = 0.0
                case _:
                    came = None
    except StopIteration as done:
        assert full and done.value is False
    except ComfyUIConnectionError as error:
        assert not full and error.may_still_run


def test_files_in_a_graph() -> None:
    """What stands for a file becomes the object that names it; all else stays as it is."""
    graph = {
        "1": {"class_type": "LoadImage", "inputs": {"image": "comfy-asset:9f8a-1c/photo 1.png"}},
        "2": {"class_type": "Text", "inputs": {"text": "say comfy-asset:9f8a/photo.png", "link": ["1", 0]}},
    }
    sent = with_assets(graph)
    info = {"id": "9f8a-1c", "file_path": "photo 1.png"}
    assert sent["1"]["inputs"]["image"] == {"__type": "core/ASSET", "info": info}
    assert sent["2"] == graph["2"]


@pytest.mark.parametrize(
    ("arguments", "environ", "address", "key"),
    [
        ({"api_key": "a"}, {}, "https://cloud.comfy.org", "a"),
        ({}, {"COMFY_API_KEY": " b\n", "COMFY_CLOUD_API_KEY": "c"}, "https://cloud.comfy.org", "b"),
        ({}, {"COMFY_API_KEY": "", "COMFY_CLOUD_API_KEY": "c"}, "https://cloud.comfy.org", "c"),
        ({"api_key": "a"}, {"COMFY_API_KEY": "b"}, "https://cloud.comfy.org", "a"),
        ({}, {"COMFY_API_KEY": "b", "COMFY_BASE_URL": "http://127.0.0.1:8189/"}, "http://127.0.0.1:8189", "b"),
        ({}, {"COMFY_BASE_URL": "http://127.0.0.1:8189"}, "http://127.0.0.1:8189", None),
        ({"base_url": "http://127.0.0.1:8189"}, {"COMFY_API_KEY": "b"}, "http://127.0.0.1:8189", None),
        ({"deployment": "dep-1"}, {"COMFY_API_KEY": "b"}, "https://dep-1.run.comfy.app", "b"),
        ({"deployment": "dep-1"}, {}, "https://dep-1.run.comfy.app", None),
        ({"base_url": "https://dep-1.run.comfy.app"}, {"COMFY_API_KEY": "b"}, "https://dep-1.run.comfy.app", "b"),
    ],
)
def test_where_it_is_and_with_which_key(
    arguments: dict[str, str], environ: dict[str, str], address: str, key: str | None
) -> None:
    """The argument, then the variable, then Comfy Cloud; a key of the environment goes to no other address."""
    named = {"api_key": None, "deployment": None, "base_url": None, **arguments}
    api = read_api(**named, environ=environ)
    assert (api.address, api.key) == (address, key)
    assert api.headers_for(f"{address}/api/v2/jobs") == ((("Authorization", f"Bearer {key}"),) if key else ())
    assert api.headers_for("https://storage.example/x") == ()
    assert api.headers_for(address.replace("://", "://evil.")) == ()
    assert "key" not in repr(api)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "COMFY_API_KEY"),
        ({"api_key": ""}, "nothing"),
        ({"api_key": f"{KEY}\n"}, "line break"),
        ({"api_key": 7}, "int"),
        ({"api_key": KEY, "deployment": "https://dep-1.run.comfy.app"}, "no address"),
        ({"api_key": KEY, "deployment": "dep-1", "base_url": "http://x"}, "one of them"),
        ({"api_key": KEY, "base_url": "http://cloud.comfy.org"}, "https://"),
        ({"api_key": KEY, "base_url": "http://me:secret@x"}, "api_key="),
        ({"api_key": KEY, "timeout": 0}, "above 0"),
        ({"api_key": KEY, "timeout": float("nan")}, "above 0"),
        ({"api_key": KEY, "comfy_org_key": " x"}, "blank"),
    ],
)
def test_what_cannot_be_right(arguments: dict[str, Any], words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is refused before anything is sent, and no key is shown."""
    monkeypatch.delenv("COMFY_API_KEY", raising=False)
    monkeypatch.delenv("COMFY_CLOUD_API_KEY", raising=False)
    monkeypatch.delenv("COMFY_BASE_URL", raising=False)
    with pytest.raises(ValidationError, match=words) as caught:
        ComfyCloud(**arguments)
    assert KEY not in str(caught.value) and "secret" not in str(caught.value)


def test_what_is_known_of_a_place() -> None:
    """Comfy Cloud's cards are told by its pages; how a job is labelled depends on the place."""
    cloud = ComfyCloud(KEY)
    assert (cloud.name, cloud.address, cloud.vram_gb) == ("Comfy Cloud", "https://cloud.comfy.org", 96.0)
    assert repr(cloud) == "ComfyCloud('https://cloud.comfy.org')"
    assert ComfyCloud(KEY, deployment="dep-1").vram_gb is None
    forms = [forms_at(read_api(KEY, None, url)) for url in ("https://cloud.comfy.org", "https://d.run.comfy.app")]
    assert forms == [("none",), ("map", "none")]
    assert forms_at(read_api(None, None, "http://127.0.0.1:8189"))[0] == "text"
