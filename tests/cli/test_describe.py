"""``describe`` lists what a workflow takes and gives; ``run`` points there when something is missing."""

from __future__ import annotations

import json
from pathlib import Path

from jsonschema import Draft202012Validator

from tests.cli.program import Program
from tests.cli.schemas import checked
from tests.cli.test_json import WORKFLOW

LISTING = """\
own.json

Parameters:
  width   whole number, 1 to 16384, default 64
          node 1 (EmptyImage): width
  height  whole number, 1 to 16384, required
          node 1 (EmptyImage): height
  words   any value, required
          node 2 (PreviewAny): source

Outputs:
  2  text, a preview: node 2 (PreviewAny)
  3  image: node 3 (SaveImage)
"""


def written(folder: Path) -> str:
    """The name of a file with a workflow."""
    (folder / "own.json").write_text(json.dumps(WORKFLOW))
    return "own.json"


def test_the_listing_is_printed(program: Program, folder: Path, server: str) -> None:
    """Without a server and with one; stdout has the listing and nothing else."""
    name = written(folder)
    assert program("describe", name) == (0, LISTING, "")
    assert program("describe", name, "--server", server).out == LISTING


def test_the_help_of_run_has_the_listing(program: Program, folder: Path) -> None:
    """run WORKFLOW --help ends with what the workflow takes, wherever the words stand; without one it is the help."""
    name = written(folder)
    for words in ([name, "--help"], ["-p", "width=5", name, "-h"], ["--help", name]):
        ran = program("run", *words)
        assert (ran.code, ran.err) == (0, "")
        assert ran.out.rstrip().endswith(LISTING.rstrip()) and "--param" in ran.out
    assert "did you mean 'own.json'?" in program("run", "none.json", "--help").out
    for words in (["--help"], ["-", "--help"], [name, "--nosuch", "--help"]):
        assert "Parameters:" not in program("run", *words).out


def test_the_schema_is_printed(program: Program, folder: Path) -> None:
    """--schema prints the JSON schema of the parameters, which --json has too."""
    name = written(folder)
    schema = json.loads(program("describe", name, "--schema").out)
    Draft202012Validator.check_schema(schema)
    assert (list(schema["properties"]), schema["required"]) == (["width", "height", "words"], ["height", "words"])
    assert program("describe", name, "--json").json["schema"] == schema


def test_a_missing_parameter_points_to_the_listing(program: Program, folder: Path) -> None:
    """run without what is required names it, and says what lists the rest."""
    ran = program("run", written(folder), "-p", "height=5")
    assert ran.code == 2
    assert ran.err.startswith("error: own.json: required and not given: 'words'; ")
    assert "comfy-headless describe" in ran.err


def test_a_malformed_marker_is_an_error(program: Program, folder: Path) -> None:
    """Node, title and position are named."""
    graph = {"1": {"class_type": "EmptyImage", "inputs": {"width": 64}, "_meta": {"title": "$width! $rows"}}}
    (folder / "bad.json").write_text(json.dumps(graph))
    ran = program("describe", "bad.json", "--json")
    assert ran.code == 2
    assert "bad.json: node 1 (EmptyImage)" in ran.json["error"]["message"]
    assert "position 9" in ran.json["error"]["message"]


def test_the_object_is_as_promised(program: Program, folder: Path) -> None:
    """--json prints what docs/json promises, of a workflow with every kind of parameter."""
    graph = {
        "1": {
            "class_type": "KSampler",
            "inputs": {"seed": 0, "sampler_name": "euler", "denoise": 1.0},
            "_meta": {"title": "$seed, $sampler.sampler_name, $d.denoise, words $x"},
        },
        "2": {"class_type": "LoadImage", "inputs": {"image": "a.png"}, "_meta": {"title": "$~image!: what to take"}},
        "3": {"class_type": "X", "inputs": {"rows": [[1, 2]]}, "_meta": {"title": "$rows, $output.made"}},
    }
    (folder / "all.json").write_text(json.dumps(graph))
    checked("describe.schema.json", program("describe", "all.json", "--json").out)
