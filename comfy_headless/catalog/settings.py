"""From what the caller gives and what the preset has to the settings that go into the graph.

Each value is checked once, here: names, kinds, the preset's hard rules, its tested ranges. What was decided on the
caller's behalf is said in the notes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from comfy_headless.catalog.aspect import shaped
from comfy_headless.catalog.models import COMMON, VideoSettings
from comfy_headless.catalog.preset_file import Declared, Task
from comfy_headless.catalog.rules import DERIVATIONS, FrameRule
from comfy_headless.catalog.variants import VARIANTS
from comfy_headless.errors import ValidationError
from comfy_headless.graph.values import fit, nearest, shown

if TYPE_CHECKING:
    from comfy_headless.catalog.preset import AtTask, Preset


_ARGUMENTS = (
    "preset",
    "image",
    "last_image",
    "negative_prompt",
    "seed",
    "files",
    "out",
    "overwrite",
    "server",
    "on_progress",
    "timeout",
    "raise_on_error",
    "on_oom",
    "allow_untested",
    *VARIANTS,
)
"""Names that a call knows beside settings: what looks like one of them is a misspelt argument."""

_SYNONYMS = {
    "duration": "seconds",
    "length": "frames",
    "num_frames": "frames",
    "frame_rate": "fps",
    "guidance": "cfg",
    "guidance_scale": "cfg",
    "negative": "negative_prompt",
    "model": "preset",
    "init_image": "image",
    "aspect_ratio": "aspect",
    "lora": "loras",
    "crf": "quality",
    "tiled": "tiled_decode",
    "audio": "sound",
    "batch": "images",
    "batch_size": "images",
    "num_images": "images",
    "file": "files",
}
"""What others call it."""


_SIDES = ("width", "height")


class Effective(NamedTuple):
    """The settings that will be used, by name, and what the caller should know about them."""

    values: dict[str, Any]
    notes: tuple[str, ...]


def effective(preset: Preset, task: Task, given: Mapping[str, Any], *, allow_untested: bool = False) -> Effective:
    """Return the settings of one video.

    Args:
        given: the caller's, by name; None is not given.
        allow_untested: take values outside of what was tested, and note them.

    Raises:
        ValidationError: names the value, what is expected, and what exists.
    """
    view = preset.at(task)
    asked = {name: value for name, value in given.items() if value is not None}
    values = view.defaults()
    _check_names(preset, task, asked, values)
    common = VideoSettings(**{name: value for name, value in asked.items() if name in COMMON}).given()
    notes: list[str] = []
    seconds, aspect = common.pop("seconds", None), common.pop("aspect", None)
    for name, value in common.items():
        _check_fixed(preset, name, value, values[name], view.settings[name].fixed)
    if aspect is not None:
        sides = {name: common[name] for name in _SIDES if name in common}
        own = values["width"], values["height"]
        size = shaped(aspect, sides, own, view.rules.size, preset.name, allow_untested=allow_untested)
        common |= {"width": size.width, "height": size.height}
        notes.append(size.note)
    values.update(common)
    if seconds is not None:
        if "frames" in common:
            raise ValidationError(f"frames={common['frames']} and seconds={seconds:g}: give one of them")
        values["frames"] = _frames(preset.name, view, seconds, values["fps"])
        length = values["frames"] / values["fps"]
        notes.append(f"seconds={seconds:g}: {values['frames']} frames at {values['fps']:g} fps are {length:.2f} s")
    view.rules.check(values, preset.name)
    _add_declared(preset, task, asked, values)
    if untested := view.rules.untested(values):
        if not allow_untested:
            raise ValidationError(
                f"{preset.name}: not tested: {'; '.join(untested)}. To try it all the same, give allow_untested=True "
                "(--untested)"
            )
        notes += [f"untested: {line}" for line in untested]
    if "frames" in values and "fps" in values:
        values["seconds"] = round(values["frames"] / values["fps"], 3)
    return Effective(values, tuple(notes))


def _check_names(preset: Preset, task: Task, asked: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    derived = [name for name, item in preset.at(task).declared.items() if item.origin]
    wished = {"seconds": ("frames", "fps"), "aspect": _SIDES}
    known = [*values, *derived, *(name for name, needs in wished.items() if all(each in values for each in needs))]
    for name in asked:
        if name in known:
            continue
        there = f"It has: {', '.join(known)}"
        other = [each for each in preset.tasks if {name} & {*preset.at(each).settings, *preset.at(each).declared}]
        if other:
            raise ValidationError(
                f"{preset.name} has setting {name!r} only for the task {other[0]!r}, not for {task!r}"
            )
        if name in COMMON:
            raise ValidationError(f"{preset.name} has no setting {name!r}: its model takes none. {there}")
        meant, there_is = _SYNONYMS.get(name.lower()), (*known, *_ARGUMENTS)
        hint = f"; did you mean {meant!r}?" if meant in there_is else nearest(name, there_is)
        raise ValidationError(f"{preset.name} has no setting {name!r}{hint} {there}")


def _check_fixed(preset: Preset, name: str, value: Any, own: Any, reason: str | None) -> None:
    if reason is not None and value != own:
        raise ValidationError(f"{preset.name}: {name}={shown(value)} is not possible, only {own}: {reason}")


def _frames(where: str, view: AtTask, seconds: float, fps: float) -> int:
    rule, wanted = view.rules.frames or FrameRule(source=""), seconds * fps
    frames = rule.nearest(wanted)
    if abs(frames - wanted) > rule.step:
        least, most = rule.nearest(0), rule.nearest(rule.maximum)
        raise ValidationError(
            f"{where}: seconds={seconds:g} would be {wanted:.0f} frames at {fps:g} fps; possible are {least} to "
            f"{most} frames, {least / fps:.2f} to {most / fps:.2f} s"
        )
    return frames


def _add_declared(preset: Preset, task: Task, asked: Mapping[str, Any], values: dict[str, Any]) -> None:
    """Put the family's own settings in: the caller's, else the default, else what it follows from."""
    for name, item in preset.at(task).declared.items():
        what = f"{preset.name}: {name}"
        if name in asked and item.fixed is None:
            value = asked[name]
        else:
            what, value = _own(item, what, task, values)
        values[name] = fit(value, item.limits, f"{what}={shown(value)}")
        _check_fixed(preset, name, asked.get(name, values[name]), values[name], item.fixed)


def _own(item: Declared, what: str, task: Task, values: Mapping[str, Any]) -> tuple[str, Any]:
    """Return what a setting is unless the caller says otherwise, and how errors name it."""
    if item.origin is None or item.rule is None:
        return what, item.default
    if item.origin not in values:
        raise ValidationError(f"{what} follows from {item.origin!r}, which the task {task!r} does not have")
    what = f"{what} ({item.rule} of {item.origin})"
    return what, DERIVATIONS[item.rule](values[item.origin], item.share, what)
