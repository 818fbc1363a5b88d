"""What a workflow takes and gives, wherever it is."""

from __future__ import annotations

from comfy_headless.api.reading import read_template, read_there
from comfy_headless.graph.describing import described
from comfy_headless.graph.description import Description
from comfy_headless.graph.origins import Workflow
from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.effects import Flow
from comfy_headless.protocol.executor import Executor


def describe(workflow: Workflow, server: str | Executor | None = None) -> Description:
    """Say what a workflow takes and gives: its parameters, as the markers in its titles name them, and its outputs.

    ``print(describe("t2v.json"))`` lists them as a program's ``--help`` does; ``to_json_schema()`` is a form.

    Args:
        workflow: as ``run_workflow`` takes it.
        server: base address of a ComfyUI server, or a cloud such as ``RunningHub()``: ranges and choices are those that
            it tells, its model files among them. None asks none and goes by the node classes that are shipped.

    Raises:
        ValidationError: there is no such workflow, or a marker in it does not fit; title and position are named.
        ComfyUIConnectionError: the server does not answer.
    """
    return read_there(server, lambda there: describe_flow(there, workflow))


def describe_flow(server: Server | None, workflow: Workflow) -> Flow[Description]:
    """Describe a workflow by what a server has. See ``describe``."""
    template = yield from read_template(server, workflow)
    return described(template)
