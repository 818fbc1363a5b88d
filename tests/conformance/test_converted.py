"""ComfyUI's official workflows, converted, are taken by a real server wherever the page's own conversions are.

The server has an empty file under every model name and a picture under every input name. What it accepts waits behind
one long job and is taken out of the queue again. What it refuses, it refuses of the page too: see `official.json`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx

from comfy_headless.graph.schemas import Schemas
from comfy_headless.graph.ui.convert import convert

from .check_corpus import Case
from .check_graphs import Graph
from .check_run import ask, blocked
from .check_whole import place_files
from .comfyui.templates import official_workflows
from .comfyui.weights import Folders

OFFICIAL = json.loads(Path(__file__).with_name("official.json").read_text(encoding="utf-8"))


def test_the_server_takes_what_the_page_would_send(real_server: str, real_server_folders: Folders | None) -> None:
    """Of 490 official workflows a server accepts 488: all but the two whose conversion by the page it refuses, too."""
    workflows = official_workflows()
    graphs = {name: convert(workflows[name], Schemas.snapshot()) for name in OFFICIAL["digests"]}
    assert len(graphs) == 490
    placed = place_files(real_server_folders, graphs) if real_server_folders else []
    try:
        with httpx.Client(base_url=real_server, timeout=60, trust_env=False) as client, blocked(client):
            refused = {name: refusal for name, graph in graphs.items() if (refusal := _refusal(graph, client))}
    finally:
        for path in placed:
            path.unlink()
    surprises = {name: refusal for name, refusal in refused.items() if name not in OFFICIAL["refused"]}
    assert not surprises, json.dumps(surprises, indent=1)
    assert refused.keys() == OFFICIAL["refused"].keys()


def _refusal(graph: Graph, client: httpx.Client) -> dict[str, Any]:
    """What the server has against a graph; what it accepts is taken back."""
    status, answer = ask(Case("", graph), client)
    if status == 200:
        client.post("/queue", json={"delete": [answer["prompt_id"]]})
    refusal: dict[str, Any] = answer["node_errors"] if status == 200 else answer
    return refusal
