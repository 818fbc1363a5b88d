"""Numbers as the widgets of ComfyUI's page keep them (frontend 1.47.12).

Whole numbers go to the nearest step counted from the least value, others to the decimals of the step; both stay
between the limits.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final, TypeGuard

from comfy_headless.graph.ui.fields import Field

_FLOAT_STEP: Final = 0.5
_FLOAT_LEAST: Final = 0
_FLOAT_MOST: Final = 2048
_EXACT: Final = 1e12
_LEAST_GRID: Final = 1e-9


def rounded(value: Any, field: Field) -> Any:
    """Return a value as the widget of that input keeps it; what is no number and cannot be one stays as it is."""
    kind = field.kind
    if kind in ("INT", "FLOAT"):
        number = _as_number(value)
        if number is None:
            return value
        return _to_step(number, field) if kind == "INT" else _to_decimals(number, field)
    return field.first if value is None and kind == "COMBO" else value


def _as_number(value: Any) -> int | float | None:
    if value is None or (isinstance(value, str) and not value.strip()):
        return 0
    if isinstance(value, str) and len(value) < 40:
        try:
            value = float(value)
        except ValueError:
            return None
        value = int(value) if value.is_integer() else value
    return value if is_number(value) and (isinstance(value, int) or math.isfinite(value)) else None


def _to_step(value: int | float, field: Field) -> int | float:
    step, least = field.options.get("step", 1), field.options.get("min", 0)
    if not isinstance(step, int) or step < 1 or not isinstance(least, int) or abs(step) > _EXACT:
        return value
    shift = least % step if least >= 0 else -(-least % step)
    if isinstance(value, int):  # exact, however large
        kept: int | float = (2 * (value - shift) + step) // (2 * step) * step + shift
    elif abs(value) > _EXACT:
        kept = value
    else:
        kept = math.floor((value - shift) / step + 0.5) * step + shift
    return _between(kept, field.options, -math.inf, math.inf)


def _to_decimals(value: int | float, field: Field) -> int | float:
    options = field.options
    if abs(value) > _EXACT:  # nothing is left of it to round
        return _between(value, options, _FLOAT_LEAST, _FLOAT_MOST)
    step, grid = _number(options.get("step"), _FLOAT_STEP), options.get("round")
    if grid is False:
        return value
    decimals = max(0, -math.floor(math.log10(step))) if _LEAST_GRID <= step <= _EXACT else 0
    grid = 10.0**-decimals if grid is None or grid is True else _number(grid, 0)
    if not _LEAST_GRID <= grid <= _EXACT:
        return value
    exact = Decimal(math.floor(value / grid + 0.5) * grid)
    kept = float(exact.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP))
    return _between(kept, options, _FLOAT_LEAST, _FLOAT_MOST)


def _between(value: int | float, options: Mapping[str, Any], least: float, most: float) -> int | float:
    return min(max(value, _number(options.get("min"), least)), _number(options.get("max"), most))


def _number(value: Any, otherwise: float) -> int | float:
    return value if is_number(value) else otherwise


def is_number(value: Any) -> TypeGuard[int | float]:
    """Return whether that is a number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)
