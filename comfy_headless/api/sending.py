"""Make a job ready to be sent: look at all that is local, hold it to what the server has, bring its files there."""

from __future__ import annotations

import os

from comfy_headless.api.checks import check_extension, check_uploads
from comfy_headless.api.plugged import plugged
from comfy_headless.api.preflight import preflight
from comfy_headless.catalog.compiled import CompiledWorkflow
from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.destination import Destination, prepare
from comfy_headless.protocol.effects import Flow, Work
from comfy_headless.protocol.routes import upload


def made_ready(
    server: Server, compiled: CompiledWorkflow, destination: Destination | None, *, check: bool
) -> Flow[CompiledWorkflow]:
    """Look at all that is local, hold the graph to what the server has, then bring the files there, each once.

    Args:
        check: False leaves the second out.

    Raises:
        ValidationError: a file is missing or empty, or ``destination`` is not to be had; nothing was sent.
        GenerationRejectedError: the server would refuse the graph, or fail over it; nothing was sent.
        ComfyUIConnectionError: an upload failed.
    """
    if compiled.uploads:
        yield Work(check_uploads, (compiled,))
    if destination is not None:
        check_extension(compiled.graph, destination)
        yield Work(prepare, (destination,))
    compiled = yield from plugged(server, compiled)
    if check:
        compiled = yield from preflight(server, compiled)
    graph = compiled.graph
    stored: dict[str, str] = {}
    for item in compiled.uploads:
        path = os.fspath(item.path)
        if path not in stored:
            stored[path] = yield from upload(server, path)
        graph[item.node_id]["inputs"][item.field] = stored[path]
    return compiled
