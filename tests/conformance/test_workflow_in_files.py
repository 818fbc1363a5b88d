"""Each kind of file that a real ComfyUI writes a workflow into gives the graph that was sent, and runs again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
from PIL import Image

from comfy_headless import ComfyClient, Result, run_workflow
from comfy_headless.api.reading import read_api_graph, read_here

_SAVED: Final[Mapping[str, tuple[str, str, list[Any]]]] = {
    "png": ("SaveImage", "images", []),
    "webp": ("SaveAnimatedWEBP", "images", [8.0, True, 80, "default"]),
    "animated png": ("SaveAnimatedPNG", "images", [8.0, 4]),
    "mp4": ("SaveVideo", "video", ["mp4", "h264", "auto"]),
    "webm": ("SaveWEBM", "images", ["vp9", 8.0, 32.0]),
    "flac": ("SaveAudio", "audio", []),
    "mp3": ("SaveAudioMP3", "audio", ["V0"]),
    "opus": ("SaveAudioOpus", "audio", ["64k"]),
}
"""By kind of file: the node that saves it, its input, and its widgets behind the name."""

_GIVES: Final = {"images": ("IMAGE", 2), "video": ("VIDEO", 3), "audio": ("AUDIO", 4)}


def drawn() -> dict[str, Any]:
    """The workflow as the browser saves it: a picture is loaded and made smaller, a tone is silence."""
    nodes: list[dict[str, Any]] = [
        {"id": 1, "type": "LoadImage", "title": "$~picture.image!", "widgets_values": ["none.png", "image"]},
        {"id": 2, "type": "ImageScale", "title": "Maß, $width.width", "widgets_values": ["area", 64, 48, "disabled"]},
        {"id": 3, "type": "CreateVideo", "widgets_values": [8]},
        {"id": 4, "type": "EmptyAudio", "widgets_values": [0.5, 44100, 2]},
    ]
    links: list[list[Any]] = [[1, 1, 0, 2, 0, "IMAGE"], [2, 2, 0, 3, 0, "IMAGE"]]
    nodes[1]["inputs"] = [{"name": "image", "type": "IMAGE", "link": 1}]
    nodes[2]["inputs"] = [{"name": "images", "type": "IMAGE", "link": 2}]
    for number, (kind, (name, wire, values)) in enumerate(_SAVED.items(), 10):
        type_, giver = _GIVES[wire]
        links.append([number, giver, 0, number, 0, type_])
        wired = [{"name": wire, "type": type_, "link": number}]
        title = f"$output.{kind.replace(' ', '_')}"
        told = [f"round/{kind}", *values]
        nodes.append({"id": number, "type": name, "title": title, "inputs": wired, "widgets_values": told})
    return {"nodes": nodes, "links": links, "version": 0.4}


class Made(NamedTuple):
    """What the first run sent and made."""

    sent: Mapping[str, Any]
    files: Mapping[str, Path]


def sent(url: str, result: Result) -> Mapping[str, Any]:
    """The graph of a job as the server has it, without its own marks of what it saw."""
    assert result.prompt_id is not None
    with ComfyClient(url) as client:
        entry = client.history(result.prompt_id)
    assert entry is not None
    graph = entry["prompt"][2]
    return {key: {name: node[name] for name in node if name != "is_changed"} for key, node in graph.items()}


@pytest.fixture(scope="module")
def made(real_server: str, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """One run of the workflow, with a value for each marker."""
    folder = tmp_path_factory.mktemp("round")
    Image.new("RGB", (100, 80), "teal").save(folder / "first.png")
    (folder / "drawn.json").write_text(json.dumps(drawn()))
    params = {"picture": folder / "first.png", "width": 80}
    result = run_workflow(folder / "drawn.json", params, server=real_server, out=folder / "out")
    by_kind = {kind: next(path for path in result.files if path.stem.startswith(f"{kind}_")) for kind in _SAVED}
    return Made(sent(real_server, result), by_kind)


@pytest.mark.parametrize("kind", _SAVED)
def test_the_same_graph(kind: str, made: Made, real_server: str, tmp_path: Path) -> None:
    """It is the graph that was sent, titles and values as they were; sent again, it is the same."""
    path = made.files[kind]
    assert read_here(read_api_graph(None, path)).graph == made.sent
    again = run_workflow(path, server=real_server, out=tmp_path)
    assert sent(real_server, again) == made.sent
    assert sorted(each.suffix for each in again.files) == sorted(each.suffix for each in made.files.values())


def test_its_markers_still_count(made: Made, real_server: str, tmp_path: Path) -> None:
    """Whoever has the video fills the markers of its workflow anew."""
    again = run_workflow(made.files["mp4"], {"width": 32}, server=real_server, out=tmp_path)
    assert sent(real_server, again)["2"]["inputs"]["width"] == 32
