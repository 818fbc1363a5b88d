"""What a history entry says, whatever its shape."""

from __future__ import annotations

import pytest

from comfy_headless.errors import GenerationFailedError, OutOfMemoryError
from comfy_headless.protocol.failure import failed, failure


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
