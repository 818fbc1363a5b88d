"""Write pictures and sound into files: mp4, webm, animated webp and png, png, jpeg, flac, mp3, opus.

Pictures are pulled one by one, so a long clip never lies in memory (but for animated webp and png).
"""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.codec.codec import UnknownCodecError
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from comfy_headless.errors import MediaError
from comfy_headless.media.tone import RATE, Sound

# Chosen for speed: a placeholder is looked at once.
_CODECS: dict[str, tuple[str, dict[str, str]]] = {
    "h264": ("libx264", {"preset": "ultrafast", "crf": "26"}),
    "vp9": ("libvpx-vp9", {"deadline": "realtime", "cpu-used": "8", "crf": "40", "b": "0"}),
    "av1": ("libsvtav1", {"preset": "12", "crf": "45"}),
}
# PyAV 18 has no type for it.
_frame_of: Callable[[Image.Image], av.VideoFrame] = av.VideoFrame.from_image
_SOUND_CODECS = {
    **dict.fromkeys((".mp4", ".mov", ".mkv"), "aac"),
    **dict.fromkeys((".webm", ".opus"), "libopus"),
    ".flac": "flac",
    ".mp3": "libmp3lame",
}


def write_video(
    path: Path,
    pictures: Iterable[Image.Image],
    *,
    fps: float,
    codec: str = "h264",
    sound: Sound | None = None,
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write ``pictures`` (all of one size) as a video; the suffix of ``path`` names the container.

    Args:
        codec: h264, vp9 or av1.
        sound: None writes no audio stream.
        metadata: kept as tags of the container, as ComfyUI keeps its prompt.

    Raises:
        MediaError: the codec refused, as h264 does for an odd width or height.
    """
    stream = iter(pictures)
    first = next(stream)
    name, options = _CODECS[codec]
    try:
        with av.open(str(path), "w", options=_container_options(path)) as container:
            container.metadata.update(metadata or {})
            video = container.add_stream(name, rate=Fraction(round(fps * 1000), 1000), options=options)
            assert isinstance(video, av.VideoStream)
            video.width, video.height, video.pix_fmt = first.width, first.height, "yuv420p"
            audio = _add_audio(container, path, sound) if sound else None
            for picture in itertools.chain([first], stream):
                container.mux(video.encode(_frame_of(picture)))
            container.mux(video.encode(None))
            if audio is not None and sound is not None:
                _encode_sound(container, audio, sound)
    except (av.error.FFmpegError, UnknownCodecError) as error:
        path.unlink(missing_ok=True)
        raise MediaError(f"cannot write {path.name} with {name}: {error}", path=str(path)) from error


def write_audio(path: Path, sound: Sound, *, metadata: Mapping[str, str] | None = None) -> None:
    """Write ``sound`` as flac, mp3 or opus, by the suffix of ``path``."""
    try:
        with av.open(str(path), "w", format="ogg" if path.suffix == ".opus" else None) as container:
            container.metadata.update(metadata or {})
            _encode_sound(container, _add_audio(container, path, sound), sound)
    except (av.error.FFmpegError, UnknownCodecError) as error:
        path.unlink(missing_ok=True)
        raise MediaError(f"cannot write {path.name}: {error}", path=str(path)) from error


def write_image(path: Path, picture: Image.Image, *, metadata: Mapping[str, str] | None = None) -> None:
    """Write one picture; a png keeps ``metadata`` as text chunks."""
    if path.suffix == ".png":
        picture.save(path, compress_level=4, pnginfo=_text_chunks(metadata))
    else:
        picture.save(path)


def write_animation(
    path: Path, pictures: Iterable[Image.Image], *, fps: float, metadata: Mapping[str, str] | None = None
) -> None:
    """Write an animated webp or png, by the suffix of ``path``."""
    first, *rest = pictures
    common: dict[str, Any] = {"save_all": True, "append_images": rest, "duration": int(1000.0 / fps)}
    if path.suffix == ".png":
        first.save(path, compress_level=4, pnginfo=_text_chunks(metadata), **common)
    else:
        first.save(path, method=0, quality=70, **common)


def jpeg(picture: Image.Image) -> bytes:
    """Return ``picture`` as JPEG bytes."""
    with io.BytesIO() as buffer:
        picture.save(buffer, format="JPEG", quality=85)
        return buffer.getvalue()


def _container_options(path: Path) -> dict[str, str]:
    return {"movflags": "use_metadata_tags"} if path.suffix == ".mp4" else {}


def _text_chunks(metadata: Mapping[str, str] | None) -> PngInfo:
    chunks = PngInfo()
    for key, value in (metadata or {}).items():
        chunks.add_text(key, value)
    return chunks


def _add_audio(container: av.container.OutputContainer, path: Path, sound: Sound) -> av.AudioStream:
    codec = _SOUND_CODECS[path.suffix]
    rate = RATE if codec == "libopus" else sound.rate  # Opus takes few rates; the encoder resamples what comes in
    stream = container.add_stream(codec, rate=rate, layout="stereo")
    assert isinstance(stream, av.AudioStream)
    return stream


def _encode_sound(container: av.container.OutputContainer, stream: av.AudioStream, sound: Sound) -> None:
    for frame in _sound_frames(sound):
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def _sound_frames(sound: Sound) -> Iterator[av.AudioFrame]:
    position = 0
    for chunk in sound.chunks():
        frame = av.AudioFrame(format="s16", layout="stereo", samples=len(chunk) // 4)
        frame.planes[0].update(chunk)
        frame.sample_rate = sound.rate
        frame.pts = position
        frame.time_base = Fraction(1, sound.rate)
        position += frame.samples
        yield frame
