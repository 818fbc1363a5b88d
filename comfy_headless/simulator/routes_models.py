"""Routes that tell more of model files than their names: size and date, preview pictures, the header's metadata."""

from __future__ import annotations

import mimetypes
from pathlib import Path

from aiohttp import web

from comfy_headless.errors import MediaError
from comfy_headless.media.channels import preview
from comfy_headless.simulator.folders import inside
from comfy_headless.simulator.machine import Machine
from comfy_headless.simulator.model_files import known_sizes, listed_files, model_folders
from comfy_headless.simulator.places import LEGACY, WEIGHTS, described, file_named, model_places, place_index


def routes(machine: Machine) -> list[web.RouteDef]:
    """Return the routes; each also answers under ``/api``."""
    models = _Models(machine)
    return [
        web.get("/experiment/models", models.list_folders),
        web.get("/experiment/models/{folder}", models.list_files),
        web.get("/experiment/models/preview/{folder}/{path_index}/{filename:.*}", models.preview),
        web.get("/view_metadata/{folder_name}", models.metadata),
    ]


class _Models:
    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    def _folders(self) -> list[str]:
        return model_folders(self.machine.schemas, self.machine.files)

    async def list_folders(self, request: web.Request) -> web.Response:
        return web.json_response(described(self._folders(), self.machine.folders, old=self.machine.is_old))

    async def list_files(self, request: web.Request) -> web.Response:
        """List the weights in a folder; a file whose size no preset tells is empty."""
        folder = request.match_info["folder"]
        if folder not in self._folders():
            return web.Response(status=404)
        names = [name for name in listed_files(folder, self.machine.files) if name.endswith(WEIGHTS)]
        sizes = known_sizes() if names else {}
        shown = [
            {
                "name": name,
                "pathIndex": place_index(folder),
                "modified": self.machine.started,
                "created": self.machine.started,
                "size": sizes.get((folder, name.replace("\\", "/")), 0),
            }
            for name in names
        ]
        return web.json_response(shown)

    async def preview(self, request: web.Request) -> web.Response:
        """Give the picture that lies beside a model file; the file itself need not be there."""
        folder, index, name = (request.match_info[part] for part in ("folder", "path_index", "filename"))
        if folder not in self._folders():
            return web.Response(status=404)
        try:
            number = int(index)
        except ValueError:
            return web.Response(status=400)
        places = model_places(folder, self.machine.folders)
        if not name:
            return web.Response(status=400)
        if not 0 <= number < len(places):
            return web.Response(status=404)
        place = Path(places[number])
        file = self.machine.folders.below(place, name).resolve()
        if not inside(file, place):
            return web.Response(status=403)
        return _picture_beside(file)

    async def metadata(self, request: web.Request) -> web.Response:
        """Give what the header of a model file says about it, where it says something."""
        folder, name = request.match_info["folder_name"], request.query.get("filename", "")
        headers = self.machine.metadata.get(LEGACY.get(folder, folder), {})
        listed = file_named(name, windows=self.machine.folders.windows)
        if not name.endswith(".safetensors") or listed not in headers:
            return web.Response(status=404)
        return web.json_response(headers[listed])


def _picture_beside(file: Path) -> web.Response:
    stem = file.with_suffix("")
    beside = sorted(stem.parent.glob("*")) if stem.parent.is_dir() else []
    for path in beside:
        kind = mimetypes.guess_type(path.name)[0] or ""
        if kind.startswith("image/") and path.stem in (stem.name, f"{stem.name}.preview"):
            try:
                return web.Response(body=preview(path, "webp", 80), content_type="image/webp")
            except MediaError:
                return web.Response(status=404)
    return web.Response(status=404)
