"""Give inner nodes ids of their own: one that the workflow or an earlier definition has becomes the next free number.

ComfyUI's page does so when it opens a file, and the ids of the prompt show it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from comfy_headless.graph.ui.canvas import Canvas, Drawing, Link


def renumber(drawing: Drawing) -> None:
    """Renumber the inner nodes of all definitions, in the order of the file; links and promoted widgets follow."""
    taken = set(drawing.root.nodes)
    last = drawing.root.last_id
    renamed: dict[str, dict[str, str]] = {}
    for definition in drawing.definitions.values():
        if definition.nested:
            continue  # the page leaves those as they are
        names: dict[str, str] = {}
        for node_id in definition.nodes:
            if node_id in taken:
                last += 1
                while str(last) in taken:
                    last += 1
                names[node_id] = str(last)
            elif node_id.isdecimal() and len(node_id) < 16:
                last = max(last, int(node_id))
            taken.add(names.get(node_id, node_id))
        if names:
            renamed[definition.id] = names
            _rename(definition, names)
    if renamed:
        for canvas in (drawing.root, *drawing.definitions.values()):
            for node in canvas.nodes.values():
                if node.type in renamed:
                    names = renamed[node.type]
                    node.proxies = [(names.get(one[0], one[0]), *one[1:]) for one in node.proxies]


def _rename(definition: Canvas, names: Mapping[str, str]) -> None:
    nodes = [replace(node, id=names.get(node.id, node.id)) for node in definition.nodes.values()]
    definition.nodes = {node.id: node for node in nodes}
    definition.links = {
        key: Link(names.get(link.origin, link.origin), link.slot) for key, link in definition.links.items()
    }
