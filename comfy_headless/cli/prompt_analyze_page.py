"""What ``prompt analyze`` says: what is known of a prompt, each under its name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from comfy_headless.ai.analysis import PromptAnalysis, TokenCount
from comfy_headless.cli.preset_table import wrapped
from comfy_headless.graph.values import written

if TYPE_CHECKING:
    from comfy_headless.ai.suggesting import SuggestedPreset

_UNBROKEN: Final = 10**6
"""Columns where no terminal has any."""
_MAY_BE_UNSAID: Final = ("styles", "motion", "camera", "shot", "lighting", "mood", "duration", "aspect", "quoted")
_SUGGESTED: Final = {"suggested_preset": "image preset", "suggested_video_preset": "video preset"}


def page(found: PromptAnalysis, suggested: Mapping[str, SuggestedPreset], width: int | None) -> str:
    """Return an analysis as lines: what is said, what is likely to go wrong, what to take.

    Args:
        width: columns of the terminal; None is none, and nothing is wrapped.
    """
    told = list(_told_of(found, suggested))
    label = max(len(name) for name, _ in told) + 2
    return "\n".join(
        line for name, text in told for line in wrapped(text, width or _UNBROKEN, name.ljust(label), " " * label)
    )


def _told_of(found: PromptAnalysis, suggested: Mapping[str, SuggestedPreset]) -> Iterator[tuple[str, str]]:
    told = found.to_dict()
    for name in ("intent", "subject", *_MAY_BE_UNSAID, "pace", "sound", "language"):
        text = _in_words(name, told[name])
        sure = found.confidence.get(name)
        if text:
            yield name, text if sure is None else f"{text} ({sure:.0%} sure)"
    unsaid = [name for name in _MAY_BE_UNSAID if not _in_words(name, told[name])]
    if unsaid:
        yield "not said", ", ".join(unsaid)
    if found.tokens is not None:
        yield "tokens", _tokens(found.tokens, found.model)
    yield from ((f"risk: {risk.kind}", risk.why) for risk in found.risks)
    for name, each in suggested.items():
        yield _SUGGESTED[name], f"{each}: {each.reason}"


def _tokens(count: TokenCount, model: str | None) -> str:
    limit = f" of {count.limit}" if count.limit is not None else ""
    return f"at most {count.tokens}{limit}, as {model} counts them ({count.tokenizer}){': too long' * count.over}"


def _in_words(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "asked for" if value else "none asked for"
    if isinstance(value, float):
        return f"{written(value)} s"
    if isinstance(value, list):
        return ", ".join(f'"{each}"' if name == "quoted" else str(each) for each in value)
    return "" if value is None else str(value)
