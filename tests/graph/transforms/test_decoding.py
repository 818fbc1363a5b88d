"""Rules of decoding in tiles."""

from __future__ import annotations

import pytest

from comfy_headless.errors import ValidationError
from comfy_headless.graph.source import Graph
from comfy_headless.graph.transforms.decoding import COG_TILES, TILES, tile_decoding
from tests.graph.transforms.graphs import STILL, node
from tests.graph.transforms.shipped import ALL_PACKS, TEMPLATES, change, template

DECODERS = {"VAEDecode", "VAEDecodeTiled", "CogVideoDecode"}


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_template_is_decoded_in_tiles(name: str) -> None:
    """Each decoder of a template decodes in tiles; one that did keeps its tiles, and a note names it."""
    graph = template(name)
    made, notes = change(graph, tile_decoding)
    for node_id in [each for each in graph if graph[each]["class_type"] in DECODERS]:
        before, after = graph[node_id], made[node_id]
        if before["class_type"] == "VAEDecode":
            assert after == {**before, "class_type": "VAEDecodeTiled", "inputs": {**before["inputs"], **TILES}}
        else:
            assert after["class_type"] == before["class_type"]
            assert after["inputs"].get("enable_vae_tiling") in (None, True)
        tiled = before["class_type"] == "VAEDecodeTiled" or before["inputs"].get("enable_vae_tiling") is True
        assert any(f"node {node_id} " in note for note in notes) == tiled
    assert {key: made[key] for key in graph if graph[key]["class_type"] not in DECODERS} == {
        key: each for key, each in graph.items() if each["class_type"] not in DECODERS
    }


@pytest.mark.parametrize("name", TEMPLATES)
def test_twice_is_once(name: str) -> None:
    """What is decoded in tiles already stays as it is."""
    once = tile_decoding(template(name)).graph
    assert tile_decoding(once).graph == once


def test_tiles_are_the_defaults() -> None:
    """The tiles are those that the nodes have by themselves."""
    for class_type, tiles in (("VAEDecodeTiled", TILES), ("CogVideoDecode", COG_TILES)):
        items = {item.name: item for item in ALL_PACKS[class_type].inputs}
        assert {name: items[name].default for name in tiles} == tiles


def test_tiles_of_cogvideo_stay() -> None:
    """Where a graph has sizes of tiles and does not use them, they are used."""
    graph: Graph = {
        "1": node("CogVideoDecode", vae=["9", 0], samples=["9", 0], enable_vae_tiling=False, tile_sample_min_width=96)
    }
    inputs = tile_decoding(graph).graph["1"]["inputs"]
    assert inputs == {**graph["1"]["inputs"], **COG_TILES, "tile_sample_min_width": 96}


def test_nothing_to_decode() -> None:
    """Without a decoder the error says what would be one, and what is there."""
    with pytest.raises(ValidationError, match=r"^tiled_decode: .*VAEDecode.*the graph has EmptyImage, SaveImage$"):
        tile_decoding(STILL)


def test_a_decoder_that_smooths_over_time():
    """SVD's sees one frame at a time in tiles; that is said, and of no other family."""
    told = {name: tile_decoding(template(name)).notes for name in TEMPLATES}
    assert {name for name, notes in told.items() if "flicker" in "".join(notes)} == {"svd_image"}
