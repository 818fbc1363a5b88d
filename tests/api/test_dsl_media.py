"""Files for markers, where ComfyKit uploads them, drops them or fails: what is sent here, or the error before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from comfy_headless import ComfyClient, ComfyHeadlessError, ComfyUIConnectionError, ValidationError
from comfy_headless.client.options import server_of
from comfy_headless.protocol.effects import Call, Reply, Work, json_body
from comfy_headless.protocol.timing import Timing
from comfy_headless.protocol.uploads import bring, measured
from comfy_headless.simulator import Simulator
from tests.dsl import cases_of
from tests.media.holding import mask, offered, png

CASES = cases_of(__file__)
CAT = png()


class Sent:
    """What a server got of one case.

    Args:
        inputs: of the nodes of the case, as they were queued; empty where nothing was.
        uploads: how many files were sent.
        error: what the caller was told.
    """

    def __init__(self, inputs: dict[str, Any], uploads: int, error: ComfyHeadlessError | None) -> None:
        self.inputs, self.uploads, self.error = inputs, uploads, error


@pytest.fixture(scope="module")
def sim() -> Iterator[Simulator]:
    """A server that has the files which the graphs name; each of its own content."""
    with Simulator() as simulator, ComfyClient(simulator.url) as client:
        for number, name in enumerate(("default.png", "already_on_server.png", "a", "b")):
            client.upload(png(mask().rotate(number)), name=name)
        yield simulator


def run(sim: Simulator, case: str, folder: Path, image: Any = None, **client: Any) -> Sent:
    """Run a case with its own value, or with another; its files lie in ``folder``."""
    graph = CASES[case].graph
    given = CASES[case].given.get("params", {})
    name = next(iter(given), "image")
    value = image if image is not None else given.get(name)
    first = next(iter(graph))
    if graph[first]["class_type"] == "LoadImageMask":
        graph[first]["inputs"]["channel"] = "red"
        graph["80"] = {"class_type": "MaskToImage", "inputs": {"mask": [first, 0]}}
    made = ["80" if "80" in graph else first, 0]
    graph["90"] = {"class_type": "SaveImage", "inputs": {"images": made, "filename_prefix": "x"}}
    before = len(sim.requests)
    result, error = None, None
    with ComfyClient(sim.url, **client) as person:
        try:
            result = person.run_workflow(graph, {} if value is None else {name: value}, out=folder / "out")
        except ComfyHeadlessError as raised:
            error = raised
        uploads = sum(each.path.endswith("/upload/image") for each in sim.requests[before:])
        queued = sum((each.method, each.path) == ("POST", "/prompt") for each in sim.requests[before:])
        assert queued == (result is not None)
        entry = person.history(result.prompt_id) if result else None
    inputs = {node: entry["prompt"][2][node]["inputs"] for node in CASES[case].graph} if entry else {}
    return Sent(inputs, uploads, error)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a picture and a folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cat.png").write_bytes(CAT)
    (tmp_path / "dir").mkdir()
    return tmp_path


@pytest.mark.parametrize("case", ["m01", "m09", "m23"])
def test_a_file_that_is_here(sim: Simulator, folder: Path, case: str) -> None:
    """It goes to the server under its name, as a text or as a path."""
    path = folder / "cat.png"
    sent = run(sim, case, folder, {"m01": str(path), "m09": Path("cat.png"), "m23": "cat.png"}[case])
    assert sent.inputs["10"]["image"] == "cat.png"


def test_a_name_that_the_server_has(sim: Simulator, folder: Path) -> None:
    """m03: it is sent as it is; nothing is uploaded."""
    sent = run(sim, "m03", folder)
    assert (sent.inputs["10"]["image"], sent.uploads) == ("already_on_server.png", 0)


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("m04", r"image='/no/such/file.png': No such file"),
        ("m12", r"image=\['cat.png', 'cat.png'\]: of type list"),
        ("m13", r"image='': no path, and no name"),
        ("m14", r"image=data:image/png;base64,AAAA is no image that ComfyUI reads"),
        ("m15", r"image='file:///x/cat.png': No such file"),
        ("m17", r"image='dir': .*directory"),
        ("m29", r"text='hello': No such file here .*hello\), and http://.* has none of that name"),
    ],
)
def test_what_is_no_file(sim: Simulator, folder: Path, case: str, words: str) -> None:
    """It is an error that names it, and nothing is sent; never is another file taken."""
    sent = run(sim, case, folder)
    assert isinstance(sent.error, ValidationError)
    with pytest.raises(ValidationError, match=words):
        raise sent.error
    assert (sent.inputs, sent.uploads) == ({}, 0)


@pytest.mark.parametrize(
    ("case", "path", "name"),
    [
        ("m05", "/files/a%20b.png?x=1", "a b.png"),
        ("m06", "/files/raw", "raw.png"),
        ("m16", "/files/A.png", "A.png"),
    ],
)
def test_an_address(sim: Simulator, folder: Path, case: str, path: str, name: str) -> None:
    """The file is fetched and uploaded by its own name, with the ending of what it is."""
    with offered({path.partition("?")[0]: png(mask())}) as (host, _):
        sent = run(sim, case, folder, (host.upper() if case == "m16" else host) + path)
    assert sent.inputs["10"]["image"] == name


def test_an_address_where_nothing_is(sim: Simulator, folder: Path) -> None:
    """m07: the error names the address and what the host says."""
    with offered({}) as (host, _):
        sent = run(sim, "m07", folder, f"{host}/files/a.png")
    assert f"image={host}/files/a.png: it answers 404" in str(sent.error)
    assert (sent.inputs, sent.uploads) == ({}, 0)


def test_an_address_gets_nothing_of_the_server(sim: Simulator, folder: Path) -> None:
    """m08: what lets one in at the server goes nowhere else."""
    with offered({"/files/a.png": CAT}) as (host, heard):
        run(sim, "m08", folder, f"{host}/files/a.png", token="KEY", cookies={"s": "1"}, headers={"X-Own": "y"})
    assert len(heard) == 1
    assert not heard[0].keys() & {"authorization", "cookie", "x-own"}


def test_bytes(sim: Simulator, folder: Path) -> None:
    """m10: bytes go under a name that their content gives, with the ending of what they are."""
    assert run(sim, "m10", folder, CAT).inputs["10"]["image"].endswith(".png")
    assert "image=3 bytes is no image that ComfyUI reads: it begins with b'PNG'" in str(
        run(sim, "m10", folder, b"PNG").error
    )


@pytest.mark.parametrize("case", ["m20", "m21"])
def test_a_saved_name_stays(sim: Simulator, folder: Path, case: str) -> None:
    """What the workflow itself names is never uploaded, even if a file of that name is here."""
    saved = CASES[case].graph["10"]["inputs"]["image"]
    with ComfyClient(sim.url) as client:
        client.upload(CAT, name="cat.png")
    (folder / saved).write_bytes(png(mask().rotate(9)))
    sent = run(sim, case, folder)
    assert (sent.inputs["10"]["image"], sent.uploads) == (saved, 0)


def test_one_file_for_two_inputs(sim: Simulator, folder: Path) -> None:
    """m33: it is uploaded once, and both inputs get its name."""
    (folder / "two.png").write_bytes(png(mask().rotate(7)))
    sent = run(sim, "m33", folder, "two.png")
    assert ({node["image"] for node in sent.inputs.values()}, sent.uploads) == ({"two.png"}, 1)


@pytest.mark.parametrize(("case", "name"), [("m30", "sub/cat (1).png"), ("m32", None)])
def test_what_the_server_calls_it(case: str, name: str | None) -> None:
    """The input gets the name with its folder; an answer without a name is an error."""
    answer = CASES[case].given["server"]["upload_reply"][1]
    flow = bring(server_of("http://h:1", "polling", Timing(), None), measured(CAT, "cat.png"))
    reply: Any = None
    try:
        while True:
            effect = flow.send(reply)
            if isinstance(effect, Call):
                reply = Reply(404, {}) if effect.method == "HEAD" else Reply(200, {}, json_body(answer))
            else:
                reply = effect.function(*effect.args) if isinstance(effect, Work) else 0.0
    except StopIteration as end:
        assert end.value == name
    except ComfyUIConnectionError as error:
        assert name is None
        assert "the answer has no name" in str(error)
