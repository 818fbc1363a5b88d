"""Whether a text that was written anew contradicts the prompt, as far as an analysis of both can tell."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, get_args

from comfy_headless.ai.analysis import Camera, PromptAnalysis, Shot
from comfy_headless.ai.keeping import colour_word, coloured, counted, denied_in
from comfy_headless.ai.negatives import content_words, named_in, names_any

_OPPOSITES: Final[Mapping[Camera, Camera]] = {
    "zoom_in": "zoom_out",
    "zoom_out": "zoom_in",
    "dolly_in": "dolly_out",
    "dolly_out": "dolly_in",
}
_SIZES: Final = get_args(Shot)
_FAR: Final = 2
"""Steps between two sizes of a picture that cannot both be meant."""
_PACES: Final = frozenset({"timelapse", "slow_motion", "fast"})


def contradictions(before: PromptAnalysis, after: PromptAnalysis) -> tuple[str, ...]:
    """Return what the new text says against the prompt, a line each; empty where nothing was seen.

    Args:
        before: of the prompt.
        after: of the text that was made of it.
    """
    found = [_camera(before, after), _wishes(before, after)]
    if before.language == after.language:
        found += [_counts(before, after), _colours(before, after), _denials(before, after)]
    return tuple(line for lines in found for line in lines)


def _camera(before: PromptAnalysis, after: PromptAnalysis) -> Iterator[str]:
    if before.camera == {"static"}:
        moves = sorted(after.camera - {"static"})
        if moves:
            yield f"the camera stands still there, and here it moves: {', '.join(moves)}"
    elif before.camera and "static" in after.camera and "static" not in before.camera:
        yield f"the camera moves there ({', '.join(sorted(before.camera))}), and here it stands still"
    for move in sorted(before.camera):
        other = _OPPOSITES.get(move)
        if other is not None and other in after.camera and other not in before.camera:
            yield f"the camera's move is {move} there, and {other} here"
    if before.shot and after.shot and abs(_SIZES.index(before.shot) - _SIZES.index(after.shot)) >= _FAR:
        yield f"the shot is {before.shot} there, and {after.shot} here"


def _wishes(before: PromptAnalysis, after: PromptAnalysis) -> Iterator[str]:
    if before.pace in _PACES and after.pace in _PACES and before.pace != after.pace:
        yield f"the pace is {before.pace} there, and {after.pace} here"
    if before.duration and after.duration and before.duration != after.duration:
        yield f"it lasts {before.duration:g} s there, and {after.duration:g} s here"
    if before.aspect and after.aspect and before.aspect != after.aspect:
        yield f"its shape is {before.aspect} there, and {after.aspect} here"


def _counts(before: PromptAnalysis, after: PromptAnalysis) -> Iterator[str]:
    """Yield where one thing is counted otherwise."""
    there = _gathered(counted(before.text, before.language))
    known = frozenset(there)
    for number, word in dict.fromkeys(counted(after.text, after.language)):
        numbers = [each for name in dict.fromkeys(named_in(word, known)) for each in there[name]]
        if numbers and number not in numbers:
            yield f"there are {numbers[0]} {word} there, and {number} here"


def _colours(before: PromptAnalysis, after: PromptAnalysis) -> Iterator[str]:
    """Yield where a thing has the colour of another thing."""
    there = _gathered(coloured(before.text, before.language))
    known = frozenset(there)
    given = {colour for colours in there.values() for colour in colours}
    for colour, word in dict.fromkeys(coloured(after.text, after.language)):
        colours = [each for name in named_in(word, known) for each in there[name]]
        if colours and colour in given and colour not in colours:
            was, now = (colour_word(each, before.language) for each in (colours[0], colour))
            yield f"the {word} is {was} there, and {now} here"


def _denials(before: PromptAnalysis, after: PromptAnalysis) -> Iterator[str]:
    """Yield what is not there in the prompt and is here, and what is there and is not here."""
    asked, written = denied_in(before.text, before.language), denied_in(after.text, after.language)
    if asked is None or written is None:
        return
    absent, there = (content_words(" ".join(words)) for words in asked)
    denied, told = (content_words(" ".join(words)) for words in written)
    for word in sorted(absent):
        if not names_any(word, there) and names_any(word, told) and not names_any(word, denied):
            yield f"it lost the 'no' or 'not' before {word!r}"
    for word in sorted(denied):
        if names_any(word, there) and not names_any(word, absent):
            yield f"it denies {word!r}, which is there"


def _gathered(found: Iterable[tuple[int, str]]) -> dict[str, list[int]]:
    """Return, for each content word, the numbers that stand before it."""
    gathered: dict[str, list[int]] = {}
    for number, name in dict.fromkeys(found):
        for word in content_words(name):
            gathered.setdefault(word, []).append(number)
    return gathered
