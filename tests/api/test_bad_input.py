"""Bad input: a clear error before anything is sent, naming the value and what exists.

Each case runs on both clients against a simulator that must not have heard of it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from comfy_headless import AsyncComfyClient, ComfyClient, ValidationError, compile_workflow
from comfy_headless.simulator import Simulator
from tests.api.own_presets import write_by_task
from tests.faults.clients import VIDEO, Person

PNG = b"\x89PNG\r\n\x1a\nrest of it"
NAN = {**VIDEO, "2": {"class_type": "CreateVideo", "inputs": {"images": ["1", 0], "fps": math.nan}}}
BROWSER = ("browser format", "'nodes' and 'links'", "convert_workflow")


class Bad(NamedTuple):
    """A call that is wrong, and what its message must say.

    Args:
        given: arguments by name, of ``generate_video`` with ``preset="wan_5b"``, or of ``method``.
    """

    given: Mapping[str, Any]
    says: tuple[str, ...]
    method: str = "generate_video"


def workflow(given: Any, *says: str, **more: Any) -> Bad:
    """A call of ``run_workflow``."""
    return Bad({"workflow": given, **more}, says, "run_workflow")


def queued(given: Any, *says: str) -> Bad:
    """A call of ``queue_prompt``."""
    return Bad({"workflow": given}, says, "queue_prompt")


PRESETS: Final = {
    "unknown preset": Bad({"preset": "wan_5"}, ("'wan_5'", "did you mean 'wan_5b'?", "wan_5b, wan_fast")),
    "preset of no kind": Bad({"preset": 5}, ("preset=5", "expected a preset's name")),
    "unknown setting": Bad({"stepps": 3}, ("'stepps'", "did you mean 'steps'?", "width, height, frames, fps")),
    "a family's setting": Bad({"motion_bucket_id": 9}, ("wan_5b has no setting 'motion_bucket_id'", "It has: width")),
    "width off the rule": Bad({"width": 1270}, ("width=1270", "a multiple of 32", "1248 or 1280")),
    "height off the rule": Bad({"height": 100}, ("height=100", "a multiple of 32", "96 or 128")),
    "width of words": Bad({"width": "wide"}, ("width='wide'", "a whole number")),
    "an untested size": Bad({"width": 704}, ("704x704", "1280x704 or 704x1280", "allow_untested=True")),
    "frames off the rule": Bad({"frames": 120}, ("frames=120", "4n+1", "117 or 121")),
    "frames of another family": Bad({"preset": "ltx_standard", "frames": 120}, ("frames=120", "8n+1", "113 or 121")),
    "negative frames": Bad({"frames": -5}, ("frames=-5", "at least 1")),
    "half a frame": Bad({"frames": 9.5}, ("frames=9.5", "a whole number")),
    "frames and seconds": Bad({"frames": 9, "seconds": 2}, ("frames=9 and seconds=2", "one of them")),
    "no steps": Bad({"steps": 0}, ("steps=0", "at least 1")),
    "steps of a fixed list": Bad({"preset": "ltx_standard", "steps": 20}, ("steps=20", "only 8", "fixed list")),
    "unknown sampler": Bad({"sampler": "eular"}, ("sampler='eular'", "did you mean 'euler'?", "uni_pc")),
    "cfg that is none": Bad({"cfg": math.nan}, ("cfg=nan", "expected a finite number")),
    "negative seed": Bad({"seed": -5}, ("seed=-5", "at least 0")),
    "prompt that is none": Bad({"prompt": 5}, ("prompt=5", "expected text")),
}
IMAGES: Final = {
    "no image for an image preset": Bad(
        {"preset": "only_image"}, ("only_image takes one image", "no image is given", "ltx_standard", "only_text")
    ),
    "an image for a text preset": Bad(
        {"preset": "only_text", "image": "good.png"}, ("takes no image", "one image is given", "only_image")
    ),
    "one image too few": Bad(
        {"preset": "only_both", "image": "good.png"}, ("a first and a last image", "one image is given", "only_image")
    ),
    "one image too many": Bad(
        {"image": "good.png", "last_image": "good.png"}, ("wan_5b takes", "two images are given", "only_both")
    ),
    "a last image alone": Bad({"last_image": "good.png"}, ("last_image is given without image", "only_both")),
    "an image that is not there": Bad({"image": Path("cat.png")}, ("image='cat.png'", "No such file")),
    "a last image that is not there": Bad(
        {"preset": "only_both", "image": "good.png", "last_image": Path("end.png")},
        ("last_image='end.png'", "No such file"),
    ),
    "an empty image": Bad({"image": "empty.png"}, ("image='empty.png'", "is empty")),
    "an image that is none": Bad({"image": "text.png"}, ("image='text.png'", "b'hello th'", "PNG, JPEG, WebP")),
    "a folder": Bad({"image": "folder"}, ("image='folder'", "directory")),
    "an address of another kind": Bad({"image": "s3://bucket/cat.png"}, ("s3://bucket/cat.png", "http, https or file")),
    "a list of images": Bad({"image": ["good.png"]}, ("image=['good.png']", "of type list", "a path, an address")),
    "a name with NUL": Bad({"image": "a\0b"}, ("a\\x00b",)),
}
WORKFLOWS: Final = {
    "no such workflow": workflow("nope.json", "'nope.json'", "No such file"),
    "malformed marker": workflow(
        "marker.json", "marker.json: node 6 (CLIPTextEncode)", "'$prompt.text!!", "at position 14"
    ),
    "an empty page": workflow("browser.json", "browser.json is empty", "it has no nodes"),
    "not JSON": workflow("notes.json", "notes.json is not JSON", "line 1, column 1"),
    "a picture": workflow("good.png", "good.png holds no workflow"),
    "an empty file": workflow("empty.png", "empty.png is empty"),
    "a list": workflow("list.json", "list.json is a list", "class_type"),
    "no nodes": workflow({}, "it has no nodes"),
    "half of a JSON text": workflow(json.dumps(VIDEO)[:-1], "workflow is not JSON", "line 1"),
    "no workflow": workflow(None, "workflow=None", "expected a path, the workflow itself"),
    "nowhere": workflow("ftp://host/w.json", "'ftp://host/w.json'", "nothing is read from ftp://", "https://, server:"),
    "an address without TLS": workflow("http://files.example/w.json", "http://files.example/w.json", "expected https"),
    "an address inside": workflow("https://127.0.0.1/w.json", "127.0.0.1", "of this machine or its network"),
    "a RunningHub id": workflow("1234567890", "1234567890 is kept by RunningHub", "server=RunningHub()"),
    "NaN": workflow(NAN, "node 2 (CreateVideo)", "nan"),
    "unknown parameter": workflow("preset.json", "'promt'", "did you mean 'prompt'?", params={"promt": "x"}),
    "parameter of the wrong kind": workflow("preset.json", "steps='many'", "whole number", params={"steps": "many"}),
    "parameters that are none": workflow("preset.json", "params=['x']", "expected a dict", params=["x"]),
    "a required one left out": workflow("image.json", "required and not given", "'prompt'", "'image'", params={}),
    "a file to upload that is not there": workflow(
        "image.json",
        "image='cat.png'",
        "No such file",
        params={"prompt": "x", "image": Path("cat.png"), "last_image": "good.png"},
    ),
    "queued: the browser's format": queued({"nodes": [], "links": []}, *BROWSER),
    "queued: NaN": queued(NAN, "node 2 (CreateVideo)", "nan", "JSON cannot carry"),
    "queued: a path": queued("preset.json", "'preset.json'", "run_workflow takes the path"),
    "queued: no node": queued({"1": {"inputs": {}}}, "node 1", "no class_type"),
}
PLACES: Final = {
    "a file where a folder should be": ({"out": "text.png/clip.mp4"}, ("text.png", "a file is where a folder")),
    "a place that nobody can write": ({"out": "/proc/nobody/clip.mp4"}, ("cannot write to /proc/nobody",)),
    "an extension that is not made": ({"out": "clip.gif"}, ("'clip.gif'", "will make .mp4, not .gif", "clip.mp4")),
    "no path": ({"out": ""}, ("out=''", "clip.mp4")),
    "no path at all": ({"out": 5}, ("out=5", "clip.mp4")),
    "no time": ({"timeout": 0}, ("timeout=0", "above 0", "None")),
    "time in words": ({"timeout": "5"}, ("timeout='5'", "above 0")),
    "a callback that is none": ({"on_progress": 3}, ("on_progress=3", "a function of one argument")),
}
WAITS: Final = {
    f"{method}: {name}": Bad({**base, **given}, says, method)
    for method, base in (("generate_video", {}), ("run_workflow", {"workflow": VIDEO}))
    for name, (given, says) in PLACES.items()
}
IDS: Final = {
    f"{method}: {prompt_id!r}": Bad({"prompt_id": prompt_id}, (f"prompt_id={prompt_id!r}", "queue_prompt"), method)
    for method in ("wait_for_completion", "cancel", "history")
    for prompt_id in (None, "", "a/../b", "a b")
}
UPLOADS: Final = {
    "upload: not there": Bad({"path": "cat.png"}, ("'cat.png'", "No such file"), "upload"),
}
CASES: Final = {**PRESETS, **IMAGES, **WORKFLOWS, **WAITS, **IDS, **UPLOADS}


@pytest.fixture(scope="module")
def untouched() -> Iterator[Simulator]:
    """A server that hears nothing of these calls."""
    with Simulator() as sim:
        yield sim
        assert sim.requests == ()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with files of every kind, and with presets of one's own."""
    monkeypatch.chdir(tmp_path)
    write_by_task(tmp_path / "presets")
    monkeypatch.setenv("COMFY_HEADLESS_PRESETS", str(tmp_path / "presets"))
    graph = compile_workflow("wan_5b", "a cat")
    marked = json.dumps(graph).replace("$prompt.text", "$prompt.text!!")
    image = json.loads((tmp_path / "presets/two_images.json").read_text(encoding="utf-8"))
    contents = {
        "good.png": PNG,
        "empty.png": b"",
        "text.png": b"hello there",
        "marker.json": marked.encode(),
        "browser.json": b'{"nodes": [], "links": [], "version": 0.4}',
        "notes.json": b"hello",
        "list.json": b"[1, 2]",
        "preset.json": json.dumps(graph).encode(),
        "image.json": json.dumps(image).encode(),
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "folder").mkdir()
    return tmp_path


@pytest.mark.parametrize("kind", ["sync", pytest.param("async", marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", CASES)
def test_bad_input_is_refused_unsent(untouched: Simulator, folder: Path, kind: str, name: str) -> None:
    """The message names the value and what exists; no request is made, not even a socket, and nothing is written."""
    bad = CASES[name]
    before = sorted(folder.rglob("*"))
    given = {"prompt": "a cat", "preset": "wan_5b"} if bad.method == "generate_video" else {}
    with pytest.raises(ValidationError) as caught:
        Person(kind, untouched.url).call(bad.method, **{**given, **bad.given})
    for words in bad.says:
        assert words in str(caught.value)
    assert untouched.requests == ()
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize("url", ["not an address", "ftp://somewhere", "http://", "localhost:99999", 5])
@pytest.mark.parametrize("kind", ["sync", pytest.param("async", marks=pytest.mark.slow)])
def test_a_server_that_is_no_address(kind: str, url: Any) -> None:
    """What cannot be the address of a server is refused with an example of one."""
    with pytest.raises(ValidationError) as caught:
        Person(kind, url).call("system_stats")
    assert repr(url) in str(caught.value)
    assert "http://localhost:8188" in str(caught.value)


def test_a_server_of_the_environment_that_is_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same for ``COMFY_HEADLESS_URL``."""
    monkeypatch.setenv("COMFY_HEADLESS_URL", "not an address")
    with pytest.raises(ValidationError, match="'not an address' is not an address"):
        ComfyClient()


@pytest.mark.parametrize("kind", ["sync", pytest.param("async", marks=pytest.mark.slow)])
def test_an_unknown_transport(kind: str) -> None:
    """The transports that there are, are listed."""
    with pytest.raises(ValidationError, match=r"transport='pigeon'; there are: auto, websocket, polling"):
        Person(kind, "http://127.0.0.1:9", transport="pigeon").call("system_stats")


@pytest.mark.parametrize("client", [ComfyClient, AsyncComfyClient])
def test_an_argument_of_no_client(client: Any) -> None:
    """It is named with the nearest one, or with where it belongs, and all that there are."""
    with pytest.raises(TypeError, match=r"no argument 'timout'; did you mean 'timing'\? There are: url, .*, api_key"):
        client(timout=3)
    with pytest.raises(TypeError, match=r"no argument 'timeout'; calls that wait take it\. There are: url"):
        client(timeout=3)


@pytest.mark.parametrize("kind", ["sync", pytest.param("async", marks=pytest.mark.slow)])
def test_bad_input_without_a_preset(folder: Path, kind: str) -> None:
    """Where the server must be asked which preset to take, it is asked and nothing else."""
    with Simulator() as sim:
        for bad, says in (({"width": 1270}, "width=1270"), ({"out": "clip.gif"}, "not .gif"), ({"stepps": 3}, "steps")):
            with pytest.raises(ValidationError, match=says):
                Person(kind, sim.url).call("generate_video", "a cat", image="good.png", **bad)
        assert {(request.method, request.path) for request in sim.requests} == {
            ("GET", "/system_stats"),
            ("GET", "/object_info"),
        }


@pytest.mark.parametrize("kind", ["sync", pytest.param("async", marks=pytest.mark.slow)])
def test_a_place_is_proved_before_an_upload(folder: Path, kind: str) -> None:
    """An image is not uploaded for a video that could not be saved."""
    with Simulator() as sim:
        with pytest.raises(ValidationError, match="a file is where a folder should be"):
            Person(kind, sim.url).call(
                "generate_video", "a cat", preset="wan_5b", image="good.png", out="text.png/clip.mp4"
            )
        assert sim.requests == ()
