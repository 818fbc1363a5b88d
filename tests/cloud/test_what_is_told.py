"""What clients know of a cloud that tells its nodes, and of one that does not; the same with both clients."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from comfy_headless import ComfyCloud, GenerationTimeoutError, RunningHub, ValidationError
from comfy_headless.protocol.executor import Executor
from comfy_headless.simulator import Simulator
from tests.cloud import comfy_api
from tests.cloud.runninghub_fake import KEY, Trouble, running_hub
from tests.cloud.test_command_line import GRAPH
from tests.cloud.test_runninghub import FAST
from tests.faults.clients import Person

KINDS = pytest.mark.parametrize("kind", ["sync", pytest.param("async", marks=pytest.mark.slow)])


@pytest.fixture(scope="module")
def sim() -> Iterator[Simulator]:
    """What runs the graphs."""
    with Simulator() as running:
        yield running


@contextmanager
def person(kind: str, place: str, sim: Simulator) -> Iterator[Person]:
    """Somebody with a client of a cloud."""
    if place == "runninghub":
        with running_hub(sim.url) as hub:
            yield _of(kind, RunningHub(KEY, base_url=hub.url, timing=FAST, environ={}))
    else:
        with comfy_api.comfy_api(sim.url) as api:
            yield _of(kind, ComfyCloud(comfy_api.KEY, base_url=api.url, timing=FAST))


def _of(kind: str, cloud: Executor) -> Person:
    return Person(kind, cloud, timing=FAST, clock=time.monotonic)  # type: ignore[arg-type]


@KINDS
def test_a_cloud_that_tells_nothing(sim: Simulator, tmp_path: Path, kind: str) -> None:
    """Previews are apart, a check and a preset that nobody named say what is not known, and no classes are made up."""
    with person(kind, "runninghub", sim) as somebody:
        result = somebody.run(GRAPH, out=tmp_path)
        assert [one.node_id for one in result.images] == ["2"] and [one.node_id for one in result.previews] == ["3"]
        assert [each.name for each in tmp_path.iterdir()] == [result.images[0].filename]
        report = somebody.call("check", GRAPH)
        assert [each.kind for each in report.problems] == ["little_known"] and not report.fails
        with pytest.raises(ValidationError, match="RunningHub does not tell which node classes and model files"):
            somebody.call("object_info")
        job = somebody.call("submit_video", "a cat", seed=1)
        assert job.place == "runninghub"
        assert any("RunningHub does not tell which files it has" in note for note in job.notes)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_cloud_that_tells_its_nodes(sim: Simulator, tmp_path: Path, kind: str) -> None:
    """Its classes are read as those of a server, and what is not there is known before it is sent."""
    with person(kind, "comfy-cloud", sim) as somebody:
        assert "KSampler" in somebody.call("object_info")
        assert list(somebody.call("object_info", "KSampler")) == ["KSampler"]
        assert somebody.call("check", GRAPH).ok
        job = somebody.call("submit_video", "a cat", seed=1)
        assert job.place == "comfy-cloud"
        assert not any("does not tell" in note for note in job.notes)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("place", ["runninghub", "comfy-cloud"])
def test_what_ends_a_job_that_may_still_run(sim: Simulator, place: str, kind: str) -> None:
    """Where a job could not be cancelled, the line that ends it names the cloud as it is typed."""
    brief = FAST._replace(cancel=0.5)
    if place == "runninghub":
        with running_hub(sim.url, ends="never") as hub:
            hub.add(Trouble("cancel", "503", times=500))
            said = _left(kind, RunningHub(KEY, base_url=hub.url, timing=brief, environ={}), lambda: hub.count("status"))
            (job_id,) = hub.tasks
    else:
        with comfy_api.comfy_api(sim.url, ends="never") as api:
            api.add(comfy_api.Trouble("POST /api/v2/jobs/{id}/cancel", "503 upstream_error", times=500))
            said = _left(
                kind,
                ComfyCloud(comfy_api.KEY, base_url=api.url, timing=brief),
                lambda: sum(one.path.startswith("/api/v2/jobs/") for one in api.asked),
            )
            (job_id,) = api.jobs
    assert "it may still run on http://127.0.0.1:" in said
    assert f"comfy-headless jobs cancel {job_id} --server {place}" in said


def _left(kind: str, cloud: Executor, began: Callable[[], int]) -> str:
    """Return what is said where a deadline passes as soon as the job is there."""
    somebody = Person(kind, cloud, timing=cloud.timing, clock=lambda: time.monotonic() + 3600 * bool(began()))  # type: ignore[arg-type]
    with pytest.raises(GenerationTimeoutError) as caught:
        somebody.run(GRAPH, timeout=500)
    return str(caught.value)
