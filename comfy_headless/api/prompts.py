"""enhance_prompt: by a language model where one is configured; else, and whenever that fails, by the embedded one."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import partial
from typing import Final, NamedTuple

from comfy_headless.ai.analyzing import analyze_prompt
from comfy_headless.ai.answer import Answer
from comfy_headless.ai.asking import ask
from comfy_headless.ai.engine import Engine, EngineFailed, read_seconds
from comfy_headless.ai.engines import EngineLike, engine_of
from comfy_headless.ai.enhancing import Length, enhance
from comfy_headless.ai.holding import check_answer
from comfy_headless.ai.instructing import Wish, messages_for
from comfy_headless.ai.target import target_of
from comfy_headless.ai.tokens import count_bound
from comfy_headless.catalog.models import ImageModel, VideoModel
from comfy_headless.catalog.presets import PresetLibrary
from comfy_headless.client.once import drive_once
from comfy_headless.errors import ValidationError
from comfy_headless.graph.values import shown
from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.effects import Flow, Work
from comfy_headless.protocol.enhanced import EnhancedPrompt
from comfy_headless.protocol.timing import Timing
from comfy_headless.transport.post import post

logger = logging.getLogger("comfy_headless")

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
    wishes = {"style": style, "model": model, "length": length, "language": language}
    return drive_once(_NOBODY, enhance_flow(text, **wishes, engine=engine, timeout=timeout))  # type: ignore[arg-type]


class _Begun(NamedTuple):
    """What the embedded enhancer makes of a prompt, what a language model would be asked for, the language wanted."""

    embedded: EnhancedPrompt
    wish: Wish
    language: str | None


def enhance_flow(
    text: str,
    *,
    style: str | None = None,
    model: str | VideoModel | ImageModel | None = None,
    length: Length | None = None,
    language: str | None = None,
    engine: EngineLike | None = None,
    timeout: float | None = None,
    presets: PresetLibrary | None = None,
) -> Flow[EnhancedPrompt]:
    """Write a prompt anew. See ``enhance_prompt``.

    Args:
        presets: where the model's name is looked up; None is all that there are.

    Raises:
        As ``enhance_prompt``.
    """
    if not isinstance(text, str):
        raise ValidationError(f"prompt={shown(text)}: expected text")
    chosen = engine_of(engine)
    seconds = None if timeout is None else read_seconds(timeout)
    begun: _Begun = yield Work(_begin, (text, style, model, length, language, presets), long=True)
    if chosen is None or not _is_asked(begun):
        return begun.embedded
    wish = begun.wish
    asking = ask(chosen, messages_for(wish), partial(check_answer, wish), post=post, timeout=seconds or chosen.timeout)
    try:
        answer = yield from asking
    except EngineFailed as failed:
        note = f"the language model ({chosen.name}) {failed.why}; the embedded enhancer was used instead"
        logger.info("%s", note)
        sent_to = chosen.url if failed.sent else None
        return replace(begun.embedded, notes=(*begun.embedded.notes, note), sent_to=sent_to)
    return _written(begun, answer, chosen)


def _begin(
    text: str,
    style: str | None,
    model: str | VideoModel | ImageModel | None,
    length: Length | None,
    language: str | None,
    presets: PresetLibrary | None,
) -> _Begun:
    analysis = analyze_prompt(text)
    target = target_of(model, analysis=analysis, presets=presets)
    embedded = enhance(analysis, target, style=style, length=length, language=language)
    into = language or analysis.language
    if not target.reads(into):
        into = target.languages[0]
    return _Begun(embedded, Wish(analysis, target, into, length, style), language)


def _is_asked(begun: _Begun) -> bool:
    """Say whether a language model could help: there is a text, it has an effect, and it fits."""
    return bool(begun.wish.analysis.text.strip()) and begun.wish.target.takes_text and not begun.embedded.over_limit


def _written(begun: _Begun, answer: Answer, engine: Engine) -> EnhancedPrompt:
    wish = begun.wish
    text, target = answer.enhanced.strip(), wish.target
    notes = list(target.assumed)
    if begun.language not in (None, wish.language):
        notes.append(f"{target.name} does not read {begun.language!r}: it is written in {wish.language!r}")
    return replace(
        begun.embedded,
        enhanced=text,
        negative=_negative(begun, answer.negative),
        additions=tuple(answer.additions),
        reasoning=tuple(answer.reasoning),
        engine=engine.name,
        language=wish.language,
        tokens=None if target.tokenizer is None else count_bound(text, target.tokenizer),
        notes=tuple(notes),
        sent_to=engine.url,
    )


def _negative(begun: _Begun, wanted: str) -> str:
    """Return the usual negative prompt, and what the language model adds to it, as far as there is room."""
    usual, target = begun.embedded.negative, begun.wish.target
    if not target.takes_negative:
        return usual
    both = ", ".join(part.strip() for part in (usual, wanted) if part.strip())
    if target.tokenizer is None or target.limit is None or count_bound(both, target.tokenizer) <= target.limit:
        return both
    return usual
