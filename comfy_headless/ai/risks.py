"""What video models often get wrong, and what the model at hand cannot do: the risks of a prompt."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from comfy_headless.ai.analysis import Risk, RiskKind, TokenCount
from comfy_headless.ai.look import FOLDER, once
from comfy_headless.ai.reading import Reading, Span
from comfy_headless.ai.subject_hits import find_hits
from comfy_headless.ai.video.phrases import NOTHING, Phrases, find_phrases
from comfy_headless.ai.video.values import is_denied, words_between

if TYPE_CHECKING:
    from comfy_headless.ai.target import Target

_BETWEEN: Final = 1
"""Words between a great number and the people, at most."""
_SHOWN: Final[dict[RiskKind, str]] = {
    "text": "models misspell text in a picture; a short text in quotation marks comes out best, else add it afterwards",
    "hands": "models miscount fingers; a wider shot hides it, several seeds let you choose",
    "crowd": "models blur faces in a crowd; fewer people, or a crowd out of focus, come out better",
}


def find_risks(reading: Reading, *, speech: bool, tokens: TokenCount | None, target: Target | None) -> tuple[Risk, ...]:
    """Return the risks of a prompt.

    Args:
        speech: whether sound is asked for: a quoted text is then said, and not shown.
        target: what it is written for; None: nothing in particular.
    """
    return (*_of_picture(reading, speech), *(_of_model(reading, tokens, target) if target is not None else ()))


def _of_picture(reading: Reading, speech: bool) -> Iterator[Risk]:
    phrases = find_phrases(reading, FOLDER)
    found = [each for each in phrases.of("risks") if each.value != NOTHING and not is_denied(reading, phrases, each)]
    for kind, advice in _SHOWN.items():
        places = [Span(each.start, each.end) for each in found if each.value == kind]
        if kind == "crowd":
            places = sorted([*places, *_throngs(reading, phrases)])
        words = once(reading.original(*place) for place in places)
        if not words and kind == "text" and not speech:
            words = once(reading.quotations)
        if words:
            yield Risk(kind, f"{_listed(words)}: {advice}")


def _throngs(reading: Reading, phrases: Phrases) -> Iterator[Span]:
    """People in great number: "thousands of pedestrians"."""
    many = [each for each in phrases.of("risks.many") if not is_denied(reading, phrases, each)]
    hits = [hit for hit in find_hits(reading) if hit.clause < len(reading.clauses)] if many else []  # no emoji
    for each in many:
        first = bisect_left(hits, each.end, key=lambda hit: hit.start)
        for hit in hits[first : first + _BETWEEN + 1]:
            near = hit.clause == each.clause and words_between(reading, each.end, hit.start) <= _BETWEEN
            if near and "person" in hit.kinds:
                yield Span(each.start, hit.end)
                break


def _of_model(reading: Reading, tokens: TokenCount | None, target: Target) -> Iterator[Risk]:
    if not target.takes_text:
        yield Risk("no_text_input", f"{target.name} takes no text: the words change nothing, give it an image")
        return
    code = reading.language.code
    if not target.reads(code):
        names = ", ".join(target.languages)
        yield Risk("language", f"the prompt is in {code!r}, {target.name} reads {names}: translate it")
    if tokens is not None and tokens.over:
        end = "is refused" if target.refuses else "is more than it was trained with, and may be ignored"
        yield Risk("too_long", f"up to {tokens.tokens} tokens, {target.name} reads {tokens.limit}: the rest {end}")


def _listed(words: Sequence[str]) -> str:
    shown = ", ".join(f"“{_short(word)}”" for word in words[:3])
    return f"{shown} and {len(words) - 3} more" if len(words) > 3 else shown


def _short(word: str) -> str:
    return word if len(word) <= 40 else f"{word[:39]}…"
