"""What a server takes without a word and then fails over, changes or drops.

Only what is certain from the graph and the schemas. Measured on ComfyUI 0.30.0; where nothing else is said, the rule
follows from execution.py and comfy_execution/graph.py. Inputs of custom packs may be more than their schema says, so
unknown inputs are reported for ComfyUI's own classes only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from comfy_headless.graph.kinds import KINDS
from comfy_headless.graph.live_inputs import Gap, unfold
from comfy_headless.graph.near import find_near
from comfy_headless.graph.own_checks import ACCEPTS_ALL_INPUTS, looks_like_link
from comfy_headless.graph.report import Problem
from comfy_headless.graph.schemas import InputSchema, NodeSchema, Schemas

WIRES = frozenset(
    {
        "AUDIO",
        "CLIP",
        "CLIP_VISION",
        "CLIP_VISION_OUTPUT",
        "CONDITIONING",
        "CONTROL_NET",
        "GUIDER",
        "IMAGE",
        "LATENT",
        "LATENT_UPSCALE_MODEL",
        "MASK",
        "MODEL",
        "NOISE",
        "SAMPLER",
        "SIGMAS",
        "UPSCALE_MODEL",
        "VAE",
        "VIDEO",
    }
)
"""Types that only another node can give: no JSON value stands for them."""

EDITOR_LEFTOVERS = frozenset({"audioUI", "clear", "upload", "upload 3d model", "upload extra resources"})
"""Names of buttons and players that the editor writes into its exports; they mean nothing."""

EDITOR_VIEWERS = frozenset({("Preview3D", "image"), ("SaveGLB", "image")})
"""The same for names that mean something elsewhere (measured: 515 exports of the editor that ComfyUI 0.30.0 brings)."""


def find_unnoticed(
    graph: Mapping[str, Any], as_run: Mapping[str, Any], schemas: Schemas, *, refused: bool
) -> Iterator[Problem]:
    """Yield what the server does not say about a graph whose classes it all has.

    Args:
        graph: as it is sent.
        as_run: as the server runs it: classes replaced, values cast.
        refused: whether the server refuses some of it. Unused nodes are not named then: a broken link leaves the
            nodes above it unused.
    """
    used = as_run.keys() if refused else _find_used(as_run, schemas)
    for node_id, node in as_run.items():
        class_type, inputs = node["class_type"], node.get("inputs")
        sent = graph[node_id]
        if sent["class_type"] != class_type:
            yield _problem("class_replaced", node_id, sent["class_type"], None, f"{class_type}")
            sent = node
        if not schemas[class_type].whole:
            yield _problem("class_not_read", node_id, class_type, None, "")
        if inputs is None:
            yield _problem("node_without_inputs", node_id, class_type, None, "")
        elif node_id not in used:
            yield _problem("node_unused", node_id, class_type, None, "")
        else:
            yield from _look_at_node(node_id, schemas[class_type], sent["inputs"], inputs, as_run)


def _find_used(graph: Mapping[str, Any], schemas: Schemas) -> set[Any]:
    """Return the nodes that an output needs. The server follows every link, also of inputs that it does not know."""
    waiting = [node_id for node_id, node in graph.items() if schemas[node["class_type"]].output_node]
    used: set[Any] = set()
    while waiting:
        node_id = waiting.pop()
        if node_id not in used:
            used.add(node_id)
            inputs = graph[node_id].get("inputs") or {}
            waiting += (value[0] for value in inputs.values() if looks_like_link(value) and value[0] in graph)
    return used


def _look_at_node(
    node_id: str, schema: NodeSchema, sent: Mapping[str, Any], cast: Mapping[str, Any], graph: Mapping[str, Any]
) -> Iterator[Problem]:
    live = unfold(schema, sent)
    items = {item.name: item for item in live.inputs}
    gaps = {gap.name: gap for gap in live.gaps}
    hidden = {item.name for item in schema.inputs if item.category == "hidden"}
    for gap in live.gaps:
        if gap.given or gap.required:
            yield _describe_gap(node_id, schema.name, gap, sent.get(gap.name))
    for name, value in sent.items():
        if name in items:
            yield from _look_at_value(node_id, schema.name, items[name], value, cast[name])
        elif looks_like_link(value) and value[0] not in graph:
            yield _problem("link_to_absent_node", node_id, schema.name, name, f"{name}: {value[0]!r}")
        elif name not in gaps and name not in hidden and _is_unknown(name, schema):
            yield _problem("unknown_input", node_id, schema.name, name, f"{name}{_suggest(name, items)}")


def _is_unknown(name: str, schema: NodeSchema) -> bool:
    """Return whether the class surely ignores an input that its schema does not have."""
    if not schema.core or schema.name in ACCEPTS_ALL_INPUTS:
        return False
    return name not in EDITOR_LEFTOVERS and (schema.name, name) not in EDITOR_VIEWERS


def _look_at_value(node_id: str, class_type: str, item: InputSchema, sent: Any, cast: Any) -> Iterator[Problem]:
    if isinstance(sent, list | tuple):
        return
    if isinstance(item.spec, str) and item.spec in WIRES and (sent is not None or item.required):
        yield _problem("link_expected", node_id, class_type, item.name, f"{item.name}: {sent!r} is no {item.spec}")
    elif _is_changed(item.spec, sent, cast):
        yield _problem("value_changed", node_id, class_type, item.name, f"{item.name}: {sent!r} becomes {cast!r}")


def _is_changed(kind: Any, sent: Any, cast: Any) -> bool:
    if kind == "INT":
        return isinstance(sent, float) and isinstance(cast, int) and sent != cast
    if kind == "BOOLEAN":
        return isinstance(sent, str)
    return kind == "STRING" and (sent is None or (isinstance(sent, dict) and "__value__" not in sent))


def _describe_gap(node_id: str, class_type: str, gap: Gap, value: Any) -> Problem:
    keys = ", ".join(repr(key) for key in gap.keys)
    if not gap.given:
        return _problem("dynamic_choice_missing", node_id, class_type, gap.name, f"{gap.name}: one of {keys}")
    kind = "dynamic_choice_unknown" if gap.required else "dynamic_choice_ignored"
    return _problem(kind, node_id, class_type, gap.name, f"{gap.name}: {value!r} is none of {keys}")


def _suggest(name: str, known: Iterable[str]) -> str:
    close = find_near(name, known)
    return f"; did you mean {close[0]!r}?" if close else ""


def _problem(kind: str, node_id: str, class_type: str, name: str | None, details: str) -> Problem:
    return Problem(node_id, class_type, name, kind, KINDS[kind].meaning, details, refused=False)
