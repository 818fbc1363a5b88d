"""Ways to break a graph, by name; each breaks one place, and says if there is none."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from comfy_headless.graph.file_inputs import FILE_INPUTS, MODEL_INPUTS
from comfy_headless.graph.input_values import fits
from comfy_headless.graph.live_inputs import unfold
from comfy_headless.graph.replacements import REPLACEMENTS
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


def _misspell(graph: Graph, schemas: Schemas, dice: random.Random) -> bool:
    broken = graph[dice.choice(list(graph))]
    broken["class_type"] = dice.choice([f"{broken['class_type']} ", str(broken["class_type"]).lower()])
    return True


def _name_old_class(graph: Graph, schemas: Schemas, dice: random.Random) -> bool:
    """The server puts the new class back and drops the inputs, since none of these says where they went."""
    old = {new.new_class: name for name, new in REPLACEMENTS.items() if not new.inputs and name not in schemas}
    found = [node_id for node_id, each in graph.items() if each.get("class_type") in old]
    if not found:
        return False
    broken = graph[dice.choice(found)]
    broken["class_type"] = old[broken["class_type"]]
    return True


def _rename_input(graph: Graph, schemas: Schemas, dice: random.Random) -> bool:
    picked = _pick_input(graph, schemas, dice, lambda item, value: value is not None)
    if picked is None:
        return False
    inputs = graph[picked[0]]["inputs"]
    inputs[f"{picked[1].name}_name"] = inputs.pop(picked[1].name)
    return True


def _rewire(*, fitting: bool) -> Break:
    """Take the wire from another output, one whose type fits or one whose does not."""

    def break_it(graph: Graph, schemas: Schemas, dice: random.Random) -> bool:
        outputs = [
            (node_id, slot, output.type)
            for node_id, each in graph.items()
            if each.get("class_type") in schemas
            for slot, output in enumerate(schemas[each["class_type"]].outputs)
        ]
        picked = _pick_input(graph, schemas, dice, _is_link)
        if picked is None:
            return False
        found = [[node_id, slot] for node_id, slot, given in outputs if fits(given, picked[1].spec) == fitting]
        if not found:
            return False
        graph[picked[0]]["inputs"][picked[1].name] = dice.choice(found)
        return True

    return break_it


def _change_video(name: str, *values: Any) -> Break:
    """Set an input of SaveVideo; without values it is taken away, and with it all that it brings."""

    def break_it(graph: Graph, schemas: Schemas, dice: random.Random) -> bool:
        found = [each["inputs"] for each in graph.values() if each.get("class_type") == "SaveVideo"]
        if not found:
            return False
        inputs = dice.choice(found)
        for dotted in [each for each in inputs if each == name or each.startswith(f"{name}.")]:
            del inputs[dotted]
        if values:
            inputs[name] = dice.choice(values)
        return True

    return break_it


def _change_file(*, model: bool, to: Callable[[str, Graph], list[Any]]) -> Break:
    def break_it(graph: Graph, schemas: Schemas, dice: random.Random) -> bool:
        found = [
            (each["inputs"], name)
            for each in graph.values()
            for name, value in each.get("inputs", {}).items()
            if (each.get("class_type"), name) in FILE_INPUTS and isinstance(value, str)
            if ((each["class_type"], name) in MODEL_INPUTS) == model
        ]
        if not found:
            return False
        inputs, name = dice.choice(found)
        inputs[name] = dice.choice(to(inputs[name], graph))
        return True

    return break_it


def _other_models(name: str, graph: Graph) -> list[Any]:
    """Names of other files of the graph: they lie in other folders, most of them."""
    named = {
        value
        for each in graph.values()
        for key, value in each.get("inputs", {}).items()
        if (each.get("class_type"), key) in MODEL_INPUTS and isinstance(value, str)
    }
    return sorted(named - {name}) or ["absent.safetensors"]


def _is_dotted(item: InputSchema, value: Any) -> bool:
    return "." in item.name and value is not None


def _drop_dotted(graph: Graph, schemas: Schemas, dice: random.Random) -> bool:
    picked = _pick_input(graph, schemas, dice, _is_dotted)
    if picked is None:
        return False
    graph[picked[0]]["inputs"].pop(picked[1].name)
    return True


def _as_text(graph: Graph, schemas: Schemas, dice: random.Random) -> bool:
    picked = _pick_input(graph, schemas, dice, lambda item, value: item.type == "INT" and isinstance(value, int))
    if picked is None:
        return False
    inputs = graph[picked[0]]["inputs"]
    inputs[picked[1].name] = str(inputs[picked[1].name])
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
    "class_misspelt": _misspell,
    "class_renamed": _name_old_class,
    "input_renamed": _rename_input,
    "int_as_text": _as_text,
    "wire_of_wrong_type": _rewire(fitting=False),
    "wire_of_same_type": _rewire(fitting=True),
    "codec_gone": _change_video("codec"),
    "codec_unknown": _change_video("codec", "h265", "copy", None, ["1", 0]),
    "encoding_unknown": _change_video("codec.encoding", "fast", "", 3),
    "dotted_gone": _drop_dotted,
    "dotted_junk": _set(_is_dotted, "no such option", -(10**9), 10**9, {}),
    "model_absent": _change_file(model=True, to=lambda name, graph: ["absent.safetensors", "absent.gguf"]),
    "model_elsewhere": _change_file(model=True, to=_other_models),
    "model_in_folder": _change_file(model=True, to=lambda name, graph: [f"wan/{name}", f"wan\\{name}", name.upper()]),
    "picture_absent": _change_file(model=False, to=lambda name, graph: ["absent.png", f"absent/{name}"]),
    "picture_elsewhere": _change_file(
        model=False, to=lambda name, graph: [f"{name} [output]", f"../{name}", f"./{name}"]
    ),
}
"""Every way to break a graph, by name."""
