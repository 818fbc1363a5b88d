"""Everything that a prompt asks of the film, found in one pass over its words."""

from __future__ import annotations

from typing import NamedTuple

from comfy_headless.ai.analysis import Camera, Pace, Shot
from comfy_headless.ai.reading import Found, Reading
from comfy_headless.ai.video.aspect import find_aspect
from comfy_headless.ai.video.duration import find_duration
from comfy_headless.ai.video.fields import find_camera, find_pace, find_shot, find_sound
from comfy_headless.ai.video.phrases import find_phrases


class VideoFields(NamedTuple):
    """What a prompt asks of the film; the values are those of `PromptAnalysis`."""

    camera: Found[frozenset[Camera]]
    shot: Found[Shot | None]
    pace: Found[Pace]
    duration: Found[float | None]
    aspect: Found[str | None]
    sound: Found[bool]


def find_video_fields(reading: Reading) -> VideoFields:
    """Return what is asked of camera, shot, pace, duration, aspect and sound."""
    phrases = find_phrases(reading)
    return VideoFields(
        find_camera(reading, phrases),
        find_shot(reading, phrases),
        find_pace(reading, phrases),
        find_duration(reading, phrases),
        find_aspect(reading, phrases),
        find_sound(reading, phrases),
    )
