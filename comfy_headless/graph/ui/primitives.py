"""The values of PrimitiveNodes, as they arrive in the widgets that they are linked to.

The page copies a value through its own widget, whose limits are those of all that it is linked to, and then through
each of theirs (frontend 1.47.12): whole numbers to the nearest step counted from the least value, others to the
decimals of the step, both between the limits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final, TypeGuard

from comfy_headless.graph.ui.canvas import PRIMITIVE, Canvas, Node
from comfy_headless.graph.ui.dealing import ABSENT, CUSTOM_CHOICE, custom_index
from comfy_headless.graph.ui.fields import Field
from comfy_headless.graph.ui.page import Page

_FLOAT_STEP: Final = 0.5
_FLOAT_LEAST: Final = 0
_FLOAT_MOST: Final = 2048
_STRICTEST: Final[Mapping[str, Callable[[list[Any]], Any]]] = {"min": max, "max": min, "step": max}


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
            if inlet.field is not None and origin is not None and origin.type == PRIMITIVE:
                given = self._value(canvas, origin)
                if given is not ABSENT:
                    values = {**values, inlet.name: rounded(given, inlet.field)}
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
            placed = self._page.placed(canvas, canvas.nodes[node_id])
            inlet = placed.inlet(name)
            if inlet is not None and inlet.field is not None:
                fields.append(inlet.field)
                first = placed.values.get(name, ABSENT) if first is ABSENT else first
        saved = primitive.values[0] if isinstance(primitive.values, list) and primitive.values else first
        return saved if saved is ABSENT or not fields else rounded(saved, _merged(fields))


def _merged(fields: list[Field]) -> Field:
    """The input that a PrimitiveNode's own widget stands for: within the limits of all that it is linked to."""
    options = dict(fields[0].options)
    for name, strictest in _STRICTEST.items():
        given = [field.options[name] for field in fields if _is_number(field.options.get(name))]
        if given:
            options[name] = strictest(given)
    return fields[0]._replace(options=options)


def rounded(value: Any, field: Field) -> Any:
    """Return a value as the widget of that input keeps it; what is no number and cannot be one stays as it is."""
    kind = field.options.get("widgetType") or field.type
    if kind in ("INT", "FLOAT"):
        number = _as_number(value)
        if number is None:
            return value
        return _to_step(number, field) if kind == "INT" else _to_decimals(float(number), field)
    return field.first if value is None and kind == "COMBO" else value


def _as_number(value: Any) -> int | float | None:
    if value is None:
        return 0
    if isinstance(value, str) and len(value) < 40:
        try:
            value = float(value)
        except ValueError:
            return None
        value = int(value) if value.is_integer() else value
    return value if _is_number(value) and (isinstance(value, int) or math.isfinite(value)) else None


def _to_step(value: int | float, field: Field) -> int | float:
    step, least = field.options.get("step", 1), field.options.get("min", 0)
    if not isinstance(step, int) or step < 1 or not isinstance(least, int):
        return value
    shift = least % step if least >= 0 else -(-least % step)
    if isinstance(value, int):  # exact, however large
        kept: int | float = (2 * (value - shift) + step) // (2 * step) * step + shift
    else:
        kept = math.floor((value - shift) / step + 0.5) * step + shift
    return _between(kept, field.options, -math.inf, math.inf)


def _to_decimals(value: float, field: Field) -> int | float:
    options = field.options
    step, grid = _number(options.get("step"), _FLOAT_STEP), options.get("round")
    if grid is False:
        return value
    decimals = max(0, -math.floor(math.log10(step))) if step > 0 else 0
    grid = 10.0**-decimals if grid is None or grid is True else _number(grid, 0)
    if not grid:
        return value
    exact = Decimal(math.floor(value / grid + 0.5) * grid)
    kept = float(exact.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)) if abs(exact) < 1e15 else float(exact)
    return _between(kept, options, _FLOAT_LEAST, _FLOAT_MOST)


def _between(value: int | float, options: Mapping[str, Any], least: float, most: float) -> int | float:
    return min(max(value, _number(options.get("min"), least)), _number(options.get("max"), most))


def _number(value: Any, otherwise: float) -> int | float:
    return value if _is_number(value) else otherwise


def _is_number(value: Any) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
