"""The web application: all routes, each with and without ``/api``, and the middlewares around them.

Those around are in ComfyUI 0.30.0 server.py and middleware/cache_middleware.py.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from comfy_headless.config import is_local
from comfy_headless.simulator import (
    routes_files,
    routes_jobs,
    routes_models,
    routes_packs,
    routes_server,
    routes_user,
    routes_work,
)
from comfy_headless.simulator.http_faults import faults_of_routes, plain_path
from comfy_headless.simulator.machine import Machine, Request
from comfy_headless.simulator.note import NOTE, Note
from comfy_headless.simulator.routes_internal import internal_app
from comfy_headless.simulator.sending import BYTES

_PICTURES = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")
_KEPT = {**dict.fromkeys((200, 201, 202, 203, 204, 205, 206), 86400), 404: 3600}
"""Statuses of pictures that a browser may keep, and for how many seconds."""


def make_app(machine: Machine) -> web.Application:
    """Return the application that serves one machine."""
    app = web.Application(
        client_max_size=round(machine.most_upload),
        middlewares=[_journal(machine), faults_of_routes(machine), _cache_headers, _origin_check],
    )
    routes = [
        *routes_work.routes(machine),
        *routes_jobs.routes(machine),
        *routes_files.routes(machine),
        *routes_server.routes(machine),
        *routes_models.routes(machine),
        *routes_user.routes(machine),
        *routes_packs.routes(),
        web.get("/", _page),
    ]
    app.add_routes(web.RouteDef(route.method, f"/api{route.path}", route.handler, route.kwargs) for route in routes)
    app.add_routes(routes)
    app.add_routes(routes_packs.assets_routes())
    app.add_subapp("/internal", internal_app(machine))
    # The real server serves its web root here, so an unknown path is a 404 for GET and a 405 for anything else.
    app.router.add_get("/{path:.*}", _not_found)
    return app


async def _page(request: web.Request) -> web.StreamResponse:
    """Answer as a server whose page is not installed."""
    answer = await _not_found(request)
    answer.headers.update({"Cache-Control": "no-store, must-revalidate", "Pragma": "no-cache", "Expires": "0"})
    return answer


async def _not_found(request: web.Request) -> web.StreamResponse:
    return web.Response(status=404) if request.method == "HEAD" else web.Response(status=404, content_type=BYTES)


def _journal(machine: Machine) -> Middleware:
    @web.middleware
    async def journal(request: web.Request, handler: Handler) -> web.StreamResponse:
        path = plain_path(request.path)
        place = len(machine.journal.requests)
        machine.journal.requests.append(Request(request.method, path, request.query_string, None, 0))
        status, note = 0, Note()
        NOTE.set(note)
        try:
            response = await handler(request)
            status = 0 if note.broken else response.status
            return response
        except web.HTTPException as error:
            status = error.status
            raise
        finally:
            done = Request(request.method, path, request.query_string, note.prompt_id, status)
            machine.journal.requests[place] = done

    return journal


@web.middleware
async def _cache_headers(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Say how long a browser may keep what is asked for under the name of a picture or a script."""
    try:
        response = await handler(request)
    except web.HTTPException as error:
        _say_how_long(request.path, error)
        raise
    _say_how_long(request.path, response)
    return response


def _say_how_long(path: str, answer: web.StreamResponse) -> None:
    name = path.rpartition("/")[2]
    if name.endswith((".js", ".css")) or (name.startswith("index") and name.endswith(".json")):
        answer.headers.setdefault("Cache-Control", "no-store")
    elif name.lower().endswith(_PICTURES) and answer.status in _KEPT:
        answer.headers.setdefault("Cache-Control", f"public, max-age={_KEPT[answer.status]}")


@web.middleware
async def _origin_check(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse what another web page sends, as the real server does on a loopback address."""
    if request.headers.get("Sec-Fetch-Site") == "cross-site":
        return web.Response(status=403)
    host, origin = request.headers.get("Host", ""), request.headers.get("Origin", "")
    sender = urlsplit(origin).netloc.lower()
    if sender and _is_loopback(host) and sender != host.lower():
        return web.Response(status=403)
    return web.Response() if request.method == "OPTIONS" else await handler(request)


def _is_loopback(host: str) -> bool:
    return is_local(f"//{host}")
