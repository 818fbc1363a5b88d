"""EnhancedPrompt: a prompt as the model at hand wants it, and what was done to get there. It travels with a job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, get_args

EngineName = Literal["embedded", "openai", "ollama"]


@dataclass(frozen=True, slots=True)
class EnhancedPrompt:
    """A prompt made ready for a model.

    Args:
        original: the prompt as it was given.
        enhanced: what to give to the model; holds every name, number and quoted text of the original.
        negative: the negative prompt that goes with it; names nothing that was asked for. ``""`` where the model takes
            none.
        additions: what was added, piece by piece, in the order of ``enhanced``.
        reasoning: why, a sentence each.
        engine: what wrote it.
        model: the preset or family that it was written for; None: none was named.
        language: ISO 639-1 of ``enhanced``.
        tokens: an upper bound of its length in the model's tokens, None where no model with text was named.
        limit: how many tokens the model reads; None: no limit is known.
        over_limit: whether the user's own text alone may be longer than that; it is never cut.
        notes: what else to know: what was left out, which engine failed and why the embedded one stepped in.
        sent_to: address of the endpoint that the text was sent to; None: it stayed here.
    """

    original: str
    enhanced: str
    negative: str
    additions: tuple[str, ...]
    reasoning: tuple[str, ...]
    engine: EngineName
    model: str | None
    language: str
    tokens: int | None
    limit: int | None
    over_limit: bool
    notes: tuple[str, ...] = ()
    sent_to: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON-ready data."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}


_KINDS: Final[Mapping[str, type[Any] | tuple[type[Any], ...]]] = {
    "original": str,
    "enhanced": str,
    "negative": str,
    "additions": list,
    "reasoning": list,
    "engine": str,
    "model": (str, type(None)),
    "language": str,
    "tokens": (int, type(None)),
    "limit": (int, type(None)),
    "over_limit": bool,
    "notes": list,
    "sent_to": (str, type(None)),
}


def enhanced_in(told: Any) -> EnhancedPrompt | None:
    """Return what ``to_dict`` gave, read from a server; None for what is not of our making."""
    if not isinstance(told, dict) or not all(isinstance(told.get(name), kind) for name, kind in _KINDS.items()):
        return None
    lists = [told[name] for name, kind in _KINDS.items() if kind is list]
    if told["engine"] not in get_args(EngineName) or not all(isinstance(each, str) for one in lists for each in one):
        return None
    if isinstance(told["tokens"], bool) or isinstance(told["limit"], bool):
        return None
    fields: dict[str, Any] = {name: tuple(told[name]) if kind is list else told[name] for name, kind in _KINDS.items()}
    return EnhancedPrompt(**fields)
