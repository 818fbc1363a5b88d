"""A workflow as a function: its parameters are keywords, and what does not fit is an error before anything is sent."""

from __future__ import annotations

import asyncio
import copy
import inspect
import json
import pydoc
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from comfy_headless import AsyncComfyClient, ComfyClient, LoadedWorkflow, ValidationError, describe, load_workflow
from comfy_headless.simulator import Simulator
from tests.api.test_reading import DRAWN, GRAPH
from tests.faults.clients import PATIENT


def node(class_type: str, title: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": class_type, "inputs": inputs, "_meta": {"title": title}}


EMPTY = {"width": 64, "height": 48, "batch_size": 1, "color": 0}
WORKFLOW: Mapping[str, Any] = {
    "1": node("EmptyImage", "Size, $width, $rows.height", **EMPTY),
    "2": node("PreviewAny", "$note.source!: what to remember", source=""),
    "3": node("SaveImage", "$output.cover, $prefix.filename_prefix", images=["1", 0], filename_prefix="own"),
}
CLASHING: Mapping[str, Any] = {
    "1": node("EmptyImage", "$timeout.width, $wait.height, $params.batch_size, $from.color", **EMPTY),
    "3": node("SaveImage", "$codec.filename_prefix", images=["1", 0], filename_prefix="own"),
}


@pytest.fixture(scope="module")
def sim() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "cover.json"
    path.write_text(json.dumps(WORKFLOW))
    return path


def inputs_sent(sim: Simulator, prompt_id: str, node_id: str) -> Mapping[str, Any]:
    """The inputs of a node as the server got them."""
    with ComfyClient(sim.url) as client:
        found: Mapping[str, Any] = client.history(prompt_id)["prompt"][2][node_id]["inputs"]
    return found


def test_a_loaded_workflow_is_called_as_a_function(sim: Simulator, file: Path, tmp_path: Path) -> None:
    """Parameters and options are keywords; the file is read once, so that it may be gone."""
    flow = load_workflow(file, server=sim.url)
    file.unlink()
    result = flow(note="a cat", width=128, out=tmp_path / "made")
    assert (result.status, len(result.files)) == ("completed", 1)
    sent = inputs_sent(sim, result.prompt_id, "1")
    assert (sent["width"], sent["height"]) == (128, 48)
    job = flow.submit({"note": "x"}, rows=32)
    assert inputs_sent(sim, job.result(out=tmp_path / "more").prompt_id, "1")["height"] == 32


@pytest.mark.parametrize("given", [GRAPH, DRAWN], ids=["graph", "drawn"])
def test_the_dict_is_changed_after_it_was_loaded(given: Mapping[str, Any], sim: Simulator, tmp_path: Path) -> None:
    """What was read is sent, not what has become of it."""
    held: Any = copy.deepcopy(given)
    flow = load_workflow(held, server=sim.url)
    if "nodes" in held:
        held["nodes"][0]["widgets_values"][1] = 8
    else:
        held["1"]["inputs"]["height"] = 8
    sent = inputs_sent(sim, flow(width=32, out=tmp_path).prompt_id, "1")
    assert sent["height"] == flow.graph["1"]["inputs"]["height"] == 48


def test_its_signature_is_that_of_its_markers(file: Path) -> None:
    """inspect, help and repr show names, types and defaults; no server is asked."""
    flow = load_workflow(file)
    shown = inspect.signature(flow).parameters
    names = [name for name, each in shown.items() if each.kind is inspect.Parameter.KEYWORD_ONLY]
    assert names[:4] == ["width", "rows", "note", "prefix"]
    assert {"out", "timeout", "wait", "on_progress", "check"} <= set(names) and "server" not in names
    assert (shown["width"].default, shown["width"].annotation) == (64, int)
    assert shown["note"].default is inspect.Parameter.empty
    assert repr(flow) == "<LoadedWorkflow cover.json(width=64, rows=48, note, prefix='own')>"
    assert "what to remember" in pydoc.render_doc(flow)
    assert (flow.name, flow.__name__) == ("cover.json", "cover")
    assert str(flow.describe()) == str(describe(file)) == flow.__doc__
    assert (list(flow.parameters), list(flow.outputs)) == (["width", "rows", "note", "prefix"], ["2", "cover"])
    assert flow.graph == WORKFLOW
    assert "template" in inspect.signature(LoadedWorkflow).parameters


WRONG = {
    "unknown": ({"note": "x", "widht": 5}, r"cover\.json has no parameter 'widht'; did you mean 'width'\?"),
    "missing": ({}, r"required and not given: 'note' \(what to remember\)"),
    "none": ({"note": None}, "required and not given: 'note'"),
    "of another type": ({"note": "x", "width": "wide"}, "width='wide': expected a whole number"),
    "out of range": ({"note": "x", "width": 0}, "width=0: too small, the least is 1"),
    "twice": ({"note": "x", "params": {"note": "y"}}, "note='x': it is given in params too"),
    "no dict": ({"params": ["x"]}, r"params=\['x'\]: expected a dict"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_does_not_fit_is_refused_before_anything_is_sent(case: str, file: Path) -> None:
    """Unknown, missing, mistyped and out-of-range parameters never reach a server."""
    given, words = WRONG[case]
    flow = load_workflow(file)  # calls would go to the usual address, where nothing answers
    with pytest.raises(ValidationError, match=words):
        flow(**given)


def test_a_name_that_is_an_option_too_is_never_guessed(sim: Simulator, tmp_path: Path) -> None:
    """As a keyword it is refused until params settle it; names that are no words of Python go there too."""
    flow = load_workflow(CLASHING, server=sim.url)
    for given in ({"timeout": 64}, {"wait": False}):
        (name,) = given
        with pytest.raises(ValidationError, match=rf"{name} is a parameter of workflow and an option of the call"):
            flow(**given)
    values = {"timeout": 80, "wait": None, "params": 2, "from": 7}
    result = flow(values, timeout=60, wait=True, codec="named", out=tmp_path)
    assert len(result.files) == 2
    assert inputs_sent(sim, result.prompt_id, "1") == {"width": 80, "height": 48, "batch_size": 2, "color": 7}
    assert result.files[0].name.startswith("named")
    shown = inspect.signature(flow).parameters
    assert "from" not in shown
    assert (shown["timeout"].default, shown["codec"].default) == (None, "own")


def test_a_client_loads_for_its_own_server(sim: Simulator, file: Path, tmp_path: Path) -> None:
    """What a client loads knows the server's choices and runs there."""
    with ComfyClient(sim.url, timing=PATIENT) as client:
        flow = client.load_workflow(file)
        assert flow(note="x", out=tmp_path).status == "completed"
        assert str(client.describe(file)) == str(flow.describe())


def test_the_asyncio_client_awaits_both(sim: Simulator, file: Path, tmp_path: Path) -> None:
    """Loading and calling are awaited; calls run side by side."""

    async def main() -> list[str]:
        async with AsyncComfyClient(sim.url, timing=PATIENT) as client:
            flow = await client.load_workflow(file)
            assert (await client.describe(file)).to_dict() == flow.describe().to_dict()
            results = await asyncio.gather(*(flow(note=str(each), out=tmp_path) for each in range(2)))
            job = await flow.submit(note="x")
            with pytest.raises(ValidationError, match="has no parameter"):
                await flow(nothing=1)
            return [each.status for each in (*results, await job.result(out=tmp_path))]

    assert asyncio.run(main()) == ["completed"] * 3


def test_a_server_tells_its_own_choices(sim: Simulator) -> None:
    """Model files are choices where a server is asked, and open where none is."""
    graph = {"1": node("VAELoader", "$vae.vae_name!", vae_name="x.safetensors")}
    assert describe(graph).parameters["vae"].choices is None
    choices = describe(graph, sim.url).parameters["vae"].choices
    assert choices and "pixel_space" in choices
