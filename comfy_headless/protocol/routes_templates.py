"""Workflows that a server has of its own: ComfyUI's templates, the examples of node packs, and those its users saved.

ComfyUI's templates are files of its page (``/templates``, 0.30.0 server.py), so they are there only where the package
comfyui-workflow-templates is; the examples of a pack lie below ``/api/workflow_templates`` (custom_node_manager.py).
"""

from __future__ import annotations

from comfy_headless.errors import ComfyUIConnectionError
from comfy_headless.protocol.answers import NOT_THERE, refusal, segment, unknown, whole
from comfy_headless.protocol.conversation import Server, persist
from comfy_headless.protocol.effects import Call, Flow
from comfy_headless.protocol.routes_server import workflow_templates
from comfy_headless.protocol.routes_userdata import read_userdata, userdata_files

_SAVED = "workflows"
"""The folder of a user into which the page saves workflows."""


def server_template(server: Server, name: str) -> Flow[bytes]:
    """GET /templates/{name}.json, or /api/workflow_templates/{pack}/{name}.json for ``pack/name``.

    Raises:
        ComfyUIConnectionError: there is none of that name; the message has the nearest one and all that there are.
    """
    pack, _, own = name.rpartition("/")
    folder = f"/api/workflow_templates/{segment(pack, 'template')}" if pack else "/templates"
    call = Call("GET", f"{folder}/{segment(own, 'template')}.json", timeout=server.timing.transfer)
    tried = yield from persist(server, call, reading=whole)
    if tried.status in NOT_THERE:
        names = yield from template_names(server)
        if not names:
            what = "has no templates: the package comfyui-workflow-templates is not installed beside its ComfyUI"
            raise ComfyUIConnectionError(f"{server.url} {what} (template {name!r})", url=server.url, status=404)
        raise unknown(server, "template", name, names)
    if tried.problem is not None:
        raise refusal(server, tried, f"the template {name!r}")
    return bytes(tried.value.body)


def template_names(server: Server) -> Flow[tuple[str, ...]]:
    """Return the names of all templates: ComfyUI's own, then ``pack/name``."""
    call = Call("GET", "/templates/index.json", timeout=server.timing.transfer)
    tried = yield from persist(server, call)
    groups = tried.value if tried.problem is None and isinstance(tried.value, list) else []
    listed = [each for group in groups if isinstance(group, dict) for each in _listed(group.get("templates"))]
    packs = yield from workflow_templates(server)
    return (*listed, *(f"{pack}/{name}" for pack, names in packs.items() for name in names))


def _listed(templates: object) -> list[str]:
    rows = templates if isinstance(templates, list) else []
    return [row["name"] for row in rows if isinstance(row, dict) and isinstance(row.get("name"), str)]


def saved_workflow(server: Server, name: str) -> Flow[bytes]:
    """Read a workflow that a user saved in the page; ``.json`` may be left out.

    Raises:
        ComfyUIConnectionError: there is none of that name; the message has the nearest one and all that there are.
    """
    path = f"{_SAVED}/{name}" if name.endswith(".json") else f"{_SAVED}/{name}.json"
    try:
        return (yield from read_userdata(server, path))
    except ComfyUIConnectionError as error:
        if error.status != 404:
            raise
    names = yield from saved_names(server)
    raise unknown(server, "saved workflow", name, names)


def saved_names(server: Server) -> Flow[tuple[str, ...]]:
    """Return the names of the workflows that a user saved, without ``.json``."""
    try:
        files = yield from userdata_files(server, _SAVED, recurse=True)
    except ComfyUIConnectionError as error:
        if error.status != 404:
            raise
        return ()
    return tuple(file.path.removesuffix(".json") for file in files if file.path.endswith(".json"))
