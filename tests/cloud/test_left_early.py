"""A deadline that passes while a cloud is full: what is then said of the job, without a server."""

from __future__ import annotations

from typing import Final

import pytest

from comfy_headless import ComfyCloud, GenerationTimeoutError, RunningHub
from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.effects import Call, Deadline, Now, Reply, Sleep
from comfy_headless.protocol.executor import Executor
from comfy_headless.protocol.known import Known
from comfy_headless.transport.deadline import Limit

GRAPH: Final = {"1": {"class_type": "Text", "inputs": {"text": "a cat"}}}
HUB: Final = RunningHub("0123456789abcdef0123456789abcdef", base_url="https://hub.example", environ={})
PROXY: Final = ComfyCloud(base_url="http://127.0.0.1:8189", environ={})


@pytest.mark.parametrize(
    ("executor", "full"),
    [
        pytest.param(HUB, Reply(200, {}, b'{"code": 421}'), id="RunningHub"),
        pytest.param(PROXY, Reply(429, {"retry-after": "5"}, b"{}"), id="ComfyCloud"),
    ],
)
def test_a_deadline_before_a_job_is_sent_again(executor: Executor, full: Reply) -> None:
    """A job that a full queue did not take, and whose deadline passes before it is sent again, is not on its way."""
    known, limit, now = Known(), Limit(0.0), 0.0
    limit.set(Deadline(1.0, 1.0))
    server = Server(executor.address, "me", executor.timing, socket=False, executor=executor, known=known)
    flow = executor.submit(server, GRAPH, "p", extra_data=None)
    effect, sent = next(flow), 0
    with pytest.raises(GenerationTimeoutError):
        while True:
            try:
                limit.left(effect, now)
            except GenerationTimeoutError as error:
                flow.throw(error)
            match effect:
                case Call():
                    sent += 1
                    effect = flow.send(full)
                case Now():
                    effect = flow.send(now)
                case Sleep(seconds):
                    now += seconds
                    effect = next(flow)
    assert (sent, known.unanswered) == (1, set())
