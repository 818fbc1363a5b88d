"""Decode in tiles: less memory, the same size and length."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from comfy_headless.errors import ValidationError
from comfy_headless.graph.source import Graph, copy_json
from comfy_headless.graph.transforms.makers import told_classes
from comfy_headless.graph.transforms.wires import (
    Changed,
    find_nodes,
    named,
    nodes_above,
    replace_class,
    set_inputs,
)

TILES: Final[Mapping[str, Any]] = {"tile_size": 512, "overlap": 64, "temporal_size": 64, "temporal_overlap": 8}
"""Pixels and frames of a tile, and what neighbours share: the defaults of VAEDecodeTiled (ComfyUI 0.30.0, nodes.py).

The VAE of an image model leaves the temporal ones unread.
"""

COG_TILES: Final[Mapping[str, Any]] = {
    "enable_vae_tiling": True,
    "tile_sample_min_height": 240,
    "tile_sample_min_width": 360,
    "tile_overlap_factor_height": 0.2,
    "tile_overlap_factor_width": 0.2,
    "auto_tile_size": True,
}
"""The same of CogVideoDecode: its defaults (object_info of ComfyUI-CogVideoXWrapper)."""


def tile_decoding(graph: Graph) -> Changed:
    """Decode every latent in tiles; for a node that does so already there is a note.

    Raises:
        ValidationError: nothing in the graph decodes pictures.
    """
    nodes = find_nodes(graph, ("VAEDecode", "VAEDecodeTiled", "CogVideoDecode"))
    if not nodes:
        raise ValidationError(
            "tiled_decode: nothing to decode; expected VAEDecode, VAEDecodeTiled or CogVideoDecode, "
            f"and {told_classes(graph)}"
        )
    changed: Graph = copy_json(graph)
    notes: list[str] = []
    for node_id in nodes:
        class_type, inputs = graph[node_id]["class_type"], graph[node_id]["inputs"]
        if class_type == "VAEDecode":
            changed = replace_class(changed, node_id, "VAEDecodeTiled", TILES)
            notes += _svd_note(graph, node_id)
        elif class_type == "VAEDecodeTiled" or inputs.get("enable_vae_tiling") is True:
            notes.append(f"tiled_decode: {named(graph, node_id)} decodes in tiles already")
        else:
            changed = set_inputs(changed, node_id, {**COG_TILES, **inputs, "enable_vae_tiling": True})
    return Changed(changed, tuple(notes))


def _svd_note(graph: Graph, node_id: str) -> tuple[str, ...]:
    """Tiles are decoded frame by frame where the VAE is not one of video (ComfyUI 0.30.0, sd.py, decode_tiled_)."""
    above = nodes_above(graph, [node_id])
    if all(graph[each]["class_type"] != "SVD_img2vid_Conditioning" for each in above):
        return ()
    return (
        "tiled_decode: in tiles, the layers of SVD's decoder that smooth over time see one frame at a time; the video "
        "may flicker",
    )
