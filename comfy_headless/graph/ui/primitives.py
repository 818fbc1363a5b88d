"""A PrimitiveNode's value, as it arrives in the widgets that it is linked to.

The page copies it through each widget's own rounding (frontend 1.47.12): whole numbers to the nearest step counted from
the least value, others to the decimals of the step and between the limits.
"""

from __future__ import annotations

import math
from typing import Any, Final

from comfy_headless.graph.ui.fields import Field

_FLOAT_STEP: Final = 0.5
_FLOAT_LEAST: Final = 0
_FLOAT_MOST: Final = 2048


def rounded(value: Any, field: Field) -> Any:
    """Return a value as the widget of that input keeps it; what is no number stays as it is."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    kind = field.options.get("widgetType") or field.type
    if kind == "INT":
        return _to_step(value, field)
    return _to_decimals(float(value), field) if kind == "FLOAT" else value


def _to_step(value: int | float, field: Field) -> int | float:
    step, least = field.options.get("step", 1), field.options.get("min", 0)
    if not isinstance(step, int) or step < 1 or not isinstance(least, int):
        return value
    shift = int(math.fmod(least, step)) if abs(least) < 2**53 else 0
    if isinstance(value, int):  # exact, however large
        return (2 * (value - shift) + step) // (2 * step) * step + shift
    return math.floor((value - shift) / step + 0.5) * step + shift if math.isfinite(value) else value


def _to_decimals(value: float, field: Field) -> float:
    options = field.options
    step, grid = _number(options.get("step"), _FLOAT_STEP), options.get("round")
    if grid is False or not math.isfinite(value):
        return value
    decimals = max(0, -math.floor(math.log10(step))) if step > 0 else 0
    grid = 10.0**-decimals if grid is None or grid is True else _number(grid, 0)
    if not grid:
        return value
    kept = round(math.floor(value / grid + 0.5) * grid, decimals)
    least, most = _number(options.get("min"), _FLOAT_LEAST), _number(options.get("max"), _FLOAT_MOST)
    return min(max(kept, least), most)


def _number(value: Any, otherwise: float) -> float:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else otherwise
