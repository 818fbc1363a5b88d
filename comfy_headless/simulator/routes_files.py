"""Routes for files: uploads, and /view with ranges, etags and the checks on names."""

from __future__ import annotations

import hashlib
from pathlib import Path, PurePath
from typing import Literal

from aiohttp import web

from comfy_headless.errors import MediaError
from comfy_headless.media.opening import preview
from comfy_headless.simulator.answers import trouble
from comfy_headless.simulator.folders import annotated, inside
from comfy_headless.simulator.machine import Machine
from comfy_headless.simulator.note import NOTE
from comfy_headless.simulator.sending import send_result


def routes(machine: Machine) -> list[web.RouteDef]:
    """Return the routes; each also answers under ``/api``."""
    files = _Files(machine)
    return [
        web.post("/upload/image", files.upload),
        web.post("/upload/mask", files.upload),
        web.get("/view", files.view),
    ]


class _Files:
    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    async def upload(self, request: web.Request) -> web.Response:
        """Take a file; a mask is kept as it comes, not pasted into another picture."""
        post = await request.post()
        field = post.get("image")
        kind = str(post.get("type", "input"))
        folder = self.machine.folders.of(kind)
        if folder is None:
            raise trouble()
        if not isinstance(field, web.FileField) or not field.filename:
            return web.Response(status=400)
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
        target.write_bytes(content)
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
        return _preview(path, request.query["preview"]) if "preview" in request.query else send_result(path, request)

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


def _preview(path: Path, wanted: str) -> web.Response:
    """Send a picture encoded anew, as ``webp;90`` or ``jpeg;90`` say."""
    words = wanted.split(";")
    first, last = words[0], words[-1]
    kind: Literal["webp", "jpeg"] = "jpeg" if first == "jpeg" else "webp"
    try:
        shown = preview(path, kind, int(last) if last.isdigit() else 90)
    except MediaError as error:
        raise trouble() from error
    NOTE.get().file = path
    headers = {"Content-Disposition": f'filename="{path.name}"'}
    return web.Response(body=shown, content_type=f"image/{kind}", headers=headers)


def _free_name(target: Path, content: bytes) -> Path:
    """Return the name to use: the same for the same content, else ``name (1).ext`` and so on."""
    digest = hashlib.sha256(content).digest()
    number, path = 1, target
    while path.exists() and hashlib.sha256(path.read_bytes()).digest() != digest:
        path = target.with_name(f"{target.stem} ({number}){target.suffix}")
        number += 1
    return path
