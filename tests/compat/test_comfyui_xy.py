"""What comfyui_xy's README shows works with one import changed, on both clients."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from comfy_headless.compat.comfyui_xy import (
    AsyncComfyUiClient,
    ComfyResponse,
    ComfyUiClient,
    ComfyUiError,
    ComfyUiHttpError,
    ComfyUiTimeoutError,
)
from comfy_headless.simulator import Simulator
from comfy_headless.simulator.faults import Stall

FLOW: dict[str, dict[str, Any]] = {
    "1": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 48, "batch_size": 2, "color": 5}},
    "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}},
    "3": {"class_type": "PreviewAny", "inputs": {"source": "hello"}},
}
UNKNOWN = {"1": {"class_type": "Nope", "inputs": {}}}
Ask = Callable[..., Any]


def asker(kind: str, url: str, **options: Any) -> Ask:
    """Return what calls one method of a fresh client."""

    def ask(method: str, *args: Any, **kwargs: Any) -> Any:
        async def on_asyncio() -> Any:
            async with AsyncComfyUiClient(url, **options) as client:
                return await getattr(client, method)(*args, **kwargs)

        if kind == "async":
            return asyncio.run(on_asyncio())
        with ComfyUiClient(url, **options) as client:
            return getattr(client, method)(*args, **kwargs)

    return ask


kinds = pytest.mark.parametrize("kind", ["sync", "async"])


@kinds
def test_a_workflow_gives_files_and_texts(kind: str, tmp_path: Path) -> None:
    """Files come first, downloaded, then texts; each can be saved."""
    with Simulator() as sim:
        made = asker(kind, sim.url)("process_workflow", FLOW)
    assert [(each.output_type, each.node_id, each.output_name, each.file_type) for each in made] == [
        ("file", "2", "images", "image"),
        ("file", "2", "images", "image"),
        ("text", "3", "text", "text"),
    ]
    assert [each.filename for each in made] == ["x_00001_.png", "x_00002_.png", None]
    assert made[0].is_file and made[2].is_text and made[2].text == "hello"
    assert made[0].image.size == (64, 48) and made[2].image is None
    assert made[0].save(str(tmp_path / "a.png")).read_bytes() == made[0].data
    assert made[2].save(str(tmp_path / "a.txt")).read_text() == "hello"


@kinds
def test_raw_outputs_can_be_taken_apart(kind: str) -> None:
    """``return_raw`` gives what the nodes gave; ``extract_*`` make responses of it."""
    with Simulator() as sim:
        ask = asker(kind, sim.url)
        raw = ask("process_workflow", FLOW, return_raw=True)
        assert set(raw) == {"2", "3"}
        assert [each.filename for each in ask("extract_file_responses", raw)] == ["x_00001_.png", "x_00002_.png"]
        assert len(ask("extract_outputs", raw)) == 3
    told = {"7": {"gifs": [{"filename": "a.mp4", "subfolder": "", "type": "temp", "format": "video/h264"}], "n": ["t"]}}
    client = ComfyUiClient()
    assert client.extract_text_outputs(told) == ["t"]
    assert [each.output_name for each in client.extract_text_responses(told)] == ["n"]


@kinds
def test_what_the_server_tells(kind: str, tmp_path: Path) -> None:
    """Queue, history, node classes, files and uploads are what the server says."""
    Image.new("RGB", (8, 8)).save(tmp_path / "mine.png")
    with Simulator() as sim:
        ask = asker(kind, sim.url)
        prompt_id = ask("queue_prompt", FLOW)
        assert set(ask("wait_for_execution", prompt_id, timeout=30)) == {"2", "3"}
        assert ask("get_history", prompt_id)[prompt_id]["status"]["completed"] is True
        assert (ask("get_history", "none"), list(ask("get_history_all"))) == ({}, [prompt_id])
        assert ask("get_queue") == {"queue_running": [], "queue_pending": []}
        assert (list(ask("get_object_info", "KSampler")), ask("get_object_info", "Nope")) == (["KSampler"], None)
        assert ask("get_view", "x_00001_.png")[:4] == b"\x89PNG"
        assert (ask("upload_image", str(tmp_path / "mine.png")), ask("interrupt")) == ("mine.png", True)
        assert ask("upload_mask", str(tmp_path / "mine.png")) == "mine.png"


@kinds
def test_failures_are_empty_answers_or_errors(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    """Without ``raise_on_error`` a failure is an empty answer and a warning, with it an error of theirs."""
    with Simulator(step_seconds=0.2) as sim, caplog.at_level(logging.WARNING, "comfy_headless"):
        assert asker(kind, sim.url)("process_workflow", UNKNOWN) == []
        assert "Nope" in caplog.text
        strict = asker(kind, sim.url, raise_on_error=True)
        with pytest.raises(ComfyUiHttpError, match="Nope") as refused:
            strict("process_workflow", UNKNOWN)
        assert refused.value.status_code == 400
        with pytest.raises(ComfyUiError, match=r"gone\.png"):
            strict("upload_image", "gone.png")
    with pytest.raises(ComfyUiHttpError, match="no ComfyUI answers"):
        asker(kind, "127.0.0.1:9", raise_on_error=True)("get_queue")


@pytest.mark.slow
def test_an_execution_has_a_limit() -> None:
    """``execution_timeout`` ends the wait with an error of theirs."""
    with Simulator(faults=[Stall(route="GET /history", times=None)]) as sim:
        strict: dict[str, Any] = {"execution_timeout": 1, "raise_on_error": True}
        with ComfyUiClient(sim.url, **strict) as client, pytest.raises(ComfyUiTimeoutError, match="not done after 1 s"):
            client.process_workflow(FLOW)


def test_only_pictures_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """What is no picture is named instead."""
    ComfyResponse("text", text="x", node_id="3", output_name="text").show()
    assert capsys.readouterr().out == "Cannot show non-image response: text\n"
