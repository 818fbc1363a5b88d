"""What a check is asked about: a preset or a workflow, read, and made into the graph that would be sent."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from comfy_headless.api.checks import check_extension, check_uploads
from comfy_headless.api.preparing import Request, compile_request
from comfy_headless.api.reading import by_schemas, read_source, template_of
from comfy_headless.api.workflow import compiled_from
from comfy_headless.catalog.compiled import CompiledWorkflow
from comfy_headless.catalog.facts import ServerFacts
from comfy_headless.catalog.media_in import Content
from comfy_headless.catalog.old_names import renamed
from comfy_headless.catalog.preset import Preset, task_for
from comfy_headless.catalog.preset_file import Task
from comfy_headless.catalog.presets import PRESETS, no_preset
from comfy_headless.catalog.roles import Filling
from comfy_headless.errors import ValidationError
from comfy_headless.graph.by_parameter import Filled, filled_by
from comfy_headless.graph.existing import FileExists
from comfy_headless.graph.origins import Workflow
from comfy_headless.graph.schemas import Schemas
from comfy_headless.graph.template import Template
from comfy_headless.graph.ui.convert import is_ui_format
from comfy_headless.graph.values import shown
from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.destination import read_out
from comfy_headless.protocol.effects import Flow

logger = logging.getLogger("comfy_headless")

_STAND_INS: Final[Mapping[Task, tuple[str, ...]]] = {
    "text": (),
    "image": ("image",),
    "first_last": ("image", "last_image"),
}
"""The images that a task takes; where none is given, one is taken to be there."""

_PNG: Final = b"\x89PNG\r\n\x1a\n"


class Asked(NamedTuple):
    """What is to be checked.

    Args:
        graph: a workflow as it is, and ``compiled`` one with values, once it was read; None for a preset.
        values: what a preset is asked for, or a workflow's variants.
        targets: the output nodes that the request keeps; None keeps all.
        filled: parameters of a workflow that is looked at without values, by the inputs that they fill.
    """

    graph: Mapping[str, Any] | None
    workflow: Workflow | None
    params: Mapping[str, Any] | None
    preset: Preset | None
    task: Task
    values: Mapping[str, Any]
    out: str | os.PathLike[str] | None
    targets: Iterable[str] | None
    exists: FileExists | None
    compiled: CompiledWorkflow | None = None
    filled: Filled = MappingProxyType({})


def read_asked(
    workflow: Workflow | None = None,
    *,
    preset: str | None = None,
    params: Mapping[str, Any] | None = None,
    task: Task | None = None,
    out: str | os.PathLike[str] | None = None,
    partial_execution_targets: Iterable[str] | None = None,
    file_exists: FileExists | None = None,
    **settings: Any,
) -> Asked:
    """Return what a caller asks for, without reading a workflow; raises ValidationError."""
    if (workflow is None) == (preset is None):
        what = "nothing to check" if workflow is None else f"workflow and preset={shown(preset)}"
        raise ValidationError(f"{what}: give a workflow, or preset= (--preset) and the name of one")
    targets = partial_execution_targets
    if isinstance(targets, Iterator):  # it is read more than once
        targets = tuple(targets)
    if preset is not None:
        if params is not None:
            raise ValidationError(f"params={shown(params)}: a preset has settings, given by name")
        found, settings = _preset(preset), renamed(settings)
        chosen = _task(found, task, settings)
        images = {name: Content(_PNG, f"{name}.png") for name in _STAND_INS[chosen] if settings.get(name) is None}
        return Asked(None, None, None, found, chosen, {**settings, **images}, out, targets, file_exists)
    if task is not None:
        raise ValidationError(f"task={shown(task)}: that is for a preset")
    return Asked(None, workflow, params, None, "text", settings, out, targets, file_exists)


def with_workflow(server: Server | None, asked: Asked, schemas: Schemas | None = None) -> Flow[Asked]:
    """Read the workflow that is to be checked, if it is one.

    Args:
        server: which it may be kept by; None: no server is asked.
        schemas: the node classes to go by; None: those of the server, or those that are shipped.

    Raises:
        As ``read_source`` and ``compiled_from``.
    """
    if asked.workflow is None or asked.graph is not None or asked.compiled is not None:
        return asked
    given = bool(asked.params) or any(value is not None for value in asked.values.values())
    if not given and isinstance(asked.workflow, Mapping) and not is_ui_format(asked.workflow):
        return asked._replace(graph=asked.workflow)  # whatever it is, the report says what is wrong with it
    found = yield from read_source(server, asked.workflow)
    if given:
        return asked._replace(compiled=(yield from compiled_from(server, found, asked.params, asked.values, schemas)))
    template: Template = yield from by_schemas(server, lambda known: template_of(found, known), schemas)
    for warning in template.warnings:
        logger.warning("%s", warning)
    return asked._replace(graph=template.graph, filled=filled_by(template.parameters.values()))


def _preset(name: object) -> Preset:
    if not isinstance(name, str):
        raise ValidationError(f"preset={shown(name)}: expected the name of a preset")
    if name not in PRESETS:
        raise no_preset(name, PRESETS)
    return PRESETS[name]


def _task(preset: Preset, task: Task | None, values: Mapping[str, Any]) -> Task:
    if task is None and values.get("image") is None and values.get("last_image") is None:
        return next(iter(preset.tasks))
    wanted = task if task is not None else task_for(values.get("image"), values.get("last_image"))
    if wanted not in preset.tasks:
        raise ValidationError(f"preset {preset.name!r} has no task {shown(wanted)}; it has: {', '.join(preset.tasks)}")
    return wanted


def compiled_for(asked: Asked, facts: ServerFacts | None, filling: Filling | None) -> CompiledWorkflow:
    """Return the graph as it would be sent; raises ValidationError where a call that sends it would."""
    compiled = _compiled(asked, facts, filling)
    if asked.out is not None:
        check_extension(compiled.graph, read_out(asked.out))
    return compiled


def _compiled(asked: Asked, facts: ServerFacts | None, filling: Filling | None) -> CompiledWorkflow:
    if asked.preset is not None:
        prompt = asked.values.get("prompt") or "a red kite over the sea"
        values = {name: value for name, value in asked.values.items() if name != "prompt"}
        request = Request(PRESETS, prompt, asked.preset.name, values)
        return check_uploads(compile_request(request, asked.preset.name, facts, filling), server=facts is not None)
    if asked.compiled is not None:
        return check_uploads(asked.compiled, server=facts is not None)
    return CompiledWorkflow(dict(asked.graph or {}), None, {}, (), (), filled=asked.filled)
