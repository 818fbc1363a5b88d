"""Which preset to take when none is named: a pure function of what the server has.

Of the presets whose node classes and files are there, the highest rank wins among those that are recommended for the
server's VRAM; if none of them can run there, the lightest of those whose least VRAM fits. A server that does not tell
its VRAM (no device, or a CPU, whose RAM it reports as VRAM) gets the lowest rank.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from comfy_headless.catalog.facts import TOLERANCE, ServerFacts
from comfy_headless.catalog.preset import TASKS, Preset
from comfy_headless.catalog.preset_file import Task
from comfy_headless.catalog.presets import PresetLibrary
from comfy_headless.catalog.roles import place_file as place_file
from comfy_headless.errors import GenerationRejectedError, ValidationError

_A = {"video": "a video", "image": "an image", None: "anything"}


class Choice(NamedTuple):
    """The preset taken, and why in one sentence."""

    name: str
    reason: str


def choose_preset(facts: ServerFacts, presets: PresetLibrary, task: Task) -> Choice:
    """Return the preset to take for ``task``.

    Raises:
        ValidationError: no preset does such a thing.
        GenerationRejectedError: the server can run none of those that do; says for the best one what is missing and
            where to put it, as for a preset that was named and that the server refuses.
    """
    able = sorted((preset for preset in presets.values() if task in preset.tasks), key=partial(_order, facts.vram_gb))
    if not able:
        raise ValidationError(f"no preset makes {_A[presets.makes]} from {TASKS[task]}")
    fitting = [preset for preset in able if fits(preset, facts.vram_gb)]
    if not fitting:
        least = min(able, key=lambda preset: (preset.needs.min_vram_gb.value, preset.needs.rank.value))
        raise GenerationRejectedError(
            f"the server's {facts.vram_gb:.1f} GiB of VRAM are too few for every preset; the lightest, "
            f"{least.name!r}, needs {least.needs.min_vram_gb.value:g}. Name a preset to try it all the same"
        )
    for preset in fitting:
        if not missing(preset, task, facts):
            return Choice(preset.name, f"preset {preset.name!r} was taken: {_why(facts, task)}")
    best = fitting[0]
    lines = "\n".join(f"  {line}" for line in missing(best, task, facts))
    raise GenerationRejectedError(f"the server can run no preset yet; what is missing for {best.name!r}:\n{lines}")


def fits(preset: Preset, vram_gb: float | None) -> bool:
    """Return whether a preset runs with so many GiB of VRAM, if slowly; None, unknown, is enough."""
    return vram_gb is None or vram_gb >= preset.needs.min_vram_gb.value * TOLERANCE


def is_recommended(preset: Preset, vram_gb: float | None) -> bool:
    """Return whether a preset is recommended for so many GiB of VRAM; for None, unknown, none is."""
    return vram_gb is not None and vram_gb >= preset.needs.recommended_from.value * TOLERANCE


def missing(preset: Preset, task: Task, facts: ServerFacts) -> list[str]:
    """Return one line for each node class, and its pack, and each file of ``preset`` that the server lacks."""
    view = preset.at(task)
    classes = dict.fromkeys(node["class_type"] for node in view.template.graph.values())
    absent = [name for name in classes if name not in facts.node_classes]
    lines = [f"node class {name}: this server does not know it" for name in absent]
    if absent and preset.packs:
        packs = ", ".join(f"{pack.name} (GitHub {pack.repository})" for pack in preset.packs)
        lines.append(f"node pack {packs}: into ComfyUI/custom_nodes/, then restart ComfyUI")
    return lines + [
        place_file(file) for file in view.files.values() if file.name not in facts.files.get(file.folder, ())
    ]


def _order(vram_gb: float | None, preset: Preset) -> tuple[bool, int]:
    """Those recommended for so much VRAM come first, the best at their head; then the others, lightest first."""
    rank = preset.needs.rank.value
    comfortable = is_recommended(preset, vram_gb)
    return not comfortable, -rank if comfortable else rank


def _why(facts: ServerFacts, task: Task) -> str:
    if facts.vram_gb is None:
        return f"the lightest for {TASKS[task]} that the server has, since its VRAM is not known"
    return f"the best for {TASKS[task]} that the server has and that its {facts.vram_gb:.1f} GiB of VRAM can hold"
