"""The shipped schemas of node packs against a server that has them; our own real server has none.

Name one that has with `COMFY_HEADLESS_TEST_URL`. Measured so on ComfyUI 0.30.0 with all four packs at the commits that
`object_info_packs.jsonl.gz` names, where also `check` gave the server's verdict on 321 broken graphs of theirs.
"""

from __future__ import annotations

import httpx

from comfy_headless.graph.file_inputs import FILE_INPUTS
from comfy_headless.graph.schemas import NodeSchema, Schemas


def test_pack_classes_are_the_servers(real_server: str) -> None:
    """Inputs, ranges, choices and outputs of each class that the server has too are its own, but for lists of files."""
    live = Schemas.from_object_info(httpx.get(f"{real_server}/object_info", timeout=60, trust_env=False).json())
    shipped = Schemas.snapshot(Schemas.packs())
    shared = [name for name in shipped if shipped[name].pack and name in live]
    assert [name for name in shared if _told(live[name]) != _told(shipped[name])] == []
    packs = {live[name].pack for name in shared}
    assert {name for name in shipped if shipped[name].pack in packs} == set(shared)


def _told(node: NodeSchema) -> object:
    inputs = [
        (item.name, item.category, item.type, item.min, item.max, item.default, _listed(node, item.name))
        for item in node.inputs
    ]
    return inputs, node.outputs, node.returns, node.output_node, node.pack


def _listed(node: NodeSchema, name: str) -> list[str] | None:
    item = node.input(name)
    if item is None or item.choices is None or (node.name, name) in FILE_INPUTS:
        return None
    return sorted(map(str, item.choices))
