"""The words of a refusal."""

from __future__ import annotations

import pytest

from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.effects import Call, Reply
from comfy_headless.protocol.submit import rejection, submit
from comfy_headless.protocol.timing import Timing


def test_a_missing_class_is_named() -> None:
    """The server names the node's title only; the class is what a person looks for."""
    extra = {"node_id": "1", "class_type": "VHS_VideoCombine", "node_title": "Size"}
    error = {"type": "missing_node_type", "message": "Node 'Size' not found.", "details": "", "extra_info": extra}
    assert "the class 'VHS_VideoCombine' is not known there" in str(rejection({"error": error}))


def test_what_saves_nothing_is_explained() -> None:
    """ "Prompt has no outputs" says which kind of node is missing, a wire to nowhere what it is."""
    error = {"type": "prompt_no_outputs", "message": "Prompt has no outputs", "details": "", "extra_info": {}}
    assert "SaveVideo" in str(rejection({"error": error}))
    node = {"type": "exception_during_inner_validation", "message": "Exception when validating", "details": "'9'"}
    answer = {"error": "", "node_errors": {"3": {"class_type": "SaveVideo", "errors": [node]}}}
    assert "node 3 (SaveVideo): Exception when validating: '9' (a wire leads to" in str(rejection(answer))


@pytest.mark.parametrize("body", [b"{}", b"[1]", b'"x"', b'{"number": 1, "node_errors": {}}'])
def test_an_answer_without_an_id(body: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """It is told as what it is, and the job is looked for."""
    server = Server("http://host", "me", Timing())
    flow = submit(server, {}, "00000000-0000-4000-8000-000000000000")
    next(flow)
    effect = flow.send(Reply(200, {}, body))
    assert not isinstance(effect, Call) or effect.method == "GET"
    assert "POST /prompt answered 200 without a prompt_id; looking for the job" in caplog.text
