"""enhance_prompt: by a language model where one is named; else, and whenever that fails, by the embedded enhancer.

What only a language model or a flow needs is imported when there is one: the rest is done without httpx and pydantic.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from comfy_headless.ai.analysis import PromptAnalysis
from comfy_headless.ai.analyzing import analyze_prompt
from comfy_headless.ai.engine import Engine, read_seconds
from comfy_headless.ai.engines import TIMEOUT, EngineLike, engine_of
from comfy_headless.ai.enhancing import Length, enhance
from comfy_headless.ai.target import Target, target_of
from comfy_headless.errors import ValidationError
from comfy_headless.graph.values import shown
from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.effects import Flow, Work
from comfy_headless.protocol.enhanced import EnhancedPrompt
from comfy_headless.protocol.timing import Timing

if TYPE_CHECKING:
    from comfy_headless.catalog.models import ImageModel, VideoModel
    from comfy_headless.catalog.presets import PresetLibrary

_LANGUAGE: Final = re.compile(r"[a-z]{2}", re.I | re.A)
_HALF: Final = re.compile(r"[\ud800-\udfff]")
_NOBODY: Final = Server("http://localhost", "", Timing(), socket=False)
"""Who drives this flow talks to no ComfyUI server."""


def enhance_prompt(
    text: str,
    *,
    style: str | None = None,
    model: str | VideoModel | ImageModel | None = None,
    length: Length | None = None,
    language: str | None = None,
    engine: EngineLike | None = None,
    timeout: float | None = None,
) -> EnhancedPrompt:
    """Write a prompt as the model at hand wants it; every name, number and quoted text of it stays.

    Without an engine nothing leaves this machine, and the same prompt gives the same text.

    Args:
        style: such as ``"cinematic"`` or ``"detailed"``; None adds none.
        model: a preset or a family, such as ``"wan_14b"`` or ``"ltxv"``; None: no model in particular.
        length: how long it should be; None is what the model's makers name.
        language: ISO 639-1 of the text that is wanted; None is the prompt's own. Only a language model translates.
        engine: ``"embedded"``, ``"openai"``, ``"ollama"``, the address of a language model's server, an
            ``OpenAIEngine`` or ``OllamaEngine``; None is what COMFY_HEADLESS_AI_ENGINE and COMFY_HEADLESS_AI_URL name,
            else the embedded one. Where a language model fails, the embedded one steps in, and ``notes`` say why.
        timeout: seconds that a language model may take in all; None is the engine's own.

    Raises:
        ValidationError: an argument, or what the environment says of the engine, is wrong; nothing was sent.
    """
    wishes = _Wishes(style, model, length, _read_language(language))
    chosen, limit = _engine(engine, timeout)
    if chosen is None:
        return _begin(text, wishes, None).embedded
    from comfy_headless.client.once import drive_once

    return drive_once(_NOBODY, _flow(text, wishes, chosen, limit, None))


def enhance_flow(
    text: str,
    *,
    style: str | None = None,
    model: str | VideoModel | ImageModel | None = None,
    length: Length | None = None,
    language: str | None = None,
    engine: EngineLike | None = None,
    timeout: float | None = None,
    images: int | None = None,
    presets: PresetLibrary | None = None,
    at_most: float | None = None,
) -> Flow[EnhancedPrompt]:
    """Write a prompt anew. See ``enhance_prompt``.

    Args:
        at_most: seconds that a language model may take of a call that has more to do; None: as many as it has.
        images: how many images the result begins with; None: as few as the preset takes.
        presets: where the model's name is looked up; None is all that there are.

    Raises:
        As ``enhance_prompt``.
    """
    chosen, limit = _engine(engine, timeout)
    if at_most is not None and at_most < limit.seconds:
        limit = _Limit(max(at_most, 0.0), "half of what was left of timeout=, --timeout")
    return (
        yield from _flow(text, _Wishes(style, model, length, _read_language(language), images), chosen, limit, presets)
    )


class _Wishes(NamedTuple):
    style: str | None
    model: str | VideoModel | ImageModel | None
    length: Length | None
    language: str | None
    images: int | None = None


def _read_language(language: str | None) -> str | None:
    """Return a language in small letters; raises ValidationError for what is none of ISO 639-1."""
    if language is None:
        return None
    if not isinstance(language, str) or not _LANGUAGE.fullmatch(language):
        raise ValidationError(f"language={shown(language)}: expected two letters of ISO 639-1, such as 'en'")
    return language.lower()


class _Limit(NamedTuple):
    """How long a language model may take in all; what gives it longer, or what it is a part of."""

    seconds: float
    longer: str


class _Begun(NamedTuple):
    """What was found in a prompt, what it is for, and what the embedded enhancer makes of it."""

    analysis: PromptAnalysis
    target: Target
    embedded: EnhancedPrompt


def _engine(engine: EngineLike | None, timeout: float | None) -> tuple[Engine | None, _Limit]:
    chosen = engine_of(engine)
    if timeout is not None:
        return chosen, _Limit(read_seconds(timeout), "timeout=, --timeout gives it longer")
    longer = (
        f"{TIMEOUT} gives it longer" if engine is None or isinstance(engine, str) else "its timeout= gives it longer"
    )
    return chosen, _Limit(chosen.timeout if chosen is not None else 0.0, longer)


def _flow(
    text: str, wishes: _Wishes, engine: Engine | None, limit: _Limit, presets: PresetLibrary | None
) -> Flow[EnhancedPrompt]:
    begun: _Begun = yield Work(_begin, (text, wishes, presets), long=True)
    if engine is None:
        return begun.embedded
    from comfy_headless.ai.instructing import Wish
    from comfy_headless.api.language_model import Begun, written_by

    analysis, target, embedded = begun
    into = wishes.language or analysis.language
    if not target.reads(into):
        into = target.languages[0]
    wish = Wish(analysis, target, into, wishes.length, wishes.style)
    return (yield from written_by(engine, Begun(embedded, wish, wishes.language), *limit))


def _begin(text: str, wishes: _Wishes, presets: PresetLibrary | None) -> _Begun:
    if not isinstance(text, str):
        raise ValidationError(f"text={shown(text)}: expected text")
    if half := _HALF.search(text):
        raise ValidationError(
            f"prompt: sign {half.start() + 1} is {half[0]!r}, half of a sign, as bytes that are no UTF-8 leave it; "
            "expected text that a server can be sent"
        )
    analysis = analyze_prompt(text)
    target = target_of(wishes.model, analysis=analysis, images=wishes.images, presets=presets)
    return _Begun(
        analysis,
        target,
        enhance(analysis, target, style=wishes.style, length=wishes.length, language=wishes.language),
    )
