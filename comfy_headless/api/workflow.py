"""Run a workflow of one's own: read, bind, upload, run."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from comfy_headless.api.checks import check_extension
from comfy_headless.api.memory_words import explained_graph
from comfy_headless.api.reading import Found, by_schemas, read_source, shipped, template_of
from comfy_headless.api.sending import looked_at, made_ready
from comfy_headless.catalog.compiled import CompiledWorkflow
from comfy_headless.catalog.own_workflow import compile_template
from comfy_headless.client.options import wait_of
from comfy_headless.errors import (
    ComfyUIConnectionError,
    GenerationFailedError,
    GenerationTimeoutError,
    OutOfMemoryError,
    ValidationError,
)
from comfy_headless.graph.origins import Workflow
from comfy_headless.graph.outputs import named_outputs, sound_made
from comfy_headless.graph.schemas import Schemas
from comfy_headless.graph.values import shown
from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.destination import Destination
from comfy_headless.protocol.effects import Flow, Work
from comfy_headless.protocol.events import Progress
from comfy_headless.protocol.result import Result
from comfy_headless.protocol.run import begin, failed, run, submit_new
from comfy_headless.protocol.ticket import Label, Ticket


def make_workflow(
    server: Server,
    workflow: Workflow,
    params: Mapping[str, Any] | None = None,
    *,
    out: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    on_progress: Callable[[Progress], Any] | None = None,
    timeout: float | None = None,
    raise_on_error: bool = True,
    strict: bool = False,
    check: bool = True,
    **wishes: Any,
) -> Flow[Result]:
    """Run a workflow and return its result. See ``comfy_headless.run_workflow``."""
    wait = wait_of(
        out=out,
        overwrite=overwrite,
        on_progress=on_progress,
        timeout=timeout,
        raise_on_error=raise_on_error,
        strict=strict,
    )
    started = yield from begin(wait)
    compiled = yield from _compiled(server, workflow, params, wishes)
    label = _label(compiled)
    try:
        compiled = yield from made_ready(server, compiled, wait.destination, check=check)
        label = _label(compiled)
        ran = run(server, compiled.graph, wait._replace(raise_on_error=True), label=label, started=started)
        return (yield from ran)
    except (GenerationFailedError, GenerationTimeoutError) as error:
        told = explained_graph(error, compiled.graph) if isinstance(error, OutOfMemoryError) else error
        if raise_on_error:
            raise told from (error if told is not error else error.__cause__)
        return (yield from failed(told, started, label))


def queue_workflow(
    server: Server,
    workflow: Workflow,
    params: Mapping[str, Any] | None = None,
    *,
    check: bool = True,
    **wishes: Any,
) -> Flow[Ticket]:
    """Queue a workflow, to be left to itself; give its ticket."""
    compiled = yield from _compiled(server, workflow, params, wishes)
    compiled = yield from made_ready(server, compiled, None, check=check)
    return (yield from submit_new(server, compiled.graph, _label(compiled)))


def plan_workflow(
    server: Server,
    workflow: Workflow,
    params: Mapping[str, Any] | None = None,
    *,
    destination: Destination,
    **wishes: Any,
) -> Flow[CompiledWorkflow]:
    """Return what would be sent of a workflow, after a look at all that is local; nothing is sent.

    Raises:
        ValidationError: a value does not fit, a file is missing or none that is read, or ``destination`` names another
            kind of file.
        ComfyUIConnectionError: the server is asked for something and does not answer.
    """
    compiled = yield from _compiled(server, workflow, params, wishes)
    check_extension(compiled.graph, destination)
    return (yield from looked_at(server, compiled))


def _compiled(
    server: Server, workflow: Workflow, params: Mapping[str, Any] | None, wishes: Mapping[str, Any]
) -> Flow[CompiledWorkflow]:
    found = workflow if isinstance(workflow, Found) else (yield from read_source(server, workflow))
    return (yield from compiled_from(server, found, params, wishes))


def compiled_from(
    server: Server | None,
    found: Found,
    params: Mapping[str, Any] | None,
    wishes: Mapping[str, Any],
    schemas: Schemas | None = None,
) -> Flow[CompiledWorkflow]:
    """Return a workflow that was found as it is sent, with values in it.

    Args:
        schemas: the node classes to go by; None: the shipped ones, or those of the server where it takes these.

    Raises:
        ValidationError: a value does not fit, or a class is not there.
    """
    values = _checked(params)

    def make(known: Schemas | None) -> CompiledWorkflow:
        return compile_template(template_of(found, known), values, wishes)

    if found.drawn or schemas is not None or server is None:
        return (yield from by_schemas(server, make, schemas))
    if (yield Work(_is_of_others, (found,), long=True)):
        try:
            return (yield from by_schemas(server, make))
        except ComfyUIConnectionError:  # whatever needs the server says so better
            return (yield from by_schemas(None, make))
    return (yield from _by_shipped_first(server, make))


def _is_of_others(found: Found) -> bool:
    """Return whether there may be a marker on a class that is not among the shipped ones."""
    known = shipped()
    nodes = [node for node in found.raw.values() if isinstance(node, Mapping) and node.get("class_type") not in known]
    return any("$" in str(node.get("_meta")) for node in nodes)


def _by_shipped_first(server: Server, make: Callable[[Schemas | None], CompiledWorkflow]) -> Flow[CompiledWorkflow]:
    """Make it by the shipped classes; where these refuse what others may take, by those of the server."""
    try:
        return (yield Work(lambda: make(shipped()), long=True))  # type: ignore[no-any-return]
    except ValidationError as refused:
        if not (yield Work(_fits_some, (make,), long=True)):
            raise
        try:
            return (yield from by_schemas(server, make))
        except ComfyUIConnectionError:
            raise refused from None


def _fits_some(make: Callable[[Schemas | None], CompiledWorkflow]) -> bool:
    """Return whether it can be made by no classes, so that it is these which refuse it."""
    try:
        make(None)
    except ValidationError:
        return False
    return True


def _label(compiled: CompiledWorkflow) -> Label:
    sound, outputs = sound_made(compiled.graph), named_outputs(compiled.graph)
    return Label(None, compiled.seed, compiled.settings, compiled.notes, sound, outputs)


def _checked(params: object) -> Mapping[str, Any]:
    if params is None or isinstance(params, Mapping):
        return params or {}
    raise ValidationError(f"params={shown(params)}: expected a dict of the workflow's parameters and their values")
