"""A call of a cloud that is left before it knows the id of its job: what is then said of it, without a server."""

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


def test_a_job_that_is_there_a_moment_later() -> None:
    """A job whose call was left is looked for twice by its label; one that is there then is cancelled by its id."""
    server = Server(PROXY.address, "me", PROXY.timing, socket=False, executor=PROXY, known=Known())
    sending = PROXY.submit(server, GRAPH, "p", extra_data=None)
    next(sending)
    sending.close()
    leaving, waited, came = PROXY.cancel(server, "p"), False, None
    job = b'{"id": "j", "status": "canceling", "metadata": "comfy_headless=p"}'
    with pytest.raises(StopIteration) as done:
        while True:
            match leaving.send(came):
                case Call(method="POST", route=route):
                    came = Reply(200, {}, job) if "/jobs/j/" in route else Reply(404, {}, b"{}")
                case Call():
                    came = Reply(200, {}, b'{"jobs": [%s]}' % (job if waited else b""))
                case Sleep():
                    came, waited = None, True
                case _:
                    came = 0.0
    assert done.value.value is True
