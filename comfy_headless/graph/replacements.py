"""Old node classes that a server without them replaces by new ones before it looks at a graph.

Source: ``GET /node_replacements`` of ComfyUI 0.30.0; applied to every ``POST /prompt`` (app/node_replace_manager.py).
A class that the server still has is left alone. No built-in replacement moves an output slot.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Replacement(NamedTuple):
    """A new class for an old one.

    Args:
        inputs: new input to the old one that it takes its value from; an old input not named here is dropped.
        values: new input to a fixed value.
    """

    new_class: str
    inputs: Mapping[str, str] = {}
    values: Mapping[str, Any] = {}


REPLACEMENTS: Mapping[str, Replacement] = {
    "ConditioningAverage ": Replacement("ConditioningAverage"),
    "ImageBatch": Replacement("BatchImagesNode", {"images.image0": "image1", "images.image1": "image2"}),
    "ImageScaleBy": Replacement(
        "ResizeImageMaskNode",
        {"input": "image", "resize_type.multiplier": "scale_by", "scale_method": "upscale_method"},
        {"resize_type": "scale by multiplier"},
    ),
    "Load3DAnimation": Replacement("Load3D"),
    "Preview3DAnimation": Replacement("Preview3D"),
    "ResizeImagesByLongerEdge": Replacement(
        "ImageScaleToMaxDimension",
        {"image": "images", "largest_size": "longer_edge"},
        {"upscale_method": "lanczos"},
    ),
    "SDV_img2vid_Conditioning": Replacement("SVD_img2vid_Conditioning"),
    "T2IAdapterLoader": Replacement("ControlNetLoader", {"control_net_name": "t2i_adapter_name"}),
}


def replace_classes(graph: dict[str, Any], classes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the graph as the server looks at it: the same object, or a copy if a class was replaced.

    Raises:
        TypeError, AttributeError, KeyError: the graph is not built as one; the server answers 500.
    """
    old = []
    for node_id, node in graph.items():
        if "class_type" not in node or "inputs" not in node:
            continue
        node["inputs"].items()
        if node["class_type"] not in classes and node["class_type"] in REPLACEMENTS:
            old.append(node_id)
    return _replace(graph, old, classes) if old else graph


def _replace(graph: dict[str, Any], old: list[str], classes: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(graph)
    for node_id in old:
        node = graph[node_id]
        replacement = REPLACEMENTS[node["class_type"]]
        if replacement.new_class not in classes:
            continue
        inputs = {**replacement.values, **{new: node["inputs"][was] for new, was in replacement.inputs.items()}}
        result[node_id] = {
            **node,
            "class_type": replacement.new_class,
            "inputs": inputs,
            "_meta": dict(node["_meta"]),
        }
    return result
