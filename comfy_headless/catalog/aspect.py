"""A wish for a shape becomes the nearest legal size, and says which it is."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from comfy_headless.catalog.rules import Size, SizeRule
from comfy_headless.errors import ValidationError
from comfy_headless.graph.values import shown

_WRITTEN: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*[:/x]\s*(\d+(?:\.\d+)?)\s*")
_FAR: Final = 0.25
"""How far a size may be from the shape that was asked for, as a part of its ratio: 3:2 for 16:9 is 0.16."""


class Shaped(NamedTuple):
    """The size to take, and a line that says how near it is."""

    width: int
    height: int
    note: str


def shaped(
    aspect: str, given: Mapping[str, int], own: Size, rule: SizeRule, where: str, *, allow_untested: bool
) -> Shaped:
    """Return the legal size nearest to ``aspect``.

    Args:
        aspect: such as ``"9:16"``.
        given: ``width`` or ``height``, if the caller gave one; the other follows.
        own: the preset's own size; about its area is kept.
        allow_untested: any size that the model can make, not only those that it was tested with.

    Raises:
        ValidationError: no ratio, both sides are given, or nothing legal is near.
    """
    ratio = _ratio(aspect)
    if len(given) == 2:
        raise ValidationError(f"aspect={aspect!r}, width={given['width']} and height={given['height']}: give two")
    listed = rule.only or (rule.tested.sizes if rule.tested and not allow_untested else ())
    sizes = [size for size in listed or _grid(ratio, given, own, rule) if _agrees(size, given)]
    if not allow_untested and rule.tested is not None:
        sizes = [size for size in sizes if rule.tested.holds(*size)] or sizes
    size = min(sizes, key=lambda each: _distance(each, ratio, own if not given else each), default=None)
    if size is None or abs(math.log(size[0] / size[1] / ratio)) > math.log(1 + _FAR):
        legal = f"it makes {' or '.join(f'{w}x{h}' for w, h in listed)}" if listed else "no legal size is near"
        hint = "" if rule.only or allow_untested else "; allow_untested=True (--untested) takes any size it can make"
        raise ValidationError(f"{where}: aspect={aspect!r} is not possible: {legal}{hint}")
    width, height = size
    exact = math.isclose(width / height, ratio, rel_tol=1e-9)
    share = "" if exact else f", {width / height:.3f} wide to high where {ratio:.3f} was asked for"
    return Shaped(width, height, f"aspect={aspect}: {width}x{height}{share}")


def _ratio(aspect: Any) -> float:
    found = _WRITTEN.fullmatch(aspect) if isinstance(aspect, str) else None
    if found is None or not all(float(number) > 0 for number in found.groups()):
        raise ValidationError(f"aspect={shown(aspect)}: expected width:height, such as '16:9', '9:16' or '2.39:1'")
    return float(found[1]) / float(found[2])


def _agrees(size: Size, given: Mapping[str, int]) -> bool:
    return given.get("width", size[0]) == size[0] and given.get("height", size[1]) == size[1]


def _grid(ratio: float, given: Mapping[str, int], own: Size, rule: SizeRule) -> Iterable[Size]:
    """The sizes around the one that would be exact, on the grid of the rule."""
    area = own[0] * own[1]
    wide = given.get("width") or given.get("height", 0) * ratio or math.sqrt(area * ratio)
    for width in _around(wide, rule, 1 if "width" in given else 4):
        for height in _around(given.get("height") or width / ratio, rule, 2):
            yield width, height


def _around(wanted: float, rule: SizeRule, count: int) -> Iterable[int]:
    middle = round(wanted / rule.multiple)
    for number in range(middle - count, middle + count + 1):
        if rule.minimum <= number * rule.multiple <= rule.maximum:
            yield number * rule.multiple


def _distance(size: Size, ratio: float, own: Size) -> float:
    """How far a size is from the ratio; the area counts little while it is near, and much when it is not."""
    width, height = size
    area = abs(math.log(width * height / (own[0] * own[1])))
    return abs(math.log(width / height / ratio)) + area / 16 + area**2 / 2
