"""A file as an answer: its type, and what a browser would run is given to be saved instead (ComfyUI 0.30.0)."""

from __future__ import annotations

import mimetypes
from pathlib import Path

from aiohttp import web

from comfy_headless.simulator.note import NOTE

BYTES = "application/octet-stream"
_ACTIVE = {
    "text/html",
    "text/html-sandboxed",
    "application/xhtml+xml",
    "text/javascript",
    "application/javascript",
    "application/x-javascript",
    "application/ecmascript",
    "text/css",
    "image/svg+xml",
    "application/xml",
    "text/xml",
    "message/rfc822",
}
"""Types that may carry a script (folder_paths.py)."""


def type_of(path: Path) -> str:
    """Return the content type that a file's name tells."""
    return mimetypes.guess_type(path.name)[0] or BYTES


def is_active(content_type: str) -> bool:
    """Say whether a browser may run what has this type."""
    return content_type in _ACTIVE or content_type.endswith(("+xml", "/xml"))


def send(path: Path, headers: dict[str, str]) -> web.StreamResponse:
    """Send a file; ranges and conditions are honoured."""
    NOTE.get().file = path
    return web.FileResponse(path, headers={**headers, "X-Content-Type-Options": "nosniff"})


def send_result(path: Path, request: web.Request) -> web.StreamResponse:
    """Send a file as ``/view`` does: an SVG that a page shows as a picture may stay one."""
    shown = path.name.replace("\\", "\\\\").replace('"', '\\"')
    content_type, disposition = type_of(path), f'filename="{shown}"'
    more: dict[str, str] = {}
    if is_active(content_type):
        more = {"Vary": "Sec-Fetch-Dest", "Cache-Control": "no-store"}
        if content_type != "image/svg+xml" or request.headers.get("Sec-Fetch-Dest") != "image":
            content_type, disposition = BYTES, f"attachment; {disposition}"
    return send(path, {**more, "Content-Type": content_type, "Content-Disposition": disposition})


def send_kept(path: Path, *, is_style: bool) -> web.StreamResponse:
    """Send a user's file: to be saved, but for the style sheet of the user's own."""
    if is_style:
        return send(path, {"Content-Type": "text/css", "Content-Disposition": "inline"})
    content_type = type_of(path)
    kept = BYTES if is_active(content_type) else content_type
    return send(path, {"Content-Type": kept, "Content-Disposition": "attachment"})
