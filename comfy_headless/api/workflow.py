"""Run a workflow of one's own: read, bind, upload, run."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from comfy_headless.api.checks import check_extension
from comfy_headless.client.options import wait_of
from comfy_headless.errors import ValidationError
from comfy_headless.graph.template import Template
from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.effects import Flow, Now, Work
from comfy_headless.protocol.events import Progress
from comfy_headless.protocol.result import Result
from comfy_headless.protocol.routes import upload
from comfy_headless.protocol.run import Label, run


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
) -> Flow[Result]:
    """Run a workflow and return its result. See ``comfy_headless.run_workflow``."""
    started = yield Now()
    wait = wait_of(
        out=out, overwrite=overwrite, on_progress=on_progress, timeout=timeout, raise_on_error=raise_on_error
    )
    template: Template = yield Work(read_workflow, (workflow,))
    values = dict(params or {})
    template.bind(values)  # everything that can be wrong is, before a file is sent
    if wait.destination is not None:
        check_extension(template.graph, wait.destination)
    for name, parameter in template.parameters.items():
        if parameter.upload and values.get(name) is not None:
            values[name] = yield from upload_value(server, name, values[name])
    label = Label(settings=dict(params or {}), warnings=template.warnings)
    return (yield from run(server, template.bind(values), wait, label=label, started=started))


def read_workflow(workflow: str | os.PathLike[str] | Mapping[str, Any]) -> Template:
    """Read a workflow from a file or a dict; raises ValidationError."""
    if isinstance(workflow, Mapping):
        return Template.read(workflow)
    path = Path(workflow)
    try:
        text = path.read_bytes()
    except OSError as error:
        raise ValidationError(f"workflow {os.fspath(workflow)!r}: {error.strerror or error}") from error
    return Template.read(text, name=path.name)


def upload_value(server: Server, name: str, value: Any) -> Flow[str]:
    """Upload the local file that an upload parameter names; give its name on the server."""
    problem = yield Work(_unreadable, (value,))
    if problem:
        raise ValidationError(f"parameter {name!r}: {value!r} {problem}")
    return (yield from upload(server, os.fspath(value)))


def _unreadable(value: Any) -> str | None:
    if not isinstance(value, str | os.PathLike):
        return "is not a path"
    path = Path(value)
    if not path.is_file():
        return f"is not a file ({path.absolute()})"
    return "is empty" if path.stat().st_size == 0 else None
