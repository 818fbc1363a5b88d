"""The texts that ComfyUI writes into the files it saves: the prompt it ran, and the workflow as the page showed it.

A file may come from anywhere: no pixel is decoded, no more is read than a workflow can have, and PyAV is told which
format it is, since ffmpeg follows addresses in what it takes for a playlist.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import BinaryIO, Final, Literal

import av
from PIL import Image

from comfy_headless.errors import MediaError
from comfy_headless.media.boxes import read_metadata
from comfy_headless.media.probe import PICTURE_ERRORS

Kind = Literal["png", "picture", "glb", "mov", "matroska", "flac", "ogg", "mp3"]
"""What a file is; those that nobody here reads are containers of PyAV's by that name."""

_NAMES: Final = ("prompt", "workflow", "comment")
_LONGEST: Final = 16 * 2**20
_LONGEST_NAME: Final = 79
"""Bytes; of a text in a PNG (PNG specification, 11.3.3)."""
_MOST_PARTS: Final = 500_000
"""Objects and lists that a GLB describes, as of a workflow (graph/limits.py)."""
_MOST_CHUNKS: Final = 100_000
"""Of a PNG; libpng puts 8 KiB of pixels into each, so that it may have 800 MB."""


def read_embedded(file: BinaryIO, kind: Kind) -> dict[str, str]:
    """Return the texts called prompt, workflow and comment, those of them that a file holds.

    ComfyUI 0.30.0 writes them as text chunks of PNG (``comf`` chunks of animated ones), as Exif tags of WebP, as
    metadata of MP4, WebM, FLAC, Opus and MP3, and as extras of GLB (comfy_api/latest/_ui.py, nodes_video.py,
    nodes_save_3d.py); VideoHelperSuite 1.7.9 puts both into the comment of a video.

    Raises:
        MediaError: it cannot be read as what it is.
    """
    reader = _READERS.get(kind)
    found: dict[str, str] = {}
    try:
        for name, text in reader(file) if reader else _of_container(file, kind):
            if name.casefold() in _NAMES and text:
                found.setdefault(name.casefold(), text)
    except (*PICTURE_ERRORS, av.error.FFmpegError, zlib.error, RecursionError) as error:
        raise MediaError(f"cannot be read as {kind}: {str(error) or type(error).__name__}") from error
    return found


def _of_png(file: BinaryIO) -> Iterator[tuple[str, str]]:
    file.seek(8)
    seen: set[str] = set()
    for _ in range(_MOST_CHUNKS):
        head = file.read(8)
        if len(head) < 8:
            return
        length, name = struct.unpack(">I4s", head)
        begins = file.tell()
        if name in (b"tEXt", b"iTXt", b"zTXt", b"comf") and length <= _LONGEST:
            called = file.read(min(length, _LONGEST_NAME + 1)).partition(b"\0")[0].decode("latin-1")
            if called.casefold() in _NAMES and called.casefold() not in seen:  # unpacked for its name alone, and once
                file.seek(begins)
                text = _text(name, file.read(length))
                if text:
                    seen.add(called.casefold())
                yield called, text
        if name == b"IEND":
            return
        file.seek(begins + length + 4)
    raise ValueError(f"more than {_MOST_CHUNKS:,} chunks")


def _text(kind: bytes, chunk: bytes) -> str:
    rest = chunk.partition(b"\0")[2]
    packed = kind == b"zTXt"
    if packed:
        rest = rest[1:]
    elif kind == b"iTXt":
        packed = rest[:1] == b"\1"
        rest = rest[2:].split(b"\0", 2)[-1]
    if packed:
        rest = zlib.decompressobj().decompress(rest, _LONGEST + 1)
    return rest.decode("utf-8" if kind == b"iTXt" else "latin-1", "replace")


def _of_picture(file: BinaryIO) -> Iterator[tuple[str, str]]:
    with Image.open(file, formats=("WEBP", "JPEG")) as picture:
        for value in picture.getexif().values():
            if isinstance(value, str):
                name, _, text = value.partition(":")
                yield name, text


def _of_glb(file: BinaryIO) -> Iterator[tuple[str, str]]:
    head = file.read(20)
    length, kind = struct.unpack("<I4s", head[12:20])
    if kind != b"JSON" or length > _LONGEST:
        raise ValueError("its first chunk is no JSON that could hold a workflow")
    content = file.read(length)
    if content.count(b"{") + content.count(b"[") > _MOST_PARTS:
        raise ValueError(f"it describes more than {_MOST_PARTS:,} objects and lists")
    told = json.loads(content)
    for name in ("asset", "extras"):
        told = told.get(name) if isinstance(told, Mapping) else None
    for name, value in told.items() if isinstance(told, Mapping) else ():
        if isinstance(value, str):
            yield name, value


def _of_container(file: BinaryIO, kind: Kind) -> Iterator[tuple[str, str]]:
    with av.open(file, format=kind) as container:
        for metadata in (container.metadata, *(stream.metadata for stream in container.streams)):
            yield from metadata.items()


_READERS: Final[Mapping[Kind, Callable[[BinaryIO], Iterator[tuple[str, str]]]]] = {
    "png": _of_png,
    "picture": _of_picture,
    "glb": _of_glb,
    "mov": read_metadata,
}
