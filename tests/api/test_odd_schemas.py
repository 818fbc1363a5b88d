"""What node packs write into object_info stops no job, and a check of it is readable."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comfy_headless import GenerationRejectedError
from comfy_headless import check as check_workflow
from comfy_headless.api.preflight import preflight
from comfy_headless.catalog.compiled import CompiledWorkflow
from comfy_headless.graph.check import check
from comfy_headless.graph.schemas import Schemas
from comfy_headless.graph.well_formed import is_well_formed
from comfy_headless.protocol.access import Access
from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.effects import Call, Now, Reply
from comfy_headless.protocol.known import Known
from comfy_headless.protocol.timing import Timing
from tests.faults.clients import VIDEO

GRAPH: dict[str, Any] = {
    **VIDEO,
    "4": {"class_type": "LoadImage", "inputs": {"image": "a.png"}},
    "5": {"class_type": "BatchImagesNode", "inputs": {"images.image0": ["1", 0], "images.image1": ["4", 0]}},
    "6": {"class_type": "KSamplerSelect", "inputs": {"sampler_name": "euler"}},
    "7": {"class_type": "ResizeImageMaskNode", "inputs": {"input": ["5", 0], "scale_method": "area"}},
    "8": {"class_type": "PreviewAny", "inputs": {"source": ["6", 0]}},
    "9": {"class_type": "SaveImage", "inputs": {"images": ["7", 0], "filename_prefix": "x"}},
}
GRAPH["7"]["inputs"] |= {"resize_type": "scale by multiplier", "resize_type.multiplier": 2.0}
CLASSES = sorted({node["class_type"] for node in GRAPH.values()})
INFO = json.dumps({name: Schemas.snapshot().with_files({}, ["a.png"]).raw(name) for name in CLASSES})

JUNK = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-2, 9), st.floats(), st.sampled_from(["", "0", "*", "INT", "COMBO"]),
        st.sampled_from(["COMFY_DYNAMICCOMBO_V3", "COMFY_AUTOGROW_V3", "COMFY_DYNAMICSLOT_V3", 10**400]),
    ),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["key", "options", "inputs", "required", "template", "min", "max"]), inner),
    max_leaves=6,
)  # fmt: skip


@pytest.fixture(autouse=True, scope="module")
def _no_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing is kept on disk: the folder cannot be made."""
    file = tmp_path_factory.mktemp("none") / "file"
    file.touch()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COMFY_HEADLESS_CACHE", str(file))
        yield


def sent(graph: Mapping[str, Any], info: Mapping[str, Any]) -> CompiledWorkflow:
    """What is sent to a server that says so of its classes."""
    server = Server("http://x", "me", Timing(), False, Access(), Known())
    flow = preflight(server, CompiledWorkflow(dict(graph), None, {}))
    answers = {"/system_stats": {"system": {"comfyui_version": "0.30.0"}}, "/object_info": info}
    answer: Any = None
    while True:
        try:
            effect = flow.send(answer)
        except StopIteration as done:
            compiled: CompiledWorkflow = done.value
            return compiled
        if isinstance(effect, Now):
            answer = 0.0
        elif isinstance(effect, Call):
            answer = Reply(200, {}, json.dumps(answers[effect.route]).encode())
        else:
            answer = effect.function(*effect.args)  # type: ignore[union-attr]


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every place in JSON data: what holds it, and its key or index there."""
    found: list[tuple[Any, Any]] = []
    waiting = [value] if isinstance(value, dict | list) else []
    while waiting:
        holder = waiting.pop()
        keys = range(len(holder)) if isinstance(holder, list) else list(holder)
        found += ((holder, key) for key in keys)
        waiting += (holder[key] for key in keys if isinstance(holder[key], dict | list))
    return found


@st.composite
def spoilt(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """A graph and an object_info of its classes; some of both is junk, and some is not there."""
    graph, info = copy.deepcopy(GRAPH), json.loads(INFO)
    for _ in range(draw(st.integers(1, 3))):
        entry = info[draw(st.sampled_from(CLASSES))]
        holder, key = draw(st.sampled_from(places(entry.get("input")) or places(entry)))
        if isinstance(holder, dict) and draw(st.booleans()):
            del holder[key]
        else:
            holder[key] = draw(JUNK)
    if draw(st.booleans()):
        inputs = graph[draw(st.sampled_from(sorted(graph)))]["inputs"]
        inputs[draw(st.sampled_from(sorted(inputs)))] = draw(JUNK)
    return graph, info


@pytest.mark.slow
@settings(max_examples=1000)
@given(spoilt())
def test_no_class_stops_a_job_because_it_cannot_be_read(case: tuple[dict[str, Any], dict[str, Any]]) -> None:
    """Whatever a server says of the classes of a graph: it is rejected for a reason, or sent."""
    graph, info = case
    str(check(graph, info))
    whole = all(is_well_formed(info[name]) for name in CLASSES if name in info)
    try:
        sent(graph, info)
    except GenerationRejectedError:
        assert whole


ODD: dict[str, Any] = {
    "an option without inputs": ["COMFY_DYNAMICCOMBO_V3", {"options": [{"key": "x"}]}],
    "options as plain texts": ["COMFY_DYNAMICCOMBO_V3", {"options": ["x", "y"]}],
    "an autogrow without an end": [
        "COMFY_AUTOGROW_V3",
        {"template": {"input": {"required": {"v": ["INT", {}]}}, "prefix": "v", "min": 1}},
    ],
    "an autogrow of another make": ["COMFY_AUTOGROW_V3", {"template": {"fields": []}}],
    "an autogrow that is endless": [
        "COMFY_AUTOGROW_V3",
        {"template": {"input": {"required": {"v": ["INT", {}]}}, "prefix": "v", "min": 1, "max": 10**9}},
    ],
    "a range in text": ["INT", {"min": "0"}],
    "a range without numbers": ["INT", {"max": None}],
    "choices that are none": ["COMBO", {"options": {"remote": 1}}],
    "a number": 5,
}


@pytest.mark.parametrize("spec", ODD.values(), ids=ODD)
@pytest.mark.parametrize("value", ["x", 3, ["1", 0]], ids=["text", "number", "link"])
def test_an_input_that_cannot_be_read(spec: Any, value: Any) -> None:
    """The job is sent; a check says that the class is not read, and of the rest what it says otherwise."""
    own = {**json.loads(INFO)["EmptyImage"], "python_module": "custom_nodes.mine"}
    own["input"] = {"required": {**own["input"]["required"], "odd": spec}}
    info = {**json.loads(INFO), "Mine": own}
    graph = {**GRAPH, "0": {"class_type": "Mine", "inputs": {**VIDEO["1"]["inputs"], "odd": value}}}
    graph["9"] = {"class_type": "SaveImage", "inputs": {"images": ["0", 0], "filename_prefix": "x"}}
    assert not is_well_formed(own) and sent(graph, info).graph == graph
    problems = [(problem.kind, problem.node_id) for problem in check_workflow(graph, info).problems]
    assert ("class_not_read", "0") in problems
    assert all(kind in ("class_not_read", "node_unused") for kind, _ in problems)
    graph["0"]["inputs"]["width"] = 0
    found = check_workflow(graph, info)
    assert found.fails and "node 0 (Mine): Value 0 smaller than min of 1" in str(found)
    assert sent(graph, info).graph == graph


def test_shipped_classes_are_whole() -> None:
    """All that ComfyUI 0.30.0 and the known packs say of their classes can be read."""
    schemas = Schemas.snapshot(Schemas.packs())
    assert [name for name in schemas if not schemas[name].whole] == []


def _mine(**inputs: Any) -> dict[str, Any]:
    """Classes of a server with a node pack, whose class makes a picture."""
    info: dict[str, Any] = json.loads(INFO)
    required = {**info["EmptyImage"]["input"]["required"], **inputs}
    return {
        **info,
        "Mine": {**info["EmptyImage"], "python_module": "custom_nodes.mine", "input": {"required": required}},
    }


def _with(class_type: str, **inputs: Any) -> dict[str, Any]:
    """A graph that saves a picture beside a video."""
    saved = {"class_type": "SaveImage", "inputs": {"images": ["0", 0], "filename_prefix": "x"}}
    return {**VIDEO, "0": {"class_type": class_type, "inputs": {**VIDEO["1"]["inputs"], **inputs}}, "9": saved}


CODEC = ["COMFY_DYNAMICCOMBO_V3", {"options": [{"key": "a", "inputs": {"required": {}}}]}]


@pytest.mark.parametrize(
    ("spec", "inputs"),
    [
        pytest.param(["MASK", {}], {"odd": "data:image/png;base64,xx"}, id="a picture as text"),
        pytest.param(CODEC, {"odd": "auto"}, id="a choice of its own"),
        pytest.param(CODEC, {}, id="no choice"),
    ],
)
def test_what_a_pack_fails_over_is_its_own(spec: Any, inputs: dict[str, Any]) -> None:
    """Only ComfyUI's own classes surely fail over what no schema tells: a job with a pack's is sent."""
    graph = _with("Mine", **inputs)
    assert check(graph, _mine(odd=spec)).fails and sent(graph, _mine(odd=spec)).graph == graph
    own = {**json.loads(INFO), "EmptyImage": _mine(odd=spec)["Mine"] | {"python_module": "nodes"}}
    with pytest.raises(GenerationRejectedError, match="nothing was sent"):
        sent(_with("EmptyImage", **inputs), own)


def test_what_every_class_fails_over() -> None:
    """A node without inputs, and a link to nowhere, end the server's worker, whoever brings the class."""
    with pytest.raises(GenerationRejectedError, match="the worker dies"):
        sent(_with("Mine", odd=["77", 0]), _mine())
    with pytest.raises(GenerationRejectedError, match="has no 'inputs'"):
        sent({**_with("EmptyImage"), "5": {"class_type": "Mine"}}, _mine())


def test_an_output_is_dropped_for_a_reason() -> None:
    """An output that needs a node of a pack is only surely dropped if that node surely is refused."""
    graph = _with("Mine", width=10**6)
    assert check(graph, _mine()).of("fails")[0].kind == "output_dropped" and sent(graph, _mine()).graph == graph
    for bad in (_with("EmptyImage", width=10**6), {**graph, "0": {"class_type": "Mine", "inputs": {}}}):
        with pytest.raises(GenerationRejectedError, match="drops this one") as caught:
            sent(bad, _mine())
        assert "would drop some outputs" in str(caught.value)


def test_a_number_of_four_hundred_digits() -> None:
    """It is too large, as any other that is."""
    graph = _with("EmptyImage", width=10**400, batch_size=10**5000)
    assert "bigger than max of 16384" in str(check(_with("EmptyImage", width=10**400), _mine()))
    assert check(graph, _mine()).fails
    with pytest.raises(GenerationRejectedError, match="would drop some outputs"):
        sent(graph, _mine())


@pytest.mark.parametrize("name", ["sub\\x.png", "A.PNG", "picture", "h.tga", "j.qoi", "/srv/x.png"])
def test_a_file_that_no_list_shows(name: str) -> None:
    """A server of another system or age may take it: it decides."""
    graph = {**GRAPH, "4": {"class_type": "LoadImage", "inputs": {"image": name}}}
    assert sent(graph, json.loads(INFO)).graph == graph
    with pytest.raises(GenerationRejectedError, match=r"Invalid image file: nope\.png"):
        sent({**graph, "4": {"class_type": "LoadImage", "inputs": {"image": "nope.png"}}}, json.loads(INFO))
