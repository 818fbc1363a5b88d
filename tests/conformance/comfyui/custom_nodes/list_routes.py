"""TEST ONLY: tells all routes of the server, with method and path, at GET /comfy_headless_test/routes."""

from aiohttp import web
from server import PromptServer

NODE_CLASS_MAPPINGS = {}
OWN = "/comfy_headless_test/routes"


@PromptServer.instance.routes.get(OWN)
async def list_routes(request):
    """Give every route as [method, path], those of applications below this one too, without this one's own."""
    routes = {(route.method, route.resource.canonical) for route in request.app.router.routes() if route.resource}
    return web.json_response(sorted(route for route in routes if not route[1].endswith(OWN)))
