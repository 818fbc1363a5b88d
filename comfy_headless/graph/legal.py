"""The value nearest to a given one that an input takes: in range, of its type, one of its choices."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from comfy_headless.graph.listed import find_listed
from comfy_headless.graph.near import find_near
from comfy_headless.graph.schemas import InputSchema

_NUMBER: Final = re.compile(r"[-+]?\d+(?:\.\d+)?")
_WORDS: Final = {"true": True, "yes": True, "on": True, "1": True}
_SHOWN: Final = 8


class Legal(NamedTuple):
    """A value that an input takes, and why it is this one."""

    value: Any
    why: str


def legal_value(item: InputSchema, value: Any) -> Legal | None:
    """Return the legal value nearest to one; for None, which nobody gave, what the editor would fill in.

    None: the input takes links, or has nothing to choose from.
    """
    if isinstance(value, dict) and "__value__" in value:
        value = value["__value__"]
    options = options_of(item)
    if options is not None:
        return _choice(item, options, value)
    match item.spec:
        case "INT" | "FLOAT":
            return _number(item, value)
        case "BOOLEAN":
            return _switch(item, value)
        case "STRING":
            return _text(item, value)
    return None


def options_of(item: InputSchema) -> tuple[Any, ...] | None:
    """Return what a plain choice may be, None for what is none."""
    return None if item.dynamic else item.choices


def _choice(item: InputSchema, options: Sequence[Any], value: Any) -> Legal | None:
    if not options:
        return None
    several = item.options.get("multiselect", False) and isinstance(value, list)
    if several:
        return Legal([one for one in value if one in options] or [options[0]], "what of it there is")
    close = _closest(value, options)
    usual = item.default if item.default in options else options[0]
    if close is not None:
        return Legal(close, "the nearest that there is")
    some = ", ".join(map(str, options[:_SHOWN])) + (f" and {len(options) - _SHOWN} more" if options[_SHOWN:] else "")
    return Legal(usual, f"one of {some}")


def _closest(value: Any, options: Sequence[Any]) -> Any:
    """Return the choice that a value surely or likely means."""
    numbers = [
        each for each in options if isinstance(each, int | float) and not isinstance(each, bool) and _is_finite(each)
    ]
    number = _read_number(value)
    if number is not None and len(numbers) == len(options):
        return min(numbers, key=lambda each: abs(each - number))
    if not isinstance(value, str):
        return None
    if value in options:
        return value
    texts = {str(each).casefold(): each for each in options}
    if value.strip().casefold() in texts:
        return texts[value.strip().casefold()]
    found = find_listed(value, [each for each in options if isinstance(each, str)], any_case=True)
    if found is not None:
        return found.name
    close = find_near(value, texts)
    return texts[close[0]] if close else None


def _number(item: InputSchema, value: Any) -> Legal | None:
    whole = item.spec == "INT"
    number = _read_number(value)
    why = "" if number is not None else "its default" if item.default is not None else "any number in range"
    if number is None:
        number = _read_number(item.default) or 0
    least, most = item.min, item.max
    if least is not None and number < least:
        number, why = least, f"the least that it takes; the most is {most:g}" if most is not None else "the least"
    elif most is not None and number > most:
        number, why = most, f"the most that it takes; the least is {least:g}" if least is not None else "the most"
    if not _is_finite(number):
        return None
    return Legal(round(number) if whole else number, why or "a whole number" if whole else why)


def _read_number(value: Any) -> int | float | None:
    """Return the number that a value is, or that a text begins with."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int | float):
        return value if _is_finite(value) else None
    found = _NUMBER.search(value) if isinstance(value, str) else None
    if found is None:
        return None
    number = float(found[0])
    if not _is_finite(number):
        return None
    return number if "." in found[0] else int(found[0])


def _is_finite(number: float) -> bool:
    """Return whether that is a number, and a float can be it."""
    return -sys.float_info.max <= number <= sys.float_info.max


def _switch(item: InputSchema, value: Any) -> Legal:
    if value is None:
        return Legal(bool(item.default), "its default")
    return Legal(_WORDS.get(value.strip().casefold(), False) if isinstance(value, str) else bool(value), "")


def _text(item: InputSchema, value: Any) -> Legal:
    too_long = isinstance(value, int) and not _is_finite(value)  # Python writes no number of some thousand digits
    if value is None or too_long:
        return Legal(item.default if isinstance(item.default, str) else "", "its default")
    return Legal(value if isinstance(value, str) else str(value), "")
