"""PromptAnalysis: what a prompt asks for, field by field, with how sure each field is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from comfy_headless.catalog.intents import Intent

if TYPE_CHECKING:
    from comfy_headless.ai.suggesting import SuggestedPreset
    from comfy_headless.protocol.executor import Executor

Camera = Literal[
    "static",
    "pan",
    "tilt",
    "zoom_in",
    "zoom_out",
    "dolly_in",
    "dolly_out",
    "tracking",
    "orbit",
    "crane",
    "handheld",
    "aerial",
    "pov",
]
Shot = Literal["extreme_close_up", "close_up", "medium", "wide", "extreme_wide"]
Pace = Literal["slow", "normal", "fast", "timelapse", "slow_motion"]
RiskKind = Literal["empty", "text", "hands", "crowd", "no_text_input", "language", "too_long"]


class TokenCount(NamedTuple):
    """How long a text is in the tokens of a model's text encoder.

    Args:
        tokens: an upper bound of the count, special tokens included.
        limit: how many the model reads; None: as many as there are.
        tokenizer: the one that the bound is of.
    """

    tokens: int
    limit: int | None
    tokenizer: str

    @property
    def over(self) -> bool:
        """Whether the text may be longer than what the model reads."""
        return self.limit is not None and self.tokens > self.limit


class Risk(NamedTuple):
    """Something that video models often get wrong, or that this model cannot do.

    Args:
        why: the words that ask for it, and what to do, in a sentence.
    """

    kind: RiskKind
    why: str


@dataclass(frozen=True, slots=True)
class PromptAnalysis:
    """What a prompt asks for. Words of the prompt stand as they stand there, in its own language.

    Args:
        text: the prompt.
        intent: what it is about: ``portrait`` a person (face, bust, figure), ``animal``, ``object`` (product, food,
            vehicle, thing), ``scene`` (place, landscape, city, interior, weather), ``action`` (what happens is the
            point: sport, dance, fight, chase), ``abstract`` (patterns, logo, motion graphics, fractal).
        styles: styles that are asked for, the most telling first, such as ``["scifi", "cinematic"]``.
        subject: the words that name what is shown; None: not found.
        motion: words that say what moves or happens.
        camera: how the camera moves; empty when nothing is said.
        shot: how large the subject is in the picture; None when nothing is said.
        lighting: words of light.
        mood: words of mood.
        pace: of the film.
        duration: seconds asked for; None when nothing is said.
        aspect: width to height asked for, such as ``"9:16"``; None when nothing is said.
        language: ISO 639-1, such as ``"de"``.
        sound: whether speech, music or noises are asked for.
        quoted: texts in quotation marks, to be said or shown, as they stand.
        tokens: length in the tokens of ``model``; None where no model is named, or it takes no text.
        model: the preset or family that it was looked at for; None: none was named.
        risks: what is likely to go wrong.
        confidence: for each field of ``intent``, ``styles``, ``camera``, ``shot``, ``pace``, ``duration``, ``aspect``,
            ``language``, ``sound``, ``subject``, ``motion``, ``lighting`` and ``mood``, how sure it is, from 0 to 1.
        vram_gb: GiB of VRAM that the suggestion of a video preset is made for.
        server: the server that it is made for.
    """

    text: str
    intent: Intent
    styles: list[str]
    subject: str | None
    motion: tuple[str, ...]
    camera: frozenset[Camera]
    shot: Shot | None
    lighting: tuple[str, ...]
    mood: tuple[str, ...]
    pace: Pace
    duration: float | None
    aspect: str | None
    language: str
    sound: bool
    quoted: tuple[str, ...]
    tokens: TokenCount | None
    model: str | None
    risks: tuple[Risk, ...]
    confidence: Mapping[str, float]
    vram_gb: float | None = None
    server: str | Executor | None = None

    @property
    def suggested_preset(self) -> SuggestedPreset:
        """The preset for images whose shape fits, with its ``reason``."""
        from comfy_headless.ai.suggesting import suggest_image  # with the catalog, as below

        return suggest_image(self)

    @property
    def suggested_video_preset(self) -> SuggestedPreset:
        """The preset for videos that the catalog recommends, with its ``reason``; asked for at each read.

        It is the one for ``vram_gb``, or for what ``server`` has, which is asked; else for 8 GiB. Of what the prompt
        asks for, the catalog knows aspect, duration and sound, and which presets take a text without an image.

        Raises:
            ValidationError: ``vram_gb`` or ``server`` is wrong.
            ComfyUIConnectionError: the server does not answer (ComfyUIOfflineError: nothing is there).
        """
        from comfy_headless.ai.suggesting import suggest_video  # with the catalog: 200 ms that no field needs

        return suggest_video(self)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON-ready data, without what the suggestion is made for."""
        data: dict[str, Any] = {
            name: getattr(self, name) for name in self.__dataclass_fields__ if name not in ("vram_gb", "server")
        }
        tokens = self.tokens
        return {
            **data,
            "camera": sorted(self.camera),
            **{name: list(data[name]) for name in ("styles", "motion", "lighting", "mood", "quoted")},
            "tokens": None if tokens is None else {**tokens._asdict(), "over": tokens.over},
            "risks": [risk._asdict() for risk in self.risks],
            "confidence": dict(self.confidence),
        }
