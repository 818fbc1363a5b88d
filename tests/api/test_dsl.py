"""Markers in what the browser saved: titles count there as they do in an exported graph, in subgraphs too."""

from __future__ import annotations

from pathlib import Path

import pytest

from comfy_headless import ValidationError, describe, load_workflow
from comfy_headless.api.reading import read_here, read_template
from comfy_headless.simulator import Simulator
from tests.dsl import cases_of
from tests.graph.ui.drawing import Drawing

CASES = cases_of(__file__)


def test_what_the_browser_saved_has_parameters() -> None:
    """Its titles carry markers (g06); one without nodes is refused (a19)."""
    (ours,) = CASES["g06"].ours["parameters"]
    (parameter,) = read_here(read_template(None, CASES["g06"].graph)).parameters.values()
    assert [list(each) for each in parameter.bindings] == ours["inputs"]
    assert (parameter.name, parameter.required) == (ours["name"], ours["required"])
    with pytest.raises(ValidationError, match=CASES["a19"].ours["error"]):
        read_here(read_template(None, CASES["a19"].graph))


def drawn() -> dict[str, object]:
    """A canvas whose picture is made inside a subgraph, markers on both sides."""
    inner = Drawing().node(1, "EmptyImage", [64, 48, 1, 0], outputs=("IMAGE",), title="Size, $width!: how wide")
    inner.out((1, 0), 0, "IMAGE")
    outer = Drawing().node(5, "made", [], outputs=("IMAGE",))
    outer.node(6, "SaveImage", ["own"], {"images": ("IMAGE", (5, 0))}, title="$output.cover, $prefix.filename_prefix")
    return outer.saved(inner.definition("made", {}, {"IMAGE": "IMAGE"}))


def test_a_marker_inside_a_subgraph_is_one(tmp_path: Path) -> None:
    """It is described with the node's id in the graph, and takes its value there."""
    description = describe(drawn())
    width, prefix = description.parameters.values()
    assert [(each.node_id, each.input) for each in width.inputs] == [("5:1", "width")]
    assert (width.required, width.description, prefix.default) == (True, "how wide", "own")
    with Simulator() as sim:
        result = load_workflow(drawn(), server=sim.url)(width=96, prefix="inside", out=tmp_path)
    assert result.files[0].name.startswith("inside")
    assert [each.filename for each in result.images_by_var["cover"]] == [result.files[0].name]
