"""The plain calls of both clients, on the simulator and on a real server."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
from PIL import Image

from comfy_headless import ComfyUIConnectionError, GenerationFailedError, GenerationRejectedError, Timing
from tests.faults.clients import VIDEO, Person

kinds = pytest.mark.parametrize("kind", ["sync", "async"])


@kinds
def test_a_job_in_two_steps(kind: str, server: str, tmp_path: Path) -> None:
    """Queue, wait, take the files; the history and the queue tell the same; nothing is downloaded without out=."""
    person = Person(kind, server)
    prompt_id = person.call("queue_prompt", VIDEO)
    bare = person.call("wait_for_completion", prompt_id)
    assert bare.files == []
    assert bare.video.url.startswith(f"{server}/view?filename=")
    result = person.call("wait_for_completion", prompt_id, out=tmp_path / "clip.mp4")
    assert result.path == tmp_path / "clip.mp4"
    entry = person.call("history", prompt_id)
    assert entry["status"]["completed"] is True
    assert person.call("queue").position(prompt_id) is None
    assert person.call("cancel", prompt_id) is False


@kinds
def test_what_the_server_is(kind: str, server: str) -> None:
    """Stats, all schemas, one schema."""
    person = Person(kind, server)
    assert person.call("system_stats")["system"]["comfyui_version"] == "0.30.0"
    assert "SaveVideo" in person.call("object_info")
    assert list(person.call("object_info", "SaveVideo")) == ["SaveVideo"]
    assert person.call("object_info", "no/such class") == {}


@kinds
def test_an_upload_is_named_by_the_server(kind: str, server: str, tmp_path: Path) -> None:
    """The same bytes keep their name, other bytes of one name get another; a sub-folder is part of the name."""
    person, name = Person(kind, server), f"{uuid.uuid4().hex} ü.png"
    path = tmp_path / name
    Image.new("RGB", (64, 48), "red").save(path)
    assert person.call("upload", path) == name
    assert person.call("upload", path) == name
    assert person.call("upload", path, subfolder="deep/er") == f"deep/er/{name}"
    Image.new("RGB", (64, 48), "blue").save(path)
    assert person.call("upload", path) == f"{name.removesuffix('.png')} (1).png"


@kinds
def test_errors_carry_the_servers_words(kind: str, server: str) -> None:
    """A refused graph, a node that dies, a job that nobody knows, a route that is not there."""
    person = Person(kind, server, timing=Timing()._replace(gone=0.3))
    with pytest.raises(GenerationRejectedError, match=r"node 2 \(CreateVideo\): .*fps") as refused:
        person.call("queue_prompt", {**VIDEO, "2": {"class_type": "CreateVideo", "inputs": {"images": ["1", 0]}}})
    assert refused.value.node_errors["2"]["errors"][0]["type"] == "required_input_missing"
    dies = {**VIDEO, "3": {"class_type": "SaveVideo", "inputs": {"video": ["2", 0], "filename_prefix": "x"}}}
    dies["3"]["inputs"]["format"] = "auto"
    with pytest.raises(GenerationFailedError, match=r"node 3 \(SaveVideo\) failed on the server: .*codec") as died:
        person.run(dies, check=False)
    assert died.value.node_id == "3"
    assert died.value.node_type == "SaveVideo"
    assert died.value.exception_type == "TypeError"
    with pytest.raises(GenerationFailedError, match="neither queued nor in the history"):
        person.call("wait_for_completion", str(uuid.uuid4()))
    with pytest.raises(ComfyUIConnectionError, match="404"):
        Person(kind, f"{server}/elsewhere").call("system_stats")
