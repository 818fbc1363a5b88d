"""Run a workflow of one's own: read, bind, upload, run."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from comfy_headless.api.memory_words import explained_graph
from comfy_headless.api.sending import made_ready
from comfy_headless.catalog.compiled import CompiledWorkflow
from comfy_headless.catalog.own_workflow import compile_template
from comfy_headless.client.options import wait_of
from comfy_headless.errors import (
    GenerationFailedError,
    GenerationTimeoutError,
    OutOfMemoryError,
    ValidationError,
)
from comfy_headless.graph.outputs import named_outputs, sound_made
from comfy_headless.graph.schemas import Schemas
from comfy_headless.graph.template import Template
from comfy_headless.graph.values import shown
from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.effects import Flow, Work
from comfy_headless.protocol.events import Progress
from comfy_headless.protocol.result import Result
from comfy_headless.protocol.run import begin, failed, run, submit_new
from comfy_headless.protocol.ticket import Label, Ticket


def make_workflow(
    server: Server,
    workflow: str | os.PathLike[str] | Mapping[str, Any],
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
    compiled = yield from _compiled(workflow, params, wishes)
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
    workflow: str | os.PathLike[str] | Mapping[str, Any],
    params: Mapping[str, Any] | None = None,
    *,
    check: bool = True,
    **wishes: Any,
) -> Flow[Ticket]:
    """Queue a workflow, to be left to itself; give its ticket."""
    compiled = yield from _compiled(workflow, params, wishes)
    compiled = yield from made_ready(server, compiled, None, check=check)
    return (yield from submit_new(server, compiled.graph, _label(compiled)))


def _compiled(
    workflow: str | os.PathLike[str] | Mapping[str, Any], params: Mapping[str, Any] | None, wishes: Mapping[str, Any]
) -> Flow[CompiledWorkflow]:
    template: Template = yield Work(read_workflow, (workflow,))
    return compile_template(template, _checked(params), wishes)


def _label(compiled: CompiledWorkflow) -> Label:
    sound, outputs = sound_made(compiled.graph), named_outputs(compiled.graph)
    return Label(None, compiled.seed, compiled.settings, compiled.notes, sound, outputs)


def read_workflow(workflow: str | os.PathLike[str] | Mapping[str, Any]) -> Template:
    """Read a workflow from a file or a dict; raises ValidationError."""
    if isinstance(workflow, Mapping):
        return Template.read(workflow, schemas=Schemas.snapshot(Schemas.packs()))
    if not isinstance(workflow, (str, os.PathLike)):
        raise ValidationError(f"workflow={shown(workflow)}: expected the path of a JSON file, or the graph as a dict")
    if os.fspath(workflow).lstrip().startswith(("{", "[")):
        raise ValidationError(f"workflow={shown(workflow)} is JSON text; give the path of its file, or json.loads(...)")
    try:
        text = Path(workflow).read_bytes()
    except (OSError, ValueError) as error:
        words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ValidationError(f"workflow {os.fspath(workflow)!r}: {words} ({Path(workflow).absolute()})") from error
    if not text.strip():
        raise ValidationError(f"workflow {os.fspath(workflow)!r} is empty ({Path(workflow).absolute()})")
    return Template.read(text, name=Path(workflow).name, schemas=Schemas.snapshot(Schemas.packs()))


def _checked(params: object) -> Mapping[str, Any]:
    if params is None or isinstance(params, Mapping):
        return params or {}
    raise ValidationError(f"params={shown(params)}: expected a dict of the workflow's parameters and their values")
