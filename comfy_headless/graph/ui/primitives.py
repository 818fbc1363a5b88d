"""The values of PrimitiveNodes, as they arrive in the widgets that they are linked to.

The page copies a value through the PrimitiveNode's own widget, whose limits are those of all that it is linked to
(frontend 1.47.12).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Final

from comfy_headless.graph.ui.canvas import PRIMITIVE, Canvas, Node
from comfy_headless.graph.ui.dealing import ABSENT, CUSTOM_CHOICE, custom_index
from comfy_headless.graph.ui.fields import Field
from comfy_headless.graph.ui.page import Page
from comfy_headless.graph.ui.rounding import is_number, rounded

_LIMITS: Final = frozenset({"min", "max", "step"})
_MAY_DIFFER: Final = _LIMITS | {
    *("default", "forceInput", "defaultInput", "control_after_generate", "multiline", "tooltip", "dynamicPrompts")
}


class Primitives:
    """What all nodes of a page have after their PrimitiveNodes have given them their values."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._given: dict[tuple[str, str], Any] = {}

    def values(self, canvas: Canvas, node: Node) -> Mapping[str, Any]:
        """Return the values of a node by name."""
        placed = self._page.placed(canvas, node)
        values = placed.values
        for inlet in placed.inlets:
            link = canvas.links.get(inlet.link) if inlet.field is not None and inlet.link is not None else None
            origin = canvas.nodes.get(link.origin) if link is not None else None
            if origin is not None and origin.type == PRIMITIVE and (canvas.id, origin.id) not in self._page.cut:
                given = self._value(canvas, origin)
                if given is not ABSENT:
                    values = {**values, inlet.name: given}
        if node.type == CUSTOM_CHOICE[0] and values is not placed.values:
            values = {**values, "index": custom_index(values)}
        return values

    def _value(self, canvas: Canvas, primitive: Node) -> Any:
        key = (canvas.id, primitive.id)
        if key not in self._given:
            self._given[key] = self._own_value(canvas, primitive)
        return self._given[key]

    def _own_value(self, canvas: Canvas, primitive: Node) -> Any:
        """What a PrimitiveNode has, rounded as its own widget does; without a value, the first one of its targets."""
        fields, first = list[Field](), ABSENT
        for node_id, name in self._page.primitive_targets(canvas, primitive):
            node = canvas.nodes[node_id]
            inlet = self._page.inlet(canvas, node, name)
            if inlet is not None and inlet.field is not None:
                fields.append(inlet.field)
                first = self._page.placed(canvas, node).values.get(name, ABSENT) if first is ABSENT else first
        saved = primitive.values[0] if isinstance(primitive.values, list) and primitive.values else first
        return saved if saved is ABSENT or not fields else rounded(saved, _merged(fields))


def _merged(fields: list[Field]) -> Field:
    """The input that a PrimitiveNode's own widget stands for: within the limits of all that are of one kind."""
    merged = fields[0]
    for field in fields[1:]:
        one, other = merged.options, field.options
        if _apart(one) != _apart(other):
            continue
        limits = {"step": _common_step(one.get("step", 1), other.get("step", 1))} if {*one, *other} & {"step"} else {}
        for name, strictest in (("min", max), ("max", min)):
            given = [each[name] for each in (one, other) if is_number(each.get(name))]
            limits.update({name: strictest(given)} if given else {})
        if limits.get("min", -math.inf) <= limits.get("max", math.inf):
            merged = merged._replace(options={**one, **limits})
    return merged


def _apart(options: Mapping[str, Any]) -> dict[str, Any]:
    """What two inputs must have in common for one widget to stand for both."""
    return {name: value for name, value in options.items() if name not in _MAY_DIFFER}


def _common_step(one: Any, other: Any) -> Any:
    """The least step that is a multiple of both."""
    if one == other or not (is_number(one) and is_number(other) and 0 < one < 1e9 and 0 < other < 1e9):
        return one
    first, second = Fraction(str(one)), Fraction(str(other))
    common = Fraction(math.lcm(first.numerator, second.numerator), math.gcd(first.denominator, second.denominator))
    return int(common) if common.denominator == 1 else float(common)
