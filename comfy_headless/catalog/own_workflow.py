"""A workflow of a caller's own: values for its markers, wishes, and variants become a graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from comfy_headless.catalog.aspect import shaped
from comfy_headless.catalog.compiled import CompiledWorkflow, uploads_of
from comfy_headless.catalog.media_in import in_words
from comfy_headless.catalog.models import VideoSettings
from comfy_headless.catalog.old_names import renamed
from comfy_headless.catalog.presets import VIDEO_PRESETS
from comfy_headless.catalog.rules import FrameRule, SizeRule
from comfy_headless.catalog.seeds import drawn_seeds, seeds_of, with_saved_drawn
from comfy_headless.catalog.variants import VARIANTS, Variants, parted
from comfy_headless.catalog.vary import Workshop, vary
from comfy_headless.errors import ValidationError
from comfy_headless.graph.by_parameter import filled_by
from comfy_headless.graph.schemas import Schemas
from comfy_headless.graph.template import Slot, Template
from comfy_headless.graph.values import Kind, Limits, fit, nearest, shown

WISHES: Final[Mapping[str, tuple[str, ...]]] = {
    "image": ("image",),
    "last_image": ("last_image",),
    "seconds": ("frames", "fps"),
    "aspect": ("width", "height"),
}
"""What a call may wish for beside variants, and the parameters that a workflow needs for it."""


def compile_template(
    template: Template, values: Mapping[str, Any], wishes: Mapping[str, Any] | None = None
) -> CompiledWorkflow:
    """Return the graph of a template with ``values`` for its parameters; a seed of -1 or "random" is drawn.

    Args:
        wishes: variants; ``image`` and ``last_image`` (parameters, as everywhere); ``seconds`` and ``aspect``, for
            which the template needs the parameters ``frames`` and ``fps``, ``width`` and ``height``.

    Raises:
        ValidationError: unknown parameter or wish, a required one missing, or a value that does not fit.
    """
    variants, rest = parted(renamed(wishes or {}))
    asked = Variants(**variants).given()
    values, notes = _with_wishes(template, values, rest)
    parameters = template.parameters
    given = {name: value for name, value in {**values, **drawn_seeds(parameters, values)}.items() if value is not None}
    paths = {name: value for name, value in given.items() if name in parameters and parameters[name].upload}
    uploads, names = uploads_of(template, paths)
    bound = template.bind({**given, **names})
    graph, saved, drawn = with_saved_drawn(bound)
    fitted = {name: graph[each.slots[0].node_id]["inputs"][each.slots[0].field] for name, each in parameters.items()}
    seed = next((fitted[name] for name in seeds_of(parameters) if isinstance(fitted[name], int)), saved)
    shown_paths = {name: in_words(value) for name, value in paths.items()}
    changed = vary(graph, asked, Workshop(VIDEO_PRESETS.files))
    told = (*template.warnings, *notes, *drawn, *changed.notes)
    settings, filled = {**fitted, **shown_paths, **asked}, filled_by(parameters.values())
    return CompiledWorkflow(changed.graph, seed, settings, told, uploads, filled=filled)


def _with_wishes(
    template: Template, values: Mapping[str, Any], wishes: Mapping[str, Any]
) -> tuple[Mapping[str, Any], tuple[str, ...]]:
    """Return the values with what follows from wishes, and what to say of it."""
    given, notes = dict(values), list[str]()
    for name, wish in wishes.items():
        if wish is None:
            continue
        if name not in WISHES:
            known = ", ".join((*WISHES, *VARIANTS))
            raise ValidationError(
                f"{name}={shown(wish)}: that is no argument{nearest(name, (*WISHES, *VARIANTS))} There are: {known}; "
                "a parameter of the workflow goes into params (--param)"
            )
        for parameter in WISHES[name]:
            if parameter not in template.parameters:
                there = ", ".join(template.parameters) or "none"
                raise ValidationError(
                    f"{name}={shown(wish)}: {template.name} has no parameter {parameter!r} for it (a marker "
                    f"${parameter} in a title). It has: {there}"
                )
        more, note = _granted(template, name, wish, given)
        twice = [each for each in more if each in values]
        if twice:
            raise ValidationError(f"{name}={shown(wish)} and {twice[0]}={shown(values[twice[0]])}: give one of them")
        given |= more
        notes += [note] if note else []
    return given, tuple(notes)


def _granted(template: Template, name: str, wish: Any, given: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """Return the parameters that a wish sets."""
    if name == "aspect":
        return _shaped(template, wish, given)
    if name != "seconds":
        return {name: wish}, ""
    seconds = VideoSettings(seconds=wish).seconds or 0
    fps = fit(given.get("fps", template.parameters["fps"].default), Limits(Kind.NUMBER, minimum=0.01), "fps")
    slot = template.parameters["frames"].slots[0]
    step, least = _grid(slot)
    rule = FrameRule(step=step, remainder=least % step, minimum=least, source=slot.class_type)
    frames = rule.nearest(seconds * fps)
    return {"frames": frames}, f"seconds={seconds:g}: {frames} frames at {fps:g} fps are {frames / fps:.2f} s"


def _shaped(template: Template, aspect: Any, given: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    sides = {name: template.parameters[name] for name in ("width", "height")}
    own = {name: fit(each.default, Limits(Kind.INTEGER, minimum=1), name) for name, each in sides.items()}
    step, least = _grid(sides["width"].slots[0])
    fixed = {name: fit(given[name], Limits(Kind.INTEGER), name) for name in sides if name in given}
    rule = SizeRule(multiple=step, minimum=least, source=template.name)
    size = shaped(aspect, fixed, (own["width"], own["height"]), rule, template.name, allow_untested=True)
    made = {"width": size.width, "height": size.height}
    return {name: value for name, value in made.items() if name not in fixed}, size.note


def _grid(slot: Slot) -> tuple[int, int]:
    """The step and the least value that a node itself gives for an input; 1 and 1 where it gives none."""
    schemas = Schemas.snapshot(Schemas.packs())
    found = schemas[slot.class_type].input(slot.field) if slot.class_type in schemas else None
    step = found.options.get("step") if found else None
    least = found.min if found else None
    return int(step) if step and step >= 1 else 1, max(1, int(least or 1))
