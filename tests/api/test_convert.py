"""api/convert.py: a workflow of either format, and the node classes to go by."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from comfy_headless import ValidationError, convert_workflow
from comfy_headless.graph.schemas import Schemas
from comfy_headless.simulator import Simulator
from tests.graph.ui.drawing import Drawing, image_to_image, sampler

DRAWN = sampler(image_to_image()).saved()
OWN = {"Own": {"input": {"required": {"gain": ["FLOAT", {}]}}, "output": [], "python_module": "custom_nodes.own"}}


def test_a_workflow_may_be_given_as_it_is_held(tmp_path: Path) -> None:
    """A dict, JSON text, a path; what is a graph already is returned as it is."""
    path = tmp_path / "own.json"
    path.write_text(json.dumps(DRAWN))
    graph = convert_workflow(DRAWN)
    assert graph["3"]["class_type"] == "KSampler"
    for other in (json.dumps(DRAWN), path, str(path), graph, json.dumps(graph)):
        assert convert_workflow(other) == graph


def test_the_node_classes_may_be_given(tmp_path: Path) -> None:
    """As a server's answer, as a file with it, as Schemas."""
    path = tmp_path / "object_info.json"
    path.write_text(json.dumps(OWN))
    drawn = Drawing().node(1, "Own", [0.5]).saved()
    for given in (OWN, path, str(path), Schemas.from_object_info(OWN)):
        assert convert_workflow(drawn, given)["1"]["inputs"] == {"gain": 0.5}
    with pytest.raises(ValidationError, match=r"node 1 \(Own\)"):
        convert_workflow(drawn)


@pytest.mark.parametrize("given", [{}, {"a": 1}, 5, "none.json"])
def test_what_is_no_object_info_is_refused(given: Any) -> None:
    """The error says how one is written, or that there is no such file."""
    with pytest.raises(ValidationError, match="object_info"):
        convert_workflow(DRAWN, given)


def test_files_that_are_no_json_are_refused(tmp_path: Path) -> None:
    """A file that is something else is named."""
    path = tmp_path / "object_info.json"
    path.write_text("[" * 100_000)
    with pytest.raises(ValidationError, match=r"object_info\.json' is not JSON"):
        convert_workflow(DRAWN, path)


def test_a_server_is_asked_for_its_classes() -> None:
    """With its address, its own classes count, those of its node packs too."""
    drawn = Drawing().node(1, "CheckpointLoaderSimple", [None]).saved()
    with Simulator(files={"checkpoints": ["a.safetensors", "b.safetensors"]}) as server:
        assert convert_workflow(drawn, server=server.url)["1"]["inputs"] == {"ckpt_name": "a.safetensors"}


def test_what_could_not_be_taken_over_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """One warning each, with the name of the workflow."""
    drawn = Drawing().node(1, "CLIPTextEncode", ["{a|b}"]).saved()
    with caplog.at_level(logging.WARNING, "comfy_headless"):
        assert convert_workflow(drawn)["1"]["inputs"]["text"] == "a"
    assert "node 1 (CLIPTextEncode): text: of each choice" in caplog.text
