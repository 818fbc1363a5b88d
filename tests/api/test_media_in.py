"""Files that a caller gives: what is sent and how often, what is refused, and that nothing is left behind."""

from __future__ import annotations

import base64
import io
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy
import pytest
from PIL import Image

from comfy_headless import (
    ComfyClient,
    GenerationRejectedError,
    GenerationTimeoutError,
    Timing,
    ValidationError,
    WorkflowUrl,
    compile_workflow,
    generate_video,
)
from comfy_headless.media.encode import write_video
from comfy_headless.simulator import Simulator
from tests.faults.clients import Person, within
from tests.media.holding import file_ways, frames, mask, offered, picture, picture_ways, png, sound, video
from tests.transport.files import serving

BOTH = pytest.mark.parametrize("kind", ["sync", pytest.param("async", marks=pytest.mark.slow)])
WAYS = ("text", "path", "file address", "address", "bytes", "file object", "bytes object", "base64", "data URL")
PICTURE_WAYS = tuple(picture_ways())
OFTEN = ("address", "bytes", "file object", "data URL", "PIL image", "array of float64")
"""What the quick tests take; the slow ones take all, and so do those of a real ComfyUI."""
SMALL = {"preset": "wan_5b", "width": 96, "height": 64, "frames": 5, "seed": 7, "allow_untested": True}


def graph(loader: str = "LoadImage", field: str = "image", *, nodes: int = 1, **more: Any) -> dict[str, Any]:
    """A graph whose loaders are given files by ``one``, ``two``, ..., and that saves a picture of its own."""
    names = ("one", "two", "three")[:nodes]
    made: dict[str, Any] = {
        str(number): {"class_type": loader, "inputs": {field: "none", **more}, "_meta": {"title": f"$~{name}.{field}!"}}
        for number, name in enumerate(names, 1)
    }
    empty = {"width": 64, "height": 48, "batch_size": 1, "color": 0}
    made["8"] = {"class_type": "EmptyImage", "inputs": empty}
    made["9"] = {"class_type": "SaveImage", "inputs": {"images": ["8", 0], "filename_prefix": "x"}}
    return made


@pytest.fixture
def sim() -> Iterator[Simulator]:
    """A server of each test's own, whose input folder is empty."""
    with Simulator() as simulator:
        yield simulator


@pytest.fixture(scope="module")
def shared() -> Iterator[Simulator]:
    """One server for what leaves no traces."""
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def uploads(sim: Simulator) -> int:
    """How many files were sent."""
    return sum(each.path.endswith("/upload/image") for each in sim.requests)


def sent(sim: Simulator) -> list[dict[str, Any]]:
    """The inputs of the loaders of each job, in their order."""
    with ComfyClient(sim.url) as client:
        jobs = client.jobs()
        entries = [client.history(job.prompt_id) for job in reversed(jobs)]
    return [
        {key: node["inputs"] for key, node in entry["prompt"][2].items() if key < "8"} for entry in entries if entry
    ]


@BOTH
@pytest.mark.parametrize(
    "way", [pytest.param(way, marks=[pytest.mark.slow] * (way not in OFTEN)) for way in (*WAYS, *PICTURE_WAYS)]
)
def test_every_way(shared: Simulator, kind: str, way: str, folder: Path) -> None:
    """A picture that is held in any way is on the server before the job, for presets as for workflows."""
    with offered({"/cat.png": png()}) as (host, _):
        value = {**file_ways(png(), "cat.png", folder, host), **picture_ways()}[way]()
        result = Person(kind, shared.url).call("run_workflow", graph(), {"one": value}, out=folder / "out")
    if hasattr(value, "close"):
        value.close()
    with ComfyClient(shared.url) as client:
        entry = client.history(result.prompt_id)
        assert entry is not None
        name = entry["prompt"][2]["1"]["inputs"]["image"]
        with Image.open(io.BytesIO(client.view(name, type="input"))) as stored:
            assert stored.convert("RGB").tobytes() == picture().tobytes()
    assert isinstance(result.settings["one"], str)


@BOTH
@pytest.mark.parametrize(
    "way", ["bytes object", *(pytest.param(way, marks=pytest.mark.slow) for way in (*WAYS, *PICTURE_WAYS))]
)
def test_presets_take_every_way(shared: Simulator, kind: str, way: str, folder: Path) -> None:
    """``image=`` takes what a marker takes; it may be needed more than once."""
    with offered({"/cat.png": png()}) as (host, _):
        value = {**file_ways(png(), "cat.png", folder, host), **picture_ways()}[way]()
        result = Person(kind, shared.url).call("generate_video", "x", image=value, out=folder / "a.mp4", **SMALL)
    if hasattr(value, "close"):
        value.close()
    assert (result.status, result.path) == ("completed", folder / "a.mp4")


@BOTH
def test_the_same_bytes_are_sent_once(sim: Simulator, kind: str, folder: Path) -> None:
    """In one job, in the next, by another client, held in another way, and under another name where one has none."""
    (folder / "a.png").write_bytes(png())
    (folder / "b.png").write_bytes(png())
    person = Person(kind, sim.url)
    three = {"one": "a.png", "two": folder / "b.png", "three": png()}
    person.call("run_workflow", graph(nodes=3), three, out="out")
    assert uploads(sim) == 1
    for value in ("a.png", Path("a.png"), str(folder / "a.png")):
        person.call("run_workflow", graph(), {"one": value}, out="out")
    assert uploads(sim) == 1
    for value in (io.BytesIO(png()), png(), base64.b64encode(png()).decode()):
        person.call("run_workflow", graph(), {"one": value}, out="out")
    assert uploads(sim) == 2  # what has no name has one that its bytes give
    names = {each["1"]["image"] for each in sent(sim)}
    assert len(names) == 2


def test_other_bytes_of_one_name_are_kept_apart(sim: Simulator, folder: Path) -> None:
    """Two files that are called the same here are two files there."""
    with ComfyClient(sim.url) as client:
        for content in (png(), png(mask()), png()):
            (folder / "a.png").write_bytes(content)
            client.run_workflow(graph(), {"one": "a.png"}, out="out")
    assert [each["1"]["image"] for each in sent(sim)] == ["a.png", "a (1).png", "a.png"]
    assert uploads(sim) == 2


@BOTH
def test_a_result_is_not_sent_to_its_own_server(sim: Simulator, kind: str, folder: Path) -> None:
    """The next job names it where it lies; if it is gone there, the file that was brought here is sent."""
    person = Person(kind, sim.url)
    first = person.call("run_workflow", graph(), {"one": png()}, out="out")
    for value in (first, first.images[0]):
        person.call("run_workflow", graph(), {"one": value}, out="out")
    assert uploads(sim) == 1
    assert [each["1"]["image"] for each in sent(sim)][1:] == [f"{first.images[0].filename} [output]"] * 2
    with Simulator() as other:
        Person(kind, other.url).call("run_workflow", graph(), {"one": first}, out="out")
        assert uploads(other) == 1
        assert sent(other)[0]["1"]["image"] == first.files[0].name


def test_a_result_that_is_only_there_is_fetched_for_another_server(sim: Simulator, folder: Path) -> None:
    """What was not downloaded goes from one server to the other."""
    with ComfyClient(sim.url) as client, Simulator() as other:
        job = client.submit(graph(), {"one": png()})
        result = client.wait_for_completion(job.prompt_id)
        assert result.files == []
        with ComfyClient(other.url) as second:
            second.run_workflow(graph(), {"one": result}, out="out")
        assert uploads(other) == 1


def test_a_result_with_several(sim: Simulator, folder: Path) -> None:
    """Which output is meant must be said where there are several, or none of the kind."""
    several = graph()
    several["8"]["inputs"]["batch_size"] = 2
    with ComfyClient(sim.url) as client:
        result = client.run_workflow(several, {"one": png()}, out="out")
        with pytest.raises(ValidationError, match=r"^one: the result has 2 images, not one; .*result.outputs\[0\]"):
            client.run_workflow(graph(), {"one": result})
        with pytest.raises(ValidationError, match=r"^one: the result has no video, not one; .*It has: image x_"):
            client.run_workflow(graph("LoadVideo", "file"), {"one": result})


BAD: dict[str, tuple[Callable[[], Any], str]] = {
    "a number": (lambda: 5, "one=5: of type int, which is no file; give a path, an address"),
    "a text file object": (lambda: io.StringIO("x"), "a file object that gives str; open it for bytes"),
    "a file object at its end": (lambda: io.BytesIO(), "empty from where it stands; file.seek"),
    "no bytes": (lambda: b"", r"one=0 bytes is empty \(0 bytes\)"),
    "a text": (lambda: b"hello there", "is no image that ComfyUI reads: it begins with b'hello th'; known: PNG, JPEG"),
    "a page": (lambda: b"<!doctype html><p>no such file", "it is HTML; known: PNG"),
    "a drawing": (lambda: b"<svg></svg>", "it is SVG; known: PNG"),
    "a telephone's picture": (lambda: b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "it is HEIC; known: PNG"),
    "a broken data URL": (lambda: "data:image/png;base64,AAAAA", "this is no base64"),
    "a data URL without data": (lambda: "data:image/png", "a data URL has a comma"),
    "a long text": (lambda: "x!" * 3000, "neither a path nor base64"),
    "an address of a bucket": (lambda: "s3://bucket/a.png", "s3:// is not fetched; give http, https or file"),
    "floats to 255": (lambda: numpy.full((4, 5, 3), 255.0), "floats from 255 to 255; expected 0 to 1, or uint8"),
    "floats below 0": (lambda: numpy.full((4, 5, 3), -0.5), "floats from -0.5 to -0.5"),
    "no numbers": (lambda: numpy.full((4, 5, 3), numpy.nan), "floats from nan to nan"),
    "integers": (lambda: numpy.zeros((4, 5, 3), "int64"), "an array of int64; expected uint8"),
    "channels first": (lambda: numpy.zeros((3, 4, 5), "uint8"), r"\(3, 4, 5\); expected .*; the channels come last"),
    "two pictures": (lambda: numpy.zeros((2, 4, 5, 3), "uint8"), r"an array of shape \(2, 4, 5, 3\); expected"),
    "one row": (lambda: numpy.zeros(7, "uint8"), r"an array of shape \(7,\)"),
    "nothing wide": (lambda: numpy.zeros((4, 0, 3)), r"an array of shape \(4, 0, 3\)"),
    "a picture of floats": (lambda: Image.new("F", (4, 5), 99.0), r"a picture of floats from 99.0 to 99.0; expected 0"),
    "a device": (lambda: Path("/dev/zero"), "neither file nor folder"),
    "a path upwards": (lambda: "../nope.png", r"one='../nope.png': No such file"),
    "a name of a folder above": (lambda: "a/../../b.png [output]", "b.png \\[output\\]': No such file"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_picture(shared: Simulator, name: str, folder: Path) -> None:
    """It is refused before anything is sent, in words that say what would do."""
    make, words = BAD[name]
    before = uploads(shared)
    with ComfyClient(shared.url) as client, pytest.raises(ValidationError, match=words):
        client.run_workflow(graph(), {"one": make()})
    assert uploads(shared) == before
    assert not any(each.path == "/prompt" for each in shared.requests if each.method == "POST" and each.status != 200)


def test_what_no_loader_of_videos_or_sounds_reads(shared: Simulator, folder: Path) -> None:
    """A picture is no sound, a video without sound none either; what holds both serves both."""
    silent = folder / "silent.mp4"
    write_video(silent, [picture(), picture()], fps=8)
    wrong = {
        "LoadAudio": ("audio", silent, "is no sound file that ComfyUI reads: it is MP4, without any sound; known: WAV"),
        "LoadVideo": ("file", sound(folder), "is no video that ComfyUI reads: it is FLAC; known: MP4"),
        "VHS_LoadVideo": ("video", png(name="BMP"), "is no video that ComfyUI reads: it is BMP"),
    }
    with ComfyClient(shared.url) as client:
        for loader, (field, value, words) in wrong.items():
            with pytest.raises(ValidationError, match=words):
                client.run_workflow(graph(loader, field), {"one": value}, check=False)
        for loader, field in (("LoadVideo", "file"), ("LoadAudio", "audio")):
            client.run_workflow(graph(loader, field), {"one": video(folder)}, out="out")
        client.run_workflow(graph("LoadVideo", "file"), {"one": frames()}, out="out")
        with pytest.raises(ValidationError, match=r"a ndarray is no sound file; give a file"):
            client.run_workflow(graph("LoadAudio", "audio"), {"one": frames()})
        with pytest.raises(ValidationError, match=r"^one: a PIL image is one picture; a video is an array \(frames, "):
            client.run_workflow(graph("LoadVideo", "file"), {"one": picture()})


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("what", ["file", "workflow"])
def test_a_deadline_holds_while_an_address_is_read(shared: Simulator, kind: str, what: str, folder: Path) -> None:
    """However slowly it comes, the call ends in time, and nothing is queued."""
    person = Person(kind, shared.url, timing=Timing(grace=0.05))
    with serving(tls=False) as host, within(20), pytest.raises(GenerationTimeoutError, match="nothing was queued"):
        url = f"http://127.0.0.1:{host.port}/slow_body"
        if what == "file":
            person.call("run_workflow", graph(), {"one": url}, timeout=0.5)
        else:
            person.call("run_workflow", WorkflowUrl(url, http=True, internal=True), timeout=0.1)


@BOTH
def test_a_name_on_the_server(sim: Simulator, kind: str, folder: Path) -> None:
    """It is asked for, wherever it lies, and a name that is nowhere is an error that says where was looked."""
    with ComfyClient(sim.url) as client:
        stored = client.upload(png(), name="a.png", subfolder="sub")
    person = Person(kind, sim.url)
    for name in (stored, f"{stored} [input]"):
        person.call("run_workflow", graph(), {"one": name}, out="out")
    assert uploads(sim) == 1
    words = r"one='b.png': No such file here \(.*b.png\), and http://127.* has none of that name in its input folder"
    with pytest.raises(ValidationError, match=words):
        person.call("run_workflow", graph(), {"one": "b.png"})
    with pytest.raises(ValidationError, match=r"image='b\.png': No such file here"):
        person.call("generate_video", "x", image="b.png", **SMALL)
    with pytest.raises(ValidationError, match="does not say whether it has one"):
        generate_video("x", image="b.png", server="http://127.0.0.1:9", **SMALL)


def test_a_name_that_may_mean_both(sim: Simulator, folder: Path) -> None:
    """A file that is here is meant, unless the name says otherwise."""
    with ComfyClient(sim.url) as client:
        client.upload(png(mask()), name="a.png")
        (folder / "a.png").write_bytes(png())
        client.run_workflow(graph(), {"one": "a.png"}, out="out")
        client.run_workflow(graph(), {"one": "a.png [input]"}, out="out")
    assert [each["1"]["image"] for each in sent(sim)] == ["a (1).png", "a.png [input]"]


def test_an_address_leads_nowhere_inside(sim: Simulator, folder: Path) -> None:
    """What was typed is asked, on this machine too; where that leads on to another host of it, nothing is."""
    with offered({"/secret.png": png()}) as (inside, heard):
        files = {"/a.png": f"{inside}/secret.png", "/b.png": "/c.png", "/c.png": png(), "/page": b"<html>hi</html>"}
        with offered(files) as (host, _), ComfyClient(sim.url) as client:
            with pytest.raises(ValidationError, match=r"one=.*/a.png: 127.0.0.1 is an address|of this machine"):
                client.run_workflow(graph(), {"one": f"{host}/a.png"})
            client.run_workflow(graph(), {"one": f"{host}/b.png"}, out="out")
            with pytest.raises(ValidationError, match=r"one=.*/page is no image that ComfyUI reads: it is HTML"):
                client.run_workflow(graph(), {"one": f"{host}/page"})
    assert heard == []


@BOTH
def test_nothing_is_sent_for_a_job_that_would_be_refused(sim: Simulator, kind: str, folder: Path) -> None:
    """The graph is held to the server first: no file goes up, and no address is asked."""
    wrong = graph()
    wrong["9"]["inputs"]["images"] = ["77", 0]
    with offered({"/a.png": png()}) as (host, heard):
        for value in (png(), f"{host}/a.png"):
            with pytest.raises(GenerationRejectedError, match="77"):
                Person(kind, sim.url).call("run_workflow", wrong, {"one": value})
    assert (uploads(sim), heard) == (0, [])


def test_open_files(sim: Simulator, folder: Path) -> None:
    """A file that is open at its start is read in pieces from the disk; any other from where it stands."""
    (folder / "a.png").write_bytes(png())
    (folder / "b.bin").write_bytes(b"12345" + png(mask()))
    with ComfyClient(sim.url) as client, tempfile.NamedTemporaryFile(suffix=".png") as made:
        made.write(png(mask().rotate(3)))
        made.flush()
        made.seek(0)
        with Path("a.png").open("rb") as plain, Path("b.bin").open("rb") as behind:
            behind.seek(5)
            for value in (plain, behind, made):
                client.run_workflow(graph(), {"one": value}, out="out")
            assert plain.tell() == 0
    names = [each["1"]["image"] for each in sent(sim)]
    assert names == ["a.png", "b.bin.png", os.path.basename(made.name)]  # noqa: PTH119


def test_nothing_is_left_behind(shared: Simulator, folder: Path) -> None:
    """No file is made beside those that are asked for."""
    with offered({"/a.png": png()}) as (host, _), ComfyClient(shared.url) as client:
        for value in (picture(), f"{host}/a.png", io.BytesIO(png())):
            client.run_workflow(graph(), {"one": value}, out=folder / "out")
    assert {each.name for each in folder.iterdir()} == {"out"}


def test_compiling_looks_at_nothing() -> None:
    """The graph of a preset has a name for its picture, however that is held."""
    held = ("in/cat.png", Path("in/cat.png"), png(), picture(), numpy.zeros((4, 5, 3)), "https://a.b/c%20d.jpg?x=1")
    made = [compile_workflow("wan_5b", image=each) for each in held]
    names = [
        next(node["inputs"]["image"] for node in each.values() if node["class_type"] == "LoadImage") for each in made
    ]
    assert names == ["cat.png", "cat.png", "image.png", "image.png", "image.png", "c d.jpg"]
