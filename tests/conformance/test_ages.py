"""A ComfyUI of another age (0.16.3): every preset is taken or names the version that can, and one of each family runs.

What 0.16.3 does otherwise than 0.30.0: SaveVideo has no crf, there is no interpolation of frames, a job is cancelled
through the queue, any prompt_id is taken, a circle of wires is no error of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from PIL import Image

from comfy_headless import ComfyClient, GenerationRejectedError, JobStatus
from comfy_headless.catalog.ages import too_old
from comfy_headless.catalog.compiler import WorkflowCompiler
from comfy_headless.errors import ValidationError
from comfy_headless.graph.ages import is_older, since, version_in
from comfy_headless.graph.schemas import Schemas
from comfy_headless.graph.transforms.ages import fitted
from tests.faults.clients import VIDEO, Person
from tests.faults.test_jobs import clients

from .check_run import blocked
from .making import PRESETS, Case, cases, hold, lowered, make
from .test_calls import LONG, SMALL, until

KINDS = pytest.mark.parametrize("kind", ["sync", "async"])
FAMILIES = list({PRESETS[case.name].family: case for case in reversed(cases(packs=False))}.values())
VARIED: Final[tuple[Mapping[str, Any], ...]] = (
    {},
    {"quality": "high"},
    {"tiled_decode": True, "upscale": 1.3},
    {"interpolate": 2},
)
IMAGES: Final[Mapping[str, Mapping[str, str]]] = {
    "text": {},
    "image": {"image": "a.png"},
    "first_last": {"image": "a.png", "last_image": "a.png"},
}


@pytest.fixture(scope="module")
def told(older_server: str) -> dict[str, Any]:
    """What the server says of itself."""
    with ComfyClient(older_server) as client:
        return client.system_stats()


@pytest.fixture(scope="module")
def schemas(older_server: str) -> Schemas:
    """Its node classes, with the stand-ins' names."""
    with ComfyClient(older_server) as client:
        return Schemas.from_object_info(client.object_info())


@pytest.fixture(scope="module")
def asked(older_server: str) -> Iterator[httpx.Client]:
    """Asks the server while it is busy, so that what it takes waits, and is taken out again at the end."""
    with httpx.Client(base_url=older_server, timeout=60) as client:
        yield client


def compiled(case: Case, wishes: Mapping[str, Any]) -> dict[str, Any] | None:
    """The graph of a preset with these variants; None where it has no place for them."""
    try:
        return (
            WorkflowCompiler(PRESETS, hints=False).compile(case.name, "x", seed=1, **IMAGES[case.task], **wishes).graph
        )
    except ValidationError:
        return None


def test_every_preset_is_taken_or_names_the_version(
    older_server: str, told: dict[str, Any], schemas: Schemas, asked: httpx.Client, tmp_path: Path
) -> None:
    """Fitted to what is there a graph is accepted without a word, or what is lacking names a later version."""
    version = version_in(told)
    Image.new("RGB", (80, 56)).save(tmp_path / "a.png")
    with ComfyClient(older_server) as client:
        client.upload(tmp_path / "a.png")
    seen = {"taken": 0, "lacking": 0}
    with blocked(asked):
        for case in cases(packs=False):
            for wishes in VARIED:
                graph = compiled(case, wishes)
                if graph is None:
                    continue
                fit = fitted(graph, schemas, version=version, subject=case.name)
                answer = asked.post("/prompt", json={"prompt": fit.graph})
                good = answer.status_code == 200 and not answer.json()["node_errors"]
                assert good != bool(fit.lacks), (case, wishes, fit.lacks, answer.text[:500])
                assert all("ComfyUI has it since" in line or "which ComfyUI has since" in line for line in fit.lacks)
                seen["taken" if good else "lacking"] += 1
    assert seen["taken"] > 0
    assert (seen["lacking"] > 0) == is_older(version, since("FrameInterpolate") or "")


def test_the_table_of_versions_is_right(told: dict[str, Any], schemas: Schemas) -> None:
    """A class that came later is not there, and one that came before is; GLSLShader needs OpenGL."""
    version = version_in(told)
    wrong = [
        name
        for name, node in ((name, Schemas.snapshot()[name]) for name in Schemas.snapshot())
        if (first := since(name)) is not None and node.core and name != "GLSLShader"
        if (name in schemas) == is_older(version, first)
    ]
    assert wrong == []


@pytest.mark.parametrize("case", FAMILIES, ids=str)
def test_one_of_each_family_makes_what_was_asked_for(
    older_server: str, told: dict[str, Any], schemas: Schemas, case: Case, tmp_path: Path
) -> None:
    """Width, height, frames, rate and sound are those asked for; or the server is too old, and is said to be."""
    graph = PRESETS[case.name].template(case.task).graph
    absent = [node["class_type"] for node in graph.values() if node["class_type"] not in schemas]
    older = too_old(PRESETS[case.name], absent, version_in(told))
    if older is not None:
        with pytest.raises(GenerationRejectedError, match=re.escape(older)):
            make(older_server, case, tmp_path)
        return
    hold(make(older_server, case, tmp_path), case, lowered(case))


@KINDS
def test_a_quality_that_the_server_has_not(kind: str, older_server: str, tmp_path: Path) -> None:
    """The video is made all the same, and a note says that the quality is the server's own."""
    person = Person(kind, older_server)
    result = person.call("generate_video", "x", preset="wan_5b", **SMALL, steps=2, quality="high", out=tmp_path)
    assert result.status == "completed"
    assert [note for note in result.notes if "codec.encoding.crf=18 has no effect: ComfyUI has it since 0.30.0" in note]


@KINDS
def test_what_a_newer_version_has(kind: str, older_server: str, told: dict[str, Any], tmp_path: Path) -> None:
    """Frame interpolation is refused before anything is sent, with the version that has it."""
    version, first = version_in(told), since("FrameInterpolate")
    if not is_older(version, first or ""):
        pytest.skip("this server has it")
    with pytest.raises(GenerationRejectedError) as refused:
        Person(kind, older_server).call("generate_video", "x", preset="wan_5b", **SMALL, interpolate=2, out=tmp_path)
    line = f"FrameInterpolate, which ComfyUI has since {first}; this server says {version}: update it"
    assert line in str(refused.value)
    assert str(refused.value).count("FrameInterpolate,") == 1


@KINDS
def test_the_life_of_jobs(kind: str, older_server: str, tmp_path: Path) -> None:
    """One runs, one waits, each is cancelled by its id alone; one that is left is fetched."""
    with clients(kind, older_server) as call:
        running = call("submit_video", "x", **LONG)
        waiting, last = call("submit", VIDEO), call("submit", VIDEO)
        until(lambda: running.status() is JobStatus.RUNNING)
        assert waiting.status() is JobStatus.QUEUED
        told = {job.prompt_id: job for job in call("jobs")}
        assert (told[running.prompt_id].status, told[running.prompt_id].position) == ("running", 0)
        assert (told[waiting.prompt_id].status, told[waiting.prompt_id].position) == ("queued", 1)
        assert waiting.cancel()
        assert waiting.status() is JobStatus.UNKNOWN
        assert running.cancel()
        assert "somebody cancelled the job" in running.events()[-1].error
        assert not running.cancel()
        result = last.result(tmp_path / "clip.mp4", timeout=60)
        assert result.path == tmp_path / "clip.mp4"
        assert last.status() is JobStatus.DONE


@KINDS
@pytest.mark.parametrize("check", [True, False])
def test_a_class_that_nobody_has(kind: str, check: bool, older_server: str) -> None:
    """The error names the class, whoever finds it."""
    graph = {**VIDEO, "1": {**VIDEO["1"], "class_type": "NobodysNode"}}
    with pytest.raises(GenerationRejectedError, match="NobodysNode"):
        Person(kind, older_server).call("run_workflow", graph, check=check)


@pytest.mark.parametrize(("check", "words"), [(True, "cycle"), (False, "the server refused the graph")])
def test_a_circle_of_wires(check: bool, words: str, older_server: str) -> None:
    """The server has no word for it, and refuses it; what is checked before has one."""
    circle = {
        **VIDEO,
        "1": {"class_type": "ImageInvert", "inputs": {"image": ["4", 0]}},
        "4": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
    }
    with ComfyClient(older_server) as client, pytest.raises(GenerationRejectedError, match=words):
        client.run_workflow(circle, check=check)
