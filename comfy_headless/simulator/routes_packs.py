"""Routes for what node packs and ComfyUI itself bring for its page: templates, translations, blueprints, replacements.

Node packs bring nothing here, and ComfyUI one blueprint of our own. The assets database is off, as it is on a real
server without ``--enable-assets``.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from aiohttp import web

from comfy_headless.graph.replacements import REPLACEMENTS, Replacement

_UUID = r"{id:[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}}"
_ASSETS = (
    ("HEAD", "/api/assets/hash/{hash}"),
    ("GET", "/api/assets"),
    ("POST", "/api/assets"),
    ("GET", f"/api/assets/{_UUID}"),
    ("PUT", f"/api/assets/{_UUID}"),
    ("DELETE", f"/api/assets/{_UUID}"),
    ("GET", f"/api/assets/{_UUID}/content"),
    ("POST", f"/api/assets/{_UUID}/tags"),
    ("DELETE", f"/api/assets/{_UUID}/tags"),
    ("POST", "/api/assets/from-hash"),
    ("GET", "/api/assets/tags/refine"),
    ("POST", "/api/assets/seed"),
    ("GET", "/api/assets/seed/status"),
    ("POST", "/api/assets/seed/cancel"),
    ("POST", "/api/assets/prune"),
    ("GET", "/api/tags"),
)
_NO_ASSETS = {
    "code": "SERVICE_DISABLED",
    "message": "Assets system is disabled. Start the server with --enable-assets to use this feature.",
    "details": {},
}
_BLUEPRINT = {"source": "templates", "name": "Pictures to Video", "info": {"node_pack": "comfyui"}}
_BLUEPRINT_ID = hashlib.sha256(b"templates/blueprints/Pictures to Video.json").hexdigest()
# Values that a page fills into the new node's fields, and slots that stay where they are; no other replacement has any.
_FIELDS = {"ImageScaleBy": ["upscale_method", "scale_by"], "ResizeImagesByLongerEdge": ["longer_edge"]}
_SLOTS = {"ResizeImagesByLongerEdge": [{"new_idx": 0, "old_idx": 0}]}


def routes() -> list[web.RouteDef]:
    """Return the routes; each also answers under ``/api``."""
    return [
        web.get("/workflow_templates", _nothing),
        web.get("/i18n", _nothing),
        web.get("/global_subgraphs", _blueprints),
        web.get("/global_subgraphs/{id}", _blueprint),
        web.get("/node_replacements", _replacements),
    ]


def assets_routes() -> list[web.RouteDef]:
    """Return the routes of the assets database, ``/api`` written out; they have no other name."""
    return [web.RouteDef(method, path, _no_assets, {}) for method, path in _ASSETS]


async def _nothing(request: web.Request) -> web.Response:
    return web.json_response({})


async def _blueprints(request: web.Request) -> web.Response:
    return web.json_response({_BLUEPRINT_ID: _BLUEPRINT})


async def _blueprint(request: web.Request) -> web.Response:
    """Give one blueprint with its workflow; null for an unknown one."""
    known = request.match_info["id"] == _BLUEPRINT_ID
    return web.json_response({**_BLUEPRINT, "data": json.dumps(_pictures_to_video())} if known else None)


async def _replacements(request: web.Request) -> web.Response:
    return web.json_response({name: [_told(name, replacement)] for name, replacement in REPLACEMENTS.items()})


async def _no_assets(request: web.Request) -> web.Response:
    return web.json_response({"error": _NO_ASSETS}, status=503)


def _told(name: str, replacement: Replacement) -> dict[str, Any]:
    inputs = [{"new_id": new, "old_id": old} for new, old in replacement.inputs.items()]
    values = [{"new_id": new, "set_value": value} for new, value in replacement.values.items()]
    return {
        "new_node_id": replacement.new_class,
        "old_node_id": name,
        "old_widget_ids": _FIELDS.get(name),
        "input_mapping": [*inputs, *values] or None,
        "output_mapping": _SLOTS.get(name),
    }


def _pictures_to_video() -> dict[str, Any]:
    """Return a workflow whose one node is a subgraph: pictures go in, a video at 8 frames per second comes out."""
    name = "6e0c3f0e-3d0b-4a52-9d5f-6f4c0f5b7a10"
    images, video = {"name": "images", "type": "IMAGE"}, {"name": "VIDEO", "type": "VIDEO"}
    inner = {
        "id": 1,
        "type": "CreateVideo",
        "pos": [0, 0],
        "size": [270, 80],
        "flags": {},
        "order": 0,
        "mode": 0,
        "inputs": [{**images, "link": 1}],
        "outputs": [{**video, "links": [2]}],
        "properties": {},
        "widgets_values": [8],
    }
    links = [
        {"id": 1, "origin_id": -10, "origin_slot": 0, "target_id": 1, "target_slot": 0, "type": "IMAGE"},
        {"id": 2, "origin_id": 1, "origin_slot": 0, "target_id": -20, "target_slot": 0, "type": "VIDEO"},
    ]
    subgraph = {
        "id": name,
        "version": 1,
        "state": {"lastGroupId": 0, "lastNodeId": 1, "lastLinkId": 2, "lastRerouteId": 0},
        "revision": 0,
        "config": {},
        "name": _BLUEPRINT["name"],
        "inputNode": {"id": -10, "bounding": [-200, 0, 120, 60]},
        "outputNode": {"id": -20, "bounding": [350, 0, 120, 60]},
        "inputs": [{"id": "2f6d2c1e-7a35-4a51-8a9c-0d8e6f3b1c01", **images, "linkIds": [1]}],
        "outputs": [{"id": "2f6d2c1e-7a35-4a51-8a9c-0d8e6f3b1c02", **video, "linkIds": [2]}],
        "widgets": [],
        "nodes": [inner],
        "groups": [],
        "links": links,
        "extra": {},
    }
    outer = {
        **inner,
        "type": name,
        "inputs": [{**images, "link": None}],
        "outputs": [{**video, "links": None}],
        "title": _BLUEPRINT["name"],
        "widgets_values": [],
    }
    return {
        "revision": 0,
        "last_node_id": 1,
        "last_link_id": 0,
        "nodes": [outer],
        "links": [],
        "version": 0.4,
        "definitions": {"subgraphs": [subgraph]},
        "extra": {},
    }
