"""Who listens to all that a client hears: nothing is missed unsaid, nobody is held up, nothing is left behind."""

from __future__ import annotations

import asyncio
import gc
import json
import socket
import struct
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from comfy_headless import (
    AsyncComfyClient,
    ComfyClient,
    ComfyUIConnectionError,
    ComfyUIOfflineError,
    GenerationFailedError,
    GenerationTimeoutError,
    Output,
    ServerEvent,
    ValidationError,
)
from comfy_headless.simulator import Simulator
from comfy_headless.simulator.faults import (
    Answer,
    Break,
    CutSocket,
    ExtraFrames,
    NodeFails,
    SilentSocket,
    Stall,
)
from tests.faults.clients import FAST, VIDEO, until, within
from tests.faults.listeners import Ears, Listener, listening
from tests.faults.test_waiting import SLOW

kinds = pytest.mark.parametrize("kind", ["sync", pytest.param("async", marks=pytest.mark.slow)])
threads_first = pytest.mark.parametrize("kind", ["sync", pytest.param("async", marks=pytest.mark.slow)])
tasks_first = pytest.mark.parametrize("kind", ["async", pytest.param("sync", marks=pytest.mark.slow)])

OF_A_PACK = json.dumps({"type": "pack/seen", "data": {"node": "7", "words": "ü"}})
A_TEXT = struct.pack(">II", 3, 1) + b"1" + "64×48".encode()


def free_port() -> int:
    """A port that nobody has."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
    return port


def lose(sim: Simulator, ears: Ears, prompt_id: str) -> None:
    """Cut the socket at the next picture, and refuse another one until a job has ended."""
    sim.add(Answer(route="GET /ws", status=403, times=None), CutSocket(at="preview"))
    ears.until("lost")
    with ComfyClient(sim.url, transport="polling") as other:
        until(lambda: other.history(prompt_id) is not None)
    sim.clear_faults()


@kinds
def test_all_that_a_server_says(kind: str) -> None:
    """Connected first, then everything: of jobs and of none, pictures, texts, and what a node pack sends."""
    with (
        Simulator(step_seconds=0.01, faults=[ExtraFrames(frames=(OF_A_PACK, A_TEXT), at="executed")]) as sim,
        listening(kind, sim.url) as listener,
    ):
        ears = listener.events()
        prompt_id = listener.call("queue_prompt", SLOW)
        heard = ears.end_of(prompt_id)
    types = [event.type for event in heard]
    assert types[0] == "connected"
    assert {"status", "feature_flags", "execution_start", "executing", "progress", "executed"} < {*types}
    assert types.index("execution_success") < len(types) - 1
    picture = next(event for event in heard if event.type == "preview")
    assert picture.image.startswith(b"\xff\xd8")
    assert (picture.mime, picture.prompt_id, picture.node) == ("image/jpeg", prompt_id, "8")
    text = next(event for event in heard if event.type == "text")
    assert (text.node, text.data["text"], text.prompt_id) == ("1", "64×48", prompt_id)
    other = next(event for event in heard if event.type == "pack/seen")
    assert (other.node, dict(other.data)) == ("7", {"node": "7", "words": "ü"})
    assert json.loads(json.dumps(picture.to_dict(previews=True)))["image"].startswith("data:image/jpeg;base64,")
    assert picture.to_dict()["image"] is None


@tasks_first
def test_only_what_was_asked_for(kind: str) -> None:
    """By type, by job, by both; what is about the connection is about every job."""
    with Simulator() as sim, listening(kind, sim.url) as listener:
        ends, one = listener.events("execution_success", "lost"), None
        first = listener.call("queue_prompt", VIDEO)
        assert ends.next() == ServerEvent("execution_success", ends_data(first, listener), first)
        second, later = (str_id(number) for number in (2, 3))
        one = listener.events(prompt_id=second)
        every = listener.events(None)
        listener.call("queue_prompt", {**VIDEO, "1": wide(70)}, prompt_id=later)
        listener.call("queue_prompt", {**VIDEO, "1": wide(72)}, prompt_id=second)
        heard = one.end_of(second)
        assert [event.type for event in heard[:2]] == ["connected", "execution_start"]
        assert {event.prompt_id for event in heard[1:]} == {second}
        assert {event.prompt_id for event in every.end_of(second)} == {None, second, later}


def wide(width: int) -> dict[str, Any]:
    """The first node of ``VIDEO``, of another width."""
    return {"class_type": "EmptyImage", "inputs": {**VIDEO["1"]["inputs"], "width": width}}


def str_id(number: int) -> str:
    """An id for a job."""
    return f"00000000-0000-4000-8000-{number:012}"


def ends_data(prompt_id: str, listener: Listener) -> dict[str, Any]:
    """What the server says of a success, as the history has it."""
    until(lambda: listener.call("history", prompt_id) is not None)
    messages: dict[str, dict[str, Any]] = dict(listener.call("history", prompt_id)["status"]["messages"])
    return messages["execution_success"]


@kinds
def test_an_end_that_nobody_heard(kind: str) -> None:
    """The socket drops, the job ends, the socket is back: its end comes from the history, once."""
    with Simulator(step_seconds=0.01) as sim, listening(kind, sim.url) as listener, within(15):
        ears = listener.events()
        prompt_id = listener.call("queue_prompt", SLOW)
        lose(sim, ears, prompt_id)
        back = ears.until("ended")
        assert [event.type for event in back if event.type in ("connected", "lost", "back")] == ["back"]
        assert back[-1].prompt_id == prompt_id
        assert (back[-1].data["status"], back[-1].data["error"]) == ("done", None)
        assert back[-1].data["outputs"][0]["filename"].endswith(".mp4")
        json.dumps(back[-1].to_dict())
        again = listener.call("queue_prompt", VIDEO)
        assert "ended" not in [event.type for event in ears.end_of(again)]


@pytest.mark.slow
@kinds
def test_ends_of_every_kind(kind: str) -> None:
    """Failed, still running, waiting, and of another client: only what ended is told, and only of this client."""
    fails = NodeFails(node="KSampler", step=19, job=2, message="no luck")
    with Simulator(step_seconds=0.05, faults=[fails]) as sim, listening(kind, sim.url) as listener, within(30):
        ears = listener.events()
        good, bad, late = (listener.call("queue_prompt", named(number)) for number in range(3))
        with ComfyClient(sim.url) as other:
            other.queue_prompt(named(9))
        lose(sim, ears, bad)
        heard = ears.until("ended") + ears.until("ended")
        ends = {event.prompt_id: event.data for event in heard if event.type == "ended"}
        assert {prompt_id: data["status"] for prompt_id, data in ends.items()} == {good: "done", bad: "failed"}
        assert "no luck" in ends[bad]["error"]
        assert "ended" not in [event.type for event in ears.end_of(late)]
        assert ears.rest(0.5) == ["status"]


def named(seed: int) -> dict[str, Any]:
    """A graph with a sampler that no cache knows."""
    (sampler,) = [node_id for node_id, node in SLOW.items() if node["class_type"] == "KSampler"]
    return {**SLOW, sampler: {**SLOW[sampler], "inputs": {**SLOW[sampler]["inputs"], "seed": seed + 100}}}


@threads_first
def test_a_job_that_still_runs_when_it_is_back(kind: str) -> None:
    """It is heard from there on, and its end is told once: by the server."""
    with Simulator(step_seconds=0.03) as sim, listening(kind, sim.url) as listener, within(15):
        ears = listener.events()
        prompt_id = listener.call("queue_prompt", SLOW)
        sim.add(CutSocket(at="preview", skip=2))
        heard = ears.end_of(prompt_id)
        assert [event.type for event in heard if event.type in ("lost", "back", "ended")] == ["lost", "back"]
        assert "ended" not in ears.rest(0.3)


@tasks_first
def test_jobs_that_the_server_has_forgotten(kind: str) -> None:
    """It restarts while one job runs and one waits: both are told, with words; a job of later is none of them."""
    with Simulator(step_seconds=0.2) as sim, listening(kind, sim.url) as listener:
        ears = listener.events("lost", "back", "ended")
        gone = {listener.call("queue_prompt", named(number)) for number in range(2)}
        sim.restart(away=0.3)
        assert [event.type for event in ears.until("back")] == ["lost", "back"]
        told = [ears.next(), ears.next()]
        assert {event.prompt_id for event in told if event} == gone
        assert {event.data["status"] for event in told if event} == {"unknown"}
        assert all("neither queued nor in the history" in event.data["error"] for event in told if event)
        listener.call("wait", listener.call("queue_prompt", VIDEO))
        assert ears.rest(0.3) == []


@pytest.mark.slow
@kinds
def test_jobs_of_before(kind: str) -> None:
    """A client that keeps its name is told the missed ends of the jobs that the server had when it began to listen."""
    with Simulator(step_seconds=0.03) as sim, within(15):
        with ComfyClient(sim.url, client_id="farm-7") as before:
            prompt_id = before.queue_prompt(SLOW)
        with listening(kind, sim.url, client_id="farm-7") as listener:
            ears = listener.events()
            lose(sim, ears, prompt_id)
            assert ears.until("ended")[-1].prompt_id == prompt_id


@pytest.mark.slow
@kinds
def test_a_server_that_is_started_anew(kind: str) -> None:
    """Away for as long as it likes: whoever listens hears that it is back, at the same port."""
    port = free_port()
    with After(kind, port) as (listener, ears, sim):
        sim.stop()
        ears.until("lost")
        assert ears.next(2.0) is None
        with Simulator(port=port):
            assert [event.type for event in ears.until("back")] == ["back"]
            prompt_id = listener.call("queue_prompt", VIDEO)
            ears.end_of(prompt_id)
        ears.until("lost")


class After:
    """A server at a port, and who listens to it; the server may be stopped meanwhile."""

    def __init__(self, kind: str, port: int) -> None:
        self.sim = Simulator(port=port).start()
        self.manager = listening(kind, self.sim.url)

    def __enter__(self) -> tuple[Listener, Ears, Simulator]:
        listener = self.manager.__enter__()
        return listener, listener.events(), self.sim

    def __exit__(self, *exc: Any) -> None:
        self.manager.__exit__(*exc)
        self.sim.stop()


@pytest.mark.slow
@kinds
def test_a_socket_that_falls_silent(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    """Open and mute, as the second of two with one name is: the end comes from the history, and a new one is opened."""
    with Simulator(step_seconds=0.01) as sim, listening(kind, sim.url) as listener, within(20):
        ears = listener.events()
        sim.add(SilentSocket(seconds=2.0))
        prompt_id = listener.call("queue_prompt", SLOW)
        assert ears.until("ended")[-1].prompt_id == prompt_id
        assert [event.type for event in ears.until("back")][:2] == ["lost", "back"]
    assert sum("two with one client_id" in record.message for record in caplog.records) == 1


@kinds
def test_nobody_there(kind: str) -> None:
    """Who begins to listen is told at once that nothing is there, and what to do; nothing is left behind."""
    url = f"http://127.0.0.1:{free_port()}"
    with listening(kind, url) as listener, within(5):
        with pytest.raises(ComfyUIOfflineError, match="comfy-headless simulate"):
            listener.events()
        with pytest.raises(ComfyUIOfflineError, match="no ComfyUI answers at"):
            listener.call("on", None, print)
        assert not listener.call("off", None, print)


@kinds
def test_a_server_without_a_socket(kind: str) -> None:
    """A proxy that lets no WebSocket pass is said at once; a client that only polls hears nothing, and says so."""
    with (
        Simulator(faults=[Answer(route="GET /ws", status=403, times=None)]) as sim,
        listening(kind, sim.url) as listener,
        pytest.raises(ComfyUIConnectionError, match=r"no WebSocket at ws://.*403.*nothing can be listened to"),
    ):
        listener.events()
    with (
        Simulator() as sim,
        listening(kind, sim.url, transport="polling") as listener,
        pytest.raises(ValidationError, match="transport='polling' hears no events"),
    ):
        listener.events()


@tasks_first
def test_a_close_while_it_is_opened_again(kind: str) -> None:
    """Whoever closes a client does not wait for a socket that is just being opened, and may never be."""
    with Simulator() as sim, listening(kind, sim.url, timing=FAST._replace(connect=2.5)) as listener:
        ears = listener.events()
        ears.until("feature_flags")
        sim.add(Stall(route="GET /ws", times=None), CutSocket(at="status"))
        listener.call("queue_prompt", VIDEO)
        ears.until("lost")
        until(lambda: sum(request.path == "/ws" for request in sim.requests) == 2)
        with within(2.0):
            listener.call("close")
        assert ears.next() is None


@kinds
def test_a_close_while_it_begins(kind: str) -> None:
    """A server that is busy for long holds up nobody: whoever closes the client ends all who begin to listen."""
    busy = Answer(route="GET /queue", status=503, times=None)
    with (
        Simulator(faults=[busy]) as sim,
        listening(kind, sim.url, timing=FAST._replace(patience=60)) as listener,
        ThreadPoolExecutor() as threads,
    ):
        begun = [threads.submit(listener.events), threads.submit(listener.call, "on", "status", print)]
        until(lambda: sum(request.path == "/queue" for request in sim.requests) > 2)
        with within(3.0):
            listener.call("close")
            for one in begun:
                with pytest.raises(ComfyUIConnectionError, match="the client was closed meanwhile"):
                    one.result(10)
        assert not listener.call("off", "status", print)
        sim.clear_faults()
        assert listener.events().next().type == "connected"  # type: ignore[union-attr]


@kinds
@pytest.mark.parametrize("bad", [7, "", b"progress"])
def test_what_is_no_type(kind: str, bad: Any) -> None:
    """A type that is no name is refused before anything is opened; so is what cannot be called."""
    with Simulator() as sim, listening(kind, sim.url) as listener:
        with pytest.raises(ValidationError, match="event type"):
            listener.events(bad)
        with pytest.raises(ValidationError, match="expected something to call"):
            listener.call("on", "status", bad)
        with pytest.raises(ValidationError, match="prompt_id="):
            listener.call("on", "status", print, prompt_id=7)
        assert sim.requests == ()


@kinds
def test_callbacks(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    """Plain ones and coroutines, for a type, for all, once, for a job; one that fails is logged and ends nothing."""
    told: dict[str, list[ServerEvent]] = {name: [] for name in ("all", "once", "job", "gone", "slow")}

    async def slow(event: ServerEvent) -> None:
        await asyncio.sleep(0)
        told["slow"].append(event)

    def fails(event: ServerEvent) -> None:
        raise ZeroDivisionError("mine")

    with Simulator() as sim, listening(kind, sim.url) as listener:
        listener.call("on", None, fails)
        listener.call("on", None, told["all"].append)
        listener.call("once", "executing", told["once"].append)
        listener.call("on", "executed", told["job"].append, prompt_id=str_id(2))
        leave = listener.call("on", "executed", told["gone"].append)
        listener.call("on", "executed", slow)
        assert [leave(), leave()] == [True, False]
        for number in (1, 2):
            listener.call("queue_prompt", {**VIDEO, "1": wide(64 + 2 * number)}, prompt_id=str_id(number))
        until(lambda: sum(event.type == "executing" and event.node is None for event in told["all"]) == 2)
        assert listener.call("off", "executed", slow)
        assert not listener.call("off", "executed", slow)
    assert [event.type for event in told["once"]] == ["executing"]
    assert [event.prompt_id for event in told["job"]] == [str_id(2)]
    assert told["gone"] == []
    assert [event.prompt_id for event in told["slow"]] == [str_id(1), str_id(2)]
    (logged,) = [record for record in caplog.records if "a callback" in record.message]
    assert logged.exc_info is not None
    assert logged.exc_info[0] is ZeroDivisionError


@tasks_first
def test_a_callback_that_changes_things(kind: str) -> None:
    """From within a callback others may be added and taken away, and the client be closed."""
    told: list[str] = []
    leave: list[Callable[[], bool]] = []

    def add(event: ServerEvent) -> None:
        told.append("first")
        if leave:
            leave.pop()()

    with Simulator() as sim, listening(kind, sim.url) as listener:
        client: Any = listener.client

        async def close(event: ServerEvent) -> None:
            told.append("closing")
            done = client.close()
            if done is not None:
                await done

        listener.call("once", "executed", add)
        leave.append(listener.call("on", "executed", lambda event: told.append("never")))
        listener.call("on", "execution_success", close)
        listener.call("wait", listener.call("queue_prompt", VIDEO))
        until(lambda: "closing" in told)
        listener.call("wait", listener.call("queue_prompt", {**VIDEO, "1": wide(80)}))
    assert told == ["first", "closing"]


@pytest.mark.slow
@kinds
def test_it_ends_with_the_last(kind: str) -> None:
    """The socket stays while anybody listens, however idle; then it closes as it would; the next may begin anew."""
    with Simulator() as sim, listening(kind, sim.url, timing=FAST._replace(idle=0.1)) as listener:
        for _ in range(2):
            ears = listener.events()
            leave = listener.call("on", "lost", lambda event: None)
            ears.until("connected")
            assert {*ears.rest(1.3)} <= {"status", "feature_flags"}
            ears.close()
            assert leave()
            assert ears.rest(5.0) == []
            if kind == "sync":
                until(lambda: "comfy-headless" not in [thread.name for thread in threading.enumerate()])


@pytest.mark.slow
@kinds
def test_a_stream_that_nobody_holds(kind: str) -> None:
    """Letting go of it is enough: what was kept for it ends."""
    with Simulator() as sim, listening(kind, sim.url, timing=FAST._replace(idle=0.1)) as listener:
        ears = listener.events()
        ears.until("feature_flags")
        del ears
        gc.collect()

        async def tasks() -> int:
            return len([task for task in asyncio.all_tasks() if task.get_name() == "comfy-headless"])

        def kept() -> int:
            if kind == "sync":
                return [thread.name for thread in threading.enumerate()].count("comfy-headless")
            return int(listener.run(tasks()))

        until(lambda: kept() <= (kind == "async"))  # there the socket stays until the client is closed


@threads_first
def test_a_close_from_elsewhere(kind: str) -> None:
    """Whoever waits for an event when the client is closed is told that it has ended; a new one begins anew."""
    with Simulator() as sim, listening(kind, sim.url) as listener, within(10):
        ears = listener.events("execution_start")
        timer = threading.Timer(0.2, lambda: listener.call("close"))
        timer.start()
        assert ears.next(8.0) is None
        timer.join()
        assert ears.rest(8.0) == []
        assert listener.events().next().type == "connected"  # type: ignore[union-attr]


def test_an_asyncio_client_outside_of_a_block() -> None:
    """Without ``async with client`` listening keeps the client open by itself; calls between close nothing of it."""

    async def main(url: str) -> list[str]:
        client = AsyncComfyClient(url, timing=FAST)
        told: list[ServerEvent] = []
        leave = await client.on("executed", told.append)
        async with client.events("execution_success", "lost") as events:
            await client.wait(await client.queue_prompt(VIDEO))
            await client.queue()
            types = [(await anext(events)).type]
        assert leave()
        await asyncio.sleep(0.1)
        assert len(asyncio.all_tasks()) == 1
        assert len(told) == 1
        async for event in client.events():
            types.append(event.type)
            break
        return types

    with Simulator() as sim, within(10):
        assert asyncio.run(main(sim.url)) == ["execution_success", "connected"]


def test_a_task_that_gives_up_loses_nothing() -> None:
    """An ``anext`` that was cancelled can be asked again; two tasks may share a stream."""

    async def main(url: str) -> None:
        async with AsyncComfyClient(url, timing=FAST) as client, client.events("executed") as events:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(anext(events), 0.1)
            both = asyncio.gather(anext(events), anext(events))
            for number in range(2):
                await client.queue_prompt({**VIDEO, "1": wide(90 + 2 * number)})
            assert len({event.prompt_id for event in await asyncio.wait_for(both, 10)}) == 2

    with Simulator() as sim:
        asyncio.run(main(sim.url))


@pytest.mark.slow
@kinds
def test_a_reader_that_never_reads(kind: str) -> None:
    """Of 12,000 events that wait the oldest go, and how many is told; steps and pictures are replaced."""
    many = tuple(json.dumps({"type": "pack/count", "data": {"number": number}}) for number in range(12_000))
    with (
        Simulator(step_seconds=0.01, faults=[ExtraFrames(frames=many, at="executed")]) as sim,
        listening(kind, sim.url) as listener,
        within(30),
    ):
        ears, quick = listener.events(), listener.events("execution_success")
        listener.call("queue_prompt", SLOW)
        assert quick.next() is not None
        heard = [ears.next()]
        assert heard[0] is not None
        assert heard[0].type == "dropped"
        dropped = heard[0].data["count"]
        assert 2_000 < dropped < 2_100
        numbers = [event.data["number"] for event in ears.until("execution_success") if event.type == "pack/count"]
        assert numbers == list(range(numbers[0], 12_000))
        assert 9_900 < len(numbers) <= 10_000


@pytest.mark.slow
@kinds
def test_many_jobs_and_a_listener(kind: str) -> None:
    """Of 200 jobs at once each ends once, with its own file, though the socket drops on the way."""
    cuts = [CutSocket(at="executed", skip=40), CutSocket(at="executed", skip=120), Break(route="GET /ws", skip=1)]
    with Simulator(faults=cuts) as sim, listening(kind, sim.url, timing=FAST._replace(idle=30)) as listener, within(60):
        ears = listener.events("executed", "execution_success", "ended", "dropped")
        ids = {listener.call("queue_prompt", prefixed(number)): number for number in range(200)}
        ends: list[str | None] = []
        files: list[tuple[int, str]] = []
        while len(ends) < 200:
            event = ears.next()
            assert event is not None, len(ends)
            assert event.type != "dropped"
            number = ids[event.prompt_id or ""]
            if event.type == "executed" and event.node == "3":
                files.append((number, event.data["output"]["images"][0]["filename"]))
            elif event.type == "ended":
                files.append((number, event.data["outputs"][0]["filename"]))
            if event.type != "executed":
                ends.append(event.prompt_id)
        assert sorted(ends, key=str) == sorted(ids)
        assert all(name.startswith(f"n{number}_") for number, name in files)
        assert {number for number, _ in files} == set(range(200))
        assert ears.rest(0.5) == []


def prefixed(number: int) -> dict[str, Any]:
    """A small graph whose file carries a number."""
    saver = {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": f"n{number}"}}
    first = {"class_type": "EmptyImage", "inputs": {**VIDEO["1"]["inputs"], "batch_size": 1, "color": number}}
    return {"1": first, "3": saver}


TWO = {**VIDEO, "4": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "still"}}}


@kinds
@pytest.mark.parametrize("transport", ["websocket", "polling"])
def test_outputs_are_folded(kind: str, transport: str) -> None:
    """Each output once, into one value; without ``reduce`` the result, with nothing brought here."""

    def listed(names: list[str], output: Output) -> list[str]:
        return [*names, f"{output.node_id}:{output.kind}"]

    with Simulator() as sim, listening(kind, sim.url, transport=transport) as listener:
        prompt_id = listener.call("queue_prompt", TWO)
        names = listener.call("wait", prompt_id, reduce=listed, initial=[])
        assert sorted(names) == ["3:video", *["4:image"] * 6]
        assert listener.call("wait", prompt_id, reduce=lambda count, output: (count or 0) + 1) == 7
        result = listener.call("wait", prompt_id)
        assert (result.status, len(result.outputs), result.files) == ("completed", 7, [])
        with pytest.raises(ZeroDivisionError):
            listener.call("wait", prompt_id, reduce=lambda value, output: 1 // 0)
        with pytest.raises(ValidationError, match="reduce='sum'"):
            listener.call("wait", prompt_id, reduce="sum")


@tasks_first
def test_a_fold_fails_as_a_wait_does(kind: str) -> None:
    """A job that fails, one that nobody knows, a deadline: the errors are those of ``wait_for_completion``."""
    with (
        Simulator(step_seconds=0.1, faults=[NodeFails(message="no luck")]) as sim,
        listening(kind, sim.url) as listener,
    ):
        with pytest.raises(GenerationFailedError, match="no luck"):
            listener.call("wait", listener.call("queue_prompt", VIDEO), reduce=max, initial=0)
        with pytest.raises(GenerationFailedError, match="neither queued nor in the history"):
            listener.call("wait", str_id(9), reduce=max, initial=0)
        prompt_id = listener.call("queue_prompt", SLOW)
        with pytest.raises(GenerationTimeoutError, match=r"not done after 0\.5 s.*cancelled on the server"):
            listener.call("wait", prompt_id, reduce=max, initial=0, timeout=0.5)
