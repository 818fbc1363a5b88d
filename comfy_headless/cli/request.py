"""What a person asks for: the options of ``generate``, ``image`` and ``compile``, put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from comfy_headless.api.making import Kind
from comfy_headless.errors import ValidationError

_OWN_OPTIONS: Final[Mapping[str, str]] = {
    "prompt": "PROMPT",
    "preset": "--preset",
    "image": "--image",
    "last_image": "--last-image",
    "negative_prompt": "--negative-prompt",
    "seed": "--seed",
    "out": "--out",
    "overwrite": "--overwrite",
    "server": "--server",
    "on_progress": "--progress",
    "timeout": "--timeout",
    "raise_on_error": "--json",
    "strict": "--strict",
    "within": "--within",
    "on_oom": "--on-oom",
    "wait": "--no-wait",
    "check": "--no-check",
    "enhance": "--enhance",
    "allow_untested": "--untested",
    "settings": "--set NAME=VALUE",
    "files": "--file ROLE=NAME",
    "loras": "--lora NAME:STRENGTH",
    **{name: f"--{name.replace('_', '-')}" for name in ("precision", "easy_cache", "torch_compile", "tiled_decode")},
    **{name: f"--{name}" for name in ("upscale", "interpolate", "codec", "quality")},
    "sound": "--no-sound",
}
"""Names that a call has beside its settings, and how the command line says them."""


@dataclass(frozen=True, slots=True)
class Request:
    """One video, or image, as asked for.

    Args:
        kind: which of the two.
        settings: those that were given, by name; the values of ``--set`` are still text.
        within: seconds that it may take where no preset is named.
        enhance: improve the prompt before, in a style if one is named.
    """

    prompt: str
    preset: str | None
    image: str | None = None
    last_image: str | None = None
    negative_prompt: str | None = None
    seed: int | None = None
    untested: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)
    kind: Kind = "video"
    within: float | None = None
    enhance: bool | str = False

    @property
    def values(self) -> dict[str, Any]:
        """Everything but the prompt and the preset, as ``generate_video`` and the compiler take it."""
        return {
            "image": self.image,
            "last_image": self.last_image,
            "negative_prompt": self.negative_prompt,
            "seed": self.seed,
            "allow_untested": self.untested,
            **({"within": self.within} if self.within is not None else {}),
            **({"enhance": self.enhance} if self.enhance else {}),
            **self.settings,
        }


def settings_of(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that were given, by ``--set`` and by an option of their own, the variants, and the files.

    Args:
        asked: the values of the options ``SETTINGS`` and ``VARIANTS``.

    Raises:
        ValidationError: one is given twice, or is no setting.
    """
    given = {name: value for name, value in asked.items() if value is not None}
    sets, loras, files = (given.pop(name, None) for name in ("sets", "lora", "files"))
    if files:
        given["files"] = pairs(files, "--file", "model=wan/mine.safetensors")
    if loras:
        given["loras"] = dict(_lora(text) for text in loras)
        if len(given["loras"]) < len(loras):
            raise ValidationError(f"--lora {' --lora '.join(loras)}: one is given twice")
    for name, value in pairs(sets, "--set").items():
        if name in given:
            raise ValidationError(f"{name} is given twice: --{name} {given[name]} and --set {name}={value}")
        if name in _OWN_OPTIONS:
            raise ValidationError(f"--set {name}={value}: that is no setting; use {_OWN_OPTIONS[name]}")
        given[name] = value
    return given


def _lora(text: str) -> tuple[str, float]:
    """Read ``NAME[:STRENGTH]``; without a strength it is 1."""
    name, colon, strength = text.rpartition(":")
    if not colon:
        return text, 1.0
    try:
        return name, float(strength)
    except ValueError:
        raise ValidationError(f"--lora {text!r}: {strength!r} is no strength; expected NAME:NUMBER") from None


def pairs(texts: Sequence[str] | None, option: str, example: str = "steps=20") -> dict[str, str]:
    """Read ``NAME=VALUE`` texts; raises ValidationError."""
    read: dict[str, str] = {}
    for text in texts or ():
        name, equals, value = text.partition("=")
        name = name.strip()
        if not equals or not name:
            raise ValidationError(f"{option} {text!r}: expected NAME=VALUE, such as {option} {example}")
        if name in read:
            raise ValidationError(f"{option} {name} is given twice: {read[name]!r} and {value!r}")
        read[name] = value
    return read
