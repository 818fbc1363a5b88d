"""``convert`` prints a workflow as a server takes it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.program import Program
from tests.cli.schemas import checked
from tests.graph.ui.drawing import Drawing

DRAWN = Drawing().node(1, "CLIPTextEncode", ["{a|b} cat"]).saved()
GRAPH = {
    "1": {"inputs": {"text": "a cat"}, "class_type": "CLIPTextEncode", "_meta": {"title": "CLIP Text Encode (Prompt)"}}
}


def test_the_graph_is_printed(program: Program, folder: Path) -> None:
    """stdout has the graph and nothing else; what could not be taken over is a warning on stderr."""
    (folder / "own.json").write_text(json.dumps(DRAWN))
    ran = program("convert", "own.json")
    assert (ran.code, json.loads(ran.out)) == (0, GRAPH)
    assert ran.err.startswith("warning: node 1 (CLIPTextEncode): text: of each choice")
    told = checked("convert.schema.json", program("convert", "own.json", "--json").out)
    assert (told["graph"], len(told["warnings"]), told["out"]) == (GRAPH, 1, None)


def test_the_graph_is_written(program: Program, folder: Path) -> None:
    """--out writes a file that is whole, and replaces one only with --overwrite."""
    (folder / "own.json").write_text(json.dumps(DRAWN))
    assert program("convert", "own.json", "--out", "graph.json").out == "graph.json\n"
    assert json.loads((folder / "graph.json").read_text()) == GRAPH
    assert program("convert", "own.json", "--out", "graph.json").code == 2
    assert program("convert", "own.json", "--out", "graph.json", "--overwrite").code == 0


def test_the_node_classes_may_be_a_file(program: Program, folder: Path) -> None:
    """--object-info names one; with --server too it is not clear which counts."""
    (folder / "own.json").write_text(json.dumps(Drawing().node(1, "Own", [0.5]).saved()))
    (folder / "info.json").write_text(json.dumps({"Own": {"input": {"required": {"gain": ["FLOAT"]}}, "output": []}}))
    assert json.loads(program("convert", "own.json", "--object-info", "info.json").out)["1"]["inputs"] == {"gain": 0.5}
    both = program("convert", "own.json", "--object-info", "info.json", "--server", "http://localhost:1")
    assert (both.code, "give one of them" in both.err) == (2, True)
    missing = program("convert", "own.json")
    assert (missing.code, "node 1 (Own)" in missing.err) == (2, True)
