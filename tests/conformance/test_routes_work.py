"""The calls for the queue, the history and jobs, on both clients, against the simulator and a real server."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from comfy_headless import ComfyUIConnectionError, GenerationRejectedError
from comfy_headless.simulator import Simulator
from comfy_headless.simulator.faults import OldServer
from tests.faults.clients import Person
from tests.simulator.talk import image_graph, talking, video_graph

from .conversation import empty, own_prefix, something_long

KINDS = pytest.mark.parametrize("kind", ["sync", pytest.param("async", marks=pytest.mark.slow)])


@pytest.fixture(scope="module")
def old_server() -> Iterator[str]:
    """The address of a simulated server without the jobs API."""
    with Simulator(faults=[OldServer()], packs=(), step_seconds=0.01) as simulator:
        yield simulator.url


@pytest.fixture(params=["simulated", "old", pytest.param("real", marks=pytest.mark.real_server)])
def any_server(request: pytest.FixtureRequest) -> str:
    """The simulator, as it was before the jobs API too, and the real server."""
    address: str = request.getfixturevalue(f"{request.param}_server")
    return address


@contextmanager
def busy(server: str) -> Iterator[str]:
    """A server on which a long job runs; its id."""
    with talking(server) as talk:
        empty(talk)
        with something_long(talk) as running:
            yield running


def ended(ask: Callable[..., Any], prompt_id: str) -> dict[str, Any]:
    """Wait for a job that takes no time, and give its history."""
    deadline = time.monotonic() + 30
    while (entry := ask("history", prompt_id)) is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return dict(entry)


@KINDS
def test_the_order_of_the_queue(server: str, kind: str) -> None:
    """``front`` goes before all that wait, ``number`` where it says; ``position`` counts in run order."""
    ask = Person(kind, server).call
    with busy(server) as running:
        last = ask("queue_prompt", image_graph(prefix=own_prefix()), number=1e9)
        middle = ask("queue_prompt", image_graph(prefix=own_prefix()), number=1e8)
        first = ask("queue_prompt", image_graph(prefix=own_prefix()), front=True)
        queue = ask("queue")
        assert queue == ((running,), (first, middle, last))
        assert [queue.position(each) for each in (running, first, last, "?")] == [0, 1, 3, None]
        assert ask("queue_remaining") == 4
        ask("delete_queued", [middle, str(uuid.uuid4())])
        assert ask("queue").pending == (first, last)
        ask("clear_queue")
        assert ask("queue") == ((running,), ())


@KINDS
def test_an_id_of_ones_own(server: str, kind: str) -> None:
    """The job has the id that was chosen, and keeps what was sent along; the key for paid nodes is not kept."""
    ask = Person(kind, server, api_key="comfyui-secret").call
    chosen = str(uuid.uuid4())
    extra = {"extra_pnginfo": {"workflow": {"id": "w-7"}}, "mine": [1, 2]}
    assert ask("queue_prompt", image_graph(prefix=own_prefix()), prompt_id=chosen, extra_data=extra) == chosen
    entry = ended(ask, chosen)
    kept = entry["prompt"][3]
    assert (kept["mine"], kept["extra_pnginfo"]) == ([1, 2], extra["extra_pnginfo"])
    assert "comfyui-secret" not in str(entry)
    record = ask("job_record", chosen)
    assert (record.status, record.workflow_id, record.extra_data["mine"]) == ("completed", "w-7", [1, 2])
    assert "comfyui-secret" not in str(record)


@KINDS
def test_some_outputs_only(server: str, kind: str) -> None:
    """Of a graph with two outputs only the one that is named runs; one that is no output is refused."""
    ask = Person(kind, server).call
    graph = video_graph(prefix=own_prefix())
    graph["4"] = image_graph(prefix=own_prefix())["2"]
    prompt_id = ask("queue_prompt", graph, partial_execution_targets=["4"])
    assert list(ended(ask, prompt_id)["outputs"]) == ["4"]
    with pytest.raises(GenerationRejectedError, match=r"Prompt has no outputs"):
        ask("queue_prompt", graph, partial_execution_targets=["1"])


@KINDS
def test_the_history(server: str, kind: str) -> None:
    """Entries come oldest first, by pages; the newest ones without an offset; each can be forgotten."""
    ask = Person(kind, server).call
    ask("clear_history")
    jobs = [ask("queue_prompt", image_graph(prefix=own_prefix())) for _ in range(3)]
    for each in jobs:
        ended(ask, each)
    assert list(ask("whole_history")) == jobs
    assert list(ask("whole_history", max_items=2)) == jobs[1:]
    assert list(ask("whole_history", max_items=2, offset=0)) == jobs[:2]
    assert list(ask("whole_history", offset=2)) == jobs[2:]
    assert ask("history", jobs[0])["status"]["completed"] is True
    ask("delete_history", [jobs[1], "nobody"])
    assert list(ask("whole_history")) == [jobs[0], jobs[2]]
    ask("clear_history")
    assert ask("whole_history") == {}
    assert ask("history", jobs[0]) is None


@KINDS
def test_jobs(any_server: str, old_server: str, kind: str) -> None:
    """What waits, runs, was done and has failed, filtered and by pages; the same from a server without the jobs API."""
    server = any_server
    ask = Person(kind, server).call
    ask("clear_history")
    done = ask(
        "queue_prompt", image_graph(prefix=own_prefix()), extra_data={"extra_pnginfo": {"workflow": {"id": "a"}}}
    )
    ended(ask, done)
    failing = video_graph(prefix=own_prefix())
    failing["1"]["inputs"]["width"] = 65
    failed = ask("queue_prompt", failing)
    ended(ask, failed)
    with busy(server) as running:
        waiting = ask("queue_prompt", image_graph(prefix=own_prefix()))
        page = ask("job_records", descending=False)
        by_id = {each.prompt_id: each for each in page.jobs}
        states = {running: "in_progress", waiting: "pending", done: "completed", failed: "failed"}
        assert {name: each.status for name, each in by_id.items()} == states
        assert (page.total, page.more) == (4, False)
        assert [each.prompt_id for each in page.jobs] == [done, failed, running, waiting]
        assert server == old_server or abs(by_id[done].created - time.time()) < 3600
        assert by_id[done].duration >= 0
        assert by_id[running].duration is None
        assert (by_id[done].outputs_count, by_id[done].workflow_id) == (1, "a")
        assert (by_id[done].preview or {}).get("type") == (None if server == old_server else "output")
        assert by_id[failed].error["node_type"] == "SaveVideo"
        assert [each.prompt_id for each in ask("job_records", workflow_id="a").jobs] == [done]
        assert {each.prompt_id for each in ask("job_records", status=["completed", "failed"]).jobs} == {done, failed}
        part = ask("job_records", limit=1, offset=1, descending=False)
        assert ([each.prompt_id for each in part.jobs], part.total, part.more) == ([failed], 4, True)
        assert ask("cancel_jobs", [waiting, done]) is True
        assert ask("cancel_jobs", [waiting, done]) is False
        assert ask("cancel", running) is True
    one = ask("job_record", done)
    assert (one.status, list(one.outputs), sorted(one.graph)) == ("completed", ["2"], ["1", "2"])
    assert ask("job_record", running).status == "cancelled"
    assert ask("job_record", str(uuid.uuid4())) is None


@KINDS
def test_an_id_that_is_none_cannot_be_cancelled(server: str, kind: str) -> None:
    """The server's own words are told."""
    with pytest.raises(
        ComfyUIConnectionError, match=r"these jobs could not be cancelled: .*job_ids contains invalid id"
    ):
        Person(kind, server).call("cancel_jobs", ["x"])


@KINDS
def test_an_interrupt(server: str, kind: str) -> None:
    """By its id only the job that runs is stopped; without an id, whatever runs."""
    ask = Person(kind, server).call
    for by_id in (True, False):
        with busy(server) as running:
            ask("interrupt", str(uuid.uuid4()))
            assert ask("queue").running == (running,)
            ask("interrupt", *([running] if by_id else []))
            assert ended(ask, running)["status"]["messages"][-1][0] == "execution_interrupted"


@KINDS
def test_freeing_memory(server: str, kind: str) -> None:
    """After it the server runs what it would have had ready."""
    ask = Person(kind, server).call
    graph = image_graph(prefix=own_prefix())
    ended(ask, ask("queue_prompt", graph))

    def cached() -> list[str]:
        messages = ended(ask, ask("queue_prompt", graph))["status"]["messages"]
        return list(dict(messages)["execution_cached"]["nodes"])

    assert sorted(cached()) == ["1", "2"]
    assert ask("free", unload_models=False, free_memory=True) is True
    time.sleep(0.2)
    assert cached() == []
