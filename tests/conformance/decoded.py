"""What a video file really holds, by decoding all of it: independent of the package's own look at files."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av


class Decoded(NamedTuple):
    """The first video stream: pixels, decoded frames, frames per second; the sample rates of the sound."""

    width: int
    height: int
    frames: int
    fps: Fraction
    sound: tuple[int, ...]


def decode(path: Path | str) -> Decoded:
    """Decode every frame of a video file."""
    with av.open(str(path)) as file:
        video = file.streams.video[0]
        sound = tuple(stream.codec_context.sample_rate for stream in file.streams.audio)
        frames = sum(1 for _ in file.decode(video))
        return Decoded(video.width, video.height, frames, Fraction(video.average_rate or 0), sound)
