"""Which version of ComfyUI runs a preset, and whether a server is too old for it: its nodes, or the model they load."""

from __future__ import annotations

from collections.abc import Collection

from comfy_headless.catalog.preset import Preset
from comfy_headless.catalog.preset_file import Task
from comfy_headless.graph.ages import age_line, latest, since

FIRST = "0.0.1"
"""The first version with a number: what it has, every server has."""


def runs_since(preset: Preset, task: Task) -> str:
    """Return the first version of ComfyUI that runs a preset as it is, node packs apart."""
    needed = preset.needs.comfyui
    dated = [FIRST, *([needed.value] if needed is not None else [])]
    for node in preset.template(task).graph.values():
        dated += [each for each in (since(node["class_type"]),) if each is not None]
        for name, value in node["inputs"].items():
            first = since(node["class_type"], name, value) if isinstance(value, str) else None
            dated += [first] if first is not None else []
    return latest(dated)


def too_old(preset: Preset, absent: Collection[str], version: str | None = None) -> str | None:
    """Return in one line which version of ComfyUI runs a preset that a server cannot; None if age is no reason.

    Args:
        absent: the node classes of its graph that the server lacks.
        version: what the server says it is. Nothing else tells whether it loads a model whose node classes are older.
    """
    needed = preset.needs.comfyui
    return age_line(preset.name, absent, version, needed=needed.value if needed is not None else None)
