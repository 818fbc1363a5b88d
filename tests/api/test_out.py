"""``out``: where files go, what they are called, and that nothing is ever lost or overwritten by surprise."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from comfy_headless import ComfyClient, Result, ValidationError
from comfy_headless.simulator import Simulator
from comfy_headless.simulator.faults import ClaimFile
from tests.faults.clients import VIDEO, Person

SMALL = {"preset": "wan_5b", "width": 64, "height": 96, "frames": 9, "steps": 2, "allow_untested": True}
STILL = {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "still"}}
ONE = {**VIDEO, "1": {**VIDEO["1"], "inputs": {**VIDEO["1"]["inputs"], "batch_size": 1}}}
"""A video of one picture, to which stills can be added."""

SECOND = {**VIDEO["3"], "inputs": {**VIDEO["3"]["inputs"], "filename_prefix": "second"}}


@pytest.fixture(scope="module")
def sim() -> Iterator[Simulator]:
    """One server for all; files are numbered by it."""
    with Simulator() as simulator:
        yield simulator


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(params=["sync", pytest.param("async", marks=pytest.mark.slow)])
def person(request: pytest.FixtureRequest, sim: Simulator) -> Person:
    """Somebody with either client."""
    return Person(request.param, sim.url)


def video(person: Person, **given: Any) -> Result:
    """Make a small video."""
    result = person.call("generate_video", "a cat", **{**SMALL, "seed": 7, **given})
    assert isinstance(result, Result)
    return result


def files(folder: Path) -> list[str]:
    """Every file below a folder."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_by_default_it_lies_in_the_current_folder(person: Person, here: Path) -> None:
    """Without ``out`` it is ``<preset>_<seed>.mp4`` here; a drawn seed is told."""
    assert video(person).path == Path("wan_5b_7.mp4")
    drawn = video(person, seed=None)
    assert drawn.path == Path(f"wan_5b_{drawn.seed}.mp4")
    assert files(here) == sorted(["wan_5b_7.mp4", f"wan_5b_{drawn.seed}.mp4"])


@pytest.mark.parametrize("out", ["clips", "clips/", "a/b/clips", "with.dot/", Path("clips")])
def test_a_folder(person: Person, here: Path, out: str | Path) -> None:
    """What has no suffix or ends in a separator is a folder, and is made."""
    assert video(person, out=out).path == Path(out) / "wan_5b_7.mp4"


def test_a_folder_that_exists_may_have_a_suffix(person: Person, here: Path) -> None:
    """What exists as a folder is one, whatever it is called."""
    (here / "clips.mp4").mkdir()
    assert video(person, out="clips.mp4").path == Path("clips.mp4/wan_5b_7.mp4")


@pytest.mark.parametrize("out", ["clip.mp4", "a/b/clip.mp4", "clip.MP4", "von Hand 1 #%é.mp4"])
def test_a_file(person: Person, here: Path, sim: Simulator, out: str) -> None:
    """What has a suffix is a file, called exactly so; its folder is made, and nothing else."""
    result = video(person, out=out)
    assert result.path == Path(out)
    assert files(here) == [out]
    on_the_server = sim.output_folder / result.outputs[0].subfolder / result.outputs[0].filename
    assert (here / out).read_bytes() == on_the_server.read_bytes()


def test_a_place_may_be_absolute_or_at_home(person: Person, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``~`` is the home folder, as in a shell."""
    monkeypatch.setenv("HOME", str(here / "home"))
    monkeypatch.setenv("USERPROFILE", str(here / "home"))
    assert video(person, out="~/clip.mp4").path == here / "home/clip.mp4"
    assert video(person, out=here / "b.mp4").path == here / "b.mp4"


@pytest.mark.parametrize(
    ("out", "name"), [("clip.mp4", "clip{}.mp4"), (None, "wan_5b_7{}.mp4"), ("d/", "d/wan_5b_7{}.mp4")]
)
def test_nothing_is_overwritten(person: Person, here: Path, out: str | None, name: str) -> None:
    """Where a file is already, ``-2``, then ``-3`` is appended, and the old ones stay as they are."""
    (here / "d").mkdir()
    (here / name.format("")).write_text("mine")
    paths = [video(person, out=out).path for _ in range(2)]
    assert paths == [Path(name.format("-2")), Path(name.format("-3"))]
    assert (here / name.format("")).read_text() == "mine"


def test_overwrite(person: Person, here: Path) -> None:
    """``overwrite=True`` replaces the file of that name."""
    (here / "clip.mp4").write_text("mine")
    assert video(person, out="clip.mp4", overwrite=True).path == Path("clip.mp4")
    assert files(here) == ["clip.mp4"]
    assert (here / "clip.mp4").stat().st_size > 100


def test_many_at_once_under_one_name(here: Path, sim: Simulator) -> None:
    """Eight threads that write to one name make eight files."""
    with ComfyClient(sim.url) as client:
        threads = [
            threading.Thread(target=client.run_workflow, args=(VIDEO,), kwargs={"out": "clip.mp4"}) for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert files(here) == sorted(["clip.mp4", *(f"clip-{number}.mp4" for number in range(2, 9))])


def test_a_workflow_keeps_the_servers_names(person: Person, here: Path) -> None:
    """Below a folder, and by default below the current one, names and sub-folders are the server's."""
    result = person.run({**ONE, "4": STILL}, out="all/")
    names = [output.filename for output in result.outputs]
    assert result.files == [Path("all/video", names[0]), Path("all", names[1])]
    again = person.run(ONE)
    assert again.files == [Path("video", again.outputs[0].filename)]


def test_one_name_in_two_folders_is_two_files(person: Person, here: Path) -> None:
    """Outputs that differ in the sub-folder alone do not meet."""
    mark = {"sync": 1, "async": 2}[person.kind]
    graph = {"1": ONE["1"]}
    for node_id, folder in (("4", "a"), ("5", "b")):
        graph[node_id] = {**STILL, "inputs": {"images": ["1", 0], "filename_prefix": f"{folder}{mark}/still"}}
    assert person.run(graph, out="all").files == [
        Path(f"all/a{mark}/still_00001_.png"),
        Path(f"all/b{mark}/still_00001_.png"),
    ]


def test_a_file_for_several_outputs_is_the_last_video(person: Person, here: Path) -> None:
    """The last video gets the name, the others lie beside it under their own; ``path`` is the first video."""
    result = person.run({**ONE, "4": SECOND, "5": STILL}, out="d/clip.mp4")
    first, second, still = result.outputs
    assert second.path == Path("d/clip.mp4")
    assert (first.path, still.path) == (Path("d", first.filename), Path("d", still.filename))
    assert result.path == first.path
    assert len(files(here)) == 3


def test_a_file_without_a_video_is_the_first_output(person: Person, here: Path) -> None:
    """Of stills alone, the first gets the name."""
    result = person.run({"1": VIDEO["1"], "4": STILL}, out="first.png")
    assert len(result.files) == 6
    assert result.files[0] == Path("first.png")
    assert result.path == Path("first.png")


@pytest.mark.parametrize("overwrite", [False, True])
def test_outputs_of_one_job_never_meet(person: Person, here: Path, overwrite: bool) -> None:
    """Beside a named file two outputs of one name become two files, even with ``overwrite=True``."""
    mark = f"{person.kind}{overwrite}"
    graph = {"1": VIDEO["1"]}
    for node_id, folder in (("4", "a"), ("5", "b")):
        graph[node_id] = {**STILL, "inputs": {"images": ["1", 0], "filename_prefix": f"{mark}{folder}/still"}}
    result = person.run(graph, out="x.png", overwrite=overwrite)
    assert len(set(result.files)) == len(files(here)) == 12


@pytest.mark.parametrize("out", ["clip.gif", "clip.png", "clip.v2"])
def test_an_extension_that_is_not_made_is_refused(person: Person, here: Path, sim: Simulator, out: str) -> None:
    """Before sending, also where another output has it: a named file is the video."""
    before = len(sim.requests)
    with pytest.raises(ValidationError, match=r"the server will make \.mp4, not"):
        person.run({**ONE, "4": STILL}, out=out)
    assert len(sim.requests) == before
    assert files(here) == []


@pytest.mark.parametrize("kind", ["sync", pytest.param("async", marks=pytest.mark.slow)])
def test_another_extension_is_said(kind: str, here: Path) -> None:
    """If the server makes another kind of file than its node's class tells, it keeps its own, and that is said."""
    with Simulator(faults=[ClaimFile(filename="x.webm")]) as sim:
        result = Person(kind, sim.url).run(out="clip.mp4")
    assert files(here) == ["clip.webm"]
    assert result.warnings == ("the server made .webm, not .mp4: saved as such",)
