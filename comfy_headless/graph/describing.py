"""Describe a template: what its markers take, by the graph and by what the schemas say of its nodes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from comfy_headless.graph.description import Description, InputPlace, OutputInfo, ParameterInfo
from comfy_headless.graph.schemas import Schemas
from comfy_headless.graph.template import Parameter, Slot, Template
from comfy_headless.graph.values import Kind

SEED_FIELDS: Final = ("seed", "noise_seed")
"""Inputs that ComfyUI's page can draw anew for each job."""

_BY_CLASS: Final[Mapping[str, str]] = {
    "SaveWEBM": "video",
    "SaveAnimatedWEBP": "video",
    "SaveAnimatedPNG": "video",
    "VHS_VideoCombine": "video",
    "ADE_AnimateDiffCombine": "video",
    "VHS_SaveVideo": "video",
    "VHS_SaveAudio": "audio",
    "SaveSVGNode": "image",
    "PreviewAny": "text",
    "SaveText": "text",
}
_BY_TYPE: Final[Mapping[str, str]] = {
    "IMAGE": "image",
    "MASK": "image",
    "VIDEO": "video",
    "AUDIO": "audio",
    "MESH": "mesh",
    "FILE_3D": "mesh",
}
_BY_NAME: Final[Mapping[str, str]] = {"video": "video", "audio": "audio", "image": "image", "3d": "mesh", "glb": "mesh"}


def described(template: Template) -> Description:
    """Return what a template takes and gives."""
    graph = template.graph
    parameters = {name: _parameter(each) for name, each in template.parameters.items()}
    outputs = {
        name: _output(name, [(node_id, graph[node_id]["class_type"]) for node_id in nodes], template.schemas)
        for name, nodes in template.outputs.items()
    }
    return Description(template.name, MappingProxyType(parameters), MappingProxyType(outputs), template.warnings)


def _parameter(parameter: Parameter) -> ParameterInfo:
    limits = [slot.limits for slot in parameter.slots]
    lowest = [each.minimum for each in limits if each.minimum is not None]
    highest = [each.maximum for each in limits if each.maximum is not None]
    kind = _kind(parameter)
    numbers = kind in (Kind.INTEGER, Kind.NUMBER)
    return ParameterInfo(
        name=parameter.name,
        type=kind,
        required=parameter.required,
        default=parameter.default,
        minimum=max(lowest, default=None) if numbers else None,
        maximum=min(highest, default=None) if numbers else None,
        step=max((_step(slot) for slot in parameter.slots), default=0) or None if numbers else None,
        choices=_choices(parameter.slots) if kind is Kind.CHOICE else None,
        media=parameter.media,
        random=numbers and any(slot.field in SEED_FIELDS for slot in parameter.slots),
        description=parameter.description or next(filter(None, map(_tooltip, parameter.slots)), ""),
        inputs=tuple(InputPlace(slot.node_id, slot.class_type, slot.field, slot.default) for slot in parameter.slots),
    )


def _kind(parameter: Parameter) -> Kind:
    """The kind that all inputs take; ANY where they differ."""
    if parameter.media is not None:
        return Kind.FILE
    kinds = {slot.limits.kind for slot in parameter.slots} - {Kind.ANY}
    if kinds == {Kind.INTEGER, Kind.NUMBER}:
        return Kind.INTEGER
    return kinds.pop() if len(kinds) == 1 else Kind.ANY


def _choices(slots: Iterable[Slot]) -> tuple[Any, ...] | None:
    """What all inputs that list choices have in common; None where none of them does."""
    lists = [slot.limits.choices for slot in slots if slot.limits.choices]
    return tuple(each for each in lists[0] if all(each in more for more in lists)) if lists else None


def _step(slot: Slot) -> float:
    step = slot.schema.options.get("step") if slot.schema else None
    return step if isinstance(step, (int, float)) and not isinstance(step, bool) else 0


def _tooltip(slot: Slot) -> str:
    text = slot.schema.options.get("tooltip") if slot.schema else None
    return " ".join(text.split()) if isinstance(text, str) else ""


def _output(name: str, nodes: list[tuple[str, str]], schemas: Schemas | None) -> OutputInfo:
    kinds = {_made(class_type, schemas) for _, class_type in nodes}
    preview = all("preview" in class_type.lower() for _, class_type in nodes)
    return OutputInfo(name, kinds.pop() if len(kinds) == 1 else "other", preview, tuple(nodes))


def _made(class_type: str, schemas: Schemas | None) -> str:
    """What a node makes: by its class, else by what is wired into it, else by its name."""
    if class_type in _BY_CLASS:
        return _BY_CLASS[class_type]
    schema = schemas.get(class_type) if schemas is not None else None
    types = [str(each.type) for each in schema.inputs] + [str(each.type) for each in schema.outputs] if schema else []
    for each in types:
        for part in each.split(","):
            if part in _BY_TYPE or part.startswith("FILE_3D"):
                return _BY_TYPE.get(part, "mesh")
    lower = class_type.lower()
    return next((kind for word, kind in _BY_NAME.items() if word in lower), "other")
