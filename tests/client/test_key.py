"""The key of Comfy.org goes with every prompt, and is shown nowhere."""

from __future__ import annotations

import json
import logging
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from comfy_headless import ComfyHeadlessError, GenerationRejectedError
from comfy_headless.protocol.access import Access
from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.effects import Call, Reply
from comfy_headless.protocol.submit import submit
from comfy_headless.protocol.timing import Timing
from comfy_headless.simulator import Simulator
from comfy_headless.simulator.faults import Answer, OldServer
from tests.faults.clients import VIDEO, Person

KEY = "comfyui-hunter2"
SERVER = Server("http://host", "me", Timing(), access=Access(comfy_org_key=KEY))
ID = "00000000-0000-4000-8000-000000000000"


def asked(extra_data: Mapping[str, Any] | None = None, server: Server = SERVER) -> Any:
    """What ``extra_data`` the POST carries."""
    call = next(submit(server, VIDEO, ID, extra_data=extra_data))
    assert isinstance(call, Call)
    assert call.body is not None
    return json.loads(call.body).get("extra_data")


def test_it_goes_with_each_prompt() -> None:
    """Beside what else is sent; a key that is given with one prompt is the one that counts."""
    assert asked() == {"api_key_comfy_org": KEY}
    assert asked({"a": 1}) == {"api_key_comfy_org": KEY, "a": 1}
    assert asked({"api_key_comfy_org": "other"}) == {"api_key_comfy_org": "other"}
    assert asked(server=SERVER._replace(access=Access())) is None
    assert KEY not in repr(SERVER)


@pytest.mark.parametrize("status", [200, 400, 413, 422])
@pytest.mark.parametrize("body", [f'{{"error": "{KEY} is wrong"}}', f'{{"node_errors": {{"1": "{KEY}"}}}}', KEY])
def test_an_answer_that_repeats_it(status: int, body: str) -> None:
    """Whatever stands in an answer, the error does not have it."""
    flow = submit(SERVER, VIDEO, ID)
    next(flow)
    try:
        flow.send(Reply(status, {}, body.encode()))
    except ComfyHeadlessError as error:
        assert KEY not in f"{error} {error.to_dict()} {pickle.dumps(error)!r}"
    else:
        assert status == 200  # an answer that says nothing: the job is looked for


@pytest.mark.parametrize("kind", ["sync", pytest.param("async", marks=pytest.mark.slow)])
def test_it_is_shown_nowhere(kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Not in the log at any level, the job, its graph, the result, the file, the history, or the client."""
    caplog.set_level(logging.DEBUG)
    with Simulator() as simulator:
        person = Person(kind, simulator.url, api_key=KEY)
        result = person.run(VIDEO, out=tmp_path)
        job = person.call("job", result.prompt_id)
        shown = [job, job.graph, job.settings, result, result.to_dict(), person.call("history", result.prompt_id)]
        assert KEY not in f"{shown} {caplog.text}"
        assert KEY.encode() not in result.files[0].read_bytes()


def test_a_refusal_that_repeats_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Something in front of the server that prints what it was sent tells the caller nothing of the key."""
    caplog.set_level(logging.DEBUG)
    with (
        Simulator(faults=[Answer("POST /prompt", 400, f"bad request: {KEY}")]) as simulator,
        pytest.raises(GenerationRejectedError, match=r"bad request: \*\*\*") as caught,
    ):
        Person("sync", simulator.url, api_key=KEY).run(VIDEO, out=tmp_path)
    assert KEY not in f"{caught.value} {caught.value.server_message} {caplog.text}"


ITEM = [1, ID, VIDEO, {"api_key_comfy_org": KEY, "auth_token_comfy_org": KEY, "client_id": "me"}, []]
ENTRY = {ID: {"prompt": ITEM, "outputs": {}, "status": {"status_str": "success", "completed": True, "messages": []}}}
JOB = {"id": ID, "status": "completed", "workflow": {"prompt": VIDEO, "extra_data": ITEM[3]}}
TOLD: list[tuple[str, Any, str, tuple[Any, ...]]] = [
    ("/queue", {"queue_running": [ITEM], "queue_pending": []}, "jobs", ()),
    ("/queue", {"queue_running": [ITEM], "queue_pending": []}, "job_record", (ID,)),
    ("/history", ENTRY, "whole_history", ()),
    ("/history", ENTRY, "jobs", ()),
    ("/history/", ENTRY, "history", (ID,)),
    ("/history/", ENTRY, "job_record", (ID,)),
    ("/history/", ENTRY, "job", (ID,)),
    ("/jobs", JOB, "job_record", (ID,)),
]


@pytest.mark.parametrize(("route", "told", "call", "args"), TOLD, ids=[f"{row[0]}-{row[2]}" for row in TOLD])
def test_a_server_that_keeps_it(route: str, told: Any, call: str, args: tuple[Any, ...]) -> None:
    """One before 0.8.0 gives it to everybody who asks (0.3.39 in both lists); what callers are given is without it."""
    answer = Answer(f"GET {route}", 200, json.dumps(told), "application/json", times=None)
    with Simulator(faults=[answer, *([] if route == "/jobs" else [OldServer()])]) as simulator:
        given = Person("sync", simulator.url).call(call, *args)
        assert given is not None and KEY not in f"{given!r} {getattr(given, 'graph', None)}"
        if call in ("history", "whole_history"):
            assert given.get(ID, given)["prompt"][3] == {"client_id": "me"}
