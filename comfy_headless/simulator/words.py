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
    node = graph[node_id]
    if "Sampler" not in node["class_type"] or "latent_image" not in node.get("inputs", {}):
        return None
    inputs = node["inputs"]
    steps = inputs.get("steps")
    if isinstance(steps, int):
        last = min(steps, int(inputs.get("end_at_step", steps)))
        return max(1, last - int(inputs.get("start_at_step", 0)))
    if is_link(inputs.get("sigmas")):
        return _sigma_count(graph, inputs["sigmas"])
    return 1


def _sigma_count(graph: Graph, wire: list[object]) -> int:
    slot = wire[1]
    for source in upstream(graph, str(wire[0])):
        inputs = graph[source].get("inputs", {})
        if graph[source]["class_type"] == "SplitSigmas":
            whole = _sigma_count(graph, inputs["sigmas"]) if is_link(inputs.get("sigmas")) else 1
            cut = int(inputs.get("step", 0))
            return max(1, min(cut, whole) if slot == 0 else whole - cut)
        if isinstance(inputs.get("sigmas"), str):
            return max(1, len(inputs["sigmas"].replace(",", " ").split()) - 1)
        if isinstance(inputs.get("steps"), int):
            return max(1, int(inputs["steps"]))
    return 1
