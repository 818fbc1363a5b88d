"""The metadata of an MP4, read from its boxes (ISO 14496-12; keys as QuickTime has them, which ffmpeg writes).

ffmpeg is not asked: it reads the tables of all frames first, and a file of 3 kB can be made so that this takes seconds.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO, Final

_MOST: Final = 100_000
"""Boxes beside each other, a video in fragments has two for each; and boxes of metadata in all."""

_LONGEST: Final = 64 * 2**20
"""Bytes of metadata: a prompt, a workflow, and both once more in a comment."""

_COMMENT: Final = b"\xa9cmt"


def read_metadata(file: BinaryIO) -> Iterator[tuple[str, str]]:
    """Yield the names and texts of a file's metadata.

    Raises:
        ValueError: it has no box of a film, or more than any file.
    """
    left = iter(range(_MOST))
    moov = _inside(file, (0, file.seek(0, 2)), b"moov")
    if moov is None:
        raise ValueError("it has no head")
    for within in (_inside(file, moov, b"udta"), moov):
        meta = _inside(file, within, b"meta") if within is not None else None
        if meta is not None:
            file.seek(meta[0])
            yield from _texts(file.read(min(meta[1] - meta[0], _LONGEST)), left)


def _inside(file: BinaryIO, span: tuple[int, int], wanted: bytes) -> tuple[int, int] | None:
    """Return where the content of a box is, within that of another."""
    at, end = span
    for _ in range(_MOST):
        if at + 8 > end:
            return None
        file.seek(at)
        size, kind = struct.unpack(">I4s", file.read(8))
        head = 8
        if size == 1 and at + 16 <= end:
            size, head = struct.unpack(">Q", file.read(8))[0], 16
        size = size or end - at  # 0: up to the end
        if size < head:
            return None
        if kind == wanted:
            return at + head, min(at + size, end)
        at += size
    raise ValueError(f"it has more than {_MOST:,} boxes")


def _texts(meta: bytes, left: Iterator[int]) -> Iterator[tuple[str, str]]:
    boxes = dict(_boxes(meta if meta[4:8] == b"hdlr" else meta[4:], left))
    keys = [key.decode("utf-8", "replace") for key in _keys(boxes.get(b"keys", b""), left)]
    for kind, item in _boxes(boxes.get(b"ilst", b""), left):
        number = int.from_bytes(kind, "big")
        name = "comment" if kind == _COMMENT else keys[number - 1] if 0 < number <= len(keys) else ""
        data = dict(_boxes(item, left)).get(b"data", b"")
        if name:
            yield name, data[8:].decode("utf-8", "replace")


def _keys(body: bytes, left: Iterator[int]) -> Iterator[bytes]:
    """Yield the names that items count from 1: each a box, of which the kind says who named it."""
    for _, name in _boxes(body[8:], left):
        yield name


def _boxes(body: bytes, left: Iterator[int]) -> Iterator[tuple[bytes, bytes]]:
    """Yield kinds and contents, as long as ``left`` gives a number for each."""
    at = 0
    while at + 8 <= len(body):
        if next(left, None) is None:
            raise ValueError(f"it has more than {_MOST:,} boxes of metadata")
        size, kind = struct.unpack_from(">I4s", body, at)
        if size < 8:
            return
        yield kind, body[at + 8 : at + size]
        at += size
