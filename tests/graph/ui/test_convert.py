"""graph/ui/convert.py: what is sent and what it is called; what is missing; what is refused."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from comfy_headless.errors import ValidationError
from comfy_headless.graph.schemas import Schemas
from comfy_headless.graph.ui.convert import convert, convert_with_warnings, is_ui_format
from tests.graph.ui.drawing import Drawing, image_to_image, sampler

SCHEMAS = Schemas.snapshot()


def test_a_plain_workflow() -> None:
    """Each node is sent with its values by name, its links and its title; the file is left as it was."""
    drawn = sampler(image_to_image(), title="Sampler, $seed.seed").saved()
    kept = copy.deepcopy(drawn)
    graph = convert(drawn, SCHEMAS)
    assert graph["3"] == {
        "class_type": "KSampler",
        "inputs": {
            "seed": 5,
            "steps": 20,
            "cfg": 8.0,
            "sampler_name": "euler",
            "scheduler": "normal",
            "denoise": 1.0,
            "model": ["4", 0],
            "positive": ["6", 0],
            "negative": ["7", 0],
            "latent_image": ["5", 0],
        },
        "_meta": {"title": "Sampler, $seed.seed"},
    }
    assert graph["6"]["_meta"]["title"] == "CLIP Text Encode (Prompt)"
    assert drawn == kept


def test_which_files_are_in_the_browser_s_format() -> None:
    """A file whose nodes are a list is in the browser's format; a graph is not."""
    assert is_ui_format({"nodes": [], "links": []})
    assert not is_ui_format({"1": {"class_type": "KSampler", "inputs": {}}})
    assert not is_ui_format([{"nodes": []}])


def test_an_empty_workflow_is_an_empty_graph() -> None:
    """The page sends nothing of it."""
    assert convert({"nodes": [], "links": []}, SCHEMAS) == {}


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("LayerUtility: ImageScaleByAspectRatio V2", "node pack"),
        ("ImageResizeKJv2", "node pack ComfyUI-KJNodes brings it: git clone"),
        ("KSampeler", "did you mean KSampler?"),
        ("MyOwnNode123", "in ComfyUI 0.30.0 and the packs that are known here"),
        ("MyOwnNode123", "brings it; a server that has it tells of it: --server URL (object_info=)"),
        ("workflow>face", "a group node that the file does not define"),
        ("485a04c4-e07c-42dd-8e6a-8c8ecc32d9c3", "a subgraph that the file does not define"),
    ],
)
def test_a_class_that_is_not_there_is_named(kind: str, said: str) -> None:
    """The error has the node's id, class and title, and what brings the class."""
    drawn = Drawing().node(7, kind, title="My node").saved()
    with pytest.raises(ValidationError) as raised:
        convert(drawn, SCHEMAS, name="own.json")
    assert raised.value.message.startswith(f"own.json: node 7 ({kind}, 'My node'): ")
    assert said in raised.value.message


def test_what_a_newer_comfyui_has_is_named() -> None:
    """A class of the shipped schemas that a server lacks asks for an update of the server."""
    server = Schemas.from_object_info({"EmptyImage": SCHEMAS.raw("EmptyImage")})
    with pytest.raises(
        ValidationError,
        match=r"node 3 \(KSampler\).* no such class in the server's object_info; ComfyUI 0\.30\.0 has it: update",
    ):
        convert(Drawing().node(3, "KSampler").saved(), server)


def test_all_missing_classes_are_told_at_once() -> None:
    """One error lists them, the first twenty; a muted or bypassed node does no harm."""
    drawing = Drawing()
    for number in range(1, 26):
        drawing.node(number, f"Odd{number}")
    drawing.node(30, "Odd30", mode=2).node(31, "Odd31", mode=4)
    with pytest.raises(ValidationError) as raised:
        convert(drawing.saved(), SCHEMAS)
    lines = raised.value.message.splitlines()
    assert lines[0] == "workflow: 25 nodes are of classes that are not there:"
    assert (len(lines), lines[-1]) == (22, "  and 5 more")
    assert convert(Drawing().node(30, "Odd30", mode=2).node(31, "Odd31", mode=4).saved(), SCHEMAS) == {}


def test_what_the_page_throws_over_is_sent_with_a_warning() -> None:
    """A name that is null becomes the class's own; a webcam's picture is the one that was saved."""
    drawing = image_to_image()
    drawing.node(8, "VAEDecode", None, {"samples": ("LATENT", (5, 0)), "vae": ("VAE", (4, 2))}, ("IMAGE",))
    drawing.node(9, "SaveImage", [None], {"images": ("IMAGE", (8, 0))})
    drawing.node(10, "WebcamCapture", ["webcam/1.png", 0, 0, True])
    graph, warnings = convert_with_warnings(drawing.saved(), SCHEMAS)
    assert graph["9"]["inputs"]["filename_prefix"] == "ComfyUI"
    assert graph["10"]["inputs"]["image"] == "webcam/1.png"
    assert [warning.split(":")[0] for warning in warnings] == ["node 9 (SaveImage)", "node 10 (WebcamCapture)"]


def test_a_list_as_a_value_is_not_taken_for_a_link() -> None:
    """It is sent inside ``__value__``; a seed above 2^53 stays exact."""
    drawn = Drawing().node(1, "CLIPTextEncode", [["4", 1]]).node(2, "RandomNoise", [2**64 - 1, "fixed"]).saved()
    graph = convert(drawn, SCHEMAS)
    assert graph["1"]["inputs"]["text"] == {"__value__": ["4", 1]}
    assert graph["2"]["inputs"]["noise_seed"] == 2**64 - 1


def test_a_marker_that_is_lost_is_told() -> None:
    """In a title of what is not sent: a PrimitiveNode, what is muted; inside a subgraph it is kept."""
    inner = Drawing().node(9, "CLIPTextEncode", ["x"], title="$prompt.text!").definition("box", {}, {})
    drawing = Drawing().node(1, "box").node(2, "PrimitiveNode", [5], title="$seed.value")
    drawing.node(3, "EmptyImage", title="$width", mode=2).node(4, "Note", title="costs $5")
    drawing.node(5, "box", title="$text", mode=4)
    graph, warnings = convert_with_warnings(drawing.saved(inner), SCHEMAS)
    assert {key: entry["_meta"]["title"] for key, entry in graph.items()} == {"1:9": "$prompt.text!"}
    assert warnings == (
        "node 2 (PrimitiveNode, '$seed.value'): only the browser knows such nodes: "
        "put the marker of its title on the node that it feeds",
        "node 3 (EmptyImage, '$width'): it is muted and not sent, so the marker in its title is none",
        "node 5 (box, '$text'): it is bypassed and not sent, so the marker in its title is none",
    )


def nested(depth: int) -> list[Any]:
    """A list in a list in a list."""
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


def test_what_is_larger_than_any_workflow_is_refused() -> None:
    """Too many nodes in the file, in all its subgraphs together, and values without end."""
    node = {"id": 1, "type": "EmptyImage"}
    ten = [{"id": number, "type": "EmptyImage"} for number in range(10)]
    grown = [
        {"id": f"D{level}", "nodes": [{**one, "type": f"D{level + 1}" if level < 9 else one["type"]} for one in ten]}
        for level in range(10)
    ]
    cases: dict[str, dict[str, Any]] = {
        "has 100,000 nodes, more than any": {"nodes": [node] * 100_000},
        "has more than 10,000 nodes, those of its subgraphs": {
            "nodes": [{"id": 1, "type": "D0"}],
            "definitions": {"subgraphs": grown},
        },
        "nodes, links and inputs, more than any": {"nodes": [node], "links": [[1, 1, 0, 1, 0, "*"]] * 300_000},
        "input 'width' is nested deeper than": {"nodes": [{**node, "widgets_values": [nested(5000)]}]},
    }
    for said, drawn in cases.items():
        with pytest.raises(ValidationError, match=said):
            convert(drawn, SCHEMAS)
