"""Routes for files: uploads, and /view with ranges, etags, previews and the checks on names."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path, PurePath
from typing import Any, Literal, TypeAlias

from aiohttp import web

from comfy_headless.errors import MediaError
from comfy_headless.media.channels import channel, paste_mask, preview
from comfy_headless.simulator.answers import trouble, uncaught
from comfy_headless.simulator.folders import annotated, inside
from comfy_headless.simulator.machine import Machine
from comfy_headless.simulator.sending import send_result


def routes(machine: Machine) -> list[web.RouteDef]:
    """Return the routes; each also answers under ``/api``."""
    files = _Files(machine)
    return [
        web.post("/upload/image", files.upload),
        web.post("/upload/mask", files.upload_mask),
        web.get("/view", files.view),
    ]


Form: TypeAlias = Mapping[str, Any]
Write: TypeAlias = Callable[[bytes, Path], object]
"""Writes what was uploaded to its place."""


class _Files:
    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    async def upload(self, request: web.Request) -> web.Response:
        """Take a file of any kind."""
        return self._take(await _form(request), lambda content, target: target.write_bytes(content))

    async def upload_mask(self, request: web.Request) -> web.Response:
        """Take a mask and keep the picture that it was drawn for, with the mask's transparency.

        Where that picture is not to be had, the answer is the same, and nothing is kept.
        """
        post = await _form(request)

        def paste(content: bytes, target: Path) -> None:
            with uncaught(ValueError, TypeError, KeyError, AttributeError, IndexError):
                original = self._original(json.loads(_text(post.get("original_ref"))))
            if original is not None:
                with uncaught(MediaError):
                    paste_mask(original, content, target)

        return self._take(post, paste)

    def _original(self, said: dict[str, Any]) -> Path | None:
        filename, kind = annotated(said["filename"], said.get("type", "output"))
        folder = self.machine.folders.of(kind)
        if not filename or filename[0] == "/" or ".." in filename or folder is None:
            return None
        below = self.machine.folders.below(folder, said.get("subfolder", ""))
        path = self.machine.folders.below(below, filename)
        return path if inside(below, folder) and path.is_file() else None

    def _take(self, post: Form, write: Write) -> web.Response:
        field = post.get("image")
        kind = str(post.get("type", "input"))
        folder = self.machine.folders.of(kind)
        if folder is None:
            raise trouble()
        if not field:
            return web.Response(status=400)
        if not isinstance(field, web.FileField):
            raise trouble()
        subfolder = str(post.get("subfolder", ""))
        below = self.machine.folders.below(folder, subfolder)
        target = (below / field.filename).resolve()
        if not inside(target, folder):
            return web.Response(status=400)
        below.mkdir(parents=True, exist_ok=True)
        if not target.parent.is_dir():
            raise trouble()  # a folder in the file's own name is not made
        with field.file as file:
            content = file.read()
        if post.get("overwrite") not in ("true", "1"):
            target = _free_name(target, content)
        write(content, target)
        name = str(PurePath(field.filename).parent / target.name)
        return web.json_response({"name": name, "subfolder": subfolder, "type": kind})

    async def view(self, request: web.Request) -> web.StreamResponse:
        """Give a file."""
        if "filename" not in request.query:
            return web.Response(status=404)
        claimed = self._claimed(request)
        if claimed is not None:
            return send_result(claimed, request)
        filename, kind = annotated(request.query["filename"], request.query.get("type", "output"))
        folder = self.machine.folders.of(kind)
        if not filename or filename[0] == "/" or ".." in filename or folder is None:
            return web.Response(status=400)
        if "subfolder" in request.query:
            below = self.machine.folders.below(folder, request.query["subfolder"])
            if not inside(below, folder):
                return web.Response(status=403)
            folder = below
        path = folder / self.machine.folders.below(folder, filename).name
        if not path.is_file():
            return web.Response(status=404)
        wanted = request.query.get("channel", "")
        if "preview" in request.query:
            return _preview(path, request.query["preview"], wanted)
        if wanted in ("rgb", "a"):
            with uncaught(MediaError):
                return _shown(path, channel(path, "rgb" if wanted == "rgb" else "a"), "png")
        return send_result(path, request)

    def _claimed(self, request: web.Request) -> Path | None:
        """Return the file behind a name that a fault made up, whatever that name looks like."""
        ask = request.query
        key = (ask["filename"], ask.get("subfolder", ""), ask.get("type", "output"))
        if key not in self.machine.claims:
            return None
        filename, subfolder, kind = self.machine.claims[key]
        folder = self.machine.folders.of(kind)
        assert folder is not None
        return self.machine.folders.below(folder, subfolder) / filename


async def _form(request: web.Request) -> Form:
    with uncaught(ValueError):  # no multipart body, although its header says so
        return await request.post()


def _text(field: object) -> str:
    if not isinstance(field, str):
        raise trouble()
    return field


def _preview(path: Path, wanted: str, channels: str) -> web.Response:
    """Send a picture encoded anew, as ``webp;90`` or ``jpeg;90`` say; with transparency it cannot be JPEG."""
    words = wanted.split(";")
    first, last = words[0], words[-1]
    kind: Literal["webp", "jpeg"] = "jpeg" if first == "jpeg" and "a" not in channels else "webp"
    with uncaught(MediaError):
        made = preview(path, kind, int(last) if last.isdigit() else 90, opaque=channels == "rgb")
    return _shown(path, made, kind)


def _shown(path: Path, made: bytes, kind: str) -> web.Response:
    headers = {"Content-Disposition": f'filename="{path.name}"'}
    return web.Response(body=made, content_type=f"image/{kind}", headers=headers)


def _free_name(target: Path, content: bytes) -> Path:
    """Return the name to use: the same for the same content, else ``name (1).ext`` and so on."""
    digest = hashlib.sha256(content).digest()
    number, path = 1, target
    while path.exists() and hashlib.sha256(path.read_bytes()).digest() != digest:
        path = target.with_name(f"{target.stem} ({number}){target.suffix}")
        number += 1
    return path
