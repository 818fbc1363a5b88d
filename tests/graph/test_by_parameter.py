"""graph/by_parameter.py: the remedy for an input that a parameter fills names the parameter."""

from __future__ import annotations

import pytest

from comfy_headless.graph.by_parameter import filled_by, with_parameters
from comfy_headless.graph.check import check
from comfy_headless.graph.schemas import Schemas
from comfy_headless.graph.template import Template

SCHEMAS = Schemas.snapshot()


@pytest.mark.parametrize(
    ("title", "inputs", "remedy"),
    [
        (
            "$w.width",
            {"width": 70_000},
            "give the parameter w another value: --param w=16384, or w=16384  # the most that it takes; the least is 1",
        ),
        (
            "$h.height",
            {"width": 70_000},
            'graph["1"]["inputs"]["width"] = 16384  # the most that it takes; the least is 1',
        ),
        ("", {"width": 70_000}, 'graph["1"]["inputs"]["width"] = 16384  # the most that it takes; the least is 1'),
    ],
)
def test_a_value(title: str, inputs: dict[str, int], remedy: str) -> None:
    """The legal value goes along; an input that no parameter fills keeps the line for the graph."""
    usual = {"width": 64, "height": 64, "batch_size": 1, "color": 0}
    graph = {
        "1": {"class_type": "EmptyImage", "inputs": {**usual, **inputs}, "_meta": {"title": title}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}},
    }
    filled = filled_by(Template.read(graph, schemas=SCHEMAS).parameters.values())
    found = with_parameters(check(graph, SCHEMAS), filled).problems
    assert [each.remedy for each in found if each.input == "width"] == [remedy]


@pytest.mark.parametrize("there", [(), ("cat.png",)])
def test_a_file(there: tuple[str, ...]) -> None:
    """A parameter that takes a file is given one; what the server has is said beside."""
    graph = {
        "1": {"class_type": "LoadImage", "inputs": {"image": "car.png"}, "_meta": {"title": "$~photo"}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}},
    }
    raw = {name: SCHEMAS.raw(name) for name in ("LoadImage", "SaveImage")}
    raw["LoadImage"] = {**raw["LoadImage"], "input": {"required": {"image": [list(there), {"image_upload": True}]}}}
    schemas = Schemas.from_object_info(raw)
    filled = filled_by(Template.read(graph, schemas=schemas).parameters.values())
    report = with_parameters(check(graph, schemas, file_exists=lambda *_: False), filled)
    line = next(each.remedy for each in report.problems if each.input == "image")
    assert line.startswith("give a file as the parameter photo: --param photo=FILE, or photo=...")
    assert ('# the server has "cat.png"' in line) == bool(there)
