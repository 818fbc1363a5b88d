"""The embedded enhancer: the user's text as it is, and behind it what the model's makers ask for and it does not say.

The text is never cut and never changed: it begins the result, sign by sign. The same prompt gives the same result, and
nothing leaves this machine.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Final, Literal

from comfy_headless.ai.additions import WORDS_OF_PARTS, Addition, additions_for, languages
from comfy_headless.ai.analysis import PromptAnalysis
from comfy_headless.ai.asked import SURE_LANGUAGE, asked_in, asked_of_style, spoken_of
from comfy_headless.ai.denying import without_denied
from comfy_headless.ai.enhanced import EnhancedPrompt
from comfy_headless.ai.keeping import facts_of
from comfy_headless.ai.negatives import Negative, content_words, names_any, without_asked
from comfy_headless.ai.quoting import ends_open
from comfy_headless.ai.reading import read
from comfy_headless.ai.styles import Style, style_named
from comfy_headless.ai.tagging import notes_on_tags
from comfy_headless.ai.target import Target
from comfy_headless.errors import ValidationError
from comfy_headless.graph.values import shown

Length = int | Literal["short", "medium", "long"]
"""How long a prompt should be: words at the most, or in words."""

_LENGTHS: Final = {"short": 30, "medium": 80, "long": 200}
_ENOUGH: Final = 60
"""Words from which on a prompt is left to itself where its model names no length."""
_STYLE: Final = {
    "en": "Style: {}.",
    "de": "Stil: {}.",
    "fr": "Style : {}.",
    "es": "Estilo: {}.",
    "it": "Stile: {}.",
    "pt": "Estilo: {}.",
    "nl": "Stijl: {}.",
    "pl": "Styl: {}.",
    "ru": "Стиль: {}.",
    "uk": "Стиль: {}.",
    "tr": "Tarz: {}.",
    "ar": "الأسلوب: {}.",
    "hi": "शैली: {}।",
    "zh": "风格：{}。",
    "ja": "スタイル：{}。",
    "ko": "스타일: {}.",
}
_COMMAS: Final = re.compile(r", |، |，|、")
_ENDS: Final = ".!?…。！？।؟۔"
_GOES_ON: Final = ",;:،؛"
_CLOSERS: Final = "\"'”’»›」』)]}）】》"
_PEOPLE: Final = ("bad anatomy", "extra fingers", "deformed face")
"""What spoils images of people; for models that make images alone: for videos the makers' own words stand."""


def enhance(
    analysis: PromptAnalysis,
    target: Target,
    *,
    style: str | None = None,
    length: Length | None = None,
    language: str | None = None,
) -> EnhancedPrompt:
    """Return a prompt as the target wants it.

    Args:
        style: one of ``styles.toml``; None adds none.
        length: of the result; None is what the model's makers name. The user's own text is never cut.
        language: ISO 639-1 of the text that is wanted; it stays in its own, since only a language model translates.

    Raises:
        ValidationError: no such style or length.
    """
    wanted = None if style is None else style_named(style)
    most = _most_words(length, target)
    text, notes = analysis.text, _notes(analysis, target, language)
    of_style = asked_of_style(wanted.name) if wanted else frozenset()
    tokens = target.tokens(text)
    over = tokens is not None and target.limit is not None and tokens > target.limit
    pieces: list[Addition] = []
    if over:
        notes.append(_too_long(tokens, target))
    elif _is_extended(analysis, target):
        if ends_open(text):
            notes.append("nothing is added, since a quotation mark is open: what stands behind it would be quoted too")
        else:
            pieces = _pieces(analysis, target, spoken_of(analysis) | of_style, wanted, most, notes)
    negative = _negative(analysis, target, asked_in(analysis) | of_style, wanted)
    notes += _unwanted(analysis, negative)
    added = _texts(text, pieces, target)
    enhanced = _joined(text, added, target, analysis.language)
    return EnhancedPrompt(
        original=text,
        enhanced=enhanced,
        negative=negative.text,
        additions=tuple(added),
        reasoning=_reasons(pieces, wanted, negative, target),
        engine="embedded",
        model=target.name,
        language=analysis.language,
        tokens=target.tokens(enhanced),
        limit=target.limit,
        over_limit=over,
        notes=tuple(notes),
    )


def _most_words(length: Length | None, target: Target) -> int | None:
    if length is None:
        return target.most_words
    if isinstance(length, str) and length in _LENGTHS:
        return _LENGTHS[length]
    if isinstance(length, bool) or not isinstance(length, int) or length < 1:
        raise ValidationError(f"length={shown(length)}: expected words at the most, or {', '.join(_LENGTHS)}")
    return length


def _is_extended(analysis: PromptAnalysis, target: Target) -> bool:
    """Say whether anything may be added: there is something to add to, and it is understood."""
    return (
        target.takes_text
        and target.reads(analysis.language)
        and any(char.isalnum() or unicodedata.category(char) == "So" for char in analysis.text)
    )


def _pieces(
    analysis: PromptAnalysis,
    target: Target,
    spoken: frozenset[str],
    style: Style | None,
    most: int | None,
    notes: list[str],
) -> list[Addition]:
    """Return what is added, in the target's order; where it is too much, the style is what goes last."""
    colours = bool(facts_of(analysis.text, analysis.language).colours)
    found: list[Addition] = []
    if count_words(analysis.text) < (target.least_words or _ENOUGH):
        found = list(additions_for(analysis, target, spoken | ({"colour"} if colours else frozenset())))
    if style is not None:
        found.insert(0, _in_style(style, analysis, target, colours))
    found = kept = _without_repeats(found, analysis) if target.form == "phrases" else found
    while kept and _is_too_much(analysis, kept, target, most):
        kept = kept[:-1]
    if len(kept) < len(found):
        notes.append(f"left out, since the prompt would be too long with it: {_listed(found[len(kept) :])}")
    if target.form == "phrases":  # what stands first weighs most
        return kept
    order = [*target.order]
    return sorted(kept, key=lambda piece: order.index(piece.part) if piece.part in order else len(order))


def _without_repeats(pieces: Sequence[Addition], analysis: PromptAnalysis) -> list[Addition]:
    """Leave out phrases that the prompt has, or a piece before."""
    said, kept = analysis.text.casefold(), []
    for piece in pieces:
        new = [phrase for phrase in _COMMAS.split(piece.text) if phrase.casefold() not in said]
        said += "\n".join(["", *new]).casefold()
        if new:
            comma = _COMMAS.search(piece.text)
            kept.append(piece._replace(text=(comma[0] if comma else ", ").join(new)))
    return kept


def _is_too_much(analysis: PromptAnalysis, pieces: Sequence[Addition], target: Target, most: int | None) -> bool:
    joined = _joined(analysis.text, _texts(analysis.text, pieces, target), target, analysis.language)
    tokens = target.tokens(joined)
    return (most is not None and count_words(joined) > most) or (
        tokens is not None and target.limit is not None and tokens > target.limit
    )


def _in_style(style: Style, analysis: PromptAnalysis, target: Target, colours: bool) -> Addition:
    tags = target.makes == "image" and target.form == "phrases"
    phrases = style.phrases(analysis.language, tags=tags, colours=colours)
    if target.form == "phrases":
        return Addition("style", phrases)
    return Addition("style", _STYLE.get(analysis.language, _STYLE["en"]).format(phrases))


def _texts(text: str, pieces: Sequence[Addition], target: Target) -> list[str]:
    """Return the texts of pieces; behind a comma a sentence goes on in small letters."""
    texts = [piece.text for piece in pieces]
    if texts and target.form == "paragraph" and text.rstrip()[-1] in _GOES_ON and pieces[0].part != "style":
        texts[0] = texts[0][0].lower() + texts[0][1:]
    return texts


def _joined(text: str, pieces: Sequence[str], target: Target, language: str) -> str:
    """Put pieces behind a text, as its language puts sentences or phrases together."""
    if not pieces:
        return text
    spaced = "" if language in ("zh", "ja") else " "
    last = text.rstrip(_CLOSERS)[-1:] or text[-1]
    if target.form == "phrases":
        comma = {"zh": "，", "ja": "、", "ar": "، "}.get(language, ", ")
        between = spaced if last in f"{_ENDS},;:，、；：،" else comma
        return text + ("" if text[-1].isspace() else between) + comma.join(pieces)
    ends_open = unicodedata.category(last)[0] in "LMN" or last in "%°"
    stop = {"zh": "。", "ja": "。", "hi": "।"}.get(language, ".") if ends_open else ""
    between = "" if text[-1].isspace() else f"{stop}{spaced}"
    return text + between + spaced.join(pieces)


def count_words(text: str) -> int:
    """Return how many words a text has; of signs, two are about one word."""
    signs = sum(unicodedata.east_asian_width(char) == "W" for char in text)
    return len(text.split()) if signs < len(text) // 4 else signs // 2


def _negative(analysis: PromptAnalysis, target: Target, asked: frozenset[str], style: Style | None) -> Negative:
    if not target.takes_negative:
        return Negative("", ())
    image = target.makes == "image"
    further: list[str] = []
    if style is not None and (image or target.negative):
        further.extend(style.negative)
    if image and analysis.intent == "portrait":
        further.extend(_PEOPLE)
    return without_asked(target.negative, analysis.text, asked, further=further)


def _unwanted(analysis: PromptAnalysis, negative: Negative) -> list[str]:
    """Say what the prompt does not want, and has the very word of: a model reads words, and hardly a "no"."""
    if not negative.dropped:
        return []
    rest = content_words(without_denied(read(analysis.text)))
    named = [piece for piece in negative.dropped if names_any(piece, content_words(analysis.text) - rest)]
    if not named:
        return []
    return [
        f"the prompt itself names what it does not want, and models tend to make what they read: leave that out of it, "
        f"and the negative prompt has it: {', '.join(named)}"
    ]


def _notes(analysis: PromptAnalysis, target: Target, language: str | None) -> list[str]:
    own, notes = analysis.language, list(target.assumed)
    name = target.name or "the model"
    if not target.takes_text:
        notes.append(f"{name} takes no text: the image that it is given says what is seen")
    elif not target.reads(own):
        read = " and ".join(target.languages)
        notes.append(
            f"{name} reads {read}, and the prompt is in {own!r}: it is left as it is; a language model translates it "
            f"(COMFY_HEADLESS_AI_URL)"
        )
    elif own not in languages():
        sure = analysis.confidence.get("language", 1.0) >= SURE_LANGUAGE
        unsure = "the language of the prompt is not known for sure, "
        notes.append(
            f"{'' if sure else unsure}there are no words to add in the language {own!r}: a language model has some "
            f"(COMFY_HEADLESS_AI_URL)"
        )
    elif target.languages and own not in target.languages:
        notes.append(f"the makers of {name} name {', '.join(target.languages)}; its text encoder knows {own!r} too")
    if target.form == "paragraph":
        notes += notes_on_tags(analysis.text, name)
    if language is not None and language != own:
        notes.append(f"only a language model translates into {language!r}: the prompt stays in {own!r}")
    return notes


def _too_long(tokens: int | None, target: Target) -> str:
    then = "a longer one ends in an error" if target.refuses else "it was not trained with more"
    return f"the prompt may have {tokens} tokens, and {target.name} reads {target.limit}: {then}; make it shorter"


def _reasons(pieces: Sequence[Addition], style: Style | None, negative: Negative, target: Target) -> tuple[str, ...]:
    told = [
        f"the style {style.name!r} was asked for"
        if piece.part == "style" and style is not None
        else f"nothing was said of {WORDS_OF_PARTS[piece.part]}"
        for piece in pieces
    ]
    if negative.dropped:
        told.append(f"not in the negative prompt, since the prompt speaks of it: {', '.join(negative.dropped)}")
    if target.takes_text and not target.takes_negative:
        told.append("no negative prompt: it has no effect")
    return tuple(told)


def _listed(pieces: Sequence[Addition]) -> str:
    return ", ".join(piece.part for piece in pieces)
