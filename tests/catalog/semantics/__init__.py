"""What a family's graph must be, said once per family from the preset's own sourced numbers.

A server runs many a wrong graph (measured: it noticed 5 of 15 deliberate mistakes), so the graph is compared with an
expected tree. The trees are written from the model makers' descriptions, ComfyUI's templates and the nodes' source,
not from our templates.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from comfy_headless.catalog.preset import Preset
from comfy_headless.catalog.preset_file import Task

from .asked import IMAGE, LAST_IMAGE, NEGATIVE, PROMPT, SEED, Asked, asked
from .hunyuan import hunyuan, hunyuan15
from .images import sdxl, z_image
from .ltx import ltx2, ltxv
from .others import mochi, svd
from .packs import animatediff, cogvideox
from .tree import Node, faults, is_wrong
from .wan import wan

FAMILIES: Mapping[str, Callable[[Asked], Node]] = {
    "wan": wan,
    "ltxv": ltxv,
    "ltx2": ltx2,
    "hunyuan": hunyuan,
    "hunyuan15": hunyuan15,
    "mochi": mochi,
    "svd": svd,
    "cogvideox": cogvideox,
    "animatediff": animatediff,
    "z_image": z_image,
    "sdxl": sdxl,
}

__all__ = [
    "FAMILIES",
    "IMAGE",
    "LAST_IMAGE",
    "NEGATIVE",
    "PROMPT",
    "SEED",
    "expected",
    "faults",
    "is_wrong",
    "takes_negative",
]


def expected(preset: Preset, task: Task, **changed: Any) -> Node:
    """Return the tree that a preset's graph must be, with ``PROMPT``, ``NEGATIVE``, ``IMAGE`` and ``SEED``.

    Args:
        changed: settings other than the preset's own.
    """
    return FAMILIES[preset.family](asked(preset, task, changed))


def takes_negative(preset: Preset, task: Task) -> bool:
    """Return whether a preset is told what must not be seen."""
    return "negative_prompt" in preset.template(task).parameters
