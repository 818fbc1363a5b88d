"""What a history tells becomes a result: ComfyKit's cases about outputs and failures, each taken up by its id alone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from comfy_headless.errors import GenerationFailedError
from comfy_headless.graph.outputs import named_outputs
from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.effects import Call, Flow, Listen, Now, Reply
from comfy_headless.protocol.result import Result
from comfy_headless.protocol.run import Wait, take_up
from comfy_headless.protocol.ticket import Label
from comfy_headless.protocol.timing import Timing
from tests.dsl import cases_of

CASES = cases_of(__file__)
SERVER = Server("http://SERVER", "me", Timing(), socket=False)


def answered(flow: Flow[Result], entry: dict[str, Any]) -> Result:
    """Perform a flow with a server whose history holds one job, ``p``."""
    answer: Any = None
    try:
        while True:
            match flow.send(answer):
                case Call("GET", "/history/p"):
                    answer = Reply(200, {}, json.dumps({"p": entry}).encode())
                case Now():
                    answer = 0.0
                case Listen():
                    answer = None
                case effect:
                    raise AssertionError(effect)
    except StopIteration as done:
        result: Result = done.value
        return result


def result_of(name: str, *, raise_on_error: bool = False) -> Result:
    """The result of a case, by its id."""
    case = CASES[name]
    told = case.given["server"]
    label = Label(outputs=named_outputs(case.graph))
    entry = {
        "prompt": [0, "p", case.graph, json.loads(json.dumps(label.extra_data())), []],
        "outputs": told.get("history_outputs", {}),
        "status": told.get("history_status", {"status_str": "success", "completed": True, "messages": []}),
    }
    return answered(take_up(SERVER, "p", Wait(raise_on_error=raise_on_error)), entry)


def names(outputs: Any) -> Any:
    """The names of files, in lists or below variables."""
    if isinstance(outputs, dict):
        return {variable: names(some) for variable, some in outputs.items()}
    return [each.filename for each in outputs]


@pytest.mark.parametrize("name", ["o01", "o02", "o03", "o04", "o05", "o06", "o07", "o08", "o18", "o20"])
def test_no_file_is_lost_or_doubled(name: str) -> None:
    """Every entry with a name is an output or a preview, once; ``raw`` is what the server told."""
    told = CASES[name].given["server"]["history_outputs"]
    result = result_of(name)
    assert (result.success, result.raw) == (True, told)
    entries = [one for node in told.values() for some in node.values() if isinstance(some, list) for one in some]
    wanted = sorted(one["filename"] for one in entries if isinstance(one, dict) and one["filename"])
    assert sorted(each.filename for each in (*result.outputs, *result.previews) if each.filename) == wanted


def test_previews_are_apart() -> None:
    """o01: the picture that was saved is the only output; the preview keeps its address."""
    result = result_of("o01")
    assert (names(result.images_by_var), names(result.outputs)) == ({"cover": ["a.png"]}, ["a.png"])
    (preview,) = result.previews
    assert (preview.url, preview.path) == ("http://SERVER/view?filename=p.png&subfolder=&type=temp", None)


def test_kinds_by_name() -> None:
    """o02, o03, o04: pictures, videos, sound, models and what is none of these, whatever key they come under."""
    assert names(result_of("o02").images_by_var) == {
        "cover": ["a.PNG", "b.jpeg", "c.webp", "d.bmp", "e.tiff", "f.tif", "g.gif", "h.avif", "i.svg", "j.exr"]
    }
    assert names(result_of("o03").videos_by_var) == {"cover": ["a.mp4"], "12": ["b.webm", "c.mkv", "d.m4v", "e.gif"]}
    result = result_of("o04")
    assert names(result.audios_by_var) == {"cover": ["a.flac", "b.opus", "c.mp3", "d.aiff"]}
    assert names(result.videos_by_var) == {"12": ["x.mp4", "y.mp4"]}
    assert (names(result.meshes_by_var), names(result.others_by_var)) == ({"12": ["m.glb"]}, {"12": ["z.txt"]})


@pytest.mark.parametrize(("name", "variable"), [("o05", "x"), ("o06", "2")])
def test_two_nodes_with_one_variable(name: str, variable: str) -> None:
    """Both are there, in the graph's order, and each tells its node."""
    result = result_of(name)
    assert names(result.images_by_var) == {variable: ["a.png", "b.png"]}
    assert [each.node_id for each in result.images] == ["1", "2"]


def test_addresses_and_ids() -> None:
    """o07, o20: an address is percent-encoded, and the id of a node in a subgraph is a variable."""
    (one,) = result_of("o07").images
    assert one.url == "http://SERVER/view?filename=a+b%26c%231.png&subfolder=x%2Fy&type=output"
    assert names(result_of("o20").images_by_var) == {"9:3": ["a.png"]}


def test_texts_are_texts() -> None:
    """o08, o18: numbers become texts; what is nothing is passed over with a warning, and the rest stands."""
    result = result_of("o08")
    said = {variable: [each.text for each in some] for variable, some in result.texts_by_var.items()}
    assert said == {"cover": ["a", "b"], "12": ["c"], "13": ["5"], "14": ["1"]}
    assert result.warnings == ("node 14 gave a text that is none (null): passed over",)
    (first, *_) = result_of("o18").warnings
    assert first == "node 9 names a file under 'images' without a name (None): passed over"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("o11", r"^node 9 \(SaveImage\) failed on the server: OOM$"),
        ("o12", r"^node 9 \(SaveImage\): interrupted on the server: somebody cancelled the job$"),
        ("o13", r"^node 9 \(SaveImage\) failed on the server: it does not say why$"),
        ("o14", r"^the job p failed; the server's history does not say why"),
    ],
)
def test_failures(name: str, words: str) -> None:
    """A failed job is an error that names the node; asked not to raise, a result with status "failed" and its words."""
    with pytest.raises(GenerationFailedError, match=words) as caught:
        result_of(name, raise_on_error=True)
    result = result_of(name)
    assert (result.status, result["success"], result.error) == ("failed", False, str(caught.value))
    assert (result.prompt_id, result.outputs) == ("p", ())
