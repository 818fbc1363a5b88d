"""What a node was asked for in words and numbers: its prompt, seed and step count, found by walking upstream."""

from __future__ import annotations

from collections.abc import Iterator

from comfy_headless.simulator.order import Graph, is_link, links

_TEXT_INPUTS = ("text", "prompt", "text_g", "t5xxl", "clip_l")
_SEED_INPUTS = ("seed", "noise_seed")


def upstream(graph: Graph, node_id: str, *, without: frozenset[str] = frozenset()) -> Iterator[str]:
    """Yield ``node_id`` and all it depends on, nearest first, not entering the inputs named in ``without``."""
    waiting, seen = [node_id], {node_id}
    while waiting:
        current = waiting.pop(0)
        if current not in graph:
            continue
        yield current
        for name, source, _ in links(graph[current]):
            if source not in seen and name not in without:
                seen.add(source)
                waiting.append(source)


def prompt_text(graph: Graph, node_id: str) -> str:
    """Return the words a result was made from; "" if the graph has none."""
    for source in upstream(graph, node_id, without=frozenset({"negative"})):
        inputs = graph[source].get("inputs", {})
        for name in _TEXT_INPUTS:
            text = _text(graph, inputs.get(name))
            if text and "Encode" in graph[source]["class_type"]:
                return text
    return ""


def _text(graph: Graph, value: object) -> str:
    if is_link(value):
        assert isinstance(value, list)
        value = graph.get(value[0], {}).get("inputs", {}).get("value")
    return value.strip() if isinstance(value, str) else ""


def seed_of(graph: Graph, node_id: str) -> int:
    """Return the seed a result was made from; 0 if there is none."""
    for source in upstream(graph, node_id):
        for name in _SEED_INPUTS:
            value = graph[source].get("inputs", {}).get(name)
            if isinstance(value, int):
                return value
    return 0


def step_count(graph: Graph, node_id: str) -> int | None:
    """Return how many steps a sampler takes; None if the node is no sampler."""
    inputs = graph[node_id].get("inputs", {})
    class_type = graph[node_id]["class_type"]
    if class_type != "CogVideoSampler" and ("Sampler" not in class_type or "latent_image" not in inputs):
        return None
    if "sigmas" in inputs:
        return _sigma_count(graph, inputs["sigmas"])
    steps = _whole(graph, inputs.get("steps"), 1)
    last = min(steps, _whole(graph, inputs.get("end_at_step"), steps))
    return max(1, last - _whole(graph, inputs.get("start_at_step"), 0))


def _sigma_count(graph: Graph, wire: object) -> int:
    """Return how many steps a noise schedule has, following it to the node that makes it."""
    while is_link(wire):
        assert isinstance(wire, list)
        source, slot = wire
        node = graph.get(source, {})
        inputs = node.get("inputs", {})
        wire = inputs.get("sigmas")
        if node.get("class_type") == "SplitSigmas":
            whole, cut = _sigma_count(graph, wire), _whole(graph, inputs.get("step"), 0)
            return max(1, min(cut, whole) if slot == 0 else whole - cut)
        if "steps" in inputs:
            return max(1, _whole(graph, inputs["steps"], 1))
    return max(1, len(wire.replace(",", " ").split()) - 1) if isinstance(wire, str) else 1


def _whole(graph: Graph, value: object, default: int) -> int:
    """Return a whole number, also one that a primitive node gives."""
    if is_link(value):
        assert isinstance(value, list)
        value = graph.get(value[0], {}).get("inputs", {}).get("value")
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else default
