"""Whether a text that was written anew contradicts the prompt, as far as an analysis of both can tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, get_args

from comfy_headless.ai.analysis import Camera, PromptAnalysis, Shot
from comfy_headless.ai.keeping import counted
from comfy_headless.ai.negatives import content_words, names_any

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
    return tuple(
        line for found in (_camera(before, after), _wishes(before, after), _counts(before, after)) for line in found
    )


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
    """Yield where one thing is counted otherwise, in the same language."""
    if before.language != after.language:
        return
    there = list(counted(before.text, before.language))
    for number, word in counted(after.text, after.language):
        numbers = [known for known, name in there if names_any(word, content_words(name))]
        if numbers and number not in numbers:
            yield f"there are {numbers[0]} {word} there, and {number} here"
