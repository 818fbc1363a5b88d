"""Look into a media file: what the container says, and what decoding it gives."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import av
from PIL import Image

from comfy_headless.errors import MediaError


@dataclass(frozen=True, slots=True)
class Probe:
    """What a video or sound file holds.

    Args:
        width: pixels; 0 without a picture.
        height: pixels; 0 without a picture.
        frames: decoded frames.
        fps: average frames per second; 0.0 without a picture.
        codec: of the picture, or of the sound if there is no picture.
        sound_seconds: length of the decoded sound; None without an audio stream.
        metadata: the container's tags.
    """

    width: int
    height: int
    frames: int
    fps: float
    codec: str
    sound_seconds: float | None
    metadata: dict[str, str]


def probe(path: Path) -> Probe:
    """Decode the whole file and say what it holds.

    Raises:
        MediaError: it cannot be opened or decoded.
    """
    try:
        with av.open(str(path)) as container:
            pictures = container.streams.video[0] if container.streams.video else None
            sound = container.streams.audio[0] if container.streams.audio else None
            frames, samples = 0, 0
            for frame in container.decode([stream for stream in (pictures, sound) if stream is not None]):
                if isinstance(frame, av.VideoFrame):
                    frames += 1
                elif isinstance(frame, av.AudioFrame):
                    samples += frame.samples
            rate = pictures.average_rate if pictures is not None else None
            leading = pictures if pictures is not None else sound
            return Probe(
                width=pictures.width if pictures is not None else 0,
                height=pictures.height if pictures is not None else 0,
                frames=frames,
                fps=float(rate) if rate else 0.0,
                codec=leading.codec_context.name if leading is not None else "",
                sound_seconds=samples / sound.sample_rate if sound is not None and sound.sample_rate else None,
                metadata=dict(container.metadata),
            )
    except (av.error.FFmpegError, OSError) as error:
        raise MediaError(f"cannot read {path}: {error}", path=str(path)) from error


def image_size(path: Path) -> tuple[int, int]:
    """Return width and height of a picture in pixels.

    Raises:
        MediaError: Pillow cannot read it.
    """
    try:
        with Image.open(path) as picture:
            return picture.size
    except OSError as error:
        raise MediaError(f"cannot read {path}: {error}", path=str(path)) from error
