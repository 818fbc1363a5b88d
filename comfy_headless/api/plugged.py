"""Let the plugins of a client look at what is about to be sent."""

from __future__ import annotations

from dataclasses import replace

from comfy_headless.catalog.compiled import CompiledWorkflow
from comfy_headless.graph.source import copy_json
from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.effects import Flow
from comfy_headless.protocol.plugin import before_submit


def plugged(server: Server, compiled: CompiledWorkflow) -> Flow[CompiledWorkflow]:
    """Return what the plugins make of a graph; files for inputs that they took out are not uploaded.

    Raises:
        ValidationError: a plugin gave something that is no graph; whatever a plugin raises passes.
    """
    if not server.plugins:
        return compiled
    graph = yield from before_submit(server, copy_json(compiled.graph))
    uploads = tuple(each for each in compiled.uploads if each.field in graph.get(each.node_id, {}).get("inputs", {}))
    return replace(compiled, graph=graph, uploads=uploads)
