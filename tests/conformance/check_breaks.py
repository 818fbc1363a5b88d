"""Ways to break a graph, by name; each breaks one place, and says if there is none."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from comfy_headless.graph.live_inputs import unfold
from comfy_headless.graph.schemas import InputSchema, Schemas

from .check_graphs import Graph, empty_image, node, save

Break = Callable[[Graph, Schemas, random.Random], bool]
"""Breaks a graph in place; False if this graph cannot be broken this way."""


def _pick_input(
    graph: Graph, schemas: Schemas, dice: random.Random, fits: Callable[[InputSchema, Any], bool]
) -> tuple[str, InputSchema] | None:
    found = [
        (node_id, item)
        for node_id, each in graph.items()
        if each.get("class_type") in schemas and "inputs" in each
        for item in unfold(schemas[each["class_type"]], each["inputs"]).inputs
        if fits(item, each["inputs"].get(item.name))
    ]
    return dice.choice(found) if found else None


def _set(wanted: Callable[[InputSchema, Any], bool], *values: Any) -> Break:
    def break_it(graph: Graph, schemas: Schemas, dice: random.Random) -> bool:
        picked = _pick_input(graph, schemas, dice, wanted)
        if picked is None:
            return False
        value = dice.choice(values)
        graph[picked[0]]["inputs"][picked[1].name] = value(picked[1]) if callable(value) else value
        return True

    return break_it


def _is_link(item: InputSchema, value: Any) -> bool:
    return isinstance(value, list)


def _of_type(*types: str) -> Callable[[InputSchema, Any], bool]:
    return lambda item, value: item.type in types and not isinstance(value, list)


def _has(option: str) -> Callable[[InputSchema, Any], bool]:
    return lambda item, value: option in item.options and item.type in ("INT", "FLOAT") and not isinstance(value, list)


def _relink(pick: Callable[[Graph, str, random.Random], Any]) -> Break:
    def break_it(graph: Graph, schemas: Schemas, dice: random.Random) -> bool:
        picked = _pick_input(graph, schemas, dice, _is_link)
        if picked is None:
            return False
        graph[picked[0]]["inputs"][picked[1].name] = pick(graph, picked[0], dice)
        return True

    return break_it


def _change_slot(graph: Graph, schemas: Schemas, dice: random.Random) -> bool:
    picked = _pick_input(graph, schemas, dice, _is_link)
    if picked is None:
        return False
    inputs = graph[picked[0]]["inputs"]
    inputs[picked[1].name] = [*inputs[picked[1].name][:1], dice.choice([9, -1, -9, "0", 0.0, None, True, [0]])]
    return True


def _drop_required(graph: Graph, schemas: Schemas, dice: random.Random) -> bool:
    picked = _pick_input(graph, schemas, dice, lambda item, value: item.required and value is not None)
    if picked is None:
        return False
    graph[picked[0]]["inputs"].pop(picked[1].name)
    return True


def _add_input(graph: Graph, schemas: Schemas, dice: random.Random) -> bool:
    graph[dice.choice(list(graph))]["inputs"][dice.choice(["stpes", "codec.crf", "prompt"])] = dice.choice([1, "x", []])
    return True


def _wrap(graph: Graph, schemas: Schemas, dice: random.Random) -> bool:
    picked = _pick_input(graph, schemas, dice, lambda item, value: value is not None and not isinstance(value, list))
    if picked is None:
        return False
    inputs = graph[picked[0]]["inputs"]
    inputs[picked[1].name] = {"__value__": dice.choice([inputs[picked[1].name], ["a", "b"], ["1", 0], None])}
    return True


def _change_class(class_type: Any, *, title: bool = False) -> Break:
    def break_it(graph: Graph, schemas: Schemas, dice: random.Random) -> bool:
        broken = graph[dice.choice(list(graph))]
        broken["class_type"] = class_type
        if title:
            broken["_meta"] = {"title": "My node"}
        return True

    return break_it


def _drop_key(key: str) -> Break:
    def break_it(graph: Graph, schemas: Schemas, dice: random.Random) -> bool:
        graph[dice.choice(list(graph))].pop(key, None)
        return True

    return break_it


def _drop_outputs(graph: Graph, schemas: Schemas, dice: random.Random) -> bool:
    for node_id in [
        n for n, each in graph.items() if each["class_type"] in schemas and schemas[each["class_type"]].output_node
    ]:
        del graph[node_id]
    return True


def _drop_node(graph: Graph, schemas: Schemas, dice: random.Random) -> bool:
    del graph[dice.choice(list(graph))]
    return True


def _add_bad_output(graph: Graph, schemas: Schemas, dice: random.Random) -> bool:
    graph["901"] = empty_image(width=dice.choice([0, "x", 10**6]))
    graph["902"] = save("901")
    return True


def _close_ring(graph: Graph, schemas: Schemas, dice: random.Random) -> bool:
    graph["911"] = node("ImageInvert", image=["913", 0])
    graph["912"] = node("ImageInvert", image=["911", 0])
    graph["913"] = node("ImageInvert", image=[dice.choice(["911", "912", "913"]), 0])
    graph["914"] = save(dice.choice(["911", "912", "913"]))
    return True


BREAKS: dict[str, Break] = {
    "unknown_class": _change_class("NoSuchNode"),
    "unknown_class_titled": _change_class("NoSuchNode", title=True),
    "null_class": _change_class(None),
    "no_class": _drop_key("class_type"),
    "no_inputs": _drop_key("inputs"),
    "no_outputs": _drop_outputs,
    "node_gone": _drop_node,
    "required_gone": _drop_required,
    "input_added": _add_input,
    "wrapped": _wrap,
    "not_in_list": _set(_of_type("COMBO"), "no such choice", "", 7, None, {"a": 1}),
    "too_small": _set(_has("min"), lambda item: item.min - 1),
    "too_big": _set(_has("max"), lambda item: item.max + 1),
    "int_cast": _set(_of_type("INT"), "abc", None, {}, "12", 3.9, "3.9", True, float("inf"), ""),
    "float_cast": _set(_of_type("FLOAT"), "abc", None, {"a": 1}, "1.5", True, "nan"),
    "text_cast": _set(_of_type("STRING"), 5, None, {"a": 1}, True),
    "switch_cast": _set(_of_type("BOOLEAN"), "false", 0, None, {}),
    "literal_for_wire": _set(_is_link, "x", 1, None, {}),
    "bad_link": _set(lambda item, value: True, [], ["1"], ["1", 0, 1], [[]]),
    "absent_node": _relink(lambda graph, node_id, dice: [dice.choice(["999", 999, None, 1.5, ["1"]]), 0]),
    "other_node": _relink(lambda graph, node_id, dice: [dice.choice(list(graph)), dice.choice([0, 0, 1, 2])]),
    "self_link": _relink(lambda graph, node_id, dice: [node_id, 0]),
    "other_slot": _change_slot,
    "bad_output": _add_bad_output,
    "ring": _close_ring,
    "dynamic_choice": _set(lambda item, value: item.dynamic, "no such option", None, ["1", 0]),
}
"""Every way to break a graph, by name."""
