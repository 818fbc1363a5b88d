"""Presets of a user's own, made from a shipped one as a user would: the TOML copied, a few lines changed."""

from __future__ import annotations

import json
from pathlib import Path

from comfy_headless import VIDEO_PRESETS
from comfy_headless.catalog.preset import Preset

WAN = "wan_5b"
TASKS = 'text = "wan22_5b_text"\nimage = "wan22_5b_image"\n'


def shipped(name: str) -> Preset:
    """A shipped preset."""
    preset = VIDEO_PRESETS[name]
    assert isinstance(preset, Preset)
    return preset


def write_own(folder: Path, name: str, *changes: tuple[str, str]) -> Path:
    """Write ``wan_5b`` under another name, with pieces of its text replaced."""
    text = shipped(WAN).path.read_text(encoding="utf-8")
    for old, new in ((f'name = "{WAN}"', f'name = "{name}"'), *changes):
        assert old in text, old
        text = text.replace(old, new)
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.toml"
    path.write_text(text, encoding="utf-8")
    return path


def write_by_task(folder: Path) -> None:
    """Write presets that have one task each: ``only_text``, ``only_image`` and ``only_both`` (two images)."""
    write_own(folder, "only_text", (TASKS, 'text = "wan22_5b_text"\n'))
    write_own(folder, "only_image", (TASKS, 'image = "wan22_5b_image"\n'))
    write_own(folder, "only_both", (TASKS, 'first_last = "two_images"\n'))
    graph = shipped(WAN).template("image").graph
    graph["13"] = {
        "class_type": "LoadImage",
        "inputs": {"image": "end.png"},
        "_meta": {"title": "$~last_image.image!: the last frame"},
    }
    (folder / "two_images.json").write_text(json.dumps(graph), encoding="utf-8")
