"""A loaded workflow is the same function on the simulator and on a real server, and both describe it alike."""

from __future__ import annotations

from pathlib import Path

import pytest

from comfy_headless import ComfyClient, ValidationError, describe, load_workflow
from tests.graph.ui.drawing import Drawing


def drawn() -> dict[str, object]:
    """What the browser saved: a picture made in a subgraph, scaled, and saved under a name of the caller's."""
    inner = Drawing().node(1, "EmptyImage", [64, 48, 1, 0], outputs=("IMAGE",), title="Size, $width!: how wide")
    inner.out((1, 0), 0, "IMAGE")
    outer = Drawing().node(5, "made", [], outputs=("IMAGE",))
    scale = {"image": ("IMAGE", (5, 0))}
    outer.node(7, "ImageScaleBy", ["area", 2.0], scale, ("IMAGE",), title="$how.upscale_method, $times.scale_by")
    outer.node(6, "SaveImage", ["own"], {"images": ("IMAGE", (7, 0))}, title="$output.cover, $prefix.filename_prefix")
    return outer.saved(inner.definition("made", {}, {"IMAGE": "IMAGE"}))


def test_it_runs_with_its_parameters(server: str, tmp_path: Path) -> None:
    """Values reach the nodes that their markers stand on, in the subgraph too; what does not fit reaches no server."""
    with ComfyClient(server) as client:
        flow = client.load_workflow(drawn())
        result = flow(width=96, how="bilinear", times=0.5, prefix="loaded", out=tmp_path)
        sent = client.history(result.prompt_id)["prompt"][2]
        before = len(client.jobs())
        for wrong in ({"width": 0}, {"width": 9, "how": "softly"}, {"width": 9, "wide": 1}, {}):
            with pytest.raises(ValidationError):
                flow(**wrong)
        assert len(client.jobs()) == before
    assert (sent["5:1"]["inputs"]["width"], sent["7"]["inputs"]["upscale_method"]) == (96, "bilinear")
    (cover,) = result.images_by_var["cover"]
    assert cover.filename.startswith("loaded")
    assert cover.image.size == (48, 24)


def test_it_is_described_alike_with_and_without_a_server(server: str) -> None:
    """Types, ranges and choices of ComfyUI's own nodes are those that are shipped; files are the server's."""
    without, asked = describe(drawn()).to_dict(), describe(drawn(), server).to_dict()
    for parameter in asked["parameters"]:  # a server has descriptions that are not shipped
        parameter["description"] = parameter["description"] if parameter["name"] == "width" else ""
    assert asked == without
    graph = {"1": {"class_type": "LoadImage", "inputs": {"image": "x.png"}, "_meta": {"title": "$image!"}}}
    assert load_workflow(graph, server=server).parameters["image"].media == "image"
