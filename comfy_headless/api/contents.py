"""What a file holds: a workflow as JSON, or a picture, video or sound that ComfyUI wrote, with the workflow inside.

Told apart by the first bytes, never by the name.
"""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from comfy_headless.errors import MediaError, ValidationError
from comfy_headless.features import require
from comfy_headless.graph.limits import MAX_TEXT, check_size
from comfy_headless.graph.near import find_near
from comfy_headless.graph.source import read_text

if TYPE_CHECKING:
    from comfy_headless.media.embedded import Kind

MAX_MEDIA: Final = 128 * 2**20
"""Bytes of a picture or video that is read from an address. A minute of full HD takes some 50 MiB."""

_HEAD: Final = 16
_LONGEST_PATH: Final = 4096  # as on Linux
_STARTS: Final[tuple[tuple[int, bytes, Kind], ...]] = (
    (0, b"\x89PNG\r\n\x1a\n", "png"),
    (8, b"WEBP", "picture"),
    (0, b"\xff\xd8\xff", "picture"),
    (0, b"glTF", "glb"),
    (4, b"ftyp", "mov"),
    (0, b"\x1a\x45\xdf\xa3", "matroska"),
    (0, b"fLaC", "flac"),
    (0, b"OggS", "ogg"),
    (0, b"ID3", "mp3"),
)
_READ: Final = "JSON, or a PNG, WebP, JPEG, MP4, WebM, FLAC, Opus, MP3 or GLB that ComfyUI wrote"
_BEFORE: Final = b" \t\r\n\xef\xbb\xbf\xff\xfe\x00"  # what may stand before the first sign of JSON, in any Unicode


def most_of(head: bytes) -> int:
    """Return how many bytes are read of something that begins so."""
    return MAX_TEXT if _kind_of(head) is None else MAX_MEDIA


def drain(file: BinaryIO) -> bytes:
    """Return what comes through a pipe, or a little more than is read of it."""
    head = file.read(_HEAD)
    return head + file.read(most_of(head) + 1)


def read_file(path: Path, name: str) -> Mapping[str, Any]:
    """Return the workflow of a file; raises ValidationError, FeatureMissingError."""
    try:
        with path.open("rb") as file:
            about = os.fstat(file.fileno())
            if not stat.S_ISREG(about.st_mode):  # a pipe can be read once
                return read_content(drain(file), name)
            head = file.read(_HEAD)
            file.seek(0)
            kind = _kind_of(head)
            if kind is not None:
                return _inside(file, kind, name)
            check_size(about.st_size, name)
            return read_content(file.read(), name)
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error


def read_content(content: bytes | str, name: str) -> Mapping[str, Any]:
    """Return the workflow that the content of a file holds, in either format.

    Raises:
        ValidationError: it holds none.
        FeatureMissingError: it is a picture or the like, and the extra ``media`` is missing.
    """
    kind = _kind_of(content[:_HEAD]) if isinstance(content, bytes) else None
    if isinstance(content, bytes) and kind is not None:
        return _inside(io.BytesIO(content), kind, name)
    if not content.strip():
        raise ValidationError(f"{name} is empty")
    if isinstance(content, bytes):
        _check_json(content, name)
    return _mapping(read_text(content, name=name), name)


def _kind_of(head: bytes) -> Kind | None:
    return next((kind for at, start, kind in _STARTS if head[at : at + len(start)] == start), None)


def _check_json(content: bytes, name: str) -> None:
    """Raise for what cannot be JSON, in words that say what it seems to be."""
    begins = content[:_HEAD].lstrip(_BEFORE)
    if begins.startswith(b"<"):
        raise ValidationError(f"{name} is a web page, or other XML; expected {_READ}")
    if not begins.startswith((b"{", b"[")) and not content[:512].isascii():
        raise ValidationError(f"{name} begins with {content[:8]!r}, which is nothing that is read; expected {_READ}")


def _mapping(value: Any, name: str) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        return value
    kind = "list" if isinstance(value, list) else type(value).__name__
    raise ValidationError(f'{name} is a {kind}; a graph is {{node id: {{"class_type": ..., "inputs": {{...}}}}}}')


def _inside(file: BinaryIO, kind: Kind, name: str) -> Mapping[str, Any]:
    """Return the workflow inside a file that ComfyUI wrote: the prompt that it ran, else what the page showed."""
    require("media", f"reading what is inside {name}")
    from comfy_headless.media.embedded import read_embedded

    try:
        texts = read_embedded(file, kind)
    except MediaError as error:
        raise ValidationError(f"{name} {error}") from error
    problem: ValidationError | None = None
    for key, value in _candidates(texts):
        try:
            found = read_text(value, name=f"the {key} in {name}", nan=True) if isinstance(value, str) else value
        except ValidationError as error:
            problem = problem or error
            continue
        if isinstance(found, Mapping) and found:
            return _as_sent(found)
    raise problem or ValidationError(
        f"{name} holds no workflow: ComfyUI wrote none into it (--disable-metadata), or what it went through since "
        "took it out, as sites and editors do"
    )


def _candidates(texts: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    """Where a workflow may be, the best place first."""
    yield from ((key, texts[key]) for key in ("prompt", "workflow") if key in texts)
    comment = texts.get("comment", "")
    try:
        told = read_text(comment, nan=True) if comment.startswith("{") else None
    except ValidationError:
        return  # a comment may be anything
    if isinstance(told, Mapping):
        yield from ((key, told[key]) for key in ("prompt", "workflow") if key in told)


def _as_sent(found: Mapping[str, Any]) -> Mapping[str, Any]:
    """Take off what the server added while it ran: a node's mark of what it saw, which would stand for what it sees.

    ComfyUI 0.30.0 writes ``is_changed`` into the prompt (execution.py, IsChangedCache), and so into the file.
    """
    return {
        key: {name: value for name, value in node.items() if name != "is_changed"}
        if isinstance(node, Mapping) and "class_type" in node
        else node
        for key, node in found.items()
    }


def _unreadable(path: Path, error: OSError | ValueError) -> ValidationError:
    words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    meant = ""
    if isinstance(error, FileNotFoundError):
        near = find_near(path.name, _beside(path))
        meant = f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
    given = repr(os.fspath(path))
    if len(given) > _LONGEST_PATH:
        return ValidationError(f"workflow {given[:60]}... is no path ({words}), and no JSON")
    return ValidationError(f"workflow {given}: {words} ({path.absolute()}){meant}")


def _beside(path: Path) -> list[str]:
    try:
        with os.scandir(path.parent) as entries:
            return [entry.name for entry in islice(entries, 1000)]
    except (OSError, ValueError):
        return []
