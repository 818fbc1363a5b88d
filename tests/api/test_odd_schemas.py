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
