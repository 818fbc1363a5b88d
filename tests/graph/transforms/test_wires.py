"""Rules of what the transforms share: looking along wires, and changing a graph as a copy."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from comfy_headless.graph.check import check
from comfy_headless.graph.schemas import Schemas
from comfy_headless.graph.source import Graph
from comfy_headless.graph.transforms import wires
from comfy_headless.graph.transforms.wires import Place, Wire

CORE = Schemas.snapshot()
PICTURE: Graph = {
    "2": {"class_type": "EmptyImage", "inputs": {"width": 16, "height": 16, "batch_size": 1, "color": 0}},
    "10": {
        "class_type": "ImageScale",
        "inputs": {"image": ["2", 0], "upscale_method": "area", "width": 8, "height": 8, "crop": "disabled"},
        "_meta": {"title": "Shrink"},
    },
    "3": {"class_type": "SaveImage", "inputs": {"images": ["10", 0], "filename_prefix": "x"}},
    "5:1": {"class_type": "PreviewImage", "inputs": {"images": ["10", 0]}},
}


def inverted(graph: Graph, **options: Any) -> Graph:
    return wires.splice(graph, Wire("10", 0), "ImageInvert", {}, "Invert", into="image", **options)[0]


CHANGES: dict[str, Callable[[Graph], Graph]] = {
    "add": lambda graph: wires.add_node(graph, "PreviewImage", {"images": Wire("2", 0)}, "See")[0],
    "set": lambda graph: wires.set_inputs(graph, "3", {"images": Wire("2", 0)}),
    "rewire": lambda graph: wires.rewire(graph, Wire("10", 0), Wire("2", 0), only=lambda place: place.node_id == "3"),
    "splice": inverted,
    "replace": lambda graph: wires.replace_class(graph, "10", "ImageInvert", {}, title="Invert"),
    "prune": lambda graph: wires.prune({**graph, "9": {"class_type": "EmptyImage", "inputs": {}}}, CORE),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_changes_are_copies(change: Callable[[Graph], Graph]) -> None:
    """Whatever changes a graph leaves the given one alone, shares nothing with it, and makes one that passes."""
    given = copy.deepcopy(PICTURE)
    made = change(given)
    assert given == PICTURE and check(made).ok
    for node in made.values():
        node["inputs"].clear()
        node.setdefault("_meta", {}).clear()
    assert given == PICTURE


def test_looking_along_wires() -> None:
    """A wire knows its users, a node its links, and the graph what lies above and below a node."""
    assert wires.links(PICTURE, "10") == {"image": Wire("2", 0)} and wires.links(PICTURE, "2") == {}
    assert wires.users(PICTURE, Wire("10", 0)) == [Place("3", "images"), Place("5:1", "images")]
    assert wires.used_wires(PICTURE) == [Wire("2", 0), Wire("10", 0)]
    assert wires.nodes_above(PICTURE, ["3"]) == {"2", "10", "3"}
    assert wires.nodes_below(PICTURE, ["10"]) == {"10", "3", "5:1"}
    assert wires.find_nodes(PICTURE, ["SaveImage", "EmptyImage"]) == ["2", "3"]
    assert wires.named(PICTURE, "3") == "node 3 (SaveImage)"


def test_type_of_a_wire_is_what_its_class_says() -> None:
    """The class tells the type; of an unknown class, and of one that passes on what it gets, a sure user tells."""
    graph = {
        "1": {"class_type": "LoaderOfSomePack", "inputs": {}},
        "2": {"class_type": "ComfySwitchNode", "inputs": {"switch": True, "on_false": ["1", 0], "on_true": ["1", 0]}},
        "3": {"class_type": "ModelSamplingSD3", "inputs": {"model": ["2", 0], "shift": 8.0}},
        "4": {"class_type": "UnknownSampler", "inputs": {"model": ["3", 0], "noise": ["1", 1]}},
        "6": {"class_type": "LTXVEmptyLatentAudio", "inputs": {"frame_rate": ["1", 3]}},
        "5": {"class_type": "CLIPSetLastLayer", "inputs": {"clip": ["1", 2], "stop_at_clip_layer": -1}},
    }
    kinds = {wire: wires.wire_type(graph, wire, CORE) for wire in wires.used_wires(graph)}
    assert kinds == {
        Wire("1", 0): None,
        Wire("1", 1): None,
        Wire("1", 2): "CLIP",
        Wire("1", 3): None,
        Wire("2", 0): "MODEL",
        Wire("3", 0): "MODEL",
    }
    assert wires.find_wires(graph, "MODEL", CORE) == [Wire("2", 0), Wire("3", 0)]
    assert wires.wire_type(graph, Wire("3", 7), CORE) is None


def test_sources_are_where_a_type_begins() -> None:
    """A node that gives a type and is given none is its source; patches in between are not."""
    graph = {
        "1": {"class_type": "UnetLoaderOfSomePack", "inputs": {"unet_name": "x"}},
        "2": {"class_type": "ModelSamplingSD3", "inputs": {"model": ["1", 0], "shift": 8.0}},
        "3": {"class_type": "CFGNorm", "inputs": {"model": ["2", 0], "strength": 1.0}},
        "4": {"class_type": "BasicGuider", "inputs": {"model": ["3", 0], "conditioning": ["9", 0]}},
    }
    assert wires.find_sources(graph, "MODEL", CORE) == [Wire("1", 0)]


@pytest.mark.parametrize(("ids", "new"), [([], "1"), (["2", "10"], "11"), (["a", "7:12", "3"], "4"), (["-4"], "1")])
def test_new_id_is_free(ids: list[str], new: str) -> None:
    """A new id is the number after the greatest; ids that are no numbers do not count."""
    assert wires.new_id({each: {} for each in ids}) == new


def test_new_node_comes_last_with_its_title() -> None:
    """A new node has the next id, its title, its values as copies and its wires as links."""
    values = {"images": Wire("2", 0), "list": [1]}
    graph, node_id = wires.add_node(PICTURE, "PreviewImage", values, "See")
    assert list(graph) == [*PICTURE, "11"] and node_id == "11"
    assert graph["11"] == {
        "_meta": {"title": "See"},
        "class_type": "PreviewImage",
        "inputs": {"images": ["2", 0], "list": [1]},
    }
    assert graph["11"]["inputs"]["list"] is not values["list"]


def test_splice_changes_all_users_or_some() -> None:
    """The users of a wire take the new node instead, all of them or those that are meant; the node takes the wire."""
    whole = inverted(PICTURE)
    assert wires.links(whole, "11") == {"image": Wire("10", 0)}
    assert wires.users(whole, Wire("11", 0)) == [Place("3", "images"), Place("5:1", "images")]
    some = inverted(PICTURE, only=lambda place: place.node_id == "3")
    assert wires.users(some, Wire("11", 0)) == [Place("3", "images")]
    assert wires.users(some, Wire("10", 0)) == [Place("5:1", "images"), Place("11", "image")]


def test_replaced_class_keeps_its_wires() -> None:
    """Another class in a node's place has the same id, the same wires and, where none is given, the same title."""
    graph = wires.replace_class(PICTURE, "10", "ImageInvert", {})
    assert graph["10"] == {"_meta": {"title": "Shrink"}, "class_type": "ImageInvert", "inputs": {"image": ["2", 0]}}
    graph = wires.replace_class(PICTURE, "3", "PreviewImage", {"images": Wire("2", 0)}, title="See")
    assert graph["3"]["inputs"] == {"images": ["2", 0]} and graph["3"]["_meta"] == {"title": "See"}


def test_prune_keeps_what_an_output_needs() -> None:
    """What no output needs goes; a node of a class that nobody knows may be an output, and stays with its needs."""
    lost = {
        "20": {"class_type": "EmptyImage", "inputs": {}},
        "21": {"class_type": "ImageInvert", "inputs": {"image": ["20", 0]}},
    }
    assert wires.prune({**PICTURE, **lost}, CORE) == PICTURE
    kept = {**PICTURE, **lost, "22": {"class_type": "SaveOfSomePack", "inputs": {"image": ["21", 0]}}}
    assert wires.prune(kept, CORE) == kept
    assert json.dumps(PICTURE) == json.dumps(wires.prune(PICTURE, CORE))
