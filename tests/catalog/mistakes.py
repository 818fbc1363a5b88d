"""Every way to get one thing of a graph wrong, in place.

Each is a generator of what was done: the graph is wrong while it waits, and as it was when it goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import combinations
from typing import Any

from comfy_headless.graph.schemas import Schemas

Graph = dict[str, Any]
Ways = Callable[[Graph, Schemas], Iterator[str]]


def wrong_values(graph: Graph, schemas: Schemas) -> Iterator[str]:
    """Each value one more, of another type, or another word."""
    for key, node in graph.items():
        inputs = node["inputs"]
        for name, value in list(inputs.items()):
            for wrong in () if isinstance(value, list) else _other_values(value):
                inputs[name] = wrong
                yield f"{key}.{name} = {wrong!r}"
            inputs[name] = value


def _other_values(value: Any) -> Iterator[Any]:
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, (int, float)):
        yield value + 1
        yield str(value)
    else:
        yield f"{value} "


def wrong_wires(graph: Graph, schemas: Schemas) -> Iterator[str]:
    """Each wire elsewhere, each input or node left out, each pair of alike nodes or wires exchanged."""
    for ways in (_wires_elsewhere, _inputs_left_out, _other_classes, _nodes_left_out, _nodes_exchanged, _wires_crossed):
        yield from ways(graph, schemas)


def _wires_elsewhere(graph: Graph, schemas: Schemas) -> Iterator[str]:
    for key, node in graph.items():
        for name, (other, slot) in _wires(node):
            wrong = [[each, slot] for each in graph if each != other]
            for wire in ([other, slot + 1], ["nowhere", 0], *wrong):
                node["inputs"][name] = wire
                yield f"{key}.{name} = {wire}"
            node["inputs"][name] = [other, slot]


def _inputs_left_out(graph: Graph, schemas: Schemas) -> Iterator[str]:
    for key, node in graph.items():
        inputs = node["inputs"]
        for name in list(inputs):
            value = inputs.pop(name)
            yield f"{key} without {name}"
            inputs[name] = value


def _other_classes(graph: Graph, schemas: Schemas) -> Iterator[str]:
    for key, node in graph.items():
        right = node["class_type"]
        node["class_type"] = f"{right}X"
        yield f"another class for {key}"
        node["class_type"] = right


def _nodes_left_out(graph: Graph, schemas: Schemas) -> Iterator[str]:
    """Each node that takes what it gives, such as a LoRA or a shift: its users get what it got."""
    for key in list(graph):
        yield from leave_out(graph, schemas, key)


def leave_out(graph: Graph, schemas: Schemas, key: str) -> Iterator[str]:
    """A node left out, for each way in which its inputs fit its outputs; none where they do not."""
    node = graph[key]
    schema = schemas[node["class_type"]]
    kinds = {item.name: item.type for item in schema.inputs}
    through = {}
    for slot, kind in enumerate(output.type for output in schema.outputs):
        fitting = [wire for name, wire in _wires(node) if kinds.get(name) == kind]
        if fitting:
            through[slot] = fitting[min(slot, len(fitting) - 1)]
    users = [(each["inputs"], name, wire) for each in graph.values() for name, wire in _wires(each) if wire[0] == key]
    if not users or any(wire[1] not in through for _, _, wire in users):
        return
    for inputs, name, wire in users:
        inputs[name] = through[wire[1]]
    left = graph.pop(key)
    yield f"{key} left out"
    graph[key] = left
    for inputs, name, wire in users:
        inputs[name] = wire


def _nodes_exchanged(graph: Graph, schemas: Schemas) -> Iterator[str]:
    """Two nodes of one class, each in the other's place: prompts, experts, stages, images."""
    for one, other in combinations(graph, 2):
        if graph[one]["class_type"] == graph[other]["class_type"] and graph[one]["inputs"] != graph[other]["inputs"]:
            graph[one]["inputs"], graph[other]["inputs"] = graph[other]["inputs"], graph[one]["inputs"]
            yield f"{one} and {other} exchanged"
            graph[one]["inputs"], graph[other]["inputs"] = graph[other]["inputs"], graph[one]["inputs"]


def _wires_crossed(graph: Graph, schemas: Schemas) -> Iterator[str]:
    """Two wires of one type into one node, each in the other's place: positive and negative, first and last frame."""
    for key, node in graph.items():
        kinds = {item.name: item.type for item in schemas[node["class_type"]].inputs}
        inputs = node["inputs"]
        for (one, first), (other, second) in combinations(_wires(node), 2):
            if kinds.get(one) == kinds.get(other) and first != second:
                inputs[one], inputs[other] = second, first
                yield f"{key}: {one} and {other} crossed"
                inputs[one], inputs[other] = first, second


def _wires(node: Mapping[str, Any]) -> list[tuple[str, list[Any]]]:
    return [(name, value) for name, value in node["inputs"].items() if isinstance(value, list)]


def _set(inputs: str, change: Callable[[Any], Any]) -> Ways:
    def ways(graph: Graph, schemas: Schemas) -> Iterator[str]:
        for key, node in graph.items():
            if isinstance(right := node["inputs"].get(inputs), (int, float)):
                node["inputs"][inputs] = change(right)
                yield f"{key}.{inputs} = {change(right)}"
                node["inputs"][inputs] = right

    return ways


def _without(*classes: str) -> Ways:
    def ways(graph: Graph, schemas: Schemas) -> Iterator[str]:
        for key in [key for key, node in graph.items() if node["class_type"] in classes]:
            yield from leave_out(graph, schemas, key)

    return ways


def _another_latent(graph: Graph, schemas: Schemas) -> Iterator[str]:
    for key, node in graph.items():
        if node["class_type"].startswith("Empty"):
            right = dict(node)
            wrong = "EmptySD3LatentImage" if right["class_type"] == "EmptyLatentImage" else "EmptyLatentImage"
            kept = {name: right["inputs"][name] for name in ("width", "height", "batch_size")}
            node |= {"class_type": wrong, "inputs": kept}
            yield f"{wrong} for {key}"
            node |= right


SILENT: Mapping[str, Ways] = {
    "a latent of another family": _another_latent,
    "a length that the latent floors": _set("length", lambda length: length + 1),
    "a width that the latent floors": _set("width", lambda width: width + 16),
    "no shift": _without("ModelSamplingSD3", "ModelSamplingAuraFlow"),
    "no frame rate for the model": _without("LTXVConditioning"),
    "no LoRA": _without("LoraLoaderModelOnly"),
    "no guidance": _without("FluxGuidance", "VideoLinearCFGGuidance"),
    "another frame rate in the file": _set("fps", lambda fps: fps + 1),
    "another frame rate for the model": _set("frame_rate", lambda rate: rate + 1),
    "another handover": _set("end_at_step", lambda step: step - 1),
    "a gap between the experts": _set("start_at_step", lambda step: step + 1),
}
"""What ComfyUI 0.30.0 takes and then repairs, floors or does without (measured: of 15 such mistakes it noticed 5)."""
