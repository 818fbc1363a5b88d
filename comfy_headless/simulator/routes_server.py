"""Routes that tell about the server: its nodes, model files, hardware and features."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any, Final

from aiohttp import web

from comfy_headless.graph.schemas import Schemas
from comfy_headless.simulator.hardware import stats
from comfy_headless.simulator.machine import Machine, features
from comfy_headless.simulator.model_files import listed_files, model_folders


def routes(machine: Machine) -> list[web.RouteDef]:
    """Return the routes; each also answers under ``/api``."""
    server = _Server(machine)
    return [
        web.get("/object_info", server.object_info),
        web.get("/object_info/{node_class}", server.object_info_of),
        web.get("/system_stats", server.system_stats),
        web.get("/features", server.features),
        web.get("/models", server.model_folders),
        web.get("/models/{folder}", server.model_files),
        web.get("/embeddings", server.embeddings),
        web.get("/extensions", server.extensions),
    ]


_TEXTS: Final[dict[str, tuple[Mapping[str, Any], str]]] = {}
"""The JSON of each class that was shown last, and what it was made from: most are the same on all simulators."""


def _text(name: str, raw: Mapping[str, Any]) -> str:
    made, text = _TEXTS.get(name, (None, ""))
    if made is not raw:
        text = json.dumps(raw)
        _TEXTS[name] = raw, text
    return text


class _Server:
    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self._shown: tuple[Schemas, bytes] | None = None

    async def object_info(self, request: web.Request) -> web.Response:
        schemas = self.machine.schemas
        if self._shown is None or self._shown[0] is not schemas:
            texts = (f"{json.dumps(name)}: {_text(name, schemas.raw(name))}" for name in schemas)
            self._shown = (schemas, f"{{{', '.join(texts)}}}".encode())
        return web.Response(body=self._shown[1], content_type="application/json", charset="utf-8")

    async def object_info_of(self, request: web.Request) -> web.Response:
        name = request.match_info["node_class"]
        schemas = self.machine.schemas
        return web.json_response({name: schemas.raw(name)} if name in schemas else {})

    async def system_stats(self, request: web.Request) -> web.Response:
        return web.json_response(stats(self.machine.hardware, old=self.machine.is_old))

    async def features(self, request: web.Request) -> web.Response:
        return web.json_response(features(self.machine))

    async def model_folders(self, request: web.Request) -> web.Response:
        return web.json_response(model_folders(self.machine.schemas, self.machine.files))

    async def model_files(self, request: web.Request) -> web.Response:
        folder = request.match_info["folder"]
        if folder not in model_folders(self.machine.schemas, self.machine.files):
            return web.Response(status=404)
        return web.json_response(listed_files(folder, self.machine.files))

    async def embeddings(self, request: web.Request) -> web.Response:
        names = self.machine.files.get("embeddings", [])
        return web.json_response([str(PurePosixPath(name).with_suffix("")) for name in names])

    async def extensions(self, request: web.Request) -> web.Response:
        return web.json_response([])
