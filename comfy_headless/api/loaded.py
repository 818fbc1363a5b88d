"""``load_workflow``: read a workflow once, to call it as a function."""

from __future__ import annotations

from typing import NamedTuple

from comfy_headless.api.reading import Found, by_schemas, read_here, read_source, template_of
from comfy_headless.client.loaded import LoadedWorkflow
from comfy_headless.client.sync import ComfyClient
from comfy_headless.errors import ValidationError
from comfy_headless.graph.origins import Workflow
from comfy_headless.graph.source import copy_json
from comfy_headless.graph.template import Template
from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.effects import Flow, Work
from comfy_headless.protocol.executor import Executor


class Read(NamedTuple):
    """A workflow as it was found, and with its markers."""

    found: Found
    template: Template


def load_workflow(workflow: Workflow, *, server: str | Executor | None = None) -> LoadedWorkflow:
    """Read a workflow once, and return it as a function of its parameters.

    >>> flow = load_workflow("t2v.json")  # doctest: +SKIP
    >>> result = flow(prompt="a cat", seed=42)  # doctest: +SKIP

    What it returns keeps a client, whose connections serve all calls and close with it.

    Args:
        workflow: as ``run_workflow`` takes it.
        server: base address, or a cloud such as ``RunningHub()``, for reading and for each call. None asks none to read
            it: types, ranges and choices are those of the node classes that are shipped; calls go where
            ``run_workflow`` goes.

    Raises:
        ValidationError: there is no such workflow, or a marker in it does not fit; title and position are named.
        ComfyUIConnectionError: the server does not answer.
    """
    client = ComfyClient(server)
    if server is not None:
        return client.load_workflow(workflow)
    return LoadedWorkflow(*read_here(load_flow(None, workflow)), client.run_workflow, client.submit)


def load_flow(server: Server | None, workflow: Workflow) -> Flow[Read]:
    """Read a workflow, to be called later; raises as ``load_workflow``."""
    found = yield Work(_own, ((yield from read_source(server, workflow)),), long=True)
    return Read(found, (yield from by_schemas(server, lambda known: template_of(found, known))))


def _own(found: Found) -> Found:
    """Return it as a copy: the caller may change what was given."""
    try:
        return found._replace(raw=copy_json(dict(found.raw)))
    except RecursionError as error:
        raise ValidationError(f"{found.name} is nested too deeply to be a workflow") from error
