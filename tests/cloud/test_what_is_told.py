"""What clients know of a cloud that tells its nodes, and of one that does not; the same with both clients."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from comfy_headless import ComfyCloud, RunningHub, ValidationError
from comfy_headless.protocol.executor import Executor
from comfy_headless.simulator import Simulator
from tests.cloud import comfy_api
from tests.cloud.runninghub_fake import KEY, running_hub
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
