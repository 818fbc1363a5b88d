"""graph/ui/reading.py: files of every age, and files that are none."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comfy_headless.errors import ValidationError
from comfy_headless.graph.schemas import Schemas
from comfy_headless.graph.source import read_graph
from comfy_headless.graph.ui.convert import convert
from tests.graph.ui.drawing import Drawing, image_to_image, sampler

SCHEMAS = Schemas.snapshot()
KEYS = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")


def with_link_objects(drawn: dict[str, Any]) -> dict[str, Any]:
    """The same file with its links as objects."""
    return {**drawn, "links": [dict(zip(KEYS, link, strict=True)) for link in drawn["links"]]}


def test_links_are_read_by_their_shape() -> None:
    """Lists or objects, whatever version the file says it has; ids may be texts."""
    drawn = sampler(image_to_image()).saved()
    texts = json.loads(json.dumps(drawn))
    for node in texts["nodes"]:
        node["id"] = str(node["id"])
    for link in texts["links"]:
        link[1] = str(link[1])
    graph = convert(drawn, SCHEMAS)
    for other in (with_link_objects(drawn), {**with_link_objects(drawn), "version": 1}, {**drawn, "version": 1}, texts):
        assert convert(other, SCHEMAS) == graph


def test_inputs_say_what_is_linked() -> None:
    """A link that no input names does not exist; where links claim to end counts for nothing."""
    drawn = sampler(image_to_image()).saved()
    drawn["links"].append([99, 4, 0, 3, 3, "LATENT"])
    for link in drawn["links"]:
        link[3], link[4] = 1, 77
    assert convert(drawn, SCHEMAS)["3"]["inputs"]["latent_image"] == ["5", 0]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"nodes": ["x"]}, "node 0 of the list is 'x', expected an object"),
        ({"nodes": [{"id": True, "type": "A"}]}, "the id of a node, in the list at place 0 is True"),
        ({"nodes": [{"id": 1}]}, "node 1 has no class: 'type' is None"),
        ({"nodes": [{"id": 1, "type": "A", "inputs": {}}]}, "'inputs' is {}, expected a list"),
        ({"nodes": [{"id": 1, "type": "A", "widgets_values": 5}]}, "widgets_values is 5, expected a list"),
        ({"nodes": [{"id": 1, "type": "A", "inputs": [{"name": "a", "link": [1]}]}]}, "the link of an input is"),
        ({"links": ["x"]}, "a link is 'x', expected a list or an object"),
        ({"links": [[1, 4, "y", 3]]}, "link 1 comes from output 'y', expected a whole number"),
        ({"links": [[1, 4, -1, 3]]}, "link 1 comes from output -1"),
        ({"definitions": {"subgraphs": [{"name": "x"}]}}, "definition 0 of a subgraph has no id"),
        ({"definitions": {"subgraphs": [{"id": "u", "name": "Face", "nodes": 5}]}}, "subgraph 'Face': 'nodes' is 5"),
    ],
)
def test_other_shapes_are_errors_that_say_where(change: dict[str, Any], said: str) -> None:
    """The message names the file and the place, and what was expected there."""
    with pytest.raises(ValidationError) as raised:
        convert({"nodes": [], "links": [], **change}, SCHEMAS, name="own.json")
    assert raised.value.message.startswith("own.json")
    assert said in raised.value.message


DRAWN = (
    sampler(image_to_image())
    .node(20, "box", ["outer"], {"clip": ("CLIP", (4, 1))}, properties={"proxyWidgets": [["1", "text"]]})
    .saved(
        Drawing()
        .node(1, "CLIPTextEncode", ["inner"], {"clip": ("CLIP", (-10, 0))}, ("CONDITIONING",))
        .out((1, 0), 0, "CONDITIONING")
        .definition("box", {"clip": "CLIP"}, {"out": "CONDITIONING"})
    )
)
ODD = st.sampled_from(
    [None, True, -1, 1e300, 2**70, "", "-10", "1", [], {}, [[]], [None], {"a": 1}, 4, "Reroute", "box"]
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where something stands in a file."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [each for key, item in inner for each in ((*path, key), *places(item, (*path, key)))]


PLACES = places(DRAWN)


@settings(max_examples=50)
@given(st.lists(st.tuples(st.sampled_from(PLACES), ODD), min_size=1, max_size=4))
def test_odd_files_are_converted_or_refused(changes: list[tuple[tuple[Any, ...], Any]]) -> None:
    """Whatever stands where, there is a graph that is one, or an error of ours."""
    drawn = copy.deepcopy(DRAWN)
    for path, odd in changes:
        inner: Any = drawn
        for key in path[:-1]:
            inner = inner[key] if isinstance(inner, dict | list) and _has(inner, key) else None
        if isinstance(inner, dict | list) and _has(inner, path[-1]):
            inner[path[-1]] = odd
    try:
        graph = convert(drawn, SCHEMAS)
    except ValidationError as error:
        assert error.message.startswith("workflow")
    else:
        assert graph == {} or read_graph(graph) == graph


def _has(value: dict[Any, Any] | list[Any], key: Any) -> bool:
    return key in value if isinstance(value, dict) else isinstance(key, int) and key < len(value)
