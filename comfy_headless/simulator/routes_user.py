"""Routes for what a user keeps on the server: settings, and files such as workflows.

A server for one user, as ComfyUI 0.30.0 is unless it is told otherwise (app/user_manager.py, app/app_settings.py): all
lies in the folder ``default``, which is made when something in it is asked for. A ``Comfy-User`` header is passed over.
"""

from __future__ import annotations

import json
import re
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from comfy_headless.simulator.answers import nothing, read_json, trouble, uncaught
from comfy_headless.simulator.folders import inside
from comfy_headless.simulator.machine import Machine
from comfy_headless.simulator.sending import send_kept

_BAD_NAME = 'Invalid filename. Please avoid special characters like :\\/*?"<>|'
_SETTINGS = "comfy.settings.json"


def routes(machine: Machine) -> list[web.RouteDef]:
    """Return the routes; each also answers under ``/api``."""
    user = _User(machine)
    return [
        web.get("/users", user.users),
        web.post("/users", user.add_user),
        web.get("/settings", user.settings),
        web.post("/settings", user.change_settings),
        web.get("/settings/{id}", user.setting),
        web.post("/settings/{id}", user.change_setting),
        web.get("/userdata", user.list_files),
        web.get("/v2/userdata", user.list_tree),
        web.get("/userdata/{file}", user.read),
        web.post("/userdata/{file}", user.write),
        web.delete("/userdata/{file}", user.remove),
        web.post("/userdata/{file}/move/{dest}", user.move),
    ]


class _User:
    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.root = machine.folders.user.resolve() / "default"

    async def users(self, request: web.Request) -> web.Response:
        return web.json_response({"storage": "server", "migrated": self.root.exists()})

    async def add_user(self, request: web.Request) -> web.Response:
        """Take a name, as a server for several users would; nothing comes of it here."""
        body = await read_json(request)
        name = body.get("username") if isinstance(body, dict) else None
        if not isinstance(name, str):
            raise trouble()
        if name in self.machine.users.values():
            return _refused("Duplicate username.")
        name = name.strip()
        if not name:
            return _refused("username not provided")
        if name.startswith("__"):
            return _refused("System User prefix not allowed")
        user_id = f"{re.sub('[^a-zA-Z0-9-_]+', '-', name)}_{uuid.uuid4()}"
        self.machine.users[user_id] = name
        return web.json_response(user_id)

    async def settings(self, request: web.Request) -> web.Response:
        return web.json_response(self._settings())

    async def setting(self, request: web.Request) -> web.Response:
        return web.json_response(self._settings().get(request.match_info["id"]))

    async def change_settings(self, request: web.Request) -> web.Response:
        changes = await read_json(request)
        if not isinstance(changes, dict):
            raise trouble()
        return self._keep(changes)

    async def change_setting(self, request: web.Request) -> web.Response:
        return self._keep({request.match_info["id"]: await read_json(request)})

    def _settings(self) -> dict[str, Any]:
        try:
            kept = json.loads(self._prepared(_SETTINGS).read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return {}
        return kept if isinstance(kept, dict) else {}

    def _keep(self, changes: dict[str, Any]) -> web.Response:
        text = json.dumps({**self._settings(), **changes}, indent=4)
        self._prepared(_SETTINGS).write_text(text, encoding="utf-8")
        return web.Response()

    async def list_files(self, request: web.Request) -> web.Response:
        """List one folder, or all below it; hidden files are left out."""
        query = request.query
        if not query.get("dir"):
            return web.Response(status=400, text="Directory not provided")
        folder = self._place(query["dir"])
        if folder is None:
            return web.Response(status=403, text="Invalid directory")
        self._prepare(folder)
        if not folder.exists():
            return web.Response(status=404, text="Directory not found")
        found = sorted(_visible(folder, deep=_is_true(query.get("recurse"))))
        if _is_true(query.get("full_info")):
            return web.json_response([_told(path, folder) for path in found])
        names = [path.relative_to(folder).as_posix() for path in found]
        split = _is_true(query.get("split"))
        return web.json_response([[name, *name.split("/")] for name in names] if split else names)

    async def list_tree(self, request: web.Request) -> web.Response:
        """List all that is below a folder, folders first."""
        folder = self._place(unquote(request.query.get("path", "")))
        if folder is None:
            return web.Response(status=400, text="Invalid path requested")
        if not folder.exists():
            is_new = folder == self.root
            return web.json_response([]) if is_new else web.Response(status=404, text="Requested path not found")
        if not folder.is_dir():
            return web.Response(status=400, text="Requested path is not a directory")
        found = sorted(folder.rglob("*"), key=lambda path: (not path.is_dir(), path.name.lower(), path))
        return web.json_response([_entry(path, self.root) for path in found])

    async def read(self, request: web.Request) -> web.StreamResponse:
        """Give a file."""
        path = self._named(request, there=True)
        return send_kept(path, is_style=path == self.root / "user.css")

    async def write(self, request: web.Request) -> web.Response:
        """Keep the body as a file."""
        path = self._named(request)
        if _kept_from(request, path):
            return web.Response(status=409, text="File already exists")
        content = await request.read()
        try:
            path.write_bytes(content)
        except OSError:
            return web.Response(status=400, reason=_BAD_NAME)
        return self._done(request, path)

    async def remove(self, request: web.Request) -> web.Response:
        """Remove a file; a folder is not removed."""
        path = self._named(request, there=True)
        with uncaught(OSError):
            path.unlink()
        return web.Response(status=204)

    async def move(self, request: web.Request) -> web.Response:
        """Give a file another name, or put it into a folder."""
        source, target = self._named(request, there=True), self._named(request, part="dest")
        if _kept_from(request, target):
            return web.Response(status=409, text="File already exists")
        with uncaught(OSError):
            shutil.move(source, target)
        return self._done(request, target)

    def _done(self, request: web.Request, path: Path) -> web.Response:
        """Say where a file lies now; only with its size and times is that written with slashes everywhere."""
        if _is_true(request.query.get("full_info")):
            return web.json_response(_told(path, self.root))
        name = path.relative_to(self.root).as_posix()
        return web.json_response(name.replace("/", "\\") if self.machine.folders.windows else name)

    def _named(self, request: web.Request, *, there: bool = False, part: str = "file") -> Path:
        """Return the place that a request names in its path.

        Raises:
            HTTPException: it is outside the user's folder, or nothing is there.
        """
        path = self._place(request.match_info[part])
        if path is None:
            raise nothing(403)
        self._prepare(path)
        if there and not path.exists():
            raise nothing(404)
        return path

    def _prepared(self, name: str) -> Path:
        path = self.root / name
        self._prepare(path)
        return path

    def _prepare(self, path: Path) -> None:
        """Make the folder around a place, as the server does even where it only looks."""
        if not path.parent.exists():
            with uncaught(OSError):
                path.parent.mkdir(parents=True)

    def _place(self, name: str) -> Path | None:
        """Return the place of a file, whose name may be encoded once more; None outside the user's folder."""
        plain = unquote(name) if "%" in name else name
        with uncaught(ValueError):
            path = self.machine.folders.below(self.root, plain).resolve()
            return path if inside(path, self.root) else None


def _refused(reason: str) -> web.Response:
    return web.json_response({"error": reason}, status=400)


def _is_true(text: str | None) -> bool:
    return text is not None and text.lower() == "true"


def _kept_from(request: web.Request, path: Path) -> bool:
    return request.query.get("overwrite") == "false" and path.exists()


def _visible(folder: Path, *, deep: bool) -> Iterator[Path]:
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.name.startswith("."):
            continue
        if path.is_file():
            yield path
        elif deep:
            yield from _visible(path, deep=True)


def _told(path: Path, folder: Path) -> dict[str, Any]:
    stat = path.stat()
    return {
        "path": path.relative_to(folder).as_posix(),
        "size": stat.st_size,
        "modified": int(stat.st_mtime * 1000),
        "created": int(stat.st_ctime * 1000),
    }


def _entry(path: Path, root: Path) -> dict[str, Any]:
    named = {"name": path.name, "path": path.relative_to(root).as_posix()}
    if path.is_dir():
        return {**named, "type": "directory"}
    stat = path.stat()
    return {**named, "type": "file", "size": stat.st_size, "modified": stat.st_mtime}
