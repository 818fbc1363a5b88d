"""The simulator against a real ComfyUI: what is refused and how, and what the saving nodes write."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from comfy_headless.simulator import Simulator
from tests.simulator.talk import Graph, Talk, image_graph, node, talking

from .conversation import own_prefix, plain, sets
from .decoded import decode

REFUSED: dict[str, Any] = {
    "no json": b"{",
    "empty": b"",
    "a list": [],
    "a number": 3,
    "no prompt": {},
    "empty prompt": {"prompt": {}},
    "prompt null": {"prompt": None},
    "prompt a list": {"prompt": []},
    "prompt a text": {"prompt": "x"},
    "no outputs": {"prompt": {"1": node("EmptyImage", width=64, height=64, batch_size=1, color=0)}},
    "unknown class": {"prompt": {"1": node("NoSuchClass")}},
    "no class": {"prompt": {"1": {"inputs": {}, "_meta": {"title": "T"}}}},
    "no inputs": {"prompt": {"1": {"class_type": "SaveImage"}}},
    "input missing": {"prompt": {"1": node("SaveImage", filename_prefix="x")}},
    "bad number": {"prompt": image_graph(), "number": "x"},
    "number null": {"prompt": image_graph(), "number": None},
    "bad extra_data": {"prompt": image_graph(), "extra_data": []},
    "targets none left": {"prompt": image_graph(), "partial_execution_targets": ["1"]},
    "targets empty": {"prompt": image_graph(), "partial_execution_targets": []},
    "targets a number": {"prompt": image_graph(), "partial_execution_targets": 3},
    **{f"prompt_id {name!r}": {"prompt": image_graph(), "prompt_id": name} for name in ("", "x", 7, [], "A" * 32)},
}


@pytest.mark.parametrize("case", REFUSED, ids=str)
def test_refusals(case: str, real_server: str, simulated_server: str) -> None:
    """Status, content type and whole body of what is refused."""
    seen = []
    for url in (simulated_server, real_server):
        with talking(url) as talk:
            body = REFUSED[case]
            sent = {"content": body} if isinstance(body, bytes) else {"json": body}
            answer = talk.http.post("/prompt", **sent)
            told = sets(answer.json()) if "json" in answer.headers["Content-Type"] else answer.text
            seen.append([answer.status_code, answer.headers["Content-Type"], told])
    assert seen[0] == seen[1]


def outline(value: Any) -> Any:
    """Return the names and types in an answer, without its values."""
    if isinstance(value, dict):
        return {key: outline(item) for key, item in value.items()}
    return type(value).__name__


def test_the_server_describes_itself_alike(real_server: str) -> None:
    """Model folders, the outline of /system_stats on cpu, and the list of node classes."""
    seen: list[Any] = []
    with Simulator(device="cpu", packs=()) as simulator:
        for url in (simulator.url, real_server):
            with talking(url) as talk:
                stats = talk.http.get("/system_stats").json()
                cpu = stats["devices"][0]
                told = [cpu["type"], cpu["name"], cpu["index"], cpu["vram_total"] == stats["system"]["ram_total"]]
                answer = talk.http.get("/api/object_info")
                seen.append(
                    [
                        talk.http.get("/models").json(),
                        outline(stats),
                        told,
                        sorted(answer.json()),
                        answer.headers["Content-Type"],
                    ]
                )
    assert seen[0] == seen[1]


SAVING: dict[str, Graph] = {
    "SaveImage": {"9": node("SaveImage", images=["1", 0], filename_prefix="P")},
    "SaveImage batch": {"9": node("SaveImage", images=["1", 0], filename_prefix="P_%batch_num%_%width%x%height%")},
    "PreviewImage": {"9": node("PreviewImage", images=["1", 0])},
    "SaveAnimatedPNG": {"9": node("SaveAnimatedPNG", images=["1", 0], filename_prefix="P", fps=6.0, compress_level=4)},
    "SaveAnimatedWEBP": {
        "9": node(
            "SaveAnimatedWEBP",
            images=["1", 0],
            filename_prefix="P",
            fps=6.0,
            lossless=True,
            quality=80,
            method="default",
        )
    },
    "SaveWEBM": {"9": node("SaveWEBM", images=["1", 0], filename_prefix="P", codec="vp9", fps=23.976, crf=32.0)},
    "SaveVideo h264": {
        "8": node("CreateVideo", images=["1", 0], fps=23.976),
        "9": node("SaveVideo", video=["8", 0], filename_prefix="P", format="mp4", codec="h264"),
    },
    "SaveVideo sound": {
        "7": node("EmptyAudio", duration=2.0, sample_rate=44100, channels=2),
        "8": node("CreateVideo", images=["1", 0], fps=6.0, audio=["7", 0]),
        "9": node("SaveVideo", video=["8", 0], filename_prefix="P", format="auto", codec="auto"),
    },
    "SaveAudio": {
        "8": node("EmptyAudio", duration=1.0, sample_rate=44100, channels=2),
        "9": node("SaveAudio", audio=["8", 0], filename_prefix="P"),
    },
    "SaveAudioMP3": {
        "8": node("EmptyAudio", duration=1.0, sample_rate=44100, channels=2),
        "9": node("SaveAudioMP3", audio=["8", 0], filename_prefix="P", quality="V0"),
    },
    "SaveAudioOpus": {
        "8": node("EmptyAudio", duration=1.0, sample_rate=48000, channels=2),
        "9": node("SaveAudioOpus", audio=["8", 0], filename_prefix="P", quality="128k"),
    },
    "PreviewAudio": {
        "8": node("EmptyAudio", duration=1.0, sample_rate=44100, channels=2),
        "9": node("PreviewAudio", audio=["8", 0]),
    },
    "PreviewAny text": {"8": node("PrimitiveString", value="hello"), "9": node("PreviewAny", source=["8", 0])},
    "PreviewAny number": {"8": node("PrimitiveInt", value=7), "9": node("PreviewAny", source=["8", 0])},
    "PreviewAny literal": {"9": node("PreviewAny", source="words")},
}


@pytest.mark.parametrize("case", SAVING, ids=str)
def test_saving_nodes(case: str, tmp_path: Path, real_server: str, simulated_server: str) -> None:
    """Each report, and the files' size, frames, rate and whether there is sound, are the same."""
    seen = []
    for url in (simulated_server, real_server):
        with talking(url) as talk:
            prefix = own_prefix()
            graph = {"1": node("EmptyImage", width=64, height=48, batch_size=4, color=3), **SAVING[case]}
            inputs = dict(graph["9"]["inputs"])
            if "filename_prefix" in inputs:
                inputs["filename_prefix"] = inputs["filename_prefix"].replace("P", prefix)
            report = talk.run({**graph, "9": {**graph["9"], "inputs": inputs}})["outputs"]["9"]
            told = plain(report, prefix=prefix)
            for entries in told.values():
                for entry in entries:
                    if isinstance(entry, dict):
                        entry["filename"] = re.sub(r"_temp_[a-z]{5}_", "_temp_xxxxx_", entry["filename"])
            seen.append([told, *looked_at(talk, report, tmp_path)])
    assert seen[0] == seen[1]


def looked_at(talk: Talk, report: dict[str, list[Any]], folder: Path) -> list[Any]:
    """Download a report's files and return what is in them."""
    found: list[Any] = []
    for entry in (entry for entries in report.values() for entry in entries if isinstance(entry, dict)):
        path = folder / entry["filename"]
        path.write_bytes(talk.fetch(entry).content)
        if path.suffix in (".mp4", ".webm", ".png"):
            seen = decode(path)
            moving = [seen.frames, round(float(seen.fps), 2)] if path.suffix != ".png" else []
            found.append([seen.width, seen.height, *moving, bool(seen.sound)])
        else:
            found.append(path.stat().st_size > 100)
    return found
