"""More pixels and more frames: models set between the pictures and what is made of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from comfy_headless.errors import ValidationError
from comfy_headless.graph.schemas import Schemas
from comfy_headless.graph.source import Graph, is_link
from comfy_headless.graph.transforms.makers import MAKERS, MOVING, find_pictures
from comfy_headless.graph.transforms.wires import (
    Changed,
    Wire,
    add_node,
    find_nodes,
    links,
    named,
    set_inputs,
    splice,
    users,
)
from comfy_headless.graph.values import Kind, Limits, fit, shown

DECODED_MULTIPLE: Final = 8
"""Pixels that the width and height of decoded pictures are a multiple of, at the least (ComfyUI 0.30.0, sd.py)."""

LEAST, MOST = 2, 16
"""The multipliers of FrameInterpolate (ComfyUI 0.30.0, object_info)."""


def upscale(graph: Graph, factor: float, models: Mapping[int, str]) -> Changed:
    """Make pictures ``factor`` times as wide and high with an upscaling model.

    The model is the smallest that reaches ``factor``; what it makes too large is scaled down. All pictures of a video
    are in memory at the model's own size. What becomes a video has an even width and height, as H.264 wants it.

    Args:
        factor: above 1, at most the largest of ``models``.
        models: file names in the folder ``upscale_models``, by how many times each enlarges.

    Raises:
        ValidationError: an impossible factor, or nothing is made of pictures.
    """
    asked = f"upscale={shown(factor)}"
    times = fit(factor, Limits(Kind.NUMBER), asked)
    fitting = [each for each in models if each >= times]
    if times <= 1 or not fitting:
        known = ", ".join(f"{name} ({each} times)" for each, name in sorted(models.items())) or "none"
        raise ValidationError(f"{asked}: expected more than 1 and at most what an upscaler reaches; there are {known}")
    own = min(fitting)
    pictures = find_pictures(graph, tuple(MAKERS), asked)
    changed, loader = add_node(graph, "UpscaleModelLoader", {"model_name": models[own]}, f"Upscaler, {own} times")
    for wire, places in pictures.items():
        inputs: dict[str, Any] = {"upscale_model": Wire(loader, 0)}
        title, taker = f"{own} times as large", places.__contains__
        changed, node_id = splice(changed, wire, "ImageUpscaleWithModel", inputs, title, into="image", only=taker)
        if own == times:
            continue
        inputs = {"upscale_method": "lanczos", "scale_by": times / own}
        title = f"{times:g} times as large as it was"
        changed, node_id = splice(changed, Wire(node_id, 0), "ImageScaleBy", inputs, title, into="image")
        if not (times * DECODED_MULTIPLE / 2).is_integer():
            inputs = {"resize_type": "scale to multiple", "resize_type.multiple": 2, "scale_method": "lanczos"}
            changed, _ = splice(changed, Wire(node_id, 0), "ResizeImageMaskNode", inputs, "Even size", into="input")
    scaled = f"upscaled {own} times by the model, then scaled to {times:g} times"
    return Changed(changed, () if own == times else (scaled,))


def interpolate(graph: Graph, multiplier: int, model: str, *, schemas: Schemas | None = None) -> Changed:
    """Show ``multiplier`` times as many frames a second; a model makes those between.

    n frames become (n - 1) * multiplier + 1 (ComfyUI 0.30.0, nodes_frame_interpolation.py). The frame rate that a
    model is conditioned on stays: the motion is the same.

    Args:
        multiplier: 2 to 16.
        model: file name in the folder ``frame_interpolation``.
        schemas: None: those that are shipped, packs included.

    Raises:
        ValidationError: an impossible multiplier, more frames a second than a node takes, or nothing is made of frames.
    """
    asked = f"interpolate={shown(multiplier)}"
    times = fit(multiplier, Limits(Kind.INTEGER, LEAST, MOST), asked)
    pictures = find_pictures(graph, MOVING, asked)
    changed, loader = add_node(
        graph, "FrameInterpolationModelLoader", {"model_name": model}, "Frame interpolation model"
    )
    for wire, places in pictures.items():
        inputs = {"interp_model": Wire(loader, 0), "multiplier": times}
        title = f"{times} times the frames"
        changed, _ = splice(changed, wire, "FrameInterpolate", inputs, title, into="images", only=places.__contains__)
    known = schemas or Schemas.snapshot(Schemas.packs())
    notes = []
    for node_id in find_nodes(graph, MOVING):
        changed, note = _speed_up(changed, node_id, times, known)
        notes.append(f"interpolated: {note}")
    return Changed(changed, tuple(dict.fromkeys(notes)))


def _speed_up(graph: Graph, node_id: str, times: int, schemas: Schemas) -> tuple[Graph, str]:
    """Return the graph with that maker showing ``times`` times as many frames a second, and what to say of it."""
    class_type, owner = graph[node_id]["class_type"], named(graph, node_id)
    name = MAKERS[class_type].fps or ""
    wire = links(graph, node_id).get(name)
    value = graph[node_id]["inputs"].get(name) if wire is None else _primitive(graph, wire)
    if wire is not None and value is None:
        product = {"expression": f"a * {times}", "values.a": wire}
        graph, faster = add_node(graph, "ComfyMathExpression", product, f"{times} times the frame rate")
        return set_inputs(graph, node_id, {name: Wire(faster, 0)}), f"{owner} shows {times} times the frames a second"
    fps = fit(value, Limits(Kind.NUMBER), f"{owner}: {name}={shown(value)}")
    item = schemas[class_type].input(name) if class_type in schemas else None
    if item is not None and item.max is not None and fps * times > item.max:
        raise ValidationError(
            f"interpolate={times}: {fps:g} frames a second become {fps * times:g}; {owner} takes at most {item.max:g}"
        )
    graph = set_inputs(graph, node_id, {name: fps * times})
    if wire is not None and not users(graph, wire):
        del graph[wire.node_id]
    return graph, f"{fps:g} frames a second become {fps * times:g}"


def _primitive(graph: Graph, wire: Wire) -> object:
    """Return the number that a wire carries, if a node for plain values gives it."""
    node = graph[wire.node_id]
    value = node["inputs"].get("value") if node["class_type"] in ("PrimitiveInt", "PrimitiveFloat") else None
    return None if is_link(value, graph) else value
