"""Clouds at the command line: paid jobs are never lost, and what is printed can be typed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from comfy_headless.cli import main
from comfy_headless.simulator import Simulator
from tests.cloud import comfy_api
from tests.cloud.runninghub_fake import KEY as HUB_KEY
from tests.cloud.runninghub_fake import FakeRunningHub, running_hub

GRAPH: Final[Mapping[str, Any]] = {
    "1": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 48, "batch_size": 1, "color": 0}},
    "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "kept"}},
    "3": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}},
}
"""Saves a picture, and shows it before."""

CLOUDS: Final = [pytest.param("runninghub"), pytest.param("comfy-cloud", marks=pytest.mark.slow)]
"""The quick tests hold one cloud to everything, the slow ones the other."""


@pytest.fixture(scope="module")
def sim() -> Iterator[Simulator]:
    """What runs the graphs."""
    with Simulator() as running:
        yield running


@pytest.fixture
def hub(sim: Simulator) -> Iterator[FakeRunningHub]:
    """A RunningHub of the test's own."""
    with running_hub(sim.url) as running:
        yield running


@pytest.fixture
def cloud(sim: Simulator) -> Iterator[comfy_api.ComfyApi]:
    """A Comfy Cloud of the test's own."""
    with comfy_api.comfy_api(sim.url) as running:
        yield running


class Said(NamedTuple):
    """What a command answered."""

    code: int
    out: str
    err: str


class Desk:
    """Somebody who types, in a folder with a workflow, where both clouds are set up."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def types(self, *words: str) -> Said:
        """Type a command."""
        self._capsys.readouterr()
        code = main(list(words))
        told = self._capsys.readouterr()
        return Said(code, told.out, " ".join(told.err.split()))


@pytest.fixture
def desk(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    hub: FakeRunningHub,
    cloud: comfy_api.ComfyApi,
) -> Desk:
    """Somebody who types."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "workflow.json").write_text(json.dumps(GRAPH), encoding="utf-8")
    monkeypatch.delenv("COMFY_HEADLESS_URL", raising=False)
    monkeypatch.setenv("RUNNINGHUB_BASE_URL", hub.url)
    monkeypatch.setenv("RUNNINGHUB_API_KEY", HUB_KEY)
    monkeypatch.setenv("COMFY_BASE_URL", cloud.url)
    monkeypatch.setenv("COMFY_API_KEY", comfy_api.KEY)
    return Desk(capsys)


@pytest.mark.parametrize("place", CLOUDS)
def test_a_job_is_taken_up_by_its_id(desk: Desk, place: str, tmp_path: Path) -> None:
    """What ``--no-wait`` prints is what ``jobs fetch``, ``watch`` and ``cancel`` take there."""
    queued = desk.types("run", "workflow.json", "--server", place, "--no-wait", "--json")
    told = json.loads(queued.out)
    assert told["server"] == place
    queued = desk.types("run", "workflow.json", "--server", place, "--no-wait")
    job_id = queued.out.strip()
    assert f"comfy-headless jobs fetch {job_id} --server {place}" in queued.err
    watched = desk.types("jobs", "watch", job_id, "--server", place)
    assert watched.code == 0 and f"jobs fetch {job_id} --server {place}" in watched.err
    fetched = desk.types("jobs", "fetch", job_id, "--server", place)
    assert fetched.code == 0 and (tmp_path / fetched.out.splitlines()[0]).stat().st_size > 100
    cancelled = desk.types("jobs", "cancel", job_id, "--server", place)
    assert (cancelled.code, cancelled.out.split()) == (0, [job_id, "had", "ended", "already"])


@pytest.mark.slow
@pytest.mark.parametrize("place", ["runninghub", "comfy-cloud"])
def test_no_list_of_jobs(desk: Desk, place: str) -> None:
    """Where a cloud does not list its jobs, everything that needs a list says how a job is found without one."""
    listed = desk.types("jobs", "list", "--server", place)
    assert listed.code == 2 and f"comfy-headless jobs fetch ID --server {place}" in listed.err
    for command, code in (("fetch", 1), ("cancel", 1)):
        said = desk.types("jobs", command, "1904737", "--server", place)
        assert said.code == code, said
        assert re.search(rf"[Gg]ive the whole id, as it was printed: {place} does not tell", said.err), said
        assert "jobs list" not in said.err and "restarted" not in said.err


@pytest.mark.parametrize("typed", ["comfycloud", "runing-hub", "ComfyCloud "])
def test_a_slip_in_a_name(desk: Desk, typed: str) -> None:
    """A bare word that is nearly a cloud's name is taken for a slip, and all names are told."""
    said = desk.types("run", "workflow.json", "--server", typed)
    assert said.code == 2
    assert re.search(
        r"did you mean '(comfy-cloud|runninghub)'\? By a name there are: comfy-cloud, runninghub", said.err
    )


@pytest.mark.parametrize("place", CLOUDS)
def test_previews_are_kept_apart(desk: Desk, place: str, tmp_path: Path) -> None:
    """What a preview node shows is no output, though RunningHub offers it as one; so it is to whoever fetches later."""
    ran = desk.types("run", "workflow.json", "--server", place, "--out", "made", "--json")
    told = json.loads(ran.out)
    assert [one["node_id"] for one in told["outputs"]] == ["2"]
    assert [one["node_id"] for one in told["previews"]] == (["3"] if place == "runninghub" else [])
    assert len(list((tmp_path / "made").iterdir())) == 1
    fetched = desk.types("jobs", "fetch", told["prompt_id"], "--server", place, "--out", "later")
    assert fetched.code == 0 and len(list((tmp_path / "later").iterdir())) == 1


@pytest.mark.parametrize("place", CLOUDS)
def test_what_a_check_is_held_to(desk: Desk, place: str) -> None:
    """A cloud that tells its nodes is asked; where it does not, the check says by what it went instead."""
    said = desk.types("check", "workflow.json", "--server", place)
    assert said.code == 0, said
    told = "RunningHub does not tell its nodes and files; held to ComfyUI 0.30.0's own nodes, without node packs"
    assert (told in said.out) is (place == "runninghub"), said
    assert ("1 note (for runninghub)" if place == "runninghub" else f"no problem (for {place})") in said.out


@pytest.mark.parametrize("place", CLOUDS)
def test_which_files_are_there(desk: Desk, place: str) -> None:
    """``models check`` asks a cloud that tells its files, and says of another that it does not."""
    said = desk.types("models", "check", "--preset", "wan_5b", "--server", place)
    if place == "runninghub":
        assert said.code == 2 and "RunningHub does not tell which node classes and model files it has" in said.err
    else:
        assert said.code == 0 and "every model file is there" in said.out, said


@pytest.mark.slow
@pytest.mark.parametrize("place", ["runninghub", "comfy-cloud"])
def test_a_preset_that_nobody_named(desk: Desk, place: str) -> None:
    """Where a preset is chosen for a cloud that tells no files, that is said before anything is paid."""
    said = desk.types("generate", "a cat", "--server", place, "--no-wait", "--seed", "1")
    assert said.code == 0, said
    assert ("note: RunningHub does not tell which files it has" in said.err) is (place == "runninghub"), said


@pytest.mark.parametrize("place", CLOUDS)
def test_a_look_at_its_health(desk: Desk, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """``doctor`` says whether a cloud takes the key, and its remedy names the variable of that cloud."""
    variable = {"runninghub": "RUNNINGHUB_API_KEY", "comfy-cloud": "COMFY_API_KEY"}[place]
    lines = [json.loads(desk.types("doctor", "--server", place, "--json").out)["lines"][0]]
    monkeypatch.setenv(variable, "f" * 32)
    lines.append(json.loads(desk.types("doctor", "--server", place, "--json").out)["lines"][0])
    monkeypatch.delenv(variable)
    monkeypatch.delenv(f"{variable.removesuffix('API_KEY')}BASE_URL")
    lines.append(json.loads(desk.types("doctor", "--server", place, "--json").out)["lines"][0])
    assert [each["state"] for each in lines] == ["ok", "fail", "fail"], lines
    assert "takes who asks" in lines[0]["text"] and "wants a key" in lines[2]["text"], lines
    assert [each["remedy"] for each in lines] == [None, *[f"export {variable}=KEY"] * 2], lines
    assert "f" * 32 not in str(lines)


@pytest.mark.parametrize("place", CLOUDS)
@pytest.mark.parametrize("source", ["server:mine", "template:mine"])
def test_a_workflow_by_a_name(desk: Desk, place: str, source: str) -> None:
    """What a ComfyUI server keeps under a name, a cloud does not give: the remedy is a file."""
    said = desk.types("describe", source, "--server", place)
    assert said.code == 2 and "gives no workflow by a name; export it there, and give the file" in said.err, said


def test_what_it_cost(desk: Desk) -> None:
    """The last line says what a job cost, where a cloud tells it."""
    assert re.search(r"done in [\d.]+ s: 17 coins", desk.types("run", "workflow.json", "--server", "runninghub").err)


def test_a_class_that_may_be_there(desk: Desk, tmp_path: Path) -> None:
    """RunningHub has hundreds of node packs: a class that is not ComfyUI's own is no reason to say no."""
    mine = {**GRAPH, "4": {"class_type": "SomebodysNode", "inputs": {"image": ["1", 0]}}}
    (tmp_path / "mine.json").write_text(json.dumps(mine), encoding="utf-8")
    said = desk.types("check", "mine.json", "--server", "runninghub")
    assert said.code == 0 and "node 4 (SomebodysNode)" in said.out and "RunningHub may have this class" in said.out
    assert desk.types("check", "mine.json", "--server", "comfy-cloud").code == 1
