"""graph/ui/links.py: what a link comes to, and where it cannot."""

from __future__ import annotations

from typing import Any

import pytest

from comfy_headless.errors import ValidationError
from comfy_headless.graph.schemas import Schemas
from comfy_headless.graph.ui.convert import convert, convert_with_warnings
from comfy_headless.graph.ui.links import fits
from tests.graph.ui.drawing import Drawing, image_to_image, sampler

SCHEMAS = Schemas.snapshot()


def model_of(drawing: Drawing) -> Any:
    """Where the sampler's model comes from."""
    return convert(drawing.saved(), SCHEMAS)["3"]["inputs"].get("model")


@pytest.mark.parametrize(("mode", "model"), [(0, ["10", 0]), (2, None), (4, ["4", 0])])
def test_bypassed_nodes_are_passed_and_muted_ones_end_a_link(mode: int, model: Any) -> None:
    """A muted origin gives nothing, so the socket is not sent."""
    drawing = sampler(image_to_image(), inputs={"model": ("MODEL", (10, 0))})
    drawing.node(10, "LoraLoaderModelOnly", ["x", 1.0], {"model": ("MODEL", (4, 0))}, ("MODEL",), mode=mode)
    assert model_of(drawing) == model


@pytest.mark.parametrize("kind", ["Reroute", "Reroute (rgthree)"])
def test_reroutes_are_passed(kind: str) -> None:
    """However many there are."""
    drawing = sampler(image_to_image(), inputs={"model": ("MODEL", (41, 0))})
    drawing.node(40, kind, None, {"": ("*", (4, 0))}, ("*",)).node(41, kind, None, {"": ("*", (40, 0))}, ("*",))
    assert model_of(drawing) == ["4", 0]


def test_a_get_gives_what_the_set_of_its_name_takes() -> None:
    """In its own canvas, or in one around its subgraph; without one a warning says so."""
    drawing = sampler(image_to_image(), inputs={"model": ("MODEL", (41, 0))})
    drawing.node(40, "SetNode", ["model"], {"MODEL": ("MODEL", (4, 0))}, ("MODEL",)).node(41, "GetNode", ["model"])
    drawing.node(42, "Fast Groups Muter (rgthree)").node(50, "box")
    inner = Drawing().node(1, "GetNode", ["model"], outputs=("MODEL",)).node(2, "GetNode", ["odd"], outputs=("MODEL",))
    inner.node(3, "ModelSave", ["a"], {"model": ("MODEL", (1, 0))})
    inner.node(5, "ModelSave", ["b"], {"model": ("MODEL", (2, 0))})
    drawn = drawing.saved({**inner.definition("box", {}, {}), "state": {"lastNodeId": 9}}, last_node_id=60)
    graph, warnings = convert_with_warnings(drawn, SCHEMAS)
    assert graph["3"]["inputs"]["model"] == ["4", 0]
    saving = [entry["inputs"] for entry in graph.values() if entry["class_type"] == "ModelSave"]
    saved = {inputs["filename_prefix"]: inputs.get("model") for inputs in saving}
    assert saved == {"a": ["4", 0], "b": None}
    assert warnings == ("node 50:2 (GetNode): there is no Set of the name 'odd'; what it gives stays open",)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"links": []}, "input 'model': there is no link"),
        ({"without": 4}, "its link comes from node 4, which is not there"),
        ({"loop": True}, "its link goes in a circle and comes from no node"),
    ],
)
def test_a_link_that_leads_nowhere_is_an_error(change: dict[str, Any], said: str) -> None:
    """It names the node and the input; the page throws there too."""
    drawing = sampler(image_to_image(), inputs={"model": ("MODEL", (10, 0))})
    source = (10, 0) if change.get("loop") else (4, 0)
    drawing.node(10, "LoraLoaderModelOnly", ["x", 1.0], {"model": ("MODEL", source)}, ("MODEL",), mode=4)
    drawn = drawing.saved()
    drawn["nodes"] = [
        node for node in drawn["nodes"] if node["id"] in (3, 10, 4) and node["id"] != change.get("without")
    ]
    with pytest.raises(ValidationError, match=said):
        convert({**drawn, "links": change.get("links", drawn["links"])}, SCHEMAS)


def test_links_from_nothing_are_only_errors_where_they_are_sent() -> None:
    """In a muted node nobody notices them."""
    drawing = Drawing().node(8, "VAEDecode", None, {"samples": ("LATENT", (99, 0))}, mode=2)
    assert convert(drawing.saved(), SCHEMAS) == {}


def test_a_subgraph_that_contains_itself_is_an_error() -> None:
    """It is named, and so is the way around; one that nobody uses does no harm."""
    box = Drawing().node(5, "ring").definition("box", {}, {})
    ring = Drawing().node(6, "box").definition("ring", {}, {})
    with pytest.raises(
        ValidationError, match=r"a subgraph contains itself: '(box' in 'ring' in 'box|ring' in 'box' in 'ring)'"
    ):
        convert(Drawing().node(1, "box").saved(box, ring), SCHEMAS)
    assert convert(Drawing().saved(box, ring), SCHEMAS) == {}


def test_an_input_of_a_subgraph_may_be_its_output() -> None:
    """The page throws there; the link goes on outside."""
    inner = Drawing().out((-10, 0), 0, "MODEL").definition("box", {"model": "MODEL"}, {"model": "MODEL"})
    drawing = sampler(image_to_image(), inputs={"model": ("MODEL", (10, 0))})
    drawing.node(10, "box", None, {"model": ("MODEL", (4, 0))}, ("MODEL",))
    assert convert(drawing.saved(inner), SCHEMAS)["3"]["inputs"]["model"] == ["4", 0]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [("IMAGE", "image", True), ("INT,FLOAT", "FLOAT", True), ("*", "X", True), ("MODEL", "CLIP", False)],
)
def test_types_that_fit(one: str, other: str, expected: bool) -> None:
    """Equal but for case, one of several, or whatever."""
    assert (fits(one, other), fits(other, one)) == (expected, expected)
