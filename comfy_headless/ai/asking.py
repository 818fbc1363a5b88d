"""Ask an engine for a prompt: send, read, hold to the rules, have it mended once. A flow under one deadline.

Whatever goes wrong is one exception, ``EngineFailed``, with the reason in a sentence; only the end of the whole call
(its own deadline, Ctrl-C, a cancelled task) passes. Who calls goes on without the engine.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, Final, NamedTuple

from comfy_headless.ai.answer import SCHEMA, Answer, Unreadable, read_answer
from comfy_headless.ai.engine import Engine, EngineFailed, Message, Said, harmless, in_words
from comfy_headless.errors import GenerationTimeoutError
from comfy_headless.protocol.conversation import retry_after
from comfy_headless.protocol.effects import Broken, Call, Fetch, Flow, Now, Reply, Sleep, Work

logger = logging.getLogger("comfy_headless")

MOST: Final = 1024 * 1024
"""Bytes that an answer may have. A prompt has a few thousand; the rest is thoughts."""

CONNECT: Final = 10.0
_FIRST_PAUSE: Final = 0.5
_LAST_PAUSE: Final = 5.0
_WAITED_OUT: Final = (429, 503, 529)
"""What servers say while they load a model, or are asked too much; llama.cpp's answers 503 until it is loaded."""
_ABOUT_FORM: Final = ("response_format", "json_schema", "schema", "grammar", "format", "structured", "guided")
_REASON: Final = 400
"""Characters of a reason."""
_TOLD: Final = 20
"""Things that are wrong with an answer that the model is told at most."""
_REPEATED: Final = 6000
"""Characters of a wrong answer that the model is shown again."""

Post = Callable[..., Reply]
"""Makes a call in a thread, as ``transport.post.post`` does."""


def ask(
    engine: Engine,
    messages: Sequence[Message],
    check: Callable[[Answer], Iterable[str]],
    *,
    post: Post,
    timeout: float,
    longer: str = "",
) -> Flow[Answer]:
    """Return an engine's answer that is in its form and keeps the rules.

    Args:
        messages: what the model is told.
        check: yields what is wrong with an answer, a line each.
        post: makes the calls.
        timeout: seconds for all of it.
        longer: what gives it longer, for the error.

    Raises:
        EngineFailed: there is none, whatever the reason.
    """
    talk = _Talk(engine, post, (yield Now()) + timeout, f"{timeout:.3g} s{longer and f' ({longer})'}")
    try:
        return (yield from talk.answer(list(messages), check))
    except GenerationTimeoutError:
        raise
    except EngineFailed as failed:  # whoever wrote the reason: nothing of the key leaves here
        raise EngineFailed(harmless(failed.why, engine.key, _REASON), sent=failed.sent) from None
    except Exception as error:  # noqa: BLE001 - whatever it is, who called goes on without this engine
        logger.debug("the engine at %s failed: %s", engine.url, type(error).__name__)
        raise EngineFailed(f"failed ({type(error).__name__})") from None


class _Talk:
    """One conversation with an engine.

    ``_schema`` is None once the server has refused it; ``_thinking`` is False once all that came was thoughts;
    ``_alone`` is True once the model's template has refused a system message, as Gemma 2's does.
    """

    def __init__(self, engine: Engine, post: Post, until: float, time: str) -> None:
        self._engine, self._post, self._until, self._time = engine, post, until, time
        self._schema: Mapping[str, Any] | None = SCHEMA
        self._thinking: bool | None = None
        self._sent = self._alone = False

    def answer(self, messages: list[Message], check: Callable[[Answer], Iterable[str]]) -> Flow[Answer]:
        """Ask; where what comes is wrong, say what, and ask once more."""
        said: Said = yield from self._say(messages)
        held: _Held = yield Work(_held, (said, check), long=True)
        if held.answer is not None:
            return held.answer
        problems = held.problems
        logger.debug("the engine at %s is asked again: %s", self._engine.url, harmless(problems[0], self._engine.key))
        if said.thought and not said.text.strip():
            self._thinking = False
        shown = [Message("assistant", said.text[:_REPEATED])] if said.text.strip() else []
        said = yield from self._say([*messages, *shown, Message("user", _again(problems))])
        held = yield Work(_held, (said, check), long=True)
        if held.answer is None:
            raise EngineFailed(f"gave a wrong answer twice, last: {harmless(held.problems[0], self._engine.key)}")
        return held.answer

    def _say(self, messages: Sequence[Message]) -> Flow[Said]:
        """Send messages and return what the model says; raises EngineFailed."""
        pause = _FIRST_PAUSE
        while True:
            reply: Reply = yield from self._call(messages)
            if reply.status == 200:
                said = self._engine.read(reply)
                if said.refusal is not None:
                    raise EngineFailed(f"refused: {said.refusal}")
                return said
            if reply.status in _WAITED_OUT and not _spent(reply):
                wait = max(pause, retry_after(reply) or 0.0)
                if (yield Now()) + wait < self._until:
                    yield Sleep(wait)
                    pause = min(pause * 2, _LAST_PAUSE)
                    continue
            elif not self._alone and _refuses_system(reply):
                self._alone = True
                continue
            elif self._schema is not None and _refuses_form(reply):
                self._schema = None
                continue
            raise EngineFailed(in_words(reply, self._engine.key))

    def _call(self, messages: Sequence[Message]) -> Flow[Reply]:
        left = self._until - (yield Now())
        if left <= 0:
            raise EngineFailed(self._late, sent=self._sent)
        told = _merged(messages) if self._alone else messages
        question = self._engine.question(told, self._schema, thinking=self._thinking)
        call = Call("POST", question.route, body=question.body, timeout=left, headers=question.headers)
        try:
            reply: Reply = yield Fetch(self._post, (call, MOST, min(CONNECT, left)), limit=left)
        except Broken as broken:
            raise EngineFailed(self._broken(broken), sent=self._sent or broken.kind != "refused") from None
        self._sent = True
        return reply

    @property
    def _late(self) -> str:
        return f"gave no whole answer in {self._time}"

    def _broken(self, broken: Broken) -> str:
        if broken.kind == "timeout":
            return self._late
        detail = harmless(broken.detail, self._engine.key)
        return {
            "refused": f"does not answer there ({detail})",
            "large": f"gave more than a prompt: {detail}",
        }.get(broken.kind, f"broke off ({detail})")


class _Held(NamedTuple):
    """What a model said, held to the rules: an answer, or what is wrong with it."""

    answer: Answer | None
    problems: tuple[str, ...] = ()


def _held(said: Said, check: Callable[[Answer], Iterable[str]]) -> _Held:
    """Return what the model said as an answer, or what is wrong with it."""
    if said.cut:
        return _Held(None, ("it was cut off before its end: it must be shorter",))
    if not said.text.strip():
        return _Held(None, ("it is empty",))
    try:
        answer = read_answer(said.text)
    except Unreadable as unreadable:
        return _Held(None, unreadable.problems)
    problems = tuple(islice(check(answer), _TOLD))
    return _Held(None, problems) if problems else _Held(answer)


def _again(problems: Sequence[str]) -> str:
    told = "\n".join(f"- {each}" for each in problems)
    return f"Your answer cannot be used:\n{told}\nAnswer again with the whole JSON object, and with nothing else."


def _merged(messages: Sequence[Message]) -> list[Message]:
    """Return messages without one of the system: its words stand before those of the first user's."""
    system, first, *others = messages
    return [Message("user", f"{system.content}\n\n{first.content}"), *others]


def _refuses_system(reply: Reply) -> bool:
    told = reply.text[:MOST].lower()
    return reply.status in (400, 422, 500) and "system" in told and "role" in told


def _refuses_form(reply: Reply) -> bool:
    """Say whether an answer may be a no to ``response_format`` or ``format``; a server of 2023 does not know them."""
    told = reply.text[:MOST].lower()
    return reply.status in (400, 422, 501) or (
        reply.status in (404, 415, 500) and any(word in told for word in _ABOUT_FORM)
    )


def _spent(reply: Reply) -> bool:
    """Say whether nothing is left to be waited for: OpenAI answers 429 to an account without money too."""
    try:
        value = reply.json()
    except ValueError:
        return False
    error = value.get("error") if isinstance(value, dict) else None
    return isinstance(error, dict) and error.get("code") in ("insufficient_quota", "billing_hard_limit_reached")
