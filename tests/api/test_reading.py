"""A workflow from wherever it is, saved or exported: run, queued, checked and drafted, all the same."""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from threading import get_ident
from typing import Any, ClassVar, Final

import pytest

from comfy_headless import AsyncComfyClient, ComfyClient, ValidationError, check
from comfy_headless.api.new_preset import new_preset
from comfy_headless.api.reading import read_api_graph, read_here, read_source, read_template, read_there
from comfy_headless.graph.origins import Workflow, WorkflowUrl
from comfy_headless.graph.schemas import Schemas
from comfy_headless.media.probe import image_size
from comfy_headless.simulator import Simulator
from tests.faults.clients import Person
from tests.media.comfy_files import png, video
from tests.transport.files import serving

DRAWN: Final[Mapping[str, Any]] = {
    "nodes": [
        {
            "id": 1,
            "type": "EmptyImage",
            "title": "Size, $width.width",
            "outputs": [{"name": "IMAGE", "type": "IMAGE", "links": [7]}],
            "widgets_values": [64, 48, 1, 0],
        },
        {
            "id": 2,
            "type": "SaveImage",
            "title": "$output.picture",
            "inputs": [{"name": "images", "type": "IMAGE", "link": 7}],
            "widgets_values": ["own/drawn"],
        },
    ],
    "links": [[7, 1, 0, 2, 0, "IMAGE"]],
    "version": 0.4,
}
"""A workflow as the browser saves it."""

GRAPH: Final[Mapping[str, Any]] = {
    "1": {
        "class_type": "EmptyImage",
        "inputs": {"width": 64, "height": 48, "batch_size": 1, "color": 0},
        "_meta": {"title": "Size, $width.width"},
    },
    "2": {
        "class_type": "SaveImage",
        "inputs": {"images": ["1", 0], "filename_prefix": "own/drawn"},
        "_meta": {"title": "$output.picture"},
    },
}
"""The same as the browser exports it."""


@pytest.fixture(scope="module")
def sim() -> Iterator[Simulator]:
    """A server on which somebody saved the workflow."""
    with Simulator() as running:
        with ComfyClient(running.url) as client:
            client.store_userdata("workflows/mine/drawn.json", json.dumps(DRAWN), overwrite=True)
        yield running


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with the workflow in files of several kinds."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "drawn.json").write_text(json.dumps(DRAWN))
    (tmp_path / "12345").write_text(json.dumps(GRAPH))
    (tmp_path / "made.png").write_bytes(png({"prompt": GRAPH, "workflow": DRAWN}))
    (tmp_path / "made.mp4").write_bytes(video({"workflow": DRAWN}))
    return tmp_path


SOURCES: Final[Mapping[str, Callable[[str], Workflow]]] = {
    "a dict": lambda url: DRAWN,
    "JSON text": lambda url: json.dumps(DRAWN),
    "bytes": lambda url: png({"workflow": DRAWN}),
    "a path": lambda url: "drawn.json",
    "a Path": lambda url: Path("drawn.json"),
    "a file that is called as an id": lambda url: "12345",
    "a picture": lambda url: "made.png",
    "a video": lambda url: Path("made.mp4"),
    "saved on the server": lambda url: "server:mine/drawn",
    "an address of the server": lambda url: f"{url}/userdata/workflows%2Fmine%2Fdrawn.json",
}


TOLD: Final = ("JSON text", "bytes", "a Path", "a file that is called as an id", "a picture")
"""Those whose reading other quick tests hold to what they give."""


@pytest.mark.parametrize("kind", ["sync", pytest.param("async", marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", [pytest.param(each, marks=[pytest.mark.slow] * (each in TOLD)) for each in SOURCES])
def test_a_workflow_runs(sim: Simulator, folder: Path, kind: str, name: str) -> None:
    """Saved or exported, and wherever it is: its markers are filled, and the same graph is sent."""
    result = Person(kind, sim.url).call("run_workflow", SOURCES[name](sim.url), {"width": 96}, out=folder / "out")
    assert [image_size(path) for path in result.files] == [(96, 48)]
    with ComfyClient(sim.url) as client:
        entry = client.history(result.prompt_id)
    assert entry is not None
    sized = {**GRAPH["1"], "inputs": {**GRAPH["1"]["inputs"], "width": 96}}
    assert entry["prompt"][2] == {**GRAPH, "1": sized}


@pytest.mark.parametrize("name", [name for name in SOURCES if "server" not in name])
def test_without_a_server(folder: Path, name: str) -> None:
    """It is read by the shipped node classes."""
    assert read_here(read_api_graph(None, SOURCES[name](""))).graph == GRAPH
    assert list(read_here(read_template(None, SOURCES[name](""))).parameters) == ["width"]
    assert not check(SOURCES[name]("")).fails


class Watched(dict[str, Any]):
    """A node that notes in which threads it is read."""

    threads: ClassVar[set[int]] = set()

    def items(self) -> Any:
        """Note the thread."""
        self.threads.add(get_ident())
        return super().items()


def test_a_workflow_does_not_hold_up_a_loop(sim: Simulator) -> None:
    """On asyncio it is read and filled in another thread, since it may be large."""

    async def queue() -> str:
        async with AsyncComfyClient(sim.url) as client:
            return (await client.submit({key: Watched(node) for key, node in GRAPH.items()}, {"width": 96})).prompt_id

    assert asyncio.run(queue())
    assert Watched.threads and get_ident() not in Watched.threads


def test_everywhere_the_same(sim: Simulator, folder: Path) -> None:
    """It is queued, checked with values and without, and drafted into a preset, by a server or not."""
    with ComfyClient(sim.url) as client:
        assert client.submit("server:mine/drawn", {"width": 96}).result(folder / "a").status == "completed"
        assert not client.check(DRAWN).fails
        assert not client.check("made.mp4", params={"width": 96}).fails
        with pytest.raises(ValidationError, match="width=0: too small, the least is 1"):
            client.check(DRAWN, params={"width": 0})
    assert not check(DRAWN, sim.url).fails
    assert not check("drawn.json", object_info=Schemas.snapshot()).fails
    made = new_preset("mine", "server:mine/drawn.json", server=sim.url, dry_run=True)
    assert json.loads(made.draft.template)["1"]["class_type"] == "EmptyImage"


def test_what_could_not_be_taken_over(sim: Simulator, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Values that do not fit their class are warned of: by the check in its log, by a run in its result."""
    odd = {**DRAWN, "nodes": [{**DRAWN["nodes"][0], "widgets_values": ["64", 48]}, DRAWN["nodes"][1]]}
    check(odd)
    assert "workflow: node 1 (EmptyImage" in caplog.text
    with ComfyClient(sim.url) as client:
        assert any("node 1 (EmptyImage" in note for note in client.run_workflow(odd, out=folder).notes)


def info_of_a_pack() -> dict[str, Any]:
    """What a server tells that has a class of nobody else's, as image of a size."""
    core = Schemas.snapshot()
    raw = {name: core.raw(name) for name in ("EmptyImage", "SaveImage")}
    width = ["INT", {"default": 64, "min": 32, "max": 4096}]
    own = {**raw["EmptyImage"], "name": "MyImage", "python_module": "custom_nodes.mine"}
    own["input"] = {"required": {"width": width, "style": [["plain", "wild"]]}}
    return {**raw, "MyImage": {**own, "input_order": {"required": ["width", "style"]}}}


OWN_DRAWN: Final = {
    **DRAWN,
    "nodes": [
        {**DRAWN["nodes"][0], "type": "MyImage", "title": "$width, $style.style", "widgets_values": [64, "wild"]},
        DRAWN["nodes"][1],
    ],
}


@pytest.mark.parametrize("kind", ["sync", pytest.param("async", marks=pytest.mark.slow)])
def test_classes_of_the_server(kind: str) -> None:
    """What is converted goes by them, and so do ranges and choices; without them the node and its class are named."""
    with Simulator(object_info=info_of_a_pack()) as own:
        person = Person(kind, own.url)
        assert not person.call("check", OWN_DRAWN).fails
        for params, words in (({"width": 16}, "the least is 32"), ({"style": "mild"}, r"did you mean 'wild'\?")):
            with pytest.raises(ValidationError, match=words):
                person.call("submit", OWN_DRAWN, params)
        graph = read_there(own.url, lambda server: read_api_graph(server, OWN_DRAWN)).graph
        assert graph["1"]["inputs"] == {"width": 64, "style": "wild"}
        exported = {**graph, "1": {**graph["1"], "_meta": {"title": "$size.width"}}}
        with pytest.raises(ValidationError, match="the least is 32"):
            person.call("check", exported, params={"size": "16"})
    with pytest.raises(ValidationError, match=r"node 1.*MyImage"):
        read_here(read_api_graph(None, OWN_DRAWN))


def test_a_choice_that_only_the_server_has() -> None:
    """A value that the shipped classes refuse is held to the server's; what none would take asks nobody."""
    scaled = {"image": ["1", 0], "upscale_method": "area", "width": 32, "height": 32, "crop": "disabled"}
    graph = {**GRAPH, "3": {"class_type": "ImageScale", "inputs": scaled, "_meta": {"title": "$how.upscale_method"}}}
    raw = {name: copy.deepcopy(Schemas.snapshot().raw(name)) for name in ("EmptyImage", "SaveImage", "ImageScale")}
    raw["ImageScale"]["input"]["required"]["upscale_method"][0].append("magic")
    with Simulator(object_info=raw) as own, ComfyClient(own.url) as client:
        with pytest.raises(ValidationError, match="no parameter 'hwo'"):
            client.submit(graph, {"hwo": "magic"})
        assert own.requests == ()
        assert client.submit(graph, {"how": "magic"}).graph["3"]["inputs"]["upscale_method"] == "magic"
        with pytest.raises(ValidationError, match=r"how='magi': not one of the choices; did you mean 'magic'\?"):
            client.submit(graph, {"how": "magi"})


@pytest.mark.parametrize(
    ("workflow", "words"),
    [
        ("server:mine/draw", r"no saved workflow 'mine/draw'; did you mean 'mine/drawn'\? There are: mine/drawn"),
        ("server:../../etc/passwd", "a name without empty parts"),
        ("template:video", "has no templates: the package comfyui-workflow-templates"),
        ("runninghub:5", "is a ComfyUI server: give server=RunningHub"),
        ({"_source": "runninghub", "workflow_id": "42"}, "runninghub:42 is kept by RunningHub"),
        ('{"_source": "runninghub", "workflow_id": "../x"}', "id of a RunningHub workflow is a number"),
    ],
)
def test_what_a_server_has_not(sim: Simulator, workflow: Any, words: str) -> None:
    """The name is said, with the nearest one and all that there are."""
    with pytest.raises(ValidationError, match=words):
        read_there(sim.url, lambda server: read_source(server, workflow))


def test_an_address_of_the_server_that_leads_nowhere(sim: Simulator) -> None:
    """It is a wrong name, as others are; nothing broke."""
    url = f"{sim.url}/userdata/workflows%2Fnone.json"
    with pytest.raises(ValidationError, match=rf"^workflow {url}: {sim.url} has no such file \(404\)$"):
        read_there(sim.url, lambda server: read_source(server, url))


@pytest.mark.parametrize("workflow", ["server:x", "template:x", "5", "runninghub:5"])
def test_nobody_to_ask(folder: Path, workflow: str) -> None:
    """What a server keeps needs one."""
    with pytest.raises(ValidationError, match=r"is kept by .*, and none is asked; name it with server="):
        read_here(read_source(None, workflow))


def test_addresses(sim: Simulator) -> None:
    """One of this machine is read only where that is said; then by both clients."""
    with serving({"/w.json": ("", json.dumps(DRAWN).encode())}, tls=False) as files:
        url = f"http://127.0.0.1:{files.port}/w.json"
        with pytest.raises(
            ValidationError, match=rf"workflow {url}: what comes by http .* expected https.* pipe it in"
        ):
            read_here(read_source(None, url))
        with pytest.raises(
            ValidationError,
            match=r"127\.0\.0\.1 is an address of this machine .* WorkflowUrl\(address, http=True, internal=True\)",
        ):
            read_here(read_source(None, WorkflowUrl(url, http=True)))
        allowed = WorkflowUrl(url, http=True, internal=True)
        assert read_here(read_source(None, allowed)).raw == DRAWN

        async def queued() -> str:
            async with AsyncComfyClient(sim.url) as client:
                return (await client.submit(allowed, {"width": 96}, check=False)).prompt_id

        assert asyncio.run(queued())


@pytest.mark.parametrize(
    "path", ["/manager/reboot", "/viewer", "/view/../free", "/userdata/%2e%2e/queue", "/interrupt", "", "/view@x"]
)
def test_addresses_of_the_server_that_are_no_files(sim: Simulator, path: str) -> None:
    """Only its files are asked for by an address: another route may do something."""
    before = len(sim.requests)
    with pytest.raises(ValidationError, match="expected https"):
        read_there(sim.url, lambda server: read_source(server, sim.url + path))
    with pytest.raises(ValidationError, match="expected https"):
        read_there(sim.url.replace("127.0.0.1", "localhost"), lambda server: read_source(server, f"{sim.url}/view?x"))
    assert len(sim.requests) == before


def test_a_secret_in_an_address_is_not_shown() -> None:
    """A key in the query, and a login, are not part of what an error says."""
    with pytest.raises(ValidationError) as caught:
        read_here(read_source(None, "https://me:hunter2@127.0.0.1/w.json?signature=hunter2"))
    assert "hunter2" not in str(caught.value)
