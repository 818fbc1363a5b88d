"""What a server said of its node classes, kept on disk between processes; it may be lost at any time.

One file for each server, the last few of them, in the user's cache folder: a line of JSON (which version of the server
said it, its ETag), then the answer itself, compressed. Written whole or not at all; what cannot be read is as if it
were not there.
"""

from __future__ import annotations

import hashlib
import json
import logging
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from comfy_headless.api.whole_file import write_whole
from comfy_headless.config import cache_folder, shown_url

logger = logging.getLogger("comfy_headless")

FOLDER: Final = "object_info"
_LEVEL: Final = 1
"""The quickest one: 1.4 MB of text become 0.2 MB."""
_MOST: Final = 16
"""Servers that are remembered; of more the one that was written longest ago goes."""

_LONGEST: Final = 256 * 1024 * 1024


class Kept(NamedTuple):
    """What is kept of one server.

    Args:
        version: which server said it, as `version_of` writes it.
        etag: what the answer was called; None if it had no name.
        body: the answer of ``GET /object_info``, JSON.
    """

    version: str
    etag: str | None
    body: bytes


def version_of(system_stats: Any) -> str:
    """Return what changes with the version of a server, by its ``/system_stats``: itself, its packages, its flags."""
    system = system_stats.get("system") if isinstance(system_stats, Mapping) else None
    told = system if isinstance(system, Mapping) else {}
    names = ("comfyui_version", "python_version", "pytorch_version", "comfy_package_versions", "argv")
    return json.dumps([told.get(name) for name in names], sort_keys=True)


def read_kept(server: str) -> Kept | None:
    """Return what is kept of a server; None if nothing is, or it cannot be read.

    Args:
        server: address; what lets one in does not count.
    """
    path = _path(server)
    try:
        if path is None or path.stat().st_size > _LONGEST:
            return None
        head, _, packed = path.read_bytes().partition(b"\n")
        about = json.loads(head)
        kept = Kept(about["version"], about["etag"], zlib.decompress(packed))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, RecursionError, zlib.error) as error:
        logger.debug("%s is not used: %s", path, error)
        return None
    return kept if isinstance(kept.version, str) and isinstance(kept.etag, str | None) else None


def write_kept(server: str, kept: Kept) -> None:
    """Keep what a server said; a disk that takes nothing only costs the next process a request."""
    path = _path(server)
    if path is None:
        return
    head = json.dumps({"version": kept.version, "etag": kept.etag}).encode()
    try:
        write_whole(path, head + b"\n" + zlib.compress(kept.body, _LEVEL))
        kept_files = sorted(path.parent.glob("*.z"), key=lambda each: each.stat().st_mtime)
        for old in kept_files[:-_MOST]:
            old.unlink()
    except OSError as error:
        logger.debug("%s is not kept: %s", path, error)


def _path(server: str) -> Path | None:
    try:
        folder = cache_folder() / FOLDER
    except RuntimeError as error:  # pathlib: nobody knows where this user's home is
        logger.debug("no cache folder: %s", error)
        return None
    return folder / f"{hashlib.sha256(shown_url(server).encode()).hexdigest()[:24]}.z"
