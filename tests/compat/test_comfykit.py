"""What ComfyKit's README shows works with one import changed."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from comfy_headless.compat.comfykit import ComfyKit, ExecuteResult, with_seeds
from comfy_headless.errors import ValidationError
from comfy_headless.simulator import Simulator

FLOW: dict[str, dict[str, Any]] = {
    "5": {
        "class_type": "EmptyImage",
        "inputs": {"width": 512, "height": 512, "batch_size": 1, "color": 0},
        "_meta": {"title": "Size, $width!, $height!"},
    },
    "8": {
        "class_type": "LoadImage",
        "inputs": {"image": "default.png"},
        "_meta": {"title": "$~input_image.image!"},
    },
    "9": {
        "class_type": "SaveImage",
        "inputs": {"filename_prefix": "book", "images": ["5", 0]},
        "_meta": {"title": "$output.cover"},
    },
    "15": {
        "class_type": "SaveImage",
        "inputs": {"filename_prefix": "thumb", "images": ["8", 0]},
        "_meta": {"title": "$output.thumbnail"},
    },
    "16": {
        "class_type": "PreviewAny",
        "inputs": {"source": "a landscape"},
        "_meta": {"title": "$prompt.source"},
    },
}
"""The README's markers, on nodes that need no model."""


def run(url: str, *calls: tuple[Any, dict[str, Any] | None], **options: Any) -> list[ExecuteResult]:
    """Run workflows one after the other by one kit."""

    async def all_of_them() -> list[ExecuteResult]:
        async with ComfyKit(comfyui_url=url, **options) as kit:
            return [
                await (kit.execute_json if isinstance(workflow, dict) else kit.execute)(workflow, params)
                for workflow, params in calls
            ]

    return asyncio.run(all_of_them())


@pytest.mark.parametrize("executor_type", ["http", "websocket"])
def test_a_workflow_is_run_by_its_file(executor_type: str, tmp_path: Path) -> None:
    """Status, addresses by kind and by variable, and the raw outputs come back; nothing is downloaded."""
    Image.new("RGB", (8, 8)).save(tmp_path / "cat.png")
    (tmp_path / "workflow.json").write_text(json.dumps(FLOW))
    given = {"width": 64, "height": 48, "input_image": str(tmp_path / "cat.png"), "prompt": "a cute cat"}
    with Simulator() as sim:
        (result,) = run(sim.url, (tmp_path / "workflow.json", given), executor_type=executor_type)
        assert result.images == [
            f"{sim.url}/view?filename={name}_00001_.png&subfolder=&type=output" for name in ("book", "thumb")
        ]
    assert (result.status, result.msg, result.videos, result.audios) == ("completed", None, [], [])
    assert result.images_by_var == {"cover": result.images[:1], "thumbnail": result.images[1:]}
    assert (result.texts, result.texts_by_var) == (["a cute cat"], {"16": ["a cute cat"]})
    assert result.outputs is not None and set(result.outputs) == {"9", "15", "16"}
    assert result.prompt_id and result.duration is not None
    assert [each.name for each in tmp_path.iterdir()] == ["cat.png", "workflow.json"]


def test_previews_count_as_in_comfykit() -> None:
    """A workflow that ends in a preview gives its address: there temporary files are results too."""
    graph = {
        "5": FLOW["5"],
        "9": {"class_type": "PreviewImage", "inputs": {"images": ["5", 0]}, "_meta": {"title": "$output.pic"}},
    }
    with Simulator() as sim:
        (result,) = run(sim.url, (graph, {"width": 64, "height": 48}))
    assert result.status == "completed"
    assert len(result.images) == 1 and "type=temp" in result.images[0]
    assert result.images_by_var == {"pic": result.images}


def test_a_failure_is_a_result(tmp_path: Path) -> None:
    """What is missing, refused, or not there is status "failed" with the message."""
    graph = {key: FLOW[key] for key in ("5", "9")}
    with Simulator() as sim:
        missing, refused, nowhere = run(
            sim.url,
            (graph, {"width": 64}),
            ({"1": {"class_type": "Nope", "inputs": {}}}, None),
            ("nowhere.json", None),
        )
        (tmp_path / "mine.json").write_text(json.dumps(graph))
        (named,) = run(sim.url, (tmp_path / "mine.json", {"width": 64}))
    assert str(named.msg).startswith("mine.json: required and not given: 'height'")
    assert {each.status for each in (missing, refused, nowhere)} == {"failed"}
    assert [each.images for each in (missing, refused, nowhere)] == [[], [], []]
    assert "required and not given: 'height'" in str(missing.msg)
    assert "Nope" in str(refused.msg)
    assert "nowhere.json" in str(nowhere.msg)


def test_a_saved_seed_of_0_is_drawn() -> None:
    """A seed of 0 in the workflow is drawn anew each time; one that is given is kept, 0 too; noise_seed is left."""
    graph = {"2": {"class_type": "SeedNode", "inputs": {"seed": 0, "noise_seed": 0}}}
    drawn = [with_seeds(json.loads(json.dumps(graph)))["2"]["inputs"] for _ in range(2)]
    assert drawn[0]["seed"] != drawn[1]["seed"] and {each["noise_seed"] for each in drawn} == {0}
    kept = {"2": {"class_type": "SeedNode", "inputs": {"seed": 0.0}}, "3": {"class_type": "X", "inputs": {"seed": -1}}}
    assert with_seeds(json.loads(json.dumps(kept))) == kept


def test_the_key_of_a_cloud_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A number is the id of a RunningHub workflow; without a key that is an error of the program, and raised."""
    for name in ("RUNNINGHUB_API_KEY", "COMFYUI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ValidationError, match="RUNNINGHUB_API_KEY"):
        asyncio.run(ComfyKit().execute("12345", {"prompt": "a cat"}))


def test_a_wrong_executor_is_named() -> None:
    """An executor that there is not is an error that lists those that there are."""
    with pytest.raises(ValidationError, match="executor_type='grpc'; there are: http, websocket"):
        ComfyKit(executor_type="grpc")
