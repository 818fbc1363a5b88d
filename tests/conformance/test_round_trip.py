"""A workflow out of what it made: run, read from its picture and its video, run again: the same graph."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from comfy_headless import ComfyClient, convert_workflow

Drawn = dict[str, Any]


def drawn() -> Drawn:
    """Return a workflow as a browser saves it: a subgraph with a width of its own, a bypassed node, titles."""
    inner = {"id": 5, "type": "EmptyImage", "inputs": [_input("width", "INT", 1, widget=True)], "title": "$size.width"}
    wires = {"links": [_link(1, -10, 0, 5, 0, "INT"), _link(2, 5, 0, -20, 0, "IMAGE")]}
    slots = {
        "inputs": [{"id": "a", "name": "width", "type": "INT", "linkIds": [1]}],
        "outputs": [{"id": "b", "name": "IMAGE", "type": "IMAGE", "linkIds": [2]}],
    }
    definition = {"id": "blank", "name": "Blank", "nodes": [inner | {"widgets_values": [64, 64, 5, 255]}]}
    return {
        "version": 0.4,
        "last_node_id": 6,
        "definitions": {"subgraphs": [definition | wires | slots]},
        "nodes": [
            {"id": 1, "type": "blank", "inputs": [_input("width", "INT", None, widget=True)], "widgets_values": [96]},
            {"id": 2, "type": "ImageInvert", "mode": 4, "inputs": [_input("image", "IMAGE", 1)]},
            {"id": 3, "type": "SaveImage", "inputs": [_input("images", "IMAGE", 2)], "widgets_values": ["trip/a"]},
            {"id": 4, "type": "CreateVideo", "inputs": [_input("images", "IMAGE", 3)], "widgets_values": [8.0]},
            {"id": 6, "type": "SaveVideo", "inputs": [_input("video", "VIDEO", 4)], "widgets_values": ["trip/b"]},
        ],
        "links": [
            [1, 1, 0, 2, 0, "IMAGE"],
            [2, 2, 0, 3, 0, "IMAGE"],
            [3, 2, 0, 4, 0, "IMAGE"],
            [4, 4, 0, 6, 0, "VIDEO"],
        ],
    }


def _input(name: str, kind: str, link: int | None, *, widget: bool = False) -> Drawn:
    return {"name": name, "type": kind, "link": link, **({"widget": {"name": name}} if widget else {})}


def _link(*values: Any) -> Drawn:
    return dict(zip(("id", "origin_id", "origin_slot", "target_id", "target_slot", "type"), values, strict=True))


@pytest.mark.parametrize("suffix", [".png", ".mp4"])
def test_what_a_workflow_made_holds_it(suffix: str, real_server: str, tmp_path: Path) -> None:
    """The server runs the graph that was drawn, and the file that it wrote gives that graph again."""
    with ComfyClient(real_server) as client:
        first = client.run_workflow(drawn(), out=tmp_path)
        made = next(path for path in first.files if path.suffix == suffix)
        again = client.run_workflow(made, out=tmp_path / "again")
        ran = [client.history(result.prompt_id)["prompt"][2] for result in (first, again)]
    graph = convert_workflow(drawn())
    assert [_bare(one) for one in ran] == [_bare(graph)] * 2
    assert graph["1:5"]["inputs"]["width"] == 96 and graph["3"]["inputs"]["images"] == ["1:5", 0]


def _bare(graph: Drawn) -> Drawn:
    """A graph without what the server adds to it."""
    kept = ("class_type", "inputs", "_meta")
    found: Drawn = json.loads(json.dumps({key: {k: node[k] for k in kept} for key, node in graph.items()}))
    return found
