"""RunningHub, with everything that goes wrong on the way: the right end of each, with both clients."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
from PIL import Image

from comfy_headless import AsyncComfyClient, ComfyClient, Progress, RunningHub, Timing, generate_video
from comfy_headless.errors import (
    ComfyHeadlessError,
    ComfyUIConnectionError,
    ComfyUIOfflineError,
    GenerationFailedError,
    GenerationRejectedError,
    GenerationTimeoutError,
    OutOfMemoryError,
    ResultSaveError,
    ValidationError,
)
from comfy_headless.media.probe import probe
from comfy_headless.simulator import Simulator
from tests.cloud.runninghub_fake import KEY, SAVED, FakeRunningHub, Trouble, running_hub
from tests.faults.clients import VIDEO, Person, until

FAST: Final = Timing().scaled(0.04)._replace(connect=5.0, read=5.0, post=5.0, transfer=10.0, cancel=5.0, grace=10.0)
"""Pauses are a twenty-fifth; how long an answer may take is not: a busy machine takes seconds."""

PICTURE: Final[Mapping[str, Any]] = {
    "1": {"class_type": "LoadImage", "inputs": {"image": "mine.png"}, "_meta": {"title": "$~image!"}},
    "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "again"}},
}
"""Takes a picture, gives it back."""

KINDS: Final = [pytest.param("sync"), pytest.param("async", marks=pytest.mark.slow)]
"""The quick tests hold one client to everything, the slow ones the other."""


@pytest.fixture(scope="module")
def sim() -> Iterator[Simulator]:
    """What runs the graphs."""
    with Simulator() as running:
        yield running


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What no folder is named for goes to one of the test's own."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A small picture."""
    path = tmp_path / "in" / "red.png"
    path.parent.mkdir()
    Image.new("RGB", (64, 48), "red").save(path)
    return path


def at(hub: FakeRunningHub, **more: Any) -> RunningHub:
    """The account, as somebody with a key has it."""
    return RunningHub(more.pop("api_key", KEY), base_url=hub.url, timing=FAST, environ={}, **more)


def person(kind: str, hub: FakeRunningHub, clock: Callable[[], float] = time.monotonic, **more: Any) -> Person:
    """Somebody with a client of that account."""
    return Person(kind, at(hub, **more), timing=FAST, clock=clock)  # type: ignore[arg-type]


class Case(NamedTuple):
    """One thing that goes wrong.

    Args:
        troubles: what RunningHub does.
        error: the exception that must come, None if the file must come.
        says: words that its message has, in this order.
        how: more of it, see ``FakeRunningHub``.
        tasks: how many tasks it has in the end.
        lives: what the error must say of the job.
        graph: what is run.
    """

    troubles: tuple[Trouble, ...] = ()
    error: type[ComfyHeadlessError] | None = None
    says: tuple[str, ...] = ()
    how: Mapping[str, Any] = {}
    tasks: int = 1
    lives: bool = False
    graph: Mapping[str, Any] = VIDEO


BAD: Final = {**VIDEO, "2": {"class_type": "CreateVideo", "inputs": {"images": ["1", 0], "fps": -8}}}
REASON: Final = {
    "node_id": "3",
    "node_name": "KSampler",
    "exception_type": "RuntimeError",
    "exception_message": "the sampler has no model",
}
MEMORY: Final = {**REASON, "exception_type": "torch.cuda.OutOfMemoryError", "exception_message": "CUDA out of memory"}
CASES: Final[Mapping[str, Case]] = {
    "nothing": Case(),
    "a job whose answer is lost": Case(
        (Trouble("create", "lost"),), ComfyUIConnectionError, ("cannot be known", "not sent again"), lives=True
    ),
    "a job whose answer is lost behind a gateway": Case(
        (Trouble("create", "done 504"),), ComfyUIConnectionError, ("504", "not sent again"), lives=True
    ),
    "a job whose answer is lost while others run": Case(
        (Trouble("create", "cut"),),
        ComfyUIConnectionError,
        ("cannot be known", "has 2 tasks"),
        how={"others": 2},
        tasks=0,
        lives=True,
    ),
    "a job whose answer is lost, and the account is silent": Case(
        (Trouble("create", "cut"), Trouble("account", "cut", times=500)),
        ComfyUIConnectionError,
        ("does not tell its tasks",),
        tasks=0,
        lives=True,
    ),
    "a job that never arrived": Case(
        (Trouble("create", "cut"),), ComfyUIConnectionError, ("has no task: it never came",), tasks=0, lives=True
    ),
    "a web page for an answer": Case(
        (Trouble("create", "page"),), ComfyUIConnectionError, ("not sent again",), tasks=0, lives=True
    ),
    "a service that is away at first": Case((Trouble("create", "503", times=3),)),
    "a service that is away while others run": Case(
        (Trouble("create", "503"),),
        ComfyUIConnectionError,
        ("503", "has 1 tasks"),
        how={"others": 1},
        tasks=0,
        lives=True,
    ),
    "a service that stays away": Case((Trouble("create", "503", times=9),), ComfyUIConnectionError, ("503",), tasks=0),
    "a service that fails, in its own words": Case((Trouble("create", "code 1000", times=2),)),
    "a service that fails, in its own words, while others run": Case(
        (Trouble("create", "code 1000"),),
        ComfyUIConnectionError,
        ("1000", "has 1 tasks"),
        how={"others": 1},
        tasks=0,
        lives=True,
    ),
    "a queue that is full for a while": Case((Trouble("create", "code 421", times=3),)),
    "exclusive machines that are all in use": Case((Trouble("create", "code 415"), Trouble("create", "code 814"))),
    "too many requests": Case((Trouble("create", "429", 0.05), Trouble("create", "code 1003"))),
    "no money": Case((Trouble("create", "code 416"),), GenerationRejectedError, ("416", "balance"), tasks=0),
    "a plan that takes no jobs": Case(
        (Trouble("create", "code 801"),), ComfyUIConnectionError, ("paid plan",), tasks=0
    ),
    "a larger machine is wanted": Case((Trouble("create", "code 435"),), GenerationRejectedError, ("plus",), tasks=0),
    "a code that nobody knows": Case((Trouble("create", "code 4711"),), GenerationRejectedError, ("4711",), tasks=0),
    "a graph that is refused": Case((), GenerationRejectedError, ("node 2 (CreateVideo)", "fps"), tasks=0, graph=BAD),
    "a whole graph without a workflow's id": Case(
        (), GenerationRejectedError, ("301", "workflow_id="), how={"wants_workflow": True}, tasks=0
    ),
    "looks that are lost": Case((Trouble("status", "cut", times=2), Trouble("status", "lost"))),
    "looks that fail": Case((Trouble("status", "500", times=2), Trouble("status", "page"))),
    "looks that are too many": Case((Trouble("status", "429", 0.05, times=2), Trouble("status", "code 1003"))),
    "a task that is not there yet": Case((Trouble("status", "code 807"),)),
    "a task that is gone": Case(
        (Trouble("status", "code 807", times=500), Trouble("cancel", "code 807")),
        ComfyUIConnectionError,
        ("was taken", "may still run", "take it up again"),
        lives=True,
    ),
    "a key that is taken away": Case((Trouble("status", "code 802"),), ComfyUIConnectionError, ("802",), lives=True),
    "a service that goes away": Case((Trouble("status", "503", times=500),), ComfyUIConnectionError, lives=True),
    "states that nobody knows": Case(how={"says": ("CANCEL", "TELEPORTING", {"taskStatus": "RUNNING"})}),
    "states told by codes": Case((Trouble("status", "code 813"), Trouble("status", "code 804"))),
    "outputs that are lost": Case((Trouble("outputs", "cut"), Trouble("outputs", "502"), Trouble("outputs", "page"))),
    "outputs that are not ready": Case((Trouble("outputs", "code 804"),)),
    "a task that failed": Case(
        (), GenerationFailedError, ("node 3 (KSampler)", "no model"), how={"ends": "FAILED", "reason": REASON}
    ),
    "a task that failed and says nothing": Case((), GenerationFailedError, ("not say why",), how={"ends": "FAILED"}),
    "a task without memory": Case((), OutOfMemoryError, (), how={"ends": "FAILED", "reason": MEMORY}),
    "an address that has expired": Case((Trouble("file", "403", times=2),)),
    "addresses that have all expired": Case((), ResultSaveError, ("x_00001_.mp4",), how={"life": 0}),
    "a download that breaks": Case((Trouble("file", "half", times=2),)),
    "a slow download": Case((Trouble("file", "slow", 0.4),)),
    "a host of the files that is away": Case((Trouble("file", "cut"), Trouble("file", "503", times=2))),
}


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in CASES.items()])
@pytest.mark.slow
def test_each_fault(sim: Simulator, tmp_path: Path, kind: str, case: Case) -> None:
    """Whatever goes wrong, the file comes whole or an error says why; never are there two tasks or a key elsewhere."""
    with running_hub(sim.url, **case.how) as hub:
        hub.add(*(Trouble(one.at, one.how, one.seconds, one.times) for one in case.troubles))
        if case.error is None:
            result = person(kind, hub).run(case.graph, out=tmp_path, on_progress=lambda _: None)
            assert result.path is not None
            found = probe(result.path)
            assert (found.width, found.height, found.frames) == (64, 48, 6)
            assert result.cost == {"seconds": 83.0, "coins": 17.0}
            assert result.worked == 83.0
        else:
            with pytest.raises(case.error) as caught:
                person(kind, hub).run(case.graph, out=tmp_path)
            words = str(caught.value)
            for word in case.says:
                assert word in words
                words = words.partition(word)[2]
            assert KEY not in str(caught.value)
            assert getattr(caught.value, "may_still_run", False) is case.lives
            assert not [path for path in tmp_path.rglob("*") if path.is_file()]
        assert len(hub.tasks) == case.tasks


@pytest.mark.parametrize("kind", KINDS)
def test_a_saved_workflow(sim: Simulator, tmp_path: Path, picture: Path, kind: str) -> None:
    """A queue that is full, a picture that is brought, a file whose address has expired: one task, one picture."""
    out = tmp_path / "out"
    out.mkdir()
    with running_hub(sim.url, saved={SAVED: PICTURE}) as hub:
        hub.add(Trouble("create", "code 421", times=2), Trouble("file", "403"))
        result = person(kind, hub).call("run_workflow", SAVED, {"image": picture}, out=out)
        (sent,) = {str(body) for body in hub.bodies("create")}
        assert len(hub.tasks) == 1
        assert hub.count("upload") == hub.count("json") == 1
        assert list(hub.tasks) == [result.prompt_id]
    assert "'workflowId': '1904136902449209346', 'nodeInfoList': [{'nodeId': '1', 'fieldName': 'image'" in sent
    with Image.open(result.files[0]) as made:
        assert made.format == "PNG"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_presets_run_there(sim: Simulator, tmp_path: Path, kind: str) -> None:
    """A preset goes whole, under the id of a saved workflow where one is named, on the machines that are asked for."""
    with running_hub(sim.url, saved={SAVED: VIDEO}, wants_workflow=True) as hub:
        somebody = person(kind, hub, instance_type="plus", workflow_id=int(SAVED))
        small = {"width": 320, "height": 192, "frames": 5, "allow_untested": True}
        result = somebody.call("generate_video", "a cat", preset="wan_5b", out=tmp_path, **small)
        (sent,) = hub.bodies("create")
    assert {**sent, "workflow": ""} == {"workflowId": SAVED, "workflow": "", "instanceType": "plus"}
    assert (result.preset, result.path.name) == ("wan_5b", f"wan_5b_{result.seed}.mp4")
    assert probe(result.path).frames == 5
    with running_hub(sim.url) as hub:
        result = generate_video("a cat", out=tmp_path, server=at(hub), **small)
    assert "24 GiB of VRAM" in result.notes[0]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("how", ["lost", "cut", "503", "page", "code 1000"])
def test_a_deadline_cancels_the_task(sim: Simulator, tmp_path: Path, kind: str, how: str) -> None:
    """A job that is not done in time is cancelled there, even if that fails at first."""
    with running_hub(sim.url, ends="never") as hub:
        hub.add(Trouble("cancel", how))
        somebody = person(kind, hub, clock=lambda: time.monotonic() + 3600 * bool(hub.count("status")))
        with pytest.raises(GenerationTimeoutError, match=r"cancelled|had ended"):
            somebody.run(out=tmp_path, timeout=500)
        assert [task.status for task in hub.tasks.values()] == ["CANCELLED"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_deadline_of_the_account(sim: Simulator, kind: str) -> None:
    """Where a call names no deadline, that of RunningHub(timeout=) counts."""
    with running_hub(sim.url, ends="never") as hub:
        clock: Callable[[], float] = lambda: time.monotonic() + 3600 * bool(hub.count("status"))  # noqa: E731
        with pytest.raises(GenerationTimeoutError, match="not done after 500 s"):
            person(kind, hub, clock=clock, timeout=500).run()
        assert [task.status for task in hub.tasks.values()] == ["CANCELLED"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_deadline_in_front_of_a_full_queue(sim: Simulator, kind: str) -> None:
    """A queue that stays full is waited for until the deadline; nothing is left, and the error says so."""
    with running_hub(sim.url, others=3) as hub:
        hub.add(Trouble("create", "code 421", times=500))
        somebody = person(kind, hub, clock=lambda: time.monotonic() + 3600 * (hub.count("create") > 2))
        with pytest.raises(GenerationTimeoutError, match="does not have it; nothing runs"):
            somebody.run(timeout=500)
        assert not hub.tasks


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_deadline_of_the_account_holds_in_front_of_a_full_queue(sim: Simulator, kind: str) -> None:
    """That of RunningHub(timeout=) holds for a job that is left to itself too, while it waits to be taken."""
    with running_hub(sim.url) as hub:
        hub.add(Trouble("create", "code 421", times=500))
        somebody = person(kind, hub, clock=lambda: time.monotonic() + 3600 * (hub.count("create") > 2), timeout=500)
        with pytest.raises(GenerationTimeoutError, match=r"not done after 500 s.*does not have it; nothing runs"):
            somebody.call("submit", VIDEO, check=False)
        assert not hub.tasks


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_call_that_is_left_while_the_job_is_on_its_way(sim: Simulator, kind: str) -> None:
    """What was sent may be taken after the call was left: nobody says that nothing runs."""
    with running_hub(sim.url, ends="never") as hub:
        hub.add(Trouble("create", "held"))
        late: Callable[[], float] = lambda: time.monotonic() + 3600 * bool(hub.count("create"))  # noqa: E731
        somebody = Person(kind, at(hub), timing=FAST._replace(post=0.3), clock=late)  # type: ignore[arg-type]
        with pytest.raises(GenerationTimeoutError, match=r"the account has 0 tasks.*may still run") as caught:
            somebody.run(timeout=500)
        assert "nothing runs" not in str(caught.value)
        hub.released = True
        until(lambda: len(hub.tasks) == 1)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_task_that_is_not_shown_is_cancelled(sim: Simulator, kind: str) -> None:
    """A task that was taken, and is not shown for as long as one waits, is cancelled; the error says so."""
    with running_hub(sim.url, ends="never") as hub:
        hub.add(Trouble("status", "code 807", times=500))
        with pytest.raises(ComfyUIConnectionError, match=r"was taken.*it was cancelled") as caught:
            person(kind, hub).run()
        assert not caught.value.may_still_run
        assert [task.status for task in hub.tasks.values()] == ["CANCELLED"]


def test_a_task_that_is_cancelled_with_the_call(sim: Simulator) -> None:
    """Whoever cancels the waiting task of asyncio cancels the task there, and a note says so."""

    async def leave(hub: FakeRunningHub) -> str:
        async with AsyncComfyClient(at(hub), timing=FAST) as client:
            running = asyncio.create_task(client.run_workflow(VIDEO, check=False))
            while not hub.count("status"):
                await asyncio.sleep(0.01)
            running.cancel()
            try:
                await running
            except asyncio.CancelledError as gone:
                return " ".join(gone.__notes__)
        return "it was not left"

    with running_hub(sim.url, ends="never") as hub:
        assert "cancelled on the server" in asyncio.run(leave(hub))
        assert [task.status for task in hub.tasks.values()] == ["CANCELLED"]


@pytest.mark.slow
@pytest.mark.parametrize(("taken", "said"), [(True, "has not said under which number"), (False, "nothing runs")])
def test_a_call_that_is_left_before_its_answer(
    sim: Simulator, taken: bool, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever leaves before the number is known is told whether the task can be there."""
    caplog.set_level(logging.INFO)

    async def leave(hub: FakeRunningHub) -> str:
        async with AsyncComfyClient(at(hub), timing=FAST) as client:
            running = asyncio.create_task(client.run_workflow(VIDEO, check=False))
            while len(hub.tasks) < taken or (not taken and "sending again" not in caplog.text):
                await asyncio.sleep(0.01)
            running.cancel()
            try:
                await running
            except asyncio.CancelledError as gone:
                return " ".join(gone.__notes__)
        return "it was not left"

    with running_hub(sim.url, ends="never") as hub:
        hub.add(Trouble("create", "late", 5.0) if taken else Trouble("create", "code 421", times=500))
        assert said in asyncio.run(leave(hub))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_nothing_of_the_key_is_shown(
    sim: Simulator, tmp_path: Path, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither the key nor a signature is in the log, at any level, nor in what is shown of a client."""
    caplog.set_level(logging.DEBUG)
    with running_hub(sim.url) as hub:
        hub.add(Trouble("file", "half"), Trouble("create", "code 421"), Trouble("status", "page"))
        account = at(hub)
        person(kind, hub).run(out=tmp_path)
        shown = f"{account!r} {ComfyClient(account)!r} {vars(ComfyClient(account))!r}"
    for secret in (KEY, "Signature="):
        assert secret not in f"{shown} {caplog.text}"


@pytest.mark.slow
@pytest.mark.parametrize(
    "address", ["ftp://host/a.png", "http://[bad/a.txt", "https:///a.txt", "http://\x01/a.png", "http://h\u2028/a.png"]
)
def test_a_file_without_an_address(sim: Simulator, tmp_path: Path, address: str) -> None:
    """What nothing can be asked for at is named; the files beside it are here, and a path is one of the account."""
    told = [{"fileUrl": url, "nodeId": "9"} for url in ("http://SERVER/files/1/good.png", address, "/files/1/said.txt")]
    says = {"outputs": {"code": 0, "msg": "", "data": told}}
    with running_hub(sim.url, answers=says) as hub, pytest.raises(ResultSaveError, match="its address is none"):
        person("sync", hub).run(out=tmp_path)
    assert (tmp_path / "good.png").read_bytes() == b"bytes"


@pytest.mark.slow
def test_a_key_that_is_repeated(sim: Simulator) -> None:
    """An answer that repeats the key is told without it."""
    says = {"create": {"code": 802, "msg": f"no such key: {KEY}", "data": None}}
    with running_hub(sim.url, answers=says) as hub, pytest.raises(ComfyUIConnectionError, match=r"such key: \*\*\*"):
        person("sync", hub).run()


@pytest.mark.slow
def test_jobs_that_one_can_hold(sim: Simulator, tmp_path: Path) -> None:
    """A job is taken up by its number, from another client too; RunningHub tells no list and no events of all."""
    with running_hub(sim.url) as hub:
        with ComfyClient(at(hub), timing=FAST) as client:
            job = client.submit(VIDEO, check=False)
        with ComfyClient(at(hub), timing=FAST) as client:
            again = client.job(job.prompt_id)
            assert [type(event).__name__ for event in again.events()][-2:] == ["OutputReady", "Finished"]
            assert again.status() == "done"
            assert again.cancel() is False
            assert again.result(tmp_path).path is not None
            with pytest.raises(GenerationFailedError, match="RunningHub has no job 1: its id"):
                client.job("1")
            for call in (client.jobs, client.queue, client.system_stats, client.events):
                with pytest.raises(ValidationError, match="RunningHub"):
                    call()


@pytest.mark.slow
def test_a_large_file_is_refused_before(sim: Simulator, picture: Path) -> None:
    """More than 30 MB is an error before anything is sent."""
    picture.write_bytes(picture.read_bytes() + bytes(31 * 1024 * 1024))
    with running_hub(sim.url, saved={SAVED: PICTURE}) as hub, pytest.raises(ValidationError, match="31 MB"):
        person("sync", hub).call("run_workflow", SAVED, {"image": picture})
    assert hub.count("upload") == 0


@pytest.mark.slow
def test_the_same_bytes_go_once(sim: Simulator, picture: Path) -> None:
    """What a client brought an hour ago at the most is not sent again, whatever its name; later it is."""
    times = [0.0]
    with running_hub(sim.url, saved={SAVED: PICTURE}) as hub:
        with ComfyClient(at(hub), timing=FAST, clock=lambda: time.monotonic() + times[0]) as client:
            for given in (picture, picture.read_bytes(), picture):
                assert client.run_workflow(SAVED, {"image": given}).success
            assert hub.count("upload") == 1
            times[0] = 3700.0
            assert client.run_workflow(SAVED, {"image": picture}).success
        assert hub.count("upload") == 2


@pytest.mark.slow
def test_how_often_a_call_is_repeated(sim: Simulator, picture: Path) -> None:
    """With retry_count=1 a call that fails is repeated once; a queue that is full is waited out all the same."""
    with running_hub(sim.url, saved={SAVED: PICTURE}) as hub:
        hub.add(Trouble("json", "503"), Trouble("upload", "cut"), Trouble("create", "code 421", times=3))
        hub.add(Trouble("status", "500"))
        somebody = person("sync", hub, retry_count=1)
        assert somebody.call("run_workflow", SAVED, {"image": picture}).success
        hub.add(Trouble("json", "503", times=2))
        with pytest.raises(ComfyUIConnectionError, match="503"):
            somebody.call("run_workflow", SAVED, {"image": picture})
        hub.add(Trouble("status", "500", times=2))
        with pytest.raises(ComfyUIConnectionError, match="may still run"):
            somebody.call("run_workflow", SAVED, {"image": picture})


def test_nobody_there() -> None:
    """Where nothing answers, an error names the address and how another is named."""
    nowhere = RunningHub(KEY, base_url="http://127.0.0.1:9", environ={}, timing=FAST)
    with pytest.raises(ComfyUIOfflineError, match=r"127\.0\.0\.1:9.*RUNNINGHUB_BASE_URL"):
        Person("sync", nowhere, timing=FAST).run()  # type: ignore[arg-type]


@pytest.mark.slow
def test_progress_grows(sim: Simulator) -> None:
    """Progress ends with 100 percent, though nothing in between is told."""
    told: list[Progress] = []
    with running_hub(sim.url) as hub:
        person("sync", hub).run(on_progress=told.append, out=None, overwrite=True)
    assert [one.progress for one in told][-1] == 100
