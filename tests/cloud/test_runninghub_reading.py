"""What RunningHub says, read, and what is sent of a graph that it keeps: all without a server."""

from __future__ import annotations

import json
from collections.abc import KeysView, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from comfy_headless.cloud.runninghub import RunningHub
from comfy_headless.cloud.runninghub_api import Envelope, envelope_in
from comfy_headless.cloud.runninghub_outputs import entry_of
from comfy_headless.errors import ComfyUIConnectionError
from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.effects import Broken, Call, Download, Effect, Flow, Listen, Now, Reply, Work
from comfy_headless.protocol.known import Known
from comfy_headless.protocol.telling import Teller

HUB: Final = RunningHub("0123456789abcdef0123456789abcdef", base_url="https://hub.example", environ={})
SERVER: Final = Server(HUB.address, "me", HUB.timing, known=Known(), executor=HUB)
MOST: Final = 1024 * 1024


def made(url: str, answer: Reply | Exception) -> tuple[Mapping[str, Any], str]:
    """The outputs of a task that made one file, and the address it was asked at; the answer's body goes to the disk."""
    flow, asked, parts = entry_of(SERVER, [{"fileUrl": url, "nodeId": "9"}]), "", []
    came: Any = None
    try:
        while True:
            effect = flow.throw(came) if isinstance(came, Exception) else flow.send(came)
            match effect:
                case Work(function=function, args=args):
                    came = function(*args)
                case Download(route=route, part=part):
                    asked, came = route, answer
                    parts.append(Path(part))
                    if isinstance(answer, Reply) and answer.status in (200, 206):
                        Path(part).write_bytes(answer.body)
    except StopIteration as done:
        assert parts and not any(part.exists() for part in parts)
        return done.value["outputs"]["9"], asked


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("https://store.example/a/said.txt?sign=1", "https://store.example/a/said.txt?sign=1"),
        ("/files/said.txt", "https://hub.example/files/said.txt"),
        ("//store.example/said.txt", "https://store.example/said.txt"),
    ],
)
@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (Reply(200, {}, "häng".encode()), "häng"),
        (Reply(206, {}, b"x" * MOST), "x" * MOST),
        (Reply(416, {}), ""),
        (Reply(206, {}, b"x" * (MOST + 1)), None),
        (Reply(403, {}), None),
        (Broken("reset", "half of it came"), None),
        (OSError("no room"), None),
    ],
)
def test_a_text_of_the_result(url: str, asked: str, answer: Reply | Exception, text: str | None) -> None:
    """A text comes from wherever a file would; one that does not come, or is too long, stays a file."""
    told, route = made(url, answer)
    assert route == asked
    if text is None:
        assert told == {"files": [{"filename": "said.txt", "subfolder": "", "type": "output", "url": url}]}
    else:
        assert told == {"text": [text]}


class Busy(dict[str, Any]):
    """A saved graph; while it is looked at, another thread saves one."""

    def keys(self) -> KeysView[str]:
        assert SERVER.known is not None
        SERVER.known.note_workflow(str(len(SERVER.known.workflows)), {})
        return super().keys()


def test_workflows_come_while_a_graph_is_compared_with_them() -> None:
    """A job goes as what differs from a saved workflow, whatever other threads save meanwhile."""
    graph = {"1": {"class_type": "Text", "inputs": {"text": "a cat"}}}
    known = SERVER.known
    assert known is not None
    known.note_workflow("mine", Busy({"1": {"class_type": "Text", "inputs": {"text": "a dog"}}}))
    known.note_workflow("another", Busy({"2": {}}))
    flow: Flow[str] = HUB.submit(SERVER, graph, "p", extra_data=None)
    first: Effect = next(flow)
    assert isinstance(first, Call)
    assert b'"workflowId": "mine", "nodeInfoList"' in (first.body or b"")
    flow.close()


@pytest.mark.parametrize("full", [False, True])
def test_a_job_that_was_on_its_way(full: bool) -> None:
    """Nothing runs if the last answer says so; an account without a task does not, while the answer is not here."""
    server = SERVER._replace(known=Known())
    sending = HUB.submit(server, {"1": {"class_type": "Text", "inputs": {}}}, "p", extra_data=None)
    next(sending)
    if full:
        sending.send(Reply(200, {}, b'{"code": 421}'))
    sending.close()
    leaving, came = HUB.cancel(server, "p"), None
    try:
        while True:
            asked = isinstance(leaving.send(came), Call)
            came = Reply(200, {}, b'{"code": 0, "data": {"currentTaskCounts": "0"}}') if asked else None
    except StopIteration as done:
        assert full and done.value is False
    except ComfyUIConnectionError as error:
        assert not full and error.may_still_run
        assert "has not said under which number; the account has 0 tasks" in str(error)


def test_a_task_whose_outputs_never_come(caplog: pytest.LogCaptureFixture) -> None:
    """A task that has ended, and whose outputs say that it runs, is waited for as long as patience allows."""
    how: dict[str, Any] = {"deadline": None, "timeout": None, "executed": None, "at_once": False}
    flow = HUB.watch(SERVER, {}, "7", teller=Teller(None, ()), **how)
    came, now = None, 0.0
    with pytest.raises(ComfyUIConnectionError, match=r"ended, but its outputs say .*804.* may still run"):
        while now < 3600:
            match flow.send(came):
                case Call(route=route) if route.endswith("/status"):
                    came = Reply(200, {}, b'{"code": 0, "data": "SUCCESS"}')
                case Call():
                    came = Reply(200, {}, b'{"code": 804, "data": null}')
                case Listen(timeout=timeout):
                    came, now = None, now + timeout
                case Now():
                    came = now
                case _:
                    came = None
    assert "its outputs say" in caplog.text


@pytest.mark.parametrize("code", ["--5", pytest.param("9" * 5000, id="endless"), "²", "", True, None, 0.5])
def test_what_is_no_code(code: Any) -> None:
    """An answer without a code is no envelope, whatever stands in its place."""
    assert envelope_in(Reply(200, {}, json.dumps({"code": code}).encode())) is None
    assert envelope_in(Reply(200, {}, b'{"code": "-5"}')) == Envelope(-5, "", None)


@pytest.mark.parametrize(("tasks", "sent"), [("0", 2), ("1", 1), (None, 1), pytest.param("0" * 5000, 1, id="endless")])
def test_a_service_that_failed_may_have_taken_a_job(
    tasks: str | None, sent: int, caplog: pytest.LogCaptureFixture
) -> None:
    """After a code that does not say that nothing was taken, a job is sent again where the account has no task."""
    flow, creates = HUB.submit(SERVER, {"1": {"class_type": "Text", "inputs": {}}}, "p", extra_data=None), 0
    came: Any = None
    try:
        while True:
            effect = flow.send(came)
            came = None
            if isinstance(effect, Call) and effect.route.endswith("/create"):
                creates += 1
                told = {"code": 1000, "msg": "unknown"} if creates == 1 else {"code": 0, "data": {"taskId": "7"}}
                came = Reply(200, {}, json.dumps(told).encode())
            elif isinstance(effect, Call):
                came = Reply(200, {}, json.dumps({"code": 0, "data": {"currentTaskCounts": tasks}}).encode())
    except StopIteration as done:
        assert done.value == "7"
        assert "is sent again" in caplog.messages[-1]
    except ComfyUIConnectionError as error:
        assert error.may_still_run
        assert "was not sent again" in str(error)
    assert creates == sent


def test_the_oldest_workflow_is_forgotten() -> None:
    """A client remembers 50 workflows; one that is noted again is the newest."""
    known = Known()
    for number in (*range(50), 0, 50):
        known.note_workflow(str(number), {})
    assert list(known.saved_workflows()) == [*map(str, range(2, 50)), "0", "50"]
