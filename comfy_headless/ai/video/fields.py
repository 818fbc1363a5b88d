"""Camera, shot, pace and sound: fields whose values are phrases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast

from comfy_headless.ai.analysis import Camera, Pace, Shot
from comfy_headless.ai.reading import Found, Reading, Span
from comfy_headless.ai.video.phrases import NOTHING, Match, Phrases
from comfy_headless.ai.video.values import asked, is_denied

_SURE: Final = 0.9
_NEAR: Final = 0.75
_MOVES: Final = "moves"
"""Words of any movement: they tell nothing, but denied they tell a static camera."""
_UNSAID: Final = 0.8
"""How sure it is that nothing is asked for where nothing was found."""
_PACES: Final[tuple[Pace, ...]] = ("slow_motion", "timelapse", "normal", "fast", "slow")
"""What outranks what: slow motion may be called slow, a time lapse fast."""


def find_camera(reading: Reading, phrases: Phrases) -> Found[frozenset[Camera]]:
    """Return how the camera moves; a denied movement of the camera is a static one."""
    found = asked(reading, phrases, "camera")
    moves = [match for match in found.wanted if match.value not in ("static", _MOVES)]
    still = [match for match in found.wanted if match.value == "static"]
    still += [match for match in found.denied if match.value == _MOVES]
    still += [m for m in phrases.of("camera.movement") if is_denied(reading, phrases, m)]
    wanted = moves or still
    values = frozenset(cast(Camera, match.value) for match in moves) or (
        frozenset(("static",)) if still else frozenset()
    )
    return Found(values, _sureness(wanted), _spans(reading, wanted))


def find_shot(reading: Reading, phrases: Phrases) -> Found[Shot | None]:
    """Return how large the subject is shown; where a prompt names several, the first."""
    wanted = asked(reading, phrases, "shot").wanted[:1]
    return Found(cast(Shot, wanted[0].value) if wanted else None, _sureness(wanted), _spans(reading, wanted))


def find_pace(reading: Reading, phrases: Phrases) -> Found[Pace]:
    """Return the pace of the film, ``normal`` where nothing is said; a camera that moves slowly makes no slow film."""
    wanted = asked(reading, phrases, "pace").wanted
    moving = {match.clause for match in phrases.of("camera") if match.value != NOTHING}
    moving |= {match.clause for match in phrases.of("camera.context")}
    wanted = [match for match in wanted if match.value != "slow" or match.clause not in moving]
    for pace in _PACES:
        if here := [match for match in wanted if match.value == pace]:
            return Found(pace, _sureness(here), _spans(reading, here))
    return Found("normal", _UNSAID)


def find_sound(reading: Reading, phrases: Phrases) -> Found[bool]:
    """Return whether speech, music or noises are asked for.

    Silence that is asked for outranks them; where only music or speech is unwanted (``less``), the rest is heard.
    """
    found = asked(reading, phrases, "sound")
    silent = [match for match in found.wanted if match.value == "no"]
    wanted = [match for match in found.wanted if match.value == "yes"]
    if silent or not wanted:
        silent += [match for match in found.wanted if match.value == "less"]
        return Found(False, _sureness(silent), _spans(reading, silent))
    return Found(True, _sureness(wanted), _spans(reading, wanted))


def _sureness(matches: Sequence[Match]) -> float:
    if not matches:
        return _UNSAID
    return _SURE if all(match.kind not in ("near", "alone") for match in matches) else _NEAR


def _spans(reading: Reading, matches: Sequence[Match]) -> tuple[Span, ...]:
    return tuple(reading.span(match.start, match.end) for match in matches)
