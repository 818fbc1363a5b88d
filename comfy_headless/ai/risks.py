"""What video models often get wrong, and what the model at hand cannot do: the risks of a prompt."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from comfy_headless.ai.analysis import Risk, RiskKind, TokenCount
from comfy_headless.ai.look import FOLDER, once
from comfy_headless.ai.reading import Reading
from comfy_headless.ai.video.phrases import NOTHING, find_phrases
from comfy_headless.ai.video.values import is_denied

if TYPE_CHECKING:
    from comfy_headless.ai.target import Target

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
        words = once(reading.original(each.start, each.end) for each in found if each.value == kind)
        if not words and kind == "text" and not speech:
            words = once(reading.quotations)
        if words:
            yield Risk(kind, f"{_listed(words)}: {advice}")


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
