"""Whether what a server says of a node class has the shape that ComfyUI gives it: the rest relies on it.

Node packs may write what they like there. `schemas` reads an input that has another shape as one that takes anything.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

DYNAMIC_COMBO: Final = "COMFY_DYNAMICCOMBO_V3"
DYNAMIC_TYPES: Final = frozenset({DYNAMIC_COMBO, "COMFY_AUTOGROW_V3", "COMFY_DYNAMICSLOT_V3"})

_DEEPEST: Final = 16
"""How deep dynamic inputs may lie in each other; ComfyUI 0.30.0 has two."""
_MOST: Final = 1000
"""Names of one autogrow; ComfyUI 0.30.0 has at most 100 (comfy_api/latest/_io.py)."""


def is_well_formed(raw: Any) -> bool:
    """Say whether ``raw`` is one value of ``GET /object_info``, as far as a check reads it."""
    if not isinstance(raw, Mapping) or not isinstance(raw.get("input"), Mapping):
        return False
    return isinstance(raw.get("output"), list | tuple) and _are_sections(raw["input"], 0)


def is_spec(spec: Any, depth: int = 0) -> bool:
    """Say whether that is an input: a type or a list of choices, and what else is said of it; or a plain word.

    Args:
        depth: in how many dynamic inputs it lies.
    """
    if isinstance(spec, str):
        return spec not in DYNAMIC_TYPES
    if not isinstance(spec, list | tuple) or not spec or not isinstance(spec[0], str | list | tuple):
        return False
    if len(spec) == 1:
        return spec[0] not in DYNAMIC_TYPES if isinstance(spec[0], str) else True
    kind, options = spec[0], spec[1]
    if not isinstance(options, dict | Mapping):
        return False
    if ("min" in options and not _is_limit(options["min"])) or ("max" in options and not _is_limit(options["max"])):
        return False
    if kind == "COMBO":
        return isinstance(options.get("options", []), list)
    if isinstance(kind, str) and kind in DYNAMIC_TYPES:
        return depth < _DEEPEST and _is_dynamic(kind, options, depth + 1)
    return True


def _are_sections(sections: Any, depth: int) -> bool:
    """Inputs by name, in sections by name; a section may be none."""
    if not isinstance(sections, dict | Mapping):
        return False
    for section in sections.values():
        if section is None:
            continue
        if not isinstance(section, dict | Mapping):
            return False
        for spec in section.values():
            if not is_spec(spec, depth):
                return False
    return True


def _is_limit(value: Any) -> bool:
    """Return whether that is a number, one that a float can be."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return not math.isnan(value) if isinstance(value, float) else value.bit_length() < 1024


def _is_dynamic(kind: str, options: Mapping[str, Any], depth: int) -> bool:
    if kind == DYNAMIC_COMBO:
        choices = options.get("options", [])
        return isinstance(choices, list | tuple) and all(
            isinstance(each, Mapping) and "key" in each and _are_sections(each.get("inputs"), depth) for each in choices
        )
    if "template" in options:
        return _is_template(options["template"], depth)
    return _are_sections(options.get("inputs") or {}, depth)


def _is_template(template: Any, depth: int) -> bool:
    """What an autogrow repeats, by names or by a prefix and a count."""
    if not isinstance(template, Mapping) or not _are_sections(template.get("input"), depth):
        return False
    if None in template["input"].values() or not _is_count(template.get("min")):
        return False
    names = template.get("names")
    if names:
        return isinstance(names, list | tuple) and all(isinstance(name, str) for name in names)
    return isinstance(template.get("prefix"), str) and _is_count(template.get("max"))


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST
