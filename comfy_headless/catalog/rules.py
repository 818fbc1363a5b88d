"""What sizes, lengths and rates a model takes: hard rules that it would break, and tested ranges that it may leave.

A hard rule refuses with the nearest legal values; nothing is ever rounded on the quiet. A tested range is what the
model was trained or measured with; outside it people may go, knowingly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Annotated, Any, Final, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from comfy_headless.errors import ValidationError
from comfy_headless.graph.values import shown

Size = tuple[int, int]
T = TypeVar("T")
Line = Annotated[str, Field(min_length=1)]
SourceKey = Annotated[str, Field(description="Key of a line in [sources].")]
_MOST: Final = 16384
"""ComfyUI's MAX_RESOLUTION (nodes.py, 0.30.0), the limit of every width, height and length."""


class Part(BaseModel):
    """A part of a preset file: unknown keys are errors, nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Sourced(Part, Generic[T]):
    """A value and where it comes from.

    Args:
        value: the value itself.
    """

    value: T
    source: SourceKey


class RangeTested(Part):
    """The range a number was trained or measured in.

    Args:
        values: the values themselves, where it is no range.
        minimum: the least, if there is one.
        maximum: the most, if there is one.
    """

    values: tuple[float, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    source: SourceKey

    def holds(self, value: float) -> bool:
        """Return whether ``value`` is inside."""
        low = self.minimum is None or value >= self.minimum
        return low and (self.maximum is None or value <= self.maximum) and (not self.values or value in self.values)

    def __str__(self) -> str:
        if self.values:
            return " or ".join(f"{value:g}" for value in self.values)
        if self.minimum is not None and self.maximum is not None:
            return f"{self.minimum:g} to {self.maximum:g}"
        return f"at most {self.maximum:g}" if self.maximum is not None else f"at least {self.minimum:g}"


class SizesTested(Part):
    """The sizes a model was trained at: a list, or all below a number of pixels.

    Args:
        sizes: [width, height] in pixels.
        pixels_below: width times height.
    """

    sizes: tuple[Size, ...] = ()
    pixels_below: int | None = None
    source: SourceKey

    def holds(self, width: int, height: int) -> bool:
        """Return whether that size is inside."""
        listed = not self.sizes or (width, height) in self.sizes
        return listed and (self.pixels_below is None or width * height < self.pixels_below)

    def __str__(self) -> str:
        if self.sizes:
            return " or ".join(f"{width}x{height}" for width, height in self.sizes)
        return f"below {self.pixels_below} pixels"


class SizeRule(Part):
    """Hard: width and height are multiples, or one of a few sizes.

    Args:
        multiple: of which width and height are multiples, in pixels.
        minimum: pixels of width and height at the least.
        maximum: pixels of width and height at the most.
        only: the only sizes that are possible, [width, height] in pixels.
        tested: the sizes that the model was trained or measured with.
    """

    multiple: Annotated[int, Field(ge=1)] = 1
    minimum: Annotated[int, Field(ge=1)] = 1
    maximum: Annotated[int, Field(ge=1)] = _MOST
    only: tuple[Size, ...] = ()
    source: SourceKey
    tested: SizesTested | None = None

    def check(self, width: int, height: int, where: str) -> None:
        """Raise ValidationError when the model cannot make that size."""
        if self.only and (width, height) not in self.only:
            legal = " or ".join(f"{w}x{h}" for w, h in self.only)
            raise ValidationError(f"{where}: {shown(width)}x{shown(height)} is not possible; this model makes {legal}")
        for name, value in (("width", width), ("height", height)):
            _check_step(name, value, self.multiple, 0, self.minimum, self.maximum, where)


class FrameRule(Part):
    """Hard: frames are ``step * n + remainder``.

    Args:
        step: frames by which lengths differ.
        remainder: frames that a length has above a multiple of ``step``.
        minimum: frames at the least.
        maximum: frames at the most.
        tested: the lengths that the model was trained or measured with, in frames.
    """

    step: Annotated[int, Field(ge=1)] = 1
    remainder: Annotated[int, Field(ge=0)] = 0
    minimum: Annotated[int, Field(ge=1)] = 1
    maximum: Annotated[int, Field(ge=1)] = _MOST
    source: SourceKey
    tested: RangeTested | None = None

    def check(self, frames: int, where: str) -> None:
        """Raise ValidationError when the model cannot make that many."""
        _check_step("frames", frames, self.step, self.remainder, self.minimum, self.maximum, where)

    def nearest(self, wanted: float) -> int:
        """Return the legal count nearest to ``wanted``, of two the longer."""
        low, high = around(wanted, self.step, self.remainder, self.minimum, self.maximum)
        return low if wanted - low < high - wanted else high

    def __str__(self) -> str:
        count = f"{self.step}n+{self.remainder}" if self.step > 1 else "any"
        if self.minimum == self.maximum:
            return f"{self.minimum} only"
        return f"{count}, at least {self.minimum}" if self.minimum > 1 else count


class RateRule(Part):
    """Only tested values: any frame rate can be written into a file.

    Args:
        tested: the rates that the model was trained or measured with, in frames per second.
    """

    tested: RangeTested


class Rules(Part):
    """The rules of one model.

    Args:
        size: which widths and heights are possible, and which were tested.
        frames: which lengths are possible, and which were tested; an image has none.
        fps: which frame rates were tested; an image has none.
    """

    size: SizeRule
    frames: FrameRule | None = None
    fps: RateRule | None = None

    def check(self, values: Mapping[str, Any], where: str) -> None:
        """Hold ``values`` to the hard rules.

        Raises:
            ValidationError: names the value and the nearest legal ones.
        """
        if "width" in values and "height" in values:
            self.size.check(values["width"], values["height"], where)
        if "frames" in values and self.frames is not None:
            self.frames.check(values["frames"], where)

    def untested(self, values: Mapping[str, Any]) -> tuple[str, ...]:
        """Return a line for each value outside of what was tested."""
        lines = []
        width, height, sizes = values.get("width"), values.get("height"), self.size.tested
        if sizes and width and height and not sizes.holds(width, height):
            lines.append(f"{width}x{height} (tested: {sizes})")
        ranges = {
            "frames": self.frames.tested if self.frames else None,
            "fps": self.fps.tested if self.fps else None,
        }
        for name, tested in ranges.items():
            if tested and name in values and not tested.holds(values[name]):
                lines.append(f"{name}={values[name]:g} (tested: {tested})")
        return tuple(lines)


def around(wanted: float, step: int, remainder: int, minimum: int, maximum: int) -> tuple[int, int]:
    """Return the nearest legal values below and above ``wanted``; twice the same where only one side has any."""
    first = minimum + (remainder - minimum) % step
    last = maximum - (maximum - remainder) % step
    low = min(max(int((wanted - remainder) // step) * step + remainder, first), last)
    return low, low if wanted <= low else min(low + step, last)


def _check_step(name: str, value: int, step: int, remainder: int, least: int, most: int, where: str) -> None:
    low, high = around(value, step, remainder, least, most)
    if value == low:
        return
    legal = f"{low}" if low == high else f"{low} or {high}"
    if value < least or value > most:
        rule = f"at least {least}" if value < least else f"at most {most}"
    else:
        rule = f"a multiple of {step}" if remainder == 0 else f"{step}n+{remainder}"
    raise ValidationError(f"{where}: {name}={shown(value)} is not possible: it must be {rule}; nearest: {legal}")


def _half(value: float, share: float, what: str) -> float:
    if value % 2:
        raise ValidationError(f"{what}: {value:g} has no half")
    return value / 2


def _handover(value: float, share: float, what: str) -> float:
    if value < 2:
        raise ValidationError(f"{what}: {value:g} cannot be shared by two experts; at least 2")
    return min(max(round(value * share), 1), value - 1)


def _two_thirds(value: float, share: float, what: str) -> float:
    return round(value * 2 / 3 / 16) * 16


DERIVATIONS: Final[Mapping[str, Callable[[float, float, str], float]]] = MappingProxyType(
    {"half": _half, "two_thirds": _two_thirds, "handover": _handover}
)
"""How a setting follows from another one.

half: exactly half of it, as the first of two stages. two_thirds: the multiple of 16 nearest to that. handover: the step
at which the second expert takes over, after ``share`` of all steps, at least one step for each.
"""
