"""How a job is waited for beside a socket that drops, and what a history entry says, whatever its shape."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from comfy_headless.errors import GenerationFailedError, GenerationTimeoutError, OutOfMemoryError
from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.effects import Call, Listen, Now, Reply, Subscribe
from comfy_headless.protocol.failure import failed, failure
from comfy_headless.protocol.frames import LOST, Frame
from comfy_headless.protocol.telling import Teller
from comfy_headless.protocol.timing import Timing
from comfy_headless.protocol.watch import watch


def opened_at(lasts: float, *, seconds: float = 60.0) -> list[float]:
    """Wait for a job that never ends beside sockets that last so long; return when they were opened again."""
    flow = watch(Server("http://h", "me", Timing()), {}, "p", teller=Teller(None), deadline=seconds, timeout=seconds)
    now, drops, opened = 0.0, lasts, []

    def perform(effect: Any) -> Any:
        nonlocal now, drops
        match effect:
            case Now():
                return now
            case Listen(_, timeout) if drops <= now + timeout:
                now, drops = max(now, drops), float("inf")
                return Frame(LOST, "p")
            case Listen(_, timeout):
                now += timeout
                return None
            case Subscribe():
                opened.append(now)
                drops = now + lasts
                return True
            case Call():
                return Reply(200, {}, b'{"queue_running": [[0, "p"]], "queue_pending": []}')
        raise AssertionError(effect)

    answer = None
    with pytest.raises(GenerationTimeoutError):
        while True:
            answer = perform(flow.send(answer))
    return opened


def test_a_socket_that_opens_and_drops() -> None:
    """It is opened again at once, then at growing intervals; at once after each that stayed open for a while."""
    timing = Timing()
    times = opened_at(0.03)
    waits = [round(after - before, 6) for before, after in pairwise(times)]
    assert times[0] == 0.03
    assert waits == sorted(waits)
    assert waits[-1] >= timing.last_poll
    assert len(times) < 60 / timing.last_poll + 7
    steady = opened_at(timing.last_poll + 1)
    assert steady == pytest.approx([(timing.last_poll + 1) * number for number in range(1, len(steady) + 1)])


@pytest.mark.parametrize("status", [None, [], ["x"], "error", 5])
def test_a_status_that_is_none(status: object) -> None:
    """An entry whose status is no object tells nothing, and breaks nothing."""
    assert not failed({"status": status})
    assert type(failure({"status": status}, "p")) is GenerationFailedError


@pytest.mark.parametrize(
    "messages", [None, {}, {"execution_error": {}}, [None], [[["a"], 1]], [["execution_error", 1]]]
)
def test_messages_that_say_nothing(messages: object) -> None:
    """A failure without readable messages is still a failure, and says that nothing is known."""
    assert "does not say why" in str(failure({"status": {"messages": messages}}, "p"))


def test_the_words_of_the_server() -> None:
    """Node, class and message come from the entry; memory has an error of its own."""
    data = {
        "node_id": "3",
        "node_type": "KSampler",
        "exception_type": "torch.OutOfMemoryError",
        "exception_message": "m",
    }
    error = failure({"status": {"messages": [["execution_start", {}], ["execution_error", data]]}}, "p")
    assert isinstance(error, OutOfMemoryError)
    assert (error.node_id, error.node_type, error.server_message) == ("3", "KSampler", "m")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            "Allocation on device \nThis error means you ran out of memory on your GPU.\n\nTIPS: ...",
            "Allocation on device",
        ),
        ("\nCUDA out of memory. Tried to allocate 2.00 GiB.\n", "CUDA out of memory. Tried to allocate 2.00 GiB."),
        ("", "out of memory"),
    ],
)
def test_memory_is_told_in_one_line(words: str, said: str) -> None:
    """The message leaves out the tips that a server adds; its words are kept whole beside it."""
    data = {"node_id": "8", "node_type": "VAEDecode", "exception_type": "torch.OutOfMemoryError"}
    told = {"status": {"messages": [["execution_error", {**data, "exception_message": words}]]}}
    error = failure(told, "p")
    assert str(error) == f"node 8 (VAEDecode) ran out of memory on the server: torch.OutOfMemoryError: {said}"
    assert error.server_message == words.strip()
