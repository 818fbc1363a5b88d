"""What a caller gives where a graph wants a file, looked at and made into a file that the loader node reads.

Nothing is asked of the server here. A text that is no file here is a name there; only the server can tell.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable, Coroutine
from pathlib import Path
from threading import Event
from typing import Any, Final, NamedTuple, TypeAlias

from comfy_headless.catalog.media_in import (
    Content,
    Way,
    address_name,
    base_name,
    held_in,
    in_words,
    named_there,
    path_of,
    way_of,
)
from comfy_headless.errors import FeatureMissingError, ValidationError
from comfy_headless.graph.loaders import Media
from comfy_headless.protocol.output import Output, kind_of
from comfy_headless.protocol.signatures import HEAD, Format, format_of
from comfy_headless.protocol.uploads import safe_name
from comfy_headless.transport.public import Internal, Place, places_of
from comfy_headless.transport.web import Rules, Unread, read_page

PICTURES: Final = ("PNG", "JPEG", "WebP", "GIF", "BMP", "TIFF", "AVIF", "JPEG 2000", "PNM", "QOI", "DDS")
"""What LoadImage reads as it is (measured: ComfyUI 0.30.0, its nodes.py with files that Pillow 13 wrote)."""

VIDEOS: Final = ("MP4", "QuickTime", "WebM", "Matroska", "AVI", "MPEG", "MPEG-TS", "FLV", "WMV", "Ogg video", "GIF")
SOUNDS: Final = ("WAV", "MP3", "FLAC", "Ogg", "Opus", "M4A", "AAC", "AIFF", "and the sound of a video")
"""What LoadVideo and LoadAudio read: whatever ffmpeg does."""

MOST: Final = 256 * 2**20
"""Bytes of a file that is fetched from an address."""

_SECONDS: Final = 300.0
_ANNOTATED: Final = re.compile(r" ?\[(input|output|temp)\]$")
_NOWHERE: Final = re.compile(r"^[A-Za-z]:|^[/\\~]|(^|[/\\])\.\.([/\\]|$)")
"""What no name of a file on a server looks like: it has a drive, begins at the root, or leads upwards."""
_READS: Final = {"image": PICTURES, "mask": PICTURES, "video": VIDEOS, "audio": SOUNDS}
_NAMES: Final = {"image": "image", "mask": "image", "video": "video", "audio": "sound file"}


class Local(NamedTuple):
    """A file that is here. ``name``: of its own, "" if it has none; ``suffix``: the one that it should have."""

    content: str | bytes
    name: str
    suffix: str = ""


class Address(NamedTuple):
    """A file that is to be fetched."""

    url: str


class There(NamedTuple):
    """A file that the server should have.

    Args:
        here: why nothing here is meant.
        size: bytes that it must have; None: any.
        instead: brings it, where the server does not have it.
    """

    name: str
    here: str
    size: int | None = None
    instead: Callable[[], Local] | None = None


Taken: TypeAlias = Local | Address | There


def take(value: Any, what: str, media: Media, *, alpha_mask: bool = False, server_url: str = "") -> Taken:
    """Return the file that is given, converted where the loader node does not read its format.

    Args:
        what: the parameter's name, for errors.
        alpha_mask: the node reads a mask from the alpha channel.
        server_url: of the server that is to have it; an output of its own needs not be sent.

    Raises:
        ValidationError: it is not there, empty, or no file of that kind, or cannot be converted.
        FeatureMissingError: it has to be converted, and the extra ``media`` is missing.
    """
    match way_of(value, what):
        case Way.TEXT:
            return _named(value, what, media)
        case Way.PATH:
            return _local(path_of(value), value, what, media)
        case Way.ADDRESS:
            return Address(value)
        case Way.OUTPUT:
            return _output(value, what, media, server_url)
    held = held_by(value, what, media, alpha_mask=alpha_mask)
    if isinstance(held, Path):
        return _local(held, held, what, media)
    return fitting(held.content, held.name, what, media, in_words(value))


def held_by(value: Any, what: str, media: Media, *, alpha_mask: bool = False) -> Content | Path:
    """Return what a value in memory holds, as a file: bytes, a file object, a picture, an array, a data URL.

    The path of a plain file that is open at its start is enough: it is read in pieces when it is sent.

    Raises:
        ValidationError: it cannot be written as a file of that kind.
        FeatureMissingError: the extra ``media`` is missing.
    """
    match way_of(value, what):
        case Way.BYTES:
            return value if isinstance(value, Content) else Content(bytes(value), "")
        case Way.DATA:
            return Content(held_in(value, what), "")
        case Way.FILE:
            return open_path(value) or _read_file(value, what)
        case Way.PICTURE | Way.ARRAY as way:
            from comfy_headless.media.given import file_of_array, png_of_picture

            if media not in ("image", "mask", "video"):
                raise ValidationError(f"{what}: {in_words(value)} is no {_NAMES.get(media, 'file')}; give a file")
            if way is Way.PICTURE:
                if media == "video":
                    words = "a PIL image is one picture; a video is an array (frames, height, width, 3), or a file"
                    raise ValidationError(f"{what}: {words}")
                return Content(png_of_picture(value, what, alpha_mask=alpha_mask), "")
            return Content(file_of_array(value, what, media, alpha_mask=alpha_mask), "")
    raise ValidationError(f"{what}={in_words(value)}: this is not held in memory")


def fitting(content: str | bytes, name: str, what: str, media: Media, given: str) -> Local:
    """Return a file as the loader node reads it.

    Args:
        given: what was given, in words, for errors.

    Raises:
        ValidationError: it is empty, or nothing that the node reads or that can be converted.
    """
    head = _head(content)
    if not head:
        raise ValidationError(f"{what}={given} is empty (0 bytes)" + _lies_at(content))
    found = format_of(head)
    if media in ("image", "mask"):
        made = _as_picture(content, found, what)
        if made is not None:
            return Local(made, f"{Path(name).stem}.png" if name else "", ".png")
        if found is None or found.name not in PICTURES:
            raise _unread(what, given, found, head, media)
    elif media in ("video", "audio") and not _plays(content, found, media):
        raise _unread(what, given, found, head, media)
    return Local(content, _named_by(name, found), found.suffix if found else "")


def _as_picture(content: str | bytes, found: Format | None, what: str) -> bytes | None:
    """Return a picture of another format as PNG; None where it is taken as it is, or no picture at all."""
    if found is not None and (found.kind != "image" or (found.name in PICTURES and found.name != "TIFF")):
        return None
    try:
        from comfy_headless.media.given import png_of_file
    except FeatureMissingError:
        if found is None or found.name in PICTURES:
            return None
        raise
    return png_of_file(content, what, only_black=found is not None and found.name == "TIFF")


def _plays(content: str | bytes, found: Format | None, media: Media) -> bool:
    """Return whether ffmpeg finds what is wanted; where it cannot be asked, whether the format may hold it."""
    if found is not None and found.kind not in ("video", "audio") and found.name not in ("GIF", "PNG"):
        return False
    try:
        from comfy_headless.media.given import has_stream
    except FeatureMissingError:
        return found is None or found.kind == media or (found.kind == "video" and media == "audio")
    return bool(has_stream(content, "video" if media == "video" else "audio"))


def _unread(what: str, given: str, found: Format | None, head: bytes, media: Media) -> ValidationError:
    is_one = f"it is {found.name}" if found is not None else f"it begins with {head[:8]!r}"
    silent = ", without any sound" if media == "audio" and found is not None and found.kind == "video" else ""
    known = ", ".join(_READS[media])
    return ValidationError(f"{what}={given} is no {_NAMES[media]} that ComfyUI reads: {is_one}{silent}; known: {known}")


def _named_by(name: str, found: Format | None) -> str:
    """Return a name whose suffix tells the kind of the file: servers list files by it."""
    safe = safe_name(name, found.suffix if found else "")
    tells = not safe or found is None or found.kind == "other" or kind_of(safe) != "other"
    return safe if tells else f"{safe}{found.suffix if found else ''}"


def _named(text: str, what: str, media: Media) -> Taken:
    """Return the file here that a text names, else the one on the server."""
    path = Path(text)
    if any(ord(letter) < 32 for letter in text):
        raise ValidationError(f"{what}={in_words(text)!r}: no file has such a name")
    try:
        here = not _ANNOTATED.search(text) and path.exists()
        missing = f"No such file here ({path.absolute()})"
    except ValueError as error:
        raise ValidationError(f"{what}={in_words(text)!r}: {error}") from error
    except OSError as error:  # longer than a name can be, here and on a server
        words = f"neither a path nor base64 of a file whose format is known ({error.strerror})"
        raise ValidationError(f"{what}={in_words(text)!r}: {words}") from error
    if not here and (path.is_absolute() or _NOWHERE.search(text)):
        raise ValidationError(f"{what}={in_words(text)!r}: {missing.replace(' here', '')}")
    return _local(path, text, what, media) if here else There(text, missing)


def _local(path: Path, given: str | os.PathLike[str], what: str, media: Media) -> Local:
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            raise ValidationError(f"{what}={os.fsdecode(given)!r}: neither file nor folder, so it may have no end")
        return fitting(os.fspath(path), base_name(path), what, media, repr(os.fsdecode(given)))
    except (OSError, ValueError) as error:
        words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ValidationError(f"{what}={os.fsdecode(given)!r}: {words} ({path.absolute()})") from error


def _output(output: Output, what: str, media: Media, server_url: str) -> Taken:
    """Return an output: as its own server has it, else the file here, else what its server sends."""
    if output.text is not None:
        raise ValidationError(f"{what}: this output is a text, not a file: {in_words(output.text)!r}")
    size = output.path.stat().st_size if output.path is not None and output.path.is_file() else None

    def bring() -> Local:
        if size is not None and output.path is not None:
            return _local(output.path, output.path, what, media)
        return fitting(output.data, output.filename, what, media, repr(output.filename))

    own = bool(server_url) and output.url.startswith(f"{server_url}/view?")
    return There(named_there(output), "", size, bring) if own else bring()


def _read_file(file: Any, what: str) -> Content:
    """Return what a file object holds from where it stands."""
    name = getattr(file, "name", "")
    told = safe_name(base_name(name)) if isinstance(name, str) and name.strip("/\\. ") else ""
    try:
        content = file.read()
    except (OSError, ValueError) as error:
        raise ValidationError(f"{what}: this file object cannot be read: {error}") from error
    if isinstance(content, Coroutine):
        content.close()
        raise ValidationError(f"{what}: the read() of this file object is to be awaited; give await file.read()")
    if not isinstance(content, (bytes, bytearray, memoryview)):
        raise ValidationError(
            f"{what}: a file object that gives {type(content).__name__}; open it for bytes, such as open(path, 'rb')"
        )
    if not content:
        raise ValidationError(f"{what}: this file object is empty from where it stands; file.seek(0) goes to its start")
    return Content(bytes(content), told)


def fetched(url: str, what: str, media: Media, stop: Event) -> Local:
    """Return the file at an address.

    What was typed is asked for, wherever it is; what it leads on to must be of the open internet, or of the same host
    and port.

    Args:
        stop: set when nobody waits for it any more.

    Raises:
        ValidationError: it was refused, did not answer, sent too much, or is no file of that kind.
    """
    first: list[tuple[str, int]] = []

    def lookup(host: str, port: int, *, internal: bool = False) -> list[Place]:
        first.append((host, port))
        return places_of(host, port, internal=(host, port) == first[0])

    try:
        page = read_page(url, lambda _: MOST, Rules(http=True, seconds=_SECONDS, lookup=lookup, stop=stop))
    except (Unread, Internal) as error:
        raise ValidationError(f"{what}={in_words(url)}: {error}") from error
    return fitting(page.body, address_name(url), what, media, in_words(url))


def _head(content: str | bytes) -> bytes:
    if isinstance(content, bytes):
        return content[:HEAD]
    with Path(content).open("rb") as file:
        return file.read(HEAD)


def _lies_at(content: str | bytes) -> str:
    return f": {Path(content).absolute()}" if isinstance(content, str) else ""


def open_path(file: Any) -> Path | None:
    """Return the path of a plain file that is open at its start; else None."""
    inner = getattr(file, "file", file)  # tempfile.NamedTemporaryFile wraps one
    if not isinstance(inner, (io.BufferedReader, io.BufferedRandom, io.FileIO)) or inner.closed:
        return None
    if not isinstance(getattr(inner, "raw", inner), io.FileIO) or not isinstance(inner.name, (str, os.PathLike)):
        return None
    inner.flush()
    path = Path(inner.name).absolute()
    return path if inner.tell() == 0 and path.is_file() else None
