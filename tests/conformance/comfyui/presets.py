"""Stand-ins for the model files of the shipped presets."""

from __future__ import annotations

from comfy_headless import VIDEO_PRESETS, compile_workflow

from .weights import Folders


def place_presets(folders: Folders) -> None:
    """Put stand-ins under the names of all files that the shipped presets use."""
    images = {"text": {}, "image": {"image": "a.png"}, "first_last": {"image": "a.png", "last_image": "b.png"}}
    for name, preset in VIDEO_PRESETS.items():
        for task in preset.tasks:
            folders.place(compile_workflow(name, "a cat", **images[task]))
