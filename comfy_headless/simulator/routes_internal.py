"""Routes below ``/internal``, for ComfyUI's own page: the log, and where files lie. They have no ``/api`` twin."""

from __future__ import annotations

from aiohttp import web

from comfy_headless.simulator.answers import read_json, uncaught
from comfy_headless.simulator.machine import Machine
from comfy_headless.simulator.model_files import model_folders
from comfy_headless.simulator.places import model_places


def internal_app(machine: Machine) -> web.Application:
    """Return the application below ``/internal``; an unknown path there is a 404 of its own."""
    internal = _Internal(machine)
    app = web.Application()
    app.add_routes(
        [
            web.get("/logs", internal.logs),
            web.get("/logs/raw", internal.raw_logs),
            web.patch("/logs/subscribe", internal.subscribe),
            web.get("/folder_paths", internal.folder_paths),
            web.get("/files/{directory_type}", internal.files),
        ]
    )
    return app


class _Internal:
    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    async def logs(self, request: web.Request) -> web.Response:
        return web.json_response(self.machine.log.text())

    async def raw_logs(self, request: web.Request) -> web.Response:
        return web.json_response(self.machine.log.raw())

    async def subscribe(self, request: web.Request) -> web.Response:
        """Begin or end to tell a client of new lines."""
        wish = await read_json(request)
        with uncaught(TypeError, KeyError, IndexError):
            client_id, enabled = wish["clientId"], wish["enabled"]
            (self.machine.log.subscribe if enabled else self.machine.log.unsubscribe)(client_id)
        return web.Response()

    async def folder_paths(self, request: web.Request) -> web.Response:
        names = model_folders(self.machine.schemas, self.machine.files)
        return web.json_response({name: model_places(name, self.machine.folders) for name in names})

    async def files(self, request: web.Request) -> web.Response:
        """List the files that lie in a folder itself, the newest first."""
        kind = request.match_info["directory_type"]
        folder = self.machine.folders.of(kind)
        if folder is None:
            return web.json_response({"error": "Invalid directory type"}, status=400)
        found = [path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")]
        found.sort(key=lambda path: path.stat().st_mtime, reverse=True)
        return web.json_response([f"{path.name} [{kind}]" for path in found])
