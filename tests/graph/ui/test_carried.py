"""graph/ui/carried.py: a marker in a subgraph's title names what the subgraph shows, and works on the nodes inside."""

from __future__ import annotations

from typing import Any

import pytest

from comfy_headless.errors import ValidationError
from comfy_headless.graph.schemas import Schemas
from comfy_headless.graph.template import Template
from comfy_headless.graph.ui.convert import convert, convert_with_warnings
from tests.graph.ui.drawing import Drawing, Drawn

SCHEMAS = Schemas.snapshot()


def picture(**more: Any) -> Drawn:
    """A definition that shows a width for two pictures, a height called "tall", a photo, and what feeds nothing."""
    inner = Drawing()
    for node_id in (1, 2):
        sides = {"width": ("INT", (-10, 0)), "height": ("INT", (-10, 1) if node_id == 1 else None)}
        inner.node(node_id, "EmptyImage", [64, 128, 1, 0], outputs=("IMAGE",), widgets=sides)
    inner.node(3, "LoadImage", ["a.png", "image"], outputs=("IMAGE",), widgets={"image": ("COMBO", (-10, 2))})
    for node_id, source in ((4, 1), (5, 3)):
        inner.node(node_id, "SaveImage", ["x"], {"images": ("IMAGE", (source, 0))}, title=f"Keep {node_id}")
    kinds = {"width": "INT", "height": "INT", "image": "COMBO", "open": "INT"}
    drawn = inner.definition("box", kinds, {}, **more)
    drawn["inputs"][1]["label"] = "tall"
    return drawn


def titles(graph: dict[str, Any]) -> dict[str, str]:
    """The titles with markers."""
    return {key: node["_meta"]["title"] for key, node in graph.items() if "$" in node["_meta"]["title"]}


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        (
            "$w.width!: how wide, in pixels",
            {"1": "$w.width!: how wide, in pixels", "2": "$w.width!: how wide, in pixels"},
        ),
        ("$width", {"1": "$width.width", "2": "$width.width"}),
        ("Mine, $tall", {"1": "$tall.height"}),
        ("$h.height", {"1": "$h.height"}),
        ("$~photo!", {"3": "$~photo.image!"}),
        ("$w.width, $h.tall", {"1": "$w.width, $h.height", "2": "$w.width"}),
    ],
)
def test_a_marker_goes_to_what_the_subgraph_feeds(title: str, expected: dict[str, str]) -> None:
    """By the input's name or by what people call it; without a field by its own name, or the one input that fits."""
    names = {"1": "Empty Image", "2": "Empty Image", "3": "Load Image"}
    graph = convert(Drawing().node(7, "box", [320], title=title).saved(picture()), SCHEMAS)
    assert titles(graph) == {f"7:{key}": f"{names[key]}, {marker}" for key, marker in expected.items()}


def test_the_value_of_the_instance_is_the_default() -> None:
    """Each instance has a parameter of its own, which fills all that it feeds."""
    drawing = Drawing().node(7, "box", [320, 64, "a.png"], title="$one.width")
    drawn = drawing.node(8, "box", [640, 64, "a.png"], title="$two.width").saved(picture())
    template = Template.read(convert(drawn, SCHEMAS), schemas=SCHEMAS)
    found = {name: (each.default, each.bindings) for name, each in template.parameters.items()}
    assert found == {
        "one": (320, (("7:1", "width"), ("7:2", "width"))),
        "two": (640, (("8:1", "width"), ("8:2", "width"))),
    }
    assert template.bind({"two": 128})["8:2"]["inputs"]["width"] == 128


def test_an_output_names_all_that_is_saved_inside() -> None:
    """Their own titles stay."""
    graph = convert(Drawing().node(7, "box", title="$output.pic").saved(picture()), SCHEMAS)
    assert titles(graph) == {"7:4": "Keep 4, $output.pic", "7:5": "Keep 5, $output.pic"}


def test_a_marker_goes_through_subgraphs_and_reroutes() -> None:
    """An input that a subgraph inside shows is found in it, and what a Reroute or a Set hands on too."""
    outer = Drawing().node(1, "Reroute", None, {"": ("*", (-10, 0))}, ("*",))
    outer.node(2, "box", [64], {"width": ("INT", (1, 0))})
    outer.node(3, "SetNode", ["side"], {"INT": ("INT", (-10, 0))}, ("INT",)).node(
        4, "GetNode", ["side"], outputs=("INT",)
    )
    outer.node(5, "EmptyImage", [64, 64, 1, 0], widgets={"width": ("INT", (4, 0))})
    file = Drawing().node(7, "case", title="$w.size!").saved(outer.definition("case", {"size": "INT"}, {}), picture())
    graph = convert(file, SCHEMAS)
    found = {node["class_type"]: node["_meta"]["title"] for node in graph.values() if "$" in node["_meta"]["title"]}
    assert found == {"EmptyImage": "Empty Image, $w.width!"}
    assert len(titles(graph)) == 3


def test_a_marker_of_a_nested_subgraph_counts_each_time() -> None:
    """It stands in a definition, whose instances share the parameter."""
    outer = Drawing().node(2, "box", [64], title="$h.tall")
    drawn = Drawing().node(7, "case").node(8, "case").saved(outer.definition("case", {}, {}), picture())
    parameters = Template.read(convert(drawn, SCHEMAS), schemas=SCHEMAS).parameters
    assert [len(each.slots) for each in parameters.values()] == [2]


@pytest.mark.parametrize(
    ("title", "said"),
    [
        (
            "$w.widht",
            "there: the subgraph shows no input 'widht'; did you mean 'width'? It shows: width, tall, image, ",
        ),
        ("$prompt!", "shows no input 'prompt'. It shows: width, tall, image, open; put the marker on the node inside"),
        ("$c.color", "put the marker on node 7:1 (EmptyImage) or node 7:2 (EmptyImage) inside, or show that input"),
        ("$x.open", "its input 'open' feeds no node inside that is sent"),
        ("$w.width!!", "does not belong there"),
    ],
)
def test_a_marker_that_means_nothing_is_an_error(title: str, said: str) -> None:
    """It names the node, the subgraph, the title, the position, and the inputs that there are."""
    drawn = Drawing().node(7, "box", title=title).saved(picture())
    with pytest.raises(ValidationError) as raised:
        convert(drawn, SCHEMAS, name="own.json")
    assert raised.value.message.startswith("own.json: node 7 (subgraph 'box')")
    assert title in raised.value.message
    assert said.removeprefix("there: ") in raised.value.message


def test_an_output_where_nothing_is_saved_is_an_error() -> None:
    """The subgraph has no node that keeps anything."""
    inner = Drawing().node(1, "EmptyImage", [64, 64, 1, 0]).definition("box", {}, {})
    with pytest.raises(ValidationError, match="no node inside saves anything"):
        convert(Drawing().node(7, "box", title="$output.pic").saved(inner), SCHEMAS)


def test_what_only_looks_like_a_marker_is_told() -> None:
    """A word behind others without a comma is none; a price is none at all."""
    drawn = Drawing().node(7, "box", title="Size $width").node(8, "box", title="Cheap, $5").saved(picture())
    graph, warnings = convert_with_warnings(drawn, SCHEMAS)
    assert titles(graph) == {}
    said = "'$width' in title 'Size $width' is not read as a marker, since a comma must come before it"
    assert warnings == (f"node 7 (subgraph 'box'): {said}",)
