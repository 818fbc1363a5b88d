"""What to ask a server for, so that it shows whether a preset's rules are those of its nodes.

A few legal values must come out as asked; of the nearest illegal ones, put in past the rule, a node shows whether it
refuses them, makes another value of them, or makes them all the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple

from comfy_headless.catalog.audit import compile_for
from comfy_headless.catalog.compiled import CompiledWorkflow
from comfy_headless.catalog.preset import IMAGES, Preset
from comfy_headless.catalog.preset_file import Task
from comfy_headless.catalog.rules import DERIVATIONS, FrameRule, SizeRule
from comfy_headless.errors import ValidationError
from comfy_headless.graph.source import copy_json
from comfy_headless.protocol.ticket import Label

_SIDE: Final = 64
"""Pixels: the least side that is asked for, even where a rule allows less; text encoders of images need some."""
_FRAMES: Final = 9
_STEPS: Final = 3
"""Steps: uni_pc needs three of them (comfy/extra_samplers/uni_pc.py, order 3, ComfyUI 0.30.0)."""
_TRIES: Final = 16


class Ask(NamedTuple):
    """One run: what is asked for.

    Args:
        legal: by the preset's rules.
    """

    name: str
    compiled: CompiledWorkflow
    values: Mapping[str, Any]
    legal: bool

    @property
    def expected(self) -> dict[str, Any]:
        """What the file should hold, as far as that was asked for: a preset's own variants make it larger or longer."""
        return Label(self.compiled.preset, None, {**self.compiled.settings, **self.values}).asked


def asks(preset: Preset, task: Task, picture: Path) -> Iterator[Ask]:
    """Yield the runs that measure a preset's rules; the first is the smallest that is legal.

    Args:
        picture: stands in for each image.

    Raises:
        ValidationError: nothing small enough compiles.
    """
    view = preset.at(task)
    size, frames = view.rules.size, view.rules.frames if "frames" in view.settings else None
    small = _smallest(preset, task, picture)
    yield small
    more = _more(small.values, size, frames)
    if more != small.values:
        yield Ask("more", _compiled(preset, task, picture, more), more, True)
    if frames is not None and (frames.step > 1 or frames.minimum == frames.maximum):
        yield _past(preset, task, small, "frames between", {"frames": small.values["frames"] + 1})
    if "width" in small.values and (size.only or size.multiple >= 4):
        width = small.values["width"] + (-16 if size.only else size.multiple // 2)
        yield _past(preset, task, small, "size between", {"width": width})


def _smallest(preset: Preset, task: Task, picture: Path) -> Ask:
    view = preset.at(task)
    size, frames = view.rules.size, view.rules.frames
    step = size.multiple
    first = -(-max(size.minimum, _SIDE) // step) * step
    problem = ValidationError(f"{preset.name}: nothing was tried")
    for number in range(_TRIES):
        wide, high = size.only[0] if size.only else (first + step * number, first + step * (number + 1))
        wanted = {
            "width": wide,
            "height": high,
            "frames": frames.nearest(_FRAMES) if frames else None,
            "fps": preset.value("fps") and preset.value("fps") + 1,
            "steps": _STEPS,
        }
        values = {
            name: view.settings[name].value if view.settings[name].fixed else value
            for name, value in wanted.items()
            if value is not None and name in view.settings
        }
        try:
            return Ask("smallest", _compiled(preset, task, picture, values), values, True)
        except ValidationError as error:  # a node may need more than the rule says
            problem = error
            if size.only:
                break
    raise problem


def _compiled(preset: Preset, task: Task, picture: Path, values: Mapping[str, Any]) -> CompiledWorkflow:
    return compile_for(preset, task, allow_untested=True, **dict.fromkeys(IMAGES[task], picture), **values)


def _more(values: Mapping[str, Any], size: SizeRule, frames: FrameRule | None) -> dict[str, Any]:
    """The next legal values."""
    more = dict(values)
    if "width" in values and not size.only:
        more |= {"width": values["width"] + 2 * size.multiple, "height": values["height"] + 2 * size.multiple}
    elif "width" in values and len(size.only) > 1:
        more |= dict(zip(("width", "height"), size.only[1], strict=True))
    if frames is not None and values["frames"] + frames.step <= frames.maximum:
        more["frames"] = values["frames"] + frames.step
    return more


def _past(preset: Preset, task: Task, legal: Ask, name: str, changed: Mapping[str, int]) -> Ask:
    """The legal graph with values that the rules refuse, put straight into it."""
    view = preset.at(task)
    values = dict(changed)
    for each, item in view.declared.items():
        if item.origin is not None and item.origin in changed and item.rule is not None:
            values[each] = int(DERIVATIONS[item.rule](changed[item.origin], item.share, each))
    graph = copy_json(legal.compiled.graph)
    for each, value in values.items():
        for slot in view.template.parameters[each].slots if each in view.template.parameters else ():
            graph[slot.node_id]["inputs"][slot.field] = value
    return Ask(name, replace(legal.compiled, graph=graph), {**legal.values, **changed}, False)
