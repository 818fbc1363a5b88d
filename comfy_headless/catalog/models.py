"""What can be asked of a video: the model families, and the settings that all of them share."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Self

import pydantic
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.functional_validators import ModelWrapValidatorHandler

from comfy_headless.errors import ValidationError
from comfy_headless.graph.values import nearest, shown


class VideoModel(StrEnum):
    """The families of video models that presets are made for; OTHER is one that has no name here."""

    LTXV = "ltxv"
    LTX2 = "ltx2"
    HUNYUAN = "hunyuan"
    HUNYUAN_15 = "hunyuan_15"
    WAN = "wan"
    MOCHI = "mochi"
    ANIMATEDIFF = "animatediff"
    SVD = "svd"
    COGVIDEOX = "cogvideox"
    OTHER = "other"


class ImageModel(StrEnum):
    """The families of image models that presets are made for."""

    Z_IMAGE = "z_image"
    SDXL = "sdxl"


def no_bool(value: object) -> object:
    """Refuse true and false where a number is meant: Python counts them as 1 and 0."""
    if isinstance(value, bool):
        raise ValueError("expected a number, not true or false")
    return value


_MOST = (
    2**31 - 1
)  # the biggest number that every JSON reader takes as a whole one; nodes have lower limits of their own
_WHOLE = Annotated[int, Field(ge=1, le=_MOST), BeforeValidator(no_bool)]
_POSITIVE = Annotated[float, Field(gt=0, le=_MOST, allow_inf_nan=False), BeforeValidator(no_bool)]
_NOT_NEGATIVE = Annotated[float, Field(ge=0, le=_MOST, allow_inf_nan=False), BeforeValidator(no_bool)]
_NAME = Annotated[str, Field(min_length=1)]


class Wishes(BaseModel):
    """What a caller asks for, by name; a wrong name or value is a ValidationError that says what there is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="wrap")
    @classmethod
    def _explain(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return handler(data)
        except pydantic.ValidationError as error:
            known = tuple(cls.model_fields)
            raise ValidationError("; ".join(_explained(each, known) for each in error.errors())) from error

    def given(self) -> dict[str, Any]:
        """Return what was given, by name."""
        return {name: value for name, value in self if value is not None}


class VideoSettings(Wishes):
    """The settings that every family knows; None leaves a setting to the preset.

    Args:
        width: pixels.
        height: pixels.
        frames: how many the video has.
        fps: frames per second; where the model is conditioned on it, both follow.
        steps: of the sampler.
        cfg: how strongly the prompt is followed; at 1 the negative prompt has no effect.
        sampler: its name in ComfyUI, such as euler.
        scheduler: of the noise, its name in ComfyUI, such as simple.
        shift: of the noise schedule, where the model has one.
        seconds: length of the video instead of ``frames``; the nearest legal frame count is taken.
        aspect: width to height, such as ``"9:16"``; the nearest legal size of about the preset's own area is taken,
            or the other side, where ``width`` or ``height`` is given too.

    Raises:
        comfy_headless.ValidationError: unknown name, or a value that no model could take.
    """

    width: _WHOLE | None = None
    height: _WHOLE | None = None
    frames: _WHOLE | None = None
    fps: _POSITIVE | None = None
    steps: _WHOLE | None = None
    cfg: _NOT_NEGATIVE | None = None
    sampler: _NAME | None = None
    scheduler: _NAME | None = None
    shift: _NOT_NEGATIVE | None = None
    seconds: _POSITIVE | None = None
    aspect: _NAME | None = None


COMMON = tuple(VideoSettings.model_fields)
"""Names of the settings that every family knows."""

WISHED = ("seconds", "aspect")
"""Those that no preset has: other settings follow from them."""

_EXPECTED = {
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number of sensible size",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "greater_than_equal": "at least {least}",
    "greater_than": "more than {above}",
    "less_than_equal": "at most {most}",
    "string_type": "a name",
    "string_too_short": "a name",
}


def _explained(error: Any, known: tuple[str, ...]) -> str:
    name, *inner = [str(part) for part in error["loc"]] or ["settings"]
    if error["type"] == "extra_forbidden":
        return f"unknown setting {name!r}{nearest(name, known)} There are: {', '.join(known)}"
    context = error.get("ctx", {})
    if error["type"] == "value_error":
        return f"{name}={shown(error['input'])}: {context['error']}"
    expected = _EXPECTED.get(error["type"], error["msg"]).format(
        least=context.get("ge"), above=context.get("gt"), most=context.get("le")
    )
    where = f"{name}[{inner[0]!r}]" if name == "loras" and inner else name
    return f"{where}={shown(error['input'])}: expected {expected}"
