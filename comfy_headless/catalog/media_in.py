"""What a caller may give where a graph wants a file, told apart without looking at it: pure, nothing is opened."""

from __future__ import annotations

import binascii
import os
import re
import sys
from base64 import b64decode
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import IO, Any, Final, NamedTuple, Protocol, TypeAlias
from urllib.parse import unquote, unquote_to_bytes, urlsplit
from urllib.request import url2pathname

from comfy_headless.errors import ValidationError, without_secrets
from comfy_headless.graph.values import shown
from comfy_headless.protocol.output import Output
from comfy_headless.protocol.result import Result
from comfy_headless.protocol.signatures import HEAD, format_of
from comfy_headless.protocol.uploads import safe_name

WAYS: Final = (
    "a path, an address (http, https), bytes, a file object, a PIL image, a numpy array, base64 or a data URL, "
    "a result of an earlier call, or the name of a file on the server"
)

_SCHEME: Final = re.compile(r"([a-z][a-z0-9+.-]+)://", re.IGNORECASE)
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]{24,}={0,2}")
_WEAK: Final = frozenset({"AAC", "AC-3", "BMP", "JPEG XL", "MP3", "MPEG-TS", "PNM"})
"""Formats that begin with two bytes, which a path may begin with too if it is read as base64."""

_STAND_INS: Final = {"image": "image.png", "mask": "mask.png", "video": "video.mp4", "audio": "audio.flac"}


class Pixels(Protocol):
    """A PIL image, or a numpy array: (height, width, 3 or 4), or (height, width) for a mask."""

    @property
    def __array_interface__(self) -> dict[str, Any]:
        """What numpy reads."""


class Content(NamedTuple):
    """What a file object held.

    Args:
        name: its name; "" if it has none.
    """

    content: bytes
    name: str


MediaLike: TypeAlias = (
    str | os.PathLike[str] | bytes | bytearray | memoryview | IO[bytes] | Pixels | Output | Result | Content
)
"""What is taken where a file is wanted."""


class Way(StrEnum):
    """How a file is given. TEXT: a path, or a name on the server; only a look tells. DATA: a text that holds it."""

    PATH = "path"
    TEXT = "text"
    ADDRESS = "address"
    DATA = "data"
    BYTES = "bytes"
    FILE = "file"
    PICTURE = "picture"
    ARRAY = "array"
    OUTPUT = "output"


def way_of(value: Any, what: str) -> Way:
    """Return how a file is given.

    Args:
        what: the parameter's name, for errors.

    Raises:
        ValidationError: nothing of that kind is taken.
    """
    if isinstance(value, str):
        return _way_of_text(value, what)
    if isinstance(value, (bytes, bytearray, memoryview, Content)):
        return Way.BYTES
    if isinstance(value, Output):
        return Way.OUTPUT
    if isinstance(value, Result):
        raise ValidationError(f"{what}: a result as a whole; give one of its outputs, such as result.images[0]")
    if isinstance(value, os.PathLike):
        return Way.PATH
    pictures = sys.modules.get("PIL.Image")
    if pictures is not None and isinstance(value, pictures.Image):
        return Way.PICTURE
    if hasattr(value, "__array_interface__") or (hasattr(value, "__array__") and hasattr(value, "shape")):
        return Way.ARRAY
    if hasattr(value, "read"):
        return Way.FILE
    raise ValidationError(f"{what}={shown(value)}: of type {type(value).__name__}, which is no file; give {WAYS}")


def _way_of_text(text: str, what: str) -> Way:
    if text[:5].lower() == "data:" or _is_base64(text):
        return Way.DATA
    if not text.strip():
        raise ValidationError(f"{what}={text!r}: no path, and no name of a file; give {WAYS}")
    found = _SCHEME.match(text)
    if found is None:
        base_name(text)
        return Way.TEXT
    match found[1].lower():
        case "http" | "https":
            return Way.ADDRESS
        case "file":
            return Way.PATH
    raise ValidationError(f"{what}={in_words(text)}: {found[1]}:// is not fetched; give http, https or file, or {WAYS}")


def path_of(value: str | os.PathLike[str]) -> Path:
    """Return the path that is meant; ``file:///a%20b.png`` is one too."""
    text = os.fsdecode(value)
    return Path(url2pathname(urlsplit(text).path)) if text[:7].lower() == "file://" else Path(text)


def stand_in(value: Any, what: str, media: str) -> str:
    """Return what a graph calls a file until the server has given it its name.

    Args:
        media: what the input takes: "image", "mask", "video", "audio" or "file".
    """
    match way_of(value, what):
        case Way.PATH:
            return base_name(path_of(value))
        case Way.TEXT:
            return base_name(value)
        case Way.OUTPUT:
            return named_there(value)
        case Way.ADDRESS:
            return address_name(value) or _STAND_INS.get(media, what)
        case Way.BYTES if isinstance(value, Content) and value.name:
            return value.name
    return _STAND_INS.get(media, what)


def address_name(url: str) -> str:
    """Return the name of the file at an address, as a server can call it; "" if it has none."""
    return safe_name(unquote(urlsplit(url).path).rpartition("/")[2])


def named_there(output: Output) -> str:
    """Return an output's file as a loader node of its server names it."""
    below = f"{output.subfolder}/{output.filename}" if output.subfolder else output.filename
    return f"{below} [{output.folder_type}]"


def _is_base64(text: str) -> bool:
    """Return whether a text begins as the base64 of a file does, by a mark that no path has by chance."""
    head = "".join(text[: HEAD * 2].split())
    if not _BASE64.fullmatch(head):
        return False
    try:
        found = format_of(_decoded(head))
    except binascii.Error:
        return False
    return found is not None and found.name not in _WEAK


def _decoded(text: str) -> bytes:
    bare = text.rstrip("=").translate(str.maketrans("-_", "+/"))
    return b64decode(bare[: len(bare) - (len(bare) % 4 == 1)] + "=" * (-len(bare) % 4), validate=True)


def held_in(text: str, what: str) -> bytes:
    """Return what a data URL, or base64, holds; raises ValidationError."""
    head, comma, rest = text.partition(",") if text[:5].lower() == "data:" else ("", ",", text)
    if not comma:
        raise ValidationError(f"{what}={in_words(text)}: a data URL has a comma before its data")
    if head and not head.lower().endswith(";base64"):
        return unquote_to_bytes(rest)
    bare = "".join(unquote(rest).split())
    try:
        if len(bare.rstrip("=")) % 4 == 1:
            raise binascii.Error("it is cut off")
        return _decoded(bare)
    except (binascii.Error, ValueError) as error:
        raise ValidationError(f"{what}={in_words(text)}: this is no base64 ({error})") from error


def in_words(value: Any) -> str:
    """Return what was given, in a few words for people."""
    if isinstance(value, str):
        most = 60 if value[:5].lower() == "data:" or _is_base64(value) else 255
        return without_secrets(value) if len(value) <= most else f"{value[:30]}... ({len(value)} characters)"
    if isinstance(value, Content) and value.name:
        return value.name
    if isinstance(value, Output):
        return str(value)
    if isinstance(value, (bytes, bytearray, memoryview, Content)):
        return f"{len(value.content if isinstance(value, Content) else value)} bytes"
    return os.fsdecode(value) if isinstance(value, os.PathLike) else f"a {type(value).__name__}"


def one_of(value: Any, what: str, media: str) -> Any:
    """Return the output that is meant where a whole result is given; anything else as it is.

    Raises:
        ValidationError: the result has none of that kind, or several.
    """
    if not isinstance(value, Result):
        return value
    kind = {"mask": "image", "file": ""}.get(media, media)
    there: Sequence[Output] = [each for each in value.outputs if each.filename and each.kind == (kind or each.kind)]
    if len(there) == 1:
        return there[0]
    has = ", ".join(dict.fromkeys(f"{each.kind} {each.filename}" for each in value.outputs)) or "nothing"
    raise ValidationError(
        f"{what}: the result has {len(there) or 'no'} {kind or 'file'}{'s' if len(there) > 1 else ''}, not one; give "
        f"the output itself, such as result.outputs[0]. It has: {has}"
    )


def base_name(path: Any) -> str:
    """The file's own name, whichever separator the path is written with."""
    if not isinstance(path, (str, os.PathLike)):
        raise ValidationError(f"{shown(path)}: expected the path of a file, not a {type(path).__name__}")
    name = re.split(r"[/\\]", os.fsdecode(path))[-1]
    if name in ("", ".", ".."):
        raise ValidationError(f"{str(path)!r} is no path of a file")
    return name
