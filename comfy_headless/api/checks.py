"""What can be known to be wrong before anything is sent: destinations and image files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from comfy_headless.catalog.compiled import CompiledWorkflow
from comfy_headless.errors import ValidationError
from comfy_headless.graph.outputs import extensions_made
from comfy_headless.graph.values import shown
from comfy_headless.protocol.destination import Destination
from comfy_headless.protocol.output import kind_of

_SIGNATURES: Final = (
    (b"\x89PNG\r\n\x1a\n", 0, "PNG"),
    (b"\xff\xd8\xff", 0, "JPEG"),
    (b"WEBP", 8, "WebP"),
    (b"GIF8", 0, "GIF"),
    (b"BM", 0, "BMP"),
    (b"II*\x00", 0, "TIFF"),
    (b"MM\x00*", 0, "TIFF"),
    (b"ftypavif", 4, "AVIF"),
)


def check_extension(graph: Mapping[str, Any], destination: Destination) -> None:
    """Raise ValidationError if the destination asks for a kind of file that the graph does not make.

    A file that is named is the video, where the graph makes one.
    """
    made = extensions_made(graph)
    if destination.name is None or made is None:
        return
    wanted = Path(destination.name).suffix.lower()
    made = frozenset(each for each in made if kind_of(f"x{each}") == "video") or made
    if wanted not in made:
        raise ValidationError(
            f"out={destination.name!r}: the server will make {', '.join(sorted(made))}, not {wanted}; "
            f"name it {Path(destination.name).stem}{min(made)}, or give a folder"
        )


def check_images(values: Mapping[str, Any]) -> None:
    """Raise ValidationError unless the images that a caller names are there, and are images."""
    for name in ("image", "last_image"):
        if values.get(name) is not None:
            check_image(values[name], name)


def check_uploads(compiled: CompiledWorkflow) -> None:
    """Raise ValidationError unless each file that is to be brought to the server is there."""
    for item in compiled.uploads:
        shows = compiled.graph[item.node_id]["class_type"] in ("LoadImage", "LoadImageMask")
        (check_image if shows else check_file)(item.path, item.field)


def check_file(path: str | os.PathLike[str], name: str) -> bytes:
    """Raise ValidationError unless ``path`` is a file with something in it; return its first 16 bytes."""
    if not isinstance(path, (str, os.PathLike)):
        raise ValidationError(f"{name}={shown(path)}: expected the path of a file")
    if os.fsdecode(path).startswith(("http://", "https://")):
        raise ValidationError(f"{name}={os.fsdecode(path)!r} is an address; download it, then give the file's path")
    where = Path(path)
    try:
        with where.open("rb") as file:
            head = file.read(16)
    except (OSError, ValueError) as error:
        words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ValidationError(f"{name}={os.fspath(path)!r}: {words} ({where.absolute()})") from error
    if not head:
        raise ValidationError(f"{name}={os.fspath(path)!r} is empty (0 bytes): {where.absolute()}")
    return head


def check_image(path: str | os.PathLike[str], name: str = "image") -> None:
    """Raise ValidationError unless ``path`` is a file that begins like an image that ComfyUI reads."""
    head = check_file(path, name)
    if not any(head[at : at + len(mark)] == mark for mark, at, _ in _SIGNATURES):
        kinds = ", ".join(dict.fromkeys(kind for *_, kind in _SIGNATURES))
        raise ValidationError(f"{name}={os.fspath(path)!r} is no image: it begins with {head[:8]!r}; known: {kinds}")
