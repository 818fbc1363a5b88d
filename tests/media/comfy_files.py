"""Files with a workflow inside, written as ComfyUI 0.30.0 writes them (nodes.py, comfy_api/latest, comfy_extras)."""

from __future__ import annotations

import io
import json
import struct
import zlib
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

import av
from PIL import Image
from PIL.PngImagePlugin import PngInfo

Texts: TypeAlias = Mapping[str, Any]


def png(texts: Texts, *, packed: bool = False) -> bytes:
    """SaveImage: a text chunk for each."""
    info = PngInfo()
    for name, value in texts.items():
        info.add_text(name, json.dumps(value), zip=packed)
    return _saved("PNG", pnginfo=info)


def international_png(texts: Texts) -> bytes:
    """What others write: UTF-8 text."""
    info = PngInfo()
    for name, value in texts.items():
        info.add_itxt(name, json.dumps(value, ensure_ascii=False), zip=True)
    return _saved("PNG", pnginfo=info)


def animated_png(texts: Texts) -> bytes:
    """SaveAnimatedPNG: chunks of its own after the first picture."""
    info = PngInfo()
    for name, value in texts.items():
        info.add(b"comf", f"{name}\0{json.dumps(value)}".encode("latin-1"), after_idat=True)
    return _saved("PNG", pnginfo=info, save_all=True, append_images=[_picture(9)])


def webp(texts: Texts) -> bytes:
    """SaveAnimatedWEBP: Exif tags, downwards from Model and Make."""
    exif = _picture().getexif()
    for tag, (name, value) in zip((0x0110, 0x010F, 0x010E), texts.items(), strict=False):
        exif[tag] = f"{name}:{json.dumps(value)}"
    return _saved("WEBP", exif=exif)


def jpeg(texts: Texts) -> bytes:
    """The same tags, as packs write them."""
    exif = _picture().getexif()
    for tag, (name, value) in zip((0x0110, 0x010F), texts.items(), strict=False):
        exif[tag] = f"{name.title()}:{json.dumps(value)}"
    return _saved("JPEG", exif=exif)


def video(texts: Texts, container: str = "mp4") -> bytes:
    """SaveVideo, SaveWEBM: metadata of the container."""
    content = io.BytesIO()
    options = {"movflags": "use_metadata_tags"} if container == "mp4" else {}
    with av.open(content, "w", format=container, options=options) as file:
        for name, value in texts.items():
            file.metadata[name] = value if isinstance(value, str) else json.dumps(value)
        stream = file.add_stream("libvpx-vp9" if container == "webm" else "libx264", rate=8)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        for at in range(2):
            frame = av.VideoFrame(64, 64, "yuv420p")
            frame.pts = at
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return content.getvalue()


def combined_video(texts: Texts) -> bytes:
    """VHS_VideoCombine: all in the comment, the prompt as text in it."""
    both = {name: json.dumps(value) if name == "prompt" else value for name, value in texts.items()}
    return video({"comment": json.dumps(both)})


def sound(texts: Texts, container: str, codec: str) -> bytes:
    """SaveAudio: metadata of the container."""
    content = io.BytesIO()
    with av.open(content, "w", format=container) as file:
        for name, value in texts.items():
            file.metadata[name] = json.dumps(value)
        stream = file.add_stream(codec, rate=48_000, layout="mono")
        frame = av.AudioFrame(format=stream.codec_context.format.name, layout="mono", samples=960)
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        frame.sample_rate, frame.pts = 48_000, 0
        file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return content.getvalue()


def glb(texts: Texts) -> bytes:
    """SaveGLB: extras of the asset."""
    extras = {name: json.dumps(value) for name, value in texts.items()}
    body = json.dumps({"asset": {"version": "2.0", "extras": extras}}).encode()
    body += b" " * (-len(body) % 4)
    return struct.pack("<4sIII4s", b"glTF", 2, 20 + len(body), len(body), b"JSON") + body


def chunks(*parts: tuple[bytes, bytes]) -> bytes:
    """A PNG of these chunks after its head, and no pixels."""
    head = (b"IHDR", struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0))
    told = b"".join(
        struct.pack(">I4s", len(content), name) + content + struct.pack(">I", zlib.crc32(name + content))
        for name, content in (head, *parts, (b"IEND", b""))
    )
    return b"\x89PNG\r\n\x1a\n" + told


def _picture(shade: int = 0) -> Image.Image:
    return Image.new("RGB", (16, 16), (shade, shade, shade))


def _saved(kind: str, **options: Any) -> bytes:
    content = io.BytesIO()
    _picture().save(content, kind, **options)
    return content.getvalue()


FILES: Final[Mapping[str, Callable[[Texts], bytes]]] = {
    "png": png,
    "png, packed": lambda texts: png(texts, packed=True),
    "png, of others": international_png,
    "png, animated": animated_png,
    "webp": webp,
    "jpeg": jpeg,
    "mp4": video,
    "mp4 of VideoHelperSuite": combined_video,
    "webm": lambda texts: video(texts, "webm"),
    "flac": lambda texts: sound(texts, "flac", "flac"),
    "opus": lambda texts: sound(texts, "opus", "libopus"),
    "mp3": lambda texts: sound(texts, "mp3", "libmp3lame"),
    "glb": glb,
}
