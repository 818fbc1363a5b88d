"""Comfy's API v2, with everything that goes wrong on the way: the right end of each, with both clients."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx
import pytest
from PIL import Image

from comfy_headless import AsyncComfyClient, ComfyClient, Progress, Timing
from comfy_headless.cloud.comfy_cloud import ComfyCloud
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
from tests.cloud.comfy_answers import Trouble
from tests.cloud.comfy_api import CLOUD, DEPLOYMENT, KEY, PREVIEW, PROXY, ComfyApi, Surface, comfy_api
from tests.faults.clients import VIDEO, Person, until

FAST: Final = Timing().scaled(0.04)._replace(connect=5.0, read=5.0, post=5.0, transfer=10.0, cancel=5.0, grace=10.0)
"""Pauses are a twenty-fifth; how long an answer may take is not: a busy machine takes seconds."""

PICTURE: Final[Mapping[str, Any]] = {
    "1": {"class_type": "LoadImage", "inputs": {"image": ""}, "_meta": {"title": "$~image!"}},
    "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "again"}},
}
"""Takes a picture, gives it back."""

JOBS, JOB, CANCEL, EVENTS, BLOB, ASSETS = (
    "POST /api/v2/jobs",
    "GET /api/v2/jobs/{id}",
    "POST /api/v2/jobs/{id}/cancel",
    "GET /api/v2/jobs/{id}/events",
    "GET /blob/{name}",
    "POST /api/v2/assets",
)
KINDS: Final = [pytest.param("sync"), pytest.param("async", marks=pytest.mark.slow)]
"""The quick tests hold one client to everything, the slow ones the other."""


@pytest.fixture(scope="module")
def sim() -> Iterator[Simulator]:
    """What runs the graphs."""
    with Simulator() as running:
        yield running


def cloud_at(api: ComfyApi, **more: Any) -> ComfyCloud:
    """The API, as somebody with a key has it."""
    return ComfyCloud(more.pop("api_key", KEY), base_url=api.url, timing=more.pop("timing", FAST), **more)


def clock(late: Callable[[], bool]) -> Callable[[], float]:
    """A clock that goes on by an hour as soon as ``late`` says so."""
    return lambda: time.monotonic() + 3600 * late()


class Case(NamedTuple):
    """One thing that goes wrong.

    Args:
        troubles: what the API does.
        error: the exception that must come, None if the file must come.
        says: words that its message has, in this order.
        surface: which place it is.
        how: more of it, see ``ComfyApi``.
        jobs: how many jobs it has in the end.
        lives: what the error must say of the job.
        graph: what is run.
    """

    troubles: tuple[Trouble, ...] = ()
    error: type[ComfyHeadlessError] | None = None
    says: tuple[str, ...] = ()
    surface: Surface = CLOUD
    how: Mapping[str, Any] = {}
    jobs: int = 1
    lives: bool = False
    graph: Mapping[str, Any] = VIDEO


BAD: Final = {**VIDEO, "2": {"class_type": "CreateVideo", "inputs": {"images": ["1", 0], "fps": -8}}}
REASON: Final = {
    "code": "node_execution_error",
    "message": "the sampler has no model",
    "node_id": "3",
    "class_type": "KSampler",
    "traceback": None,
}
CASES: Final[Mapping[str, Case]] = {
    "nothing": Case(),
    "nothing, at a deployment": Case(surface=DEPLOYMENT),
    "nothing, at a proxy": Case(surface=PROXY),
    "a job whose answer is lost, found by its label": Case((Trouble(JOBS, "lost"),), surface=DEPLOYMENT),
    "a job whose answer is lost, found at a proxy": Case((Trouble(JOBS, "lost"),), surface=PROXY),
    "a job whose answer is lost, and then the list of jobs": Case(
        (Trouble(JOBS, "lost"), Trouble("GET /api/v2/jobs", "500 upstream_error", times=2)), surface=PROXY
    ),
    "a job whose label was not kept": Case(
        (Trouble(JOBS, "lost"), Trouble("GET /api/v2/jobs", "404 not_found", times=500)),
        ComfyUIConnectionError,
        ("cannot be looked up", "not sent as a second job"),
        surface=PROXY,
        lives=True,
    ),
    "a job that goes elsewhere": Case(
        (Trouble(JOBS, "307 moved"),), ComfyUIConnectionError, ("answered 307",), surface=PROXY, jobs=0
    ),
    "a job whose answer is lost, where none are listed": Case(
        (Trouble(JOBS, "422 metadata_not_supported", times=2), Trouble(JOBS, "lost")),
        ComfyUIConnectionError,
        ("lost", "not sent as a second job"),
        lives=True,
    ),
    "a job that never arrived": Case((Trouble(JOBS, "cut", times=2),)),
    "a service that is away at first": Case((Trouble(JOBS, "503 upstream_error", times=3),)),
    "a web page for an answer": Case((Trouble(JOBS, "page"),)),
    "a queue that is full for a while": Case((Trouble(JOBS, "429 queue_full", 0.05, times=3),)),
    "a queue that is full and says nothing of how long": Case((Trouble(JOBS, "429 queue_full", times=2),)),
    "a deployment that starts": Case((Trouble(JOBS, "429 deployment_not_ready", 0.05, times=2),), surface=DEPLOYMENT),
    "a deployment that is stopped": Case(
        (Trouble(JOBS, "422 deployment_stopped"),), GenerationRejectedError, ("deployment_stopped", "start it"), jobs=0
    ),
    "no plan that takes jobs": Case(
        (Trouble(JOBS, "429 "),), GenerationRejectedError, ("paid plan",), surface=PROXY, jobs=0
    ),
    "no credits": Case(
        (Trouble(JOBS, "402 insufficient_credits"),), GenerationRejectedError, ("credits", "buy"), jobs=0
    ),
    "a key that is not accepted": Case((), ComfyUIConnectionError, ("api_key=",), how={"key": "another"}, jobs=0),
    "a graph that is refused": Case((), GenerationRejectedError, ("node 2 (CreateVideo)", "fps"), jobs=0, graph=BAD),
    "a graph that is refused, in the API's own words": Case(
        (
            Trouble(
                JOBS,
                "422 invalid_workflow",
                details={"node_errors": {"12": [{"field": "model", "reason": "missing_input"}]}},
            ),
        ),
        GenerationRejectedError,
        ("invalid_workflow", "node 12: model: missing_input"),
        surface=PROXY,
        jobs=0,
    ),
    "looks that are lost": Case((Trouble(JOB, "cut", times=2), Trouble(JOB, "lost"))),
    "looks that fail": Case((Trouble(JOB, "500 upstream_error", times=2), Trouble(JOB, "page"))),
    "looks that are too many": Case((Trouble(JOB, "429 rate_limited", 0.05, times=2),)),
    "a job that is not there yet": Case((Trouble(JOB, "404 not_found"),)),
    "a job that is gone": Case(
        (Trouble(JOB, "404 not_found", times=500), Trouble(CANCEL, "404 not_found")),
        ComfyUIConnectionError,
        ("was taken", "may still run", "take it up again"),
        lives=True,
    ),
    "a key that is taken away": Case(
        (Trouble(JOB, "401 unauthorized", times=500),), ComfyUIConnectionError, lives=True
    ),
    "states that nobody knows": Case(how={"says": ("allocating", "teleporting", "teleporting")}),
    "a job that is being cancelled, and ends": Case(how={"says": ("canceling",)}),
    "a job that failed": Case(
        (), GenerationFailedError, ("node 3 (KSampler)", "no model"), how={"ends": "failed", "error": REASON}
    ),
    "a job that failed and says nothing": Case((), GenerationFailedError, ("does not say",), how={"ends": "failed"}),
    "a job without memory": Case(
        (), OutOfMemoryError, (), how={"ends": "failed", "error": {"code": "OOMError", "message": "CUDA out of memory"}}
    ),
    "a job that was cancelled": Case((), GenerationFailedError, ("cancelled",), how={"ends": "canceled"}),
    "a job that has expired": Case((), GenerationFailedError, ("expired", "run it again"), how={"ends": "expired"}),
    "no stream of events": Case(surface=CLOUD._replace(streams=False)),
    "a stream that breaks": Case((Trouble(EVENTS, "cut", times=2),), how={"seconds": 0.3}),
    "too many streams": Case((Trouble(EVENTS, "429 too_many_streams", 5.0),), how={"seconds": 0.2}),
    "an address that has expired": Case((Trouble(BLOB, "403 AccessDenied", times=2),)),
    "addresses that have all expired": Case((), ResultSaveError, ("x_00001_.mp4",), how={"life": 0}),
    "a download that breaks": Case((Trouble(BLOB, "half", times=2),)),
    "a download that breaks, at a proxy": Case((Trouble("GET /api/v2/assets/{id}/content", "half"),), surface=PROXY),
    "files behind a redirect": Case((Trouble(BLOB, "half"),), surface=CLOUD._replace(redirects=True)),
    "files behind a redirect that has expired": Case(
        (Trouble(BLOB, "403 AccessDenied"),), surface=CLOUD._replace(redirects=True)
    ),
    "a slow download": Case((Trouble(BLOB, "slow", 0.4),)),
    "a storage that is away": Case((Trouble(BLOB, "cut"), Trouble(BLOB, "503 SlowDown", times=2))),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in CASES.items()])
@pytest.mark.slow
def test_each_fault(sim: Simulator, tmp_path: Path, kind: str, case: Case) -> None:
    """Whatever goes wrong, the file comes whole or an error says why; never are there two jobs, nor a key elsewhere."""
    with comfy_api(sim.url, case.surface, **case.how) as api:
        api.add(*(Trouble(one.at, one.how, one.seconds, one.times, one.details) for one in case.troubles))
        person = Person(kind, cloud_at(api), timing=FAST)  # type: ignore[arg-type]
        if case.error is None:
            result = person.run(case.graph, out=tmp_path, on_progress=lambda _: None)
            assert result.path is not None
            found = probe(result.path)
            assert (found.width, found.height, found.frames) == (64, 48, 6)
        else:
            with pytest.raises(case.error) as caught:
                person.run(case.graph, out=tmp_path)
            words = str(caught.value)
            for word in case.says:
                assert word in words
                words = words.partition(word)[2]
            assert KEY not in str(caught.value)
            assert getattr(caught.value, "may_still_run", False) is case.lives
            assert not list(tmp_path.iterdir())
        assert len(api.jobs) == case.jobs


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_job_and_its_file(sim: Simulator, tmp_path: Path, kind: str) -> None:
    """A lost answer, a full queue and an expired address on the way to one job, one file, and progress that grows."""
    told: list[Progress] = []
    with comfy_api(sim.url, DEPLOYMENT, seconds=0.2) as api:
        api.add(Trouble(JOBS, "429 queue_full", 0.02), Trouble(JOBS, "lost"), Trouble(BLOB, "403 AccessDenied"))
        result = Person(kind, cloud_at(api), timing=FAST).run(  # type: ignore[arg-type]
            VIDEO, out=tmp_path, on_progress=told.append
        )
        assert len(api.jobs) == 1
        assert result.prompt_id in api.jobs
    assert result.path is not None and probe(result.path).frames == 6
    percents = [one.progress for one in told]
    assert percents == sorted(percents) and percents[-1] == 100
    assert any(one.step == 2 and one.title == "SaveVideo" for one in told)
    assert any(one.preview == PREVIEW for one in told)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_nothing_of_the_key_is_shown(
    sim: Simulator, tmp_path: Path, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither the key nor a signature is in the log, at any level, nor in what is shown of a client."""
    caplog.set_level(logging.DEBUG)
    paid = "comfyui-another-key-for-partner-nodes"
    with comfy_api(sim.url, CLOUD, seconds=0.1) as api:
        cloud = cloud_at(api, comfy_org_key=paid)
        api.add(Trouble(BLOB, "half"))
        Person(kind, cloud, timing=FAST).run(out=tmp_path, on_progress=lambda _: None)  # type: ignore[arg-type]
        (job,) = api.jobs.values()
        assert job.extra_data == {"api_key_comfy_org": paid}
        shown = f"{cloud!r} {ComfyClient(cloud)!r} {vars(ComfyClient(cloud))!r}"
    for secret in (KEY, paid, "X-Signature="):
        assert secret not in f"{shown} {caplog.text}"


@pytest.mark.slow
@pytest.mark.parametrize("how", ["lost", "cut", "503 upstream_error", "page"])
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_deadline_cancels_the_job(sim: Simulator, tmp_path: Path, kind: str, how: str) -> None:
    """A job that is not done in time is cancelled there, and nothing goes on reading its events."""
    with comfy_api(sim.url, DEPLOYMENT, ends="never") as api:
        api.add(Trouble("POST /api/v2/jobs/{id}/cancel", how))
        late = clock(lambda: any(one.path.startswith("/api/v2/jobs/") for one in api.asked))
        person = Person(kind, cloud_at(api), timing=FAST, clock=late)  # type: ignore[arg-type]
        with pytest.raises(GenerationTimeoutError, match="cancelled"):
            person.run(out=tmp_path, timeout=500, on_progress=lambda _: None)
        assert [job.status for job in api.jobs.values()] == ["canceled"]
        assert "comfy-headless-events" not in {thread.name for thread in threading.enumerate()}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_failed_job_as_a_result(sim: Simulator, tmp_path: Path, kind: str) -> None:
    """Where no exception is wanted, the result has the reason."""
    with comfy_api(sim.url, ends="failed", error=REASON) as api:
        person = Person(kind, cloud_at(api), timing=FAST)  # type: ignore[arg-type]
        result = person.run(out=tmp_path, raise_on_error=False)
        assert (result.status, result.files) == ("failed", [])
        assert "the sampler has no model" in str(result.error)
        assert result.prompt_id in api.jobs


@pytest.mark.slow
def test_a_client_of_ones_own(sim: Simulator, tmp_path: Path) -> None:
    """All goes through the caller's client, which knows nothing of the key, its events and redirects too."""
    with comfy_api(sim.url, seconds=0.1) as api, httpx.Client(follow_redirects=True) as http:
        told: list[Progress] = []
        with ComfyClient(cloud_at(api), http=http, timing=FAST) as client:
            result = client.run_workflow(VIDEO, out=tmp_path, on_progress=told.append, check=False)
        assert result.path is not None and len(told) > 2
        assert http.get(f"{api.url}/api/v2/jobs/{result.prompt_id}").status_code == 401


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_key_that_is_repeated(sim: Simulator, kind: str) -> None:
    """A refusal that repeats the keys is told without them."""
    paid = "comfyui-for-partner-nodes"
    with comfy_api(sim.url, PROXY) as api:
        api.add(Trouble(JOBS, f"422 {KEY}/{paid}"))
        with pytest.raises(GenerationRejectedError, match=r"the words of \*\*\*/\*\*\*") as caught:
            Person(kind, cloud_at(api, comfy_org_key=paid), timing=FAST).run()  # type: ignore[arg-type]
        assert KEY not in str(caught.value) and paid not in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_deadline_in_front_of_a_full_queue(sim: Simulator, tmp_path: Path, kind: str) -> None:
    """A queue that stays full is waited for until the deadline; no job is left."""
    with comfy_api(sim.url, DEPLOYMENT) as api:
        api.add(Trouble(JOBS, "429 queue_full", 0.1, times=500))
        late = clock(lambda: api.count("POST", "/api/v2/jobs") > 2)
        with pytest.raises(GenerationTimeoutError):
            Person(kind, cloud_at(api), timing=FAST, clock=late).run(  # type: ignore[arg-type]
                out=tmp_path, timeout=500
            )
        assert not api.jobs


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_deadline_of_the_cloud_holds_in_front_of_a_full_queue(sim: Simulator, kind: str) -> None:
    """That of ComfyCloud(timeout=) holds for a job that is left to itself too, while it waits to be taken."""
    with comfy_api(sim.url, DEPLOYMENT) as api:
        api.add(Trouble(JOBS, "429 queue_full", 0.1, times=500))
        late = clock(lambda: api.count("POST", "/api/v2/jobs") > 2)
        person = Person(kind, cloud_at(api, timeout=500), timing=FAST, clock=late)  # type: ignore[arg-type]
        with pytest.raises(GenerationTimeoutError, match=r"not done after 500 s.*does not have it; nothing runs"):
            person.call("submit", VIDEO, check=False)
        assert not api.jobs


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_call_that_is_left_while_the_job_is_on_its_way(sim: Simulator, kind: str) -> None:
    """What was sent may be taken after the call was left: nobody says that nothing runs."""
    with comfy_api(sim.url, PROXY, ends="never") as api:
        api.add(Trouble(JOBS, "held"))
        late = clock(lambda: bool(api.count("POST", "/api/v2/jobs")))
        person = Person(kind, cloud_at(api), timing=FAST._replace(post=0.3), clock=late)  # type: ignore[arg-type]
        with pytest.raises(GenerationTimeoutError, match="may still run") as caught:
            person.run(timeout=500)
        assert "nothing runs" not in str(caught.value)
        assert api.count("GET", "/api/v2/jobs") > 2
        api.released = True
        until(lambda: len(api.jobs) == 1)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_job_that_is_not_shown_is_cancelled(sim: Simulator, kind: str) -> None:
    """A job that was taken, and is not shown for as long as one waits, is cancelled; the error says so."""
    with comfy_api(sim.url, ends="never") as api:
        api.add(Trouble(JOB, "404 not_found", times=500))
        with pytest.raises(ComfyUIConnectionError, match=r"was taken.*it was cancelled") as caught:
            Person(kind, cloud_at(api), timing=FAST).run()  # type: ignore[arg-type]
        assert not caught.value.may_still_run
        assert [job.status for job in api.jobs.values()] == ["canceled"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("surface", "said"), [(DEPLOYMENT, "cancelled on the server"), (PROXY, "cancelled"), (CLOUD, "may still run")]
)
def test_a_call_that_is_left_before_its_answer(sim: Simulator, surface: Surface, said: str) -> None:
    """Whoever leaves before the id is known: the job is found by its label and cancelled, or a note says it may run."""

    async def leave(api: ComfyApi) -> str:
        async def run(client: AsyncComfyClient) -> str:
            try:
                await client.run_workflow(VIDEO, check=False)
            except asyncio.CancelledError as gone:
                return " ".join(gone.__notes__)
            return "it was not left"

        async with AsyncComfyClient(cloud_at(api), timing=FAST) as client:
            call = asyncio.create_task(run(client))
            await asyncio.to_thread(until, lambda: bool(api.jobs))
            call.cancel()
            return await call

    with comfy_api(sim.url, surface, ends="never") as api:
        refused = ("text", "map", "none").index(surface.labels)  # the forms of a label that it is asked with before
        api.add(Trouble(JOBS, "422 metadata_invalid", times=refused), Trouble(JOBS, "late", 3.0))
        assert said in asyncio.run(leave(api))
        (job,) = api.jobs.values()
        assert (job.status == "canceled") is (surface is not CLOUD)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_files_go_there_once(sim: Simulator, tmp_path: Path, kind: str) -> None:
    """A picture is uploaded through a lost answer; the same bytes are then asked for by the hash that was told."""
    path = tmp_path / "in.png"
    Image.new("RGB", (64, 48), (200, 30, 10)).save(path)
    with comfy_api(sim.url, CLOUD) as api:
        api.add(Trouble(ASSETS, "lost"), Trouble(ASSETS, "503 upstream_error"))
        cloud = cloud_at(api)

        async def both() -> None:
            async with AsyncComfyClient(cloud, timing=FAST) as client:
                for _ in range(2):
                    await client.run_workflow(PICTURE, {"image": path}, out=tmp_path / "out", check=False)

        if kind == "async":
            asyncio.run(both())
        else:
            with ComfyClient(cloud, timing=FAST) as client:
                for _ in range(2):
                    client.run_workflow(PICTURE, {"image": path}, out=tmp_path / "out", check=False)
        assert api.uploads == 2
        assert api.count("POST", "/api/v2/assets/from-hash") == 1
        given = [job.workflow["1"]["inputs"]["image"] for job in api.jobs.values()]
        assert len(given) == 2 and len(set(given)) == 1 and given[0].endswith(".png")
    assert len(list((tmp_path / "out").rglob("*.png"))) == 2


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_jobs_are_taken_up(sim: Simulator, tmp_path: Path, kind: str) -> None:
    """A job is left to itself and taken up by its id; where jobs are listed, it is among them."""
    with comfy_api(sim.url, DEPLOYMENT) as api:
        person = Person(kind, cloud_at(api), timing=FAST)  # type: ignore[arg-type]
        job_id = person.call("queue_prompt", VIDEO)
        result = person.call("wait_for_completion", job_id, out=tmp_path)
        assert result.path is not None and probe(result.path).frames == 6
        (info,) = person.call("jobs")
        assert (info.prompt_id, info.status, info.outputs) == (job_id, "done", ("x_00001_.mp4",))
        with pytest.raises(GenerationFailedError, match="no-such-job"):
            person.call("wait_for_completion", "no-such-job")
    with comfy_api(sim.url, CLOUD) as api, pytest.raises(ValidationError, match="does not tell which jobs"):
        Person(kind, cloud_at(api), timing=FAST).call("jobs")  # type: ignore[arg-type]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_preset_runs_there(sim: Simulator, tmp_path: Path, kind: str) -> None:
    """A preset is held to the node classes that are told there, and its video comes."""
    with comfy_api(sim.url, CLOUD) as api:
        person = Person(kind, cloud_at(api), timing=FAST)  # type: ignore[arg-type]
        result = person.call("generate_video", "a cat", preset="wan_1.3b", seconds=1, out=tmp_path)
        assert api.count("GET", "/api/object_info") == 1
    assert result.path is not None and probe(result.path).frames == result.settings["frames"]


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_there(kind: str) -> None:
    """Where nothing answers, nothing was sent, and the error says what to start."""
    cloud = ComfyCloud(base_url="http://127.0.0.1:9", timing=FAST)
    with pytest.raises(ComfyUIOfflineError, match="comfy-api-proxy"):
        Person(kind, cloud, timing=FAST).run()  # type: ignore[arg-type]
