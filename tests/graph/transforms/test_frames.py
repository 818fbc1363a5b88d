"""Rules of upscaling and of frame interpolation."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comfy_headless.errors import ValidationError
from comfy_headless.graph.source import Graph
from comfy_headless.graph.transforms.frames import interpolate, upscale
from comfy_headless.graph.transforms.makers import MAKERS, MOVING
from comfy_headless.graph.transforms.wires import find_nodes, links, named, nodes_above
from tests.graph.transforms.graphs import ANIMATED, LOADED, LOUD, PICTURES, STILL, TAKEN_APART, VHS, VIDEO, WEBM, node
from tests.graph.transforms.shipped import ALL_PACKS, TEMPLATES, change, template

MODELS = {2: "two.pth", 4: "four.safetensors"}
OWN = {"video": VIDEO, "loud": LOUD, "webm": WEBM, "webp": ANIMATED, "vhs": VHS, "taken apart": TAKEN_APART}


def above(graph: Graph, node_id: str) -> list[str]:
    """The classes of the nodes from which a maker's pictures come, the nearest first, up to what is no transform's."""
    found: list[str] = []
    while True:
        wire = next(
            (wire for name, wire in links(graph, node_id).items() if name in ("images", "image", "input")), None
        )
        if wire is None:
            return found
        node_id = wire.node_id
        found.append(graph[node_id]["class_type"])


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_template_is_upscaled(name: str) -> None:
    """The upscaler stands right before every node that makes something of pictures, and nowhere else."""
    graph = template(name)
    made, notes = change(graph, lambda given: upscale(given, 2, MODELS))
    assert notes == ()
    for node_id in find_nodes(graph, MAKERS):
        assert above(made, node_id) == ["ImageUpscaleWithModel", *above(graph, node_id)]
    assert [made[each]["inputs"]["model_name"] for each in find_nodes(made, ["UpscaleModelLoader"])] == ["two.pth"]
    same = {each: made[each] for each in graph if graph[each]["class_type"] not in MAKERS}
    assert same == {each: graph[each] for each in same}


@pytest.mark.parametrize(
    ("factor", "model", "scales", "even"),
    [
        (2, "two.pth", None, False),
        (2.0, "two.pth", None, False),
        (4, "four.safetensors", None, False),
        (3, "four.safetensors", 0.75, False),
        (1.5, "two.pth", 0.75, False),
        (1.25, "two.pth", 0.625, False),
        (1.1, "two.pth", 0.55, True),
        ("3", "four.safetensors", 0.75, False),
    ],
)
def test_the_next_larger_model_is_scaled_to_the_factor(
    factor: Any, model: str, scales: float | None, even: bool
) -> None:
    """The smallest model that reaches the factor is used; what is too large is scaled, to an even size where needed."""
    made, notes = change(VIDEO, lambda given: upscale(given, factor, MODELS))
    loader, scaler, evener = (
        [made[each]["inputs"] for each in find_nodes(made, [name])]
        for name in ("UpscaleModelLoader", "ImageScaleBy", "ResizeImageMaskNode")
    )
    assert [each["model_name"] for each in loader] == [model]
    assert [each["scale_by"] for each in scaler] == pytest.approx([scales] if scales else [])
    assert bool(evener) == even
    assert bool(notes) == bool(scales)


@pytest.mark.parametrize(
    ("factor", "said"),
    [
        (1, "more than 1"),
        (0.5, "more than 1"),
        (5, r"two\.pth \(2 times\), four\.safetensors \(4 times\)"),
        (True, "expected a number, not a bool"),
        ("wide", "expected a number"),
    ],
)
def test_impossible_factors(factor: Any, said: str) -> None:
    """A factor that no model reaches is refused, with those that are there."""
    with pytest.raises(ValidationError, match=rf"^upscale=.*{said}"):
        upscale(VIDEO, factor, MODELS)
    with pytest.raises(ValidationError, match="there are none"):
        upscale(VIDEO, 2, {})


def test_one_wire_is_upscaled_once() -> None:
    """What several nodes take from one wire is enlarged once; what a saving node passes on is not enlarged again."""
    graph = {
        **VIDEO,
        "4": STILL["2"],
        "5": node("CreateVideo", images=["4", 0], fps=8.0),
        "6": copy.deepcopy(VIDEO["3"]),
    }
    graph["6"]["inputs"]["video"] = ["5", 0]
    made, _ = change(graph, lambda given: upscale(given, 2, MODELS))
    assert len(find_nodes(made, ["ImageUpscaleWithModel"])) == 1
    assert made["2"]["inputs"]["images"] == made["4"]["inputs"]["images"] != ["1", 0]
    assert made["5"] == graph["5"]


def test_only_what_is_saved_is_upscaled() -> None:
    """Other nodes keep the pictures as they were decoded."""
    graph = {**VIDEO, "4": node("PreviewImage", images=["1", 0])}
    assert upscale(graph, 2, MODELS).graph["4"] == graph["4"]


MOVING_TEMPLATES = [name for name in TEMPLATES if find_nodes(template(name), MOVING)]


@pytest.mark.parametrize("name", MOVING_TEMPLATES)
def test_every_video_template_is_interpolated(name: str) -> None:
    """The frame rate that is shown is multiplied, whatever a model is conditioned on."""
    graph = template(name)
    made, notes = change(graph, lambda given: interpolate(given, 2, "rife.safetensors"))
    for node_id in find_nodes(graph, MOVING):
        fps = MAKERS[graph[node_id]["class_type"]].fps or ""
        assert made[node_id]["inputs"][fps] == 2 * graph[node_id]["inputs"][fps]
        assert above(made, node_id) == ["FrameInterpolate", *above(graph, node_id)]
        assert notes[0].startswith(f"interpolated: {graph[node_id]['inputs'][fps]:g} frames a second become ")
    same = {each: made[each] for each in graph if graph[each]["class_type"] not in MOVING}
    assert same == {each: graph[each] for each in same}


@given(st.sampled_from(sorted(OWN)), st.integers(2, 4), st.sampled_from([1.5, 2, 3, 4]))
@settings(max_examples=60, deadline=None)
def test_both_on_own_graphs(name: str, times: int, factor: float) -> None:
    """Graphs of one's own take both, in the order in which they are applied: frames are made of large pictures."""
    graph = OWN[name]
    larger = change(graph, lambda given: upscale(given, factor, MODELS)).graph
    made = change(larger, lambda given: interpolate(given, times, "rife.safetensors")).graph
    (maker,) = find_nodes(made, MOVING)
    assert above(made, maker)[0] == "FrameInterpolate"
    assert "ImageUpscaleWithModel" in above(made, maker)


@pytest.mark.parametrize("graph", [VIDEO, WEBM, VHS], ids=["CreateVideo", "SaveWEBM", "VHS_VideoCombine"])
def test_the_rate_is_held_to_the_node(graph: Graph) -> None:
    """More frames a second than the node takes are refused with what it takes."""
    (maker,) = find_nodes(graph, MOVING)
    name = MAKERS[graph[maker]["class_type"]].fps or ""
    item = ALL_PACKS[graph[maker]["class_type"]].input(name)
    assert item is not None
    fast = copy.deepcopy(graph)
    fast[maker]["inputs"][name] = most = (item.max or 10_000.0) / 4
    assert interpolate(fast, 4, "x").graph[maker]["inputs"][name] == 4 * most
    fast[maker]["inputs"][name] = most + 1
    if item.max is None:
        assert interpolate(fast, 4, "x").graph[maker]["inputs"][name] == 4 * most + 4
    else:
        said = rf"^interpolate=4: .*node {maker} \({graph[maker]['class_type']}\) takes at most {item.max:g}$"
        with pytest.raises(ValidationError, match=said):
            interpolate(fast, 4, "x")


def test_a_rate_on_a_wire() -> None:
    """A plain value on a wire is multiplied where it is shown; what a node computes is multiplied by a node."""
    graph = {
        **VIDEO,
        "2": node("CreateVideo", images=["1", 0], fps=["9", 0]),
        "4": node("SaveWEBM", images=["1", 0], filename_prefix="x", codec="vp9", fps=["9", 0], crf=20.0),
        "5": node("PreviewAny", source=["9", 0]),
        "9": node("PrimitiveFloat", value=16.0),
    }
    made, notes = change(graph, lambda given: interpolate(given, 3, "x"))
    assert made["2"]["inputs"]["fps"] == made["4"]["inputs"]["fps"] == 48.0
    assert made["9"] == graph["9"]
    del graph["5"]
    assert "9" not in interpolate(graph, 3, "x").graph
    assert notes == ("interpolated: 16 frames a second become 48",)
    made, notes = change(TAKEN_APART, lambda given: interpolate(given, 3, "x"))
    (product,) = find_nodes(made, ["ComfyMathExpression"])
    assert made["3"]["inputs"]["fps"] == [product, 0]
    assert made[product]["inputs"] == {"expression": "a * 3", "values.a": ["2", 2]}
    assert product in nodes_above(made, ["4"])
    assert notes == (f"interpolated: {named(made, '3')} shows 3 times the frames a second",)


@pytest.mark.parametrize("times", [1, 17, 2.5, True, "two"])
def test_impossible_multipliers(times: Any) -> None:
    """A multiplier is a whole number that FrameInterpolate takes."""
    item = ALL_PACKS["FrameInterpolate"].input("multiplier")
    assert item is not None
    assert (item.min, item.max) == (2, 16)
    with pytest.raises(ValidationError, match=r"^interpolate="):
        interpolate(VIDEO, times, "x")


@pytest.mark.parametrize("graph", [LOADED, {"1": PICTURES, "2": node("PreviewImage", images=["1", 0])}, STILL])
def test_no_place(graph: Graph) -> None:
    """Where nothing is made of frames the error says what would, and what is there."""
    with pytest.raises(ValidationError, match=r"^interpolate=2: no place.*CreateVideo.*the graph has "):
        interpolate(graph, 2, "x")
    if graph is not STILL:
        with pytest.raises(ValidationError, match=r"^upscale=2: no place.*SaveImage.*the graph has "):
            upscale(graph, 2, MODELS)


@pytest.mark.parametrize("class_type", MAKERS)
def test_makers_are_as_their_schemas(class_type: str) -> None:
    """A maker takes pictures by ``images``, and its frame rate by the input that is named."""
    schema, maker = ALL_PACKS[class_type], MAKERS[class_type]
    images = schema.input("images")
    assert images is not None
    assert images.type == "IMAGE"
    rates = {item.name for item in schema.inputs if item.name in ("fps", "frame_rate")}
    assert rates == ({maker.fps} if maker.fps else set())
