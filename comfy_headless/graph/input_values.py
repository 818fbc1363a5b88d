"""What the server says of one value or one link: casts, ranges, choices and types, in its own words.

Measured and read in ComfyUI 0.30.0 (execution.py ``validate_inputs``, comfy_execution/validation.py). Values are cast,
never refused for their type alone; ``step`` is not looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from comfy_headless.graph.schemas import ANY, InputSchema

Error = dict[str, Any]
"""One entry of a node's ``errors`` as the server writes it: type, message, details, extra_info."""

MATCH = "COMFY_MATCHTYPE_V3"
LONGEST_LIST = 20
"""Longer lists are not repeated in the error."""

CASTS: dict[str, Callable[[Any], Any]] = {"INT": int, "FLOAT": float, "STRING": str, "BOOLEAN": bool}


def make_error(kind: str, message: str, details: str, **extra_info: Any) -> Error:
    """Return an error in the server's shape."""
    return {"type": kind, "message": message, "details": details, "extra_info": extra_info}


def config(item: InputSchema) -> list[Any]:
    """Return the input's schema as errors repeat it."""
    return [item.spec, item.options]


def cast(item: InputSchema, value: Any) -> tuple[Any, Error | None]:
    """Return the value as the node will get it, or the error that it cannot be cast."""
    if isinstance(value, dict) and "__value__" in value:
        value = value["__value__"]
    convert = CASTS.get(item.spec) if isinstance(item.spec, str) else None
    if convert is None:
        return value, None
    try:
        return convert(value), None
    except (TypeError, ValueError, OverflowError) as reason:
        return value, make_error(
            "invalid_input_type",
            f"Failed to convert an input value to a {item.spec} value",
            f"{item.name}, {value}, {reason}",
            input_name=item.name,
            input_config=config(item),
            received_value=value,
            exception_message=str(reason),
        )


def find_value_error(item: InputSchema, value: Any) -> Error | None:
    """Return what is wrong with a value that has been cast: out of range, or not among the choices.

    Raises:
        TypeError: the value cannot be compared with the range; the server fails in the same way.
    """
    least, most = item.options.get("min"), item.options.get("max")
    if "min" in item.options and value < least:
        return _value_error("value_smaller_than_min", f"Value {value} smaller than min of {least}", item, value)
    if "max" in item.options and value > most:
        return _value_error("value_bigger_than_max", f"Value {value} bigger than max of {most}", item, value)
    if item.open or not (isinstance(item.spec, list) or item.spec == "COMBO"):
        return None
    choices = item.spec if isinstance(item.spec, list) else item.options.get("options", [])
    several = item.options.get("multiselect", False) and isinstance(value, list)
    wrong = [one for one in (value if several else [value]) if one not in choices]
    if not wrong:
        return None
    is_long = len(choices) > LONGEST_LIST
    shown = f"(list of length {len(choices)})" if is_long else str(choices)
    return make_error(
        "value_not_in_list",
        "Value not in list",
        f"{item.name}: {', '.join(repr(one) for one in wrong)} not in {shown}",
        input_name=item.name,
        input_config=None if is_long else config(item),
        received_value=value,
    )


def _value_error(kind: str, message: str, item: InputSchema, value: Any) -> Error:
    return make_error(kind, message, item.name, input_name=item.name, input_config=config(item), received_value=value)


def fits(given: Any, wanted: Any) -> bool:
    """Return whether a wire of type ``given`` may go into an input of type ``wanted``.

    Types are names or unions (``"FLOAT,INT"``); one common member is enough. ``*`` fits everything, and so does a
    match type, which only the editor checks. Old nodes give the list of choices as the type of an output.
    """
    if given == wanted or ANY in (given, wanted) or MATCH in (given, wanted):
        return True
    if isinstance(given, list) and wanted == "COMBO":
        return True
    if not isinstance(given, str) or not isinstance(wanted, str):
        return False
    given_types = {part.strip() for part in given.split(",")}
    wanted_types = {part.strip() for part in wanted.split(",")}
    return ANY in given_types | wanted_types or not given_types.isdisjoint(wanted_types)


def missing_error(item: InputSchema, *, nested: bool) -> Error:
    """Return the error for a required input that is not there."""
    shown = item.name.split(".")[-1] if nested else item.name
    return make_error("required_input_missing", "Required input is missing", shown, input_name=item.name)


def bad_link_error(item: InputSchema, value: list[Any]) -> Error:
    """Return the error for a list that is not ``[node_id, slot]``."""
    return make_error(
        "bad_linked_input",
        "Bad linked input, must be a length-2 list of [node_id, slot_index]",
        item.name,
        input_name=item.name,
        input_config=config(item),
        received_value=value,
    )


def mismatch_error(item: InputSchema, given: Any, link: list[Any]) -> Error:
    """Return the error for a wire of the wrong type."""
    return make_error(
        "return_type_mismatch",
        "Return type mismatch between linked nodes",
        f"{item.name}, received_type({given}) mismatch input_type({item.spec})",
        input_name=item.name,
        input_config=config(item),
        received_type=given,
        linked_node=link,
    )
