"""Say what a media file holds: how large, how long, how many frames, which sound; nothing is decoded but one frame.

Frames are counted by their packets, in one reading of the file. A still picture is a file with one frame and no time.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import av
from av.stream import Disposition
from PIL import Image, UnidentifiedImageError

from comfy_headless.errors import MediaError
from comfy_headless.media.animation import durations
from comfy_headless.media.command import complaints
from comfy_headless.media.timeline import Timeline

# What Pillow reads; animated webp and png among them. Everything else is PyAV's.
_PICTURES: Final = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
_TURNED: Final = frozenset({5, 6, 7, 8})  # Exif orientations that swap width and height
_ORIENTATION: Final = 0x0112
# All that Pillow raises for a file that is not what it says.
PICTURE_ERRORS: Final = (
    *(OSError, SyntaxError, ValueError, TypeError, EOFError, LookupError, ArithmeticError, Warning),
    *(struct.error, Image.DecompressionBombError),
)


@dataclass(frozen=True, slots=True)
class Audio:
    """The sound of a file.

    Args:
        codec: such as "aac".
        rate: samples a second.
        channels: 1 is mono.
        duration: seconds.
    """

    codec: str
    rate: int
    channels: int
    duration: float


@dataclass(frozen=True, slots=True)
class Probe:
    """What a video, sound or picture file holds.

    Args:
        container: "mp4", "webm", "png", ...
        duration: seconds of the longest stream; 0.0 for a still picture.
        width: pixels as shown, a stored rotation applied; 0 without a picture.
        height: the same.
        frames: how many pictures there are; 0 for sound alone. In an animated picture, one that stands twice as long
            as the shortest counts as two: equal frames are kept as one.
        fps: average rate; 0.0 for a still picture or sound alone.
        codec: of the picture, else of the sound.
        audio: None without a sound stream.
        size: bytes of the file.
        metadata: the container's tags.
    """

    container: str
    duration: float
    width: int
    height: int
    frames: int
    fps: float
    codec: str
    audio: Audio | None
    size: int
    metadata: Mapping[str, str] = field(default_factory=dict)


def probe(path: Path) -> Probe:
    """Say what a file holds.

    Raises:
        MediaError: it is missing, empty, cut off, or no media file; the message has ffmpeg's words.
    """
    return scan(path)[0]


def scan(path: Path) -> tuple[Probe, Timeline | None]:
    """Return what a file holds, and where its frames are if it is a video."""
    path = Path(path)
    picture = _picture(path)
    if picture is not None:
        return picture, None
    with reading(path), av.open(str(path.absolute())) as container:
        return _contents(path, container)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what goes wrong inside into a MediaError that names the file.

    Raises:
        MediaError: PyAV, Pillow or the file system said no.
    """
    try:
        yield
    except av.error.FFmpegError as error:
        details = complaints(path)
        raise MediaError(f"cannot read {path}: {_reason(error, details)}", path=str(path), details=details) from error
    except PICTURE_ERRORS as error:
        words = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise MediaError(f"cannot read {path}: {words}", path=str(path)) from error


def picture_stream(container: av.container.InputContainer) -> av.VideoStream | None:
    """Return the video: not the cover of a song, nor a stream without context, whose codec ffmpeg does not know."""
    for stream in container.streams.video:
        if stream.codec_context is not None and not stream.disposition & Disposition.attached_pic:
            return stream
    return None


def is_shown(packet: av.Packet[Any], codec: str) -> bool:
    """Say whether a packet gives a frame: an edit list may drop it, and vp8 has frames that are never shown.

    Of a vp8 frame, bit 4 of the first byte says so (RFC 6386, 9.1).
    """
    return not packet.is_discard and (codec not in ("vp8", "libvpx") or bool(bytes(packet)[0] >> 4 & 1))


def image_size(path: Path) -> tuple[int, int]:
    """Return width and height of a picture in pixels, as stored.

    Raises:
        MediaError: Pillow cannot read it.
    """
    with reading(Path(path)), Image.open(path) as picture:
        return picture.size


def _reason(error: Exception, details: str) -> str:
    """Return ffmpeg's first line about the file, without the name of its part, else the error's own words."""
    words = str(getattr(error, "strerror", None) or error)
    first = details.partition("\n")[0].rpartition("] ")[2]
    return first if not first or words in first else f"{words} ({first})"


def _picture(path: Path) -> Probe | None:
    """Return what a picture file holds; None if it is none, so that it may be a video or sound."""
    with reading(path):
        try:
            picture = Image.open(path, formats=_PICTURES)
        except UnidentifiedImageError:
            return None
        with picture:
            picture.load()
            with path.open("rb") as file:
                standing = durations(picture, file)
            seconds, shortest = sum(standing) / 1000, min(standing) / 1000
            turned = picture.getexif().get(_ORIENTATION) in _TURNED
            width, height = reversed(picture.size) if turned else picture.size
            name = str(picture.format).lower()
            return Probe(
                container=name,
                duration=seconds if len(standing) > 1 else 0.0,
                width=width,
                height=height,
                frames=round(seconds / shortest) if shortest else len(standing),
                fps=1 / shortest if shortest and len(standing) > 1 else 0.0,
                codec=name,
                audio=None,
                size=path.stat().st_size,
                metadata={
                    key: value for key, value in picture.info.items() if isinstance(key, str) and isinstance(value, str)
                },
            )


def _contents(path: Path, container: av.container.InputContainer) -> tuple[Probe, Timeline | None]:
    """Read all packets once."""
    video = picture_stream(container)
    sound = next((stream for stream in container.streams.audio if stream.codec_context is not None), None)
    if video is None and sound is None:
        raise MediaError(f"cannot read {path}: it has neither picture nor sound that ffmpeg knows", path=str(path))
    unit = float(video.time_base) if video is not None and video.time_base else 0.0
    timeline, shown, heard, there = Timeline(unit=unit), _Span(), _Span(), 0
    first: av.VideoFrame | None = None
    for packet in container.demux([stream for stream in (video, sound) if stream is not None]):
        if not packet.size:
            continue
        if packet.is_corrupt:
            raise _cut_off(path, "a packet is incomplete")
        if video is None or packet.stream is sound:
            heard.add(packet)
            continue
        there += 1
        if first is None:
            first = next(iter(video.decode(packet)), None)
        if is_shown(packet, video.codec_context.name):
            timeline.add(packet.pts, packet.size, key=packet.is_keyframe)
            shown.add(packet)
    if video is not None and video.frames > there:
        raise _cut_off(path, f"{video.frames} frames are announced, {there} are there")
    _check_length(path, container, max(shown.end, heard.end))
    leading = video or sound
    assert leading is not None
    found = Probe(
        container=_name(path, container.format.name),
        duration=max(shown.length, heard.length),
        frames=len(timeline),
        **_geometry(video, first),
        codec=leading.codec_context.name,
        audio=_audio(sound, heard.length) if sound is not None else None,
        size=path.stat().st_size,
        metadata=dict(container.metadata),
    )
    return found, timeline if video is not None else None


def _geometry(video: av.VideoStream | None, first: av.VideoFrame | None) -> dict[str, Any]:
    """Return width, height and rate; only a decoded frame tells the rotation."""
    if video is None:
        return {"width": 0, "height": 0, "fps": 0.0}
    turned = first is not None and int(first.rotation) % 180 != 0
    width, height = (video.height, video.width) if turned else (video.width, video.height)
    rate = video.average_rate or video.guessed_rate
    return {"width": width, "height": height, "fps": float(rate) if rate else 0.0}


@dataclass(slots=True)
class _Span:
    """From when to when the packets of a stream play, in seconds."""

    begin: float | None = None
    end: float = 0.0

    @property
    def length(self) -> float:
        return self.end - (self.begin or 0.0)

    def add(self, packet: av.Packet[Any]) -> None:
        time = packet.pts if packet.pts is not None else packet.dts
        if time is None or packet.time_base is None:
            return
        begin = float(time * packet.time_base)
        self.begin = begin if self.begin is None else min(self.begin, begin)
        self.end = max(self.end, begin + float((packet.duration or 0) * packet.time_base))


def _audio(stream: av.AudioStream, seconds: float) -> Audio:
    codec = stream.codec_context
    return Audio(codec.name, codec.sample_rate, codec.layout.nb_channels, seconds)


def _name(path: Path, names: str) -> str:
    """Return one of ffmpeg's names of a container ("mov,mp4,m4a,..."): the file's suffix if it is among them."""
    known, suffix = names.split(","), path.suffix.lower().lstrip(".")
    return suffix if suffix in known else known[0]


def _cut_off(path: Path, why: str) -> MediaError:
    return MediaError(f"cannot read {path}: it is cut off, {why}", path=str(path), details=complaints(path))


def _check_length(path: Path, container: av.container.InputContainer, end: float) -> None:
    """Raise if the container announces much more than is there, as a cut off webm does."""
    announced = (container.duration or 0) / av.time_base
    if announced - end > max(0.5, 0.05 * announced):
        raise _cut_off(path, f"{announced:.2f} s are announced, {end:.2f} s are there")
