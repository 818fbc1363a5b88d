"""The inputs that one node of a graph has: its class's, with dynamic ones unfolded by the values that are there.

A dynamic combo brings the inputs of the option it is set to, an autogrow one input per name, a dynamic slot its inputs
once it is filled. ComfyUI 0.30.0 unfolds them before it validates (``get_finalized_class_inputs``, comfy_api/latest/
_io.py); a dynamic combo that is missing or set to an unknown key unfolds to nothing, itself included, so nobody
checks it: such are returned as `Gap`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from comfy_headless.graph.schemas import DYNAMIC_COMBO, Category, InputSchema, NodeSchema, read_input


class Gap(NamedTuple):
    """A dynamic combo that a node leaves without a legal value.

    Args:
        given: whether there is a value at all.
        keys: the legal ones.
    """

    name: str
    required: bool
    given: bool
    keys: tuple[Any, ...]


class LiveInputs(NamedTuple):
    """The inputs of one node, in order; those a graph must or may give, hidden ones not among them.

    Args:
        nested: whether any of them lies inside a dynamic input (then the server names a missing one by its last part).
        gaps: the dynamic combos without a legal value.
    """

    inputs: tuple[InputSchema, ...]
    nested: bool
    gaps: tuple[Gap, ...]


def unfold(node: NodeSchema, values: Mapping[str, Any]) -> LiveInputs:
    """Return the inputs that a node of this class with these values has."""
    if not node.dynamic:
        return LiveInputs(tuple(item for item in node.inputs if item.category != "hidden"), False, ())
    unfolding = _Unfolding(values)
    for item in node.inputs:
        if item.category != "hidden":
            unfolding.add(item)
    found = (*unfolding.sections["required"].values(), *unfolding.sections["optional"].values())
    seen: dict[str, InputSchema] = {}
    for item in found:
        seen.setdefault(item.name, item)
    return LiveInputs(tuple(seen.values()), unfolding.nested, tuple(unfolding.gaps))


class _Unfolding:
    """Collects the inputs of one node; a name in both sections counts as required."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values
        self.sections: dict[Category, dict[str, InputSchema]] = {"required": {}, "optional": {}}
        self.nested = False
        self.gaps: list[Gap] = []

    def add(self, item: InputSchema, inside: bool = False) -> None:
        if not item.dynamic:
            self.sections[item.category][item.name] = item
            self.nested = self.nested or inside
        elif item.spec == DYNAMIC_COMBO:
            self._add_combo(item)
        elif "template" in item.options:
            self._add_autogrow(item)
        elif item.name in self.values:
            self._add_section(item.name, item.options.get("inputs") or {})
            self.sections[item.category][item.name] = item
            self.nested = True

    def _add_section(self, prefix: str, section: Mapping[str, Any]) -> None:
        for category in ("required", "optional"):
            for name, spec in (section.get(category) or {}).items():
                self.add(read_input(f"{prefix}.{name}", category, spec), inside=True)

    def _add_combo(self, item: InputSchema) -> None:
        given = item.name in self.values
        for option in item.options.get("options") or () if given else ():
            if option["key"] == self.values[item.name]:
                self._add_section(item.name, option["inputs"])
                self.sections[item.category][item.name] = item
                self.nested = True
                return
        self.gaps.append(Gap(item.name, item.required, given, item.choices or ()))

    def _add_autogrow(self, item: InputSchema) -> None:
        template = item.options["template"]
        names = template.get("names") or [f"{template['prefix']}{i}" for i in range(template["max"])]
        section, spec = _first_input(template["input"])
        # The server notes a path for each name that is there, and one for the whole when none is: nested either way.
        self.nested = True
        for position, name in enumerate(names):
            must = section == "required" and position < template["min"]
            category: Category = "required" if must else "optional"
            full = f"{item.name}.{name}"
            self.sections[category][full] = read_input(full, category, spec)


def _first_input(sections: Mapping[str, Mapping[str, Any]]) -> tuple[str, Any]:
    for section, inputs in sections.items():
        for spec in inputs.values():
            return section, spec
    return "optional", ["*", {}]
