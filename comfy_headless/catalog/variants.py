"""What can be changed about any workflow beside its settings: which model, what it costs, what is made of its frames.

The same words serve a preset's file, a call, and the command line; ``graph/transforms`` does the work.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field

from comfy_headless.catalog.models import Wishes, no_bool

_NAME = Annotated[str, Field(min_length=1)]
_STRENGTH = Annotated[float, Field(ge=-100, le=100, allow_inf_nan=False), BeforeValidator(no_bool)]
_FACTOR = Annotated[float, Field(gt=1, le=8, allow_inf_nan=False), BeforeValidator(no_bool)]
_TIMES = Annotated[int, Field(ge=2, le=16), BeforeValidator(no_bool)]
QUALITIES: Final = ("low", "medium", "high", "lossless")


def _quality(value: object) -> object:
    """A crf may be written as text, as the command line has it."""
    try:
        return float(value) if isinstance(value, str) else no_bool(value)
    except ValueError:
        if value in QUALITIES:
            return value
        raise ValueError(f"expected {', '.join(QUALITIES)}, or a crf from 0 to 63") from None


_CRF = Annotated[float, Field(ge=0, le=63)]


class Variants(Wishes):
    """What to change about a workflow; None leaves it as it is.

    Args:
        loras: strengths by file name; of a pair for Wan 2.2 each half goes to its expert.
        precision: of the diffusion model: ``"fp8"``, ``"fp16"``, ``"Q4_K_M"``: an equivalent file, or another loader.
        easy_cache: skip steps that change little.
        torch_compile: compile the model; the first run takes minutes longer.
        tiled_decode: decode in tiles, with far less VRAM.
        upscale: times wider and higher, by an upscaling model.
        interpolate: times more frames a second, by a model that makes those between.
        sound: False leaves the sound out.
        codec: such as ``"h264"``.
        quality: ``"low"``, ``"medium"``, ``"high"``, ``"lossless"``, or a crf: 0 is the best, H.264 ends at 51, VP9
            at 63.
    """

    precision: _NAME | None = None
    loras: dict[_NAME, _STRENGTH] | None = None
    easy_cache: bool | None = None
    torch_compile: bool | None = None
    tiled_decode: bool | None = None
    upscale: _FACTOR | None = None
    interpolate: _TIMES | None = None
    sound: bool | None = None
    codec: _NAME | None = None
    quality: Annotated[Literal["low", "medium", "high", "lossless"] | _CRF | None, BeforeValidator(_quality)] = None


VARIANTS: Final = tuple(Variants.model_fields)
"""Their names, in the order in which they are applied."""


def parted(values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Part what was asked for into variants and all else."""
    variants = {name: value for name, value in values.items() if name in VARIANTS and value is not None}
    return variants, {name: value for name, value in values.items() if name not in VARIANTS}
