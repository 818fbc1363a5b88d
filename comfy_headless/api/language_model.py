"""A prompt written by a language model; whatever goes wrong, by the embedded enhancer, and a note says why.

This loads httpx and pydantic, which the embedded enhancer does without.
"""

from __future__ import annotations

import logging
import re
from dataclasses import replace
from functools import partial
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from comfy_headless.ai.answer import Answer
from comfy_headless.ai.asked import asked_in
from comfy_headless.ai.asking import ask
from comfy_headless.ai.engine import Engine, EngineFailed
from comfy_headless.ai.holding import check_answer
from comfy_headless.ai.instructing import Wish, messages_for
from comfy_headless.ai.negatives import without_asked
from comfy_headless.protocol.effects import Flow
from comfy_headless.protocol.enhanced import EnhancedPrompt
from comfy_headless.transport.post import post

_URL: Final = re.compile(r"\b\w+://[^\s'\"<>)]+")

logger = logging.getLogger("comfy_headless")


class Begun(NamedTuple):
    """A prompt on its way.

    Args:
        embedded: what the embedded enhancer makes of it.
        wish: what a language model is asked for.
        language: the one that the caller wants; None: the prompt's own.
    """

    embedded: EnhancedPrompt
    wish: Wish
    language: str | None


def written_by(engine: Engine, begun: Begun, seconds: float, longer: str = "") -> Flow[EnhancedPrompt]:
    """Return the prompt as a language model writes it, or else as the embedded enhancer did.

    Args:
        seconds: for all of it.
        longer: what gives it longer, or what it is a part of: for the note.
    """
    if not _is_asked(begun):
        return begun.embedded
    wish = begun.wish
    try:
        answer = yield from ask(
            engine, messages_for(wish), partial(check_answer, wish), post=post, timeout=seconds, longer=longer
        )
    except EngineFailed as failed:
        logger.info("the language model at %s %s; the embedded enhancer is used instead", engine.url, failed.why)
        why = _without_addresses(failed.why, engine.url)
        note = f"the language model ({engine.name}) {why}; the embedded enhancer was used instead"
        sent_to = engine.url if failed.sent else None
        return replace(begun.embedded, notes=(*begun.embedded.notes, note), sent_to=sent_to)
    return _written(begun, answer, engine)


def _without_addresses(why: str, url: str) -> str:
    """Return a reason without addresses: notes go to the ComfyUI server with the job, and the log has them."""
    parts = urlsplit(url)
    hosts = "|".join(re.escape(each) for each in (parts.netloc, parts.hostname) if each)
    return re.sub(rf"(?<![\w.-])(?:{hosts})(?!\w|[.-]\w)", "***", _URL.sub("***", why), flags=re.I)


def _is_asked(begun: Begun) -> bool:
    """Say whether a language model could help: there is a text, it has an effect, and it fits."""
    return bool(begun.wish.analysis.text.strip()) and begun.wish.target.takes_text and not begun.embedded.over_limit


def _written(begun: Begun, answer: Answer, engine: Engine) -> EnhancedPrompt:
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
        tokens=target.tokens(text),
        notes=tuple(notes),
        sent_to=engine.url,
    )


def _negative(begun: Begun, wanted: str) -> str:
    """Return the usual negative prompt, and what the language model adds to it, as far as there is room.

    What the prompt asks for without naming it, such as distortion by the word horror, is left out.
    """
    usual, asked, target = begun.embedded.negative, begun.wish.analysis, begun.wish.target
    if not target.takes_negative:
        return usual
    further = [piece.strip() for piece in wanted.replace("，", ",").split(",")]
    both = without_asked(usual, asked.text, asked_in(asked), further=further).text
    if target.limit is None or (target.tokens(both) or 0) <= target.limit:
        return both
    return usual
