"""A workflow that RunningHub keeps is a function like any other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from comfy_headless import RunningHub, ValidationError, describe, load_workflow
from comfy_headless.simulator import Simulator
from tests.cloud.runninghub_fake import KEY, SAVED, running_hub
from tests.cloud.test_runninghub import FAST


def node(class_type: str, title: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": class_type, "inputs": inputs, "_meta": {"title": title}}


KEPT = {
    "1": node("EmptyImage", "Size, $width!, $rows.height", width=64, height=48, batch_size=1, color=0),
    "3": node("SaveImage", "$output.cover", images=["1", 0], filename_prefix="own"),
}


def test_it_is_read_once_and_called_by_its_id(tmp_path: Path) -> None:
    """Only what is given is sent beside the id; what does not fit never gets there."""
    with Simulator() as sim, running_hub(sim.url, saved={SAVED: KEPT}) as hub:
        there = RunningHub(KEY, base_url=hub.url, timing=FAST, environ={})
        flow = load_workflow(SAVED, server=there)
        for width in (96, 80):
            assert len(flow(width=width, out=tmp_path).images_by_var["cover"]) == 1
        with pytest.raises(ValidationError, match="required and not given: 'width'"):
            flow(rows=8)
        assert [each.at for each in hub.asked].count("json") == 1
        created = [each.body for each in hub.asked if each.at == "create"]
        assert [each["nodeInfoList"] for each in created] == [
            [{"nodeId": "1", "fieldName": "width", "fieldValue": width}] for width in (96, 80)
        ]
        assert all(each["workflowId"] == SAVED and "workflow" not in each for each in created)
        assert list(describe(SAVED, there).parameters) == list(flow.parameters) == ["width", "rows"]
