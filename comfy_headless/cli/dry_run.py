"""``--dry-run`` of generate, image and run: what would be sent, and where; the server is asked at most what it has.

A language model that is named is asked for the prompt: what it writes is what would be sent.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from comfy_headless.api.checks import check_extension
from comfy_headless.api.making import PRESETS_OF
from comfy_headless.api.preparing import planned, request_of
from comfy_headless.api.reading import read_there
from comfy_headless.api.workflow import plan_workflow
from comfy_headless.catalog.compiled import CompiledWorkflow
from comfy_headless.cli.output import Answer, columns
from comfy_headless.cli.request import Request
from comfy_headless.cli.workflow_argument import workflow_of
from comfy_headless.config import shown_url
from comfy_headless.graph.outputs import extensions_made
from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.destination import Destination, read_out
from comfy_headless.protocol.effects import Flow

_PRINTS: Final = ("--json prints it", "comfy-headless compile prints it")


def dry_run(request: Request, url: str, out: Path | None) -> Answer:
    """Compile a request and say what would become of it.

    Raises:
        ValidationError: something in the request is wrong.
        ComfyUIConnectionError: no preset is named, and the server that should be asked does not answer.
    """
    destination = read_out(out)
    asked = request_of(PRESETS_OF[request.kind], request.prompt, preset=request.preset, **request.values)
    compiled = planned(url, asked, destination)
    check_extension(compiled.graph, destination)
    plan = _plan(request, compiled, url, _place(destination, compiled), list(compiled.notes))
    return Answer(plan, _told(plan))


def dry_run_workflow(
    workflow: str, params: Mapping[str, str], wishes: Mapping[str, Any], url: str, out: Path | None
) -> Answer:
    """Put values into a workflow and say what would become of it.

    Raises:
        ValidationError: something in it is wrong.
        ComfyUIConnectionError: the server is asked for something and does not answer.
    """
    destination = read_out(out)
    given = workflow_of(workflow)

    def plan_at(server: Server | None) -> Flow[CompiledWorkflow]:
        assert server is not None
        return plan_workflow(server, given, params, destination=destination, **wishes)

    compiled = read_there(url, plan_at)
    plan = {
        "dry_run": True,
        "server": shown_url(url),
        "workflow": workflow,
        "seed": compiled.seed,
        "settings": compiled.settings,
        "uploads": _uploads(compiled),
        "out": str(destination.folder / (destination.name or "")) + os.sep * (destination.name is None),
        "notes": list(compiled.notes),
        "graph": compiled.graph,
    }
    return Answer(plan, _told(plan))


def _place(destination: Destination, compiled: CompiledWorkflow) -> str:
    if destination.name is not None:
        return str(destination.folder / destination.name)
    stem = compiled.preset if compiled.seed is None else f"{compiled.preset}_{compiled.seed}"
    made = extensions_made(compiled.graph) or {".*"}
    return str(destination.folder / f"{stem}{' or '.join(sorted(made))}")


def _plan(request: Request, compiled: CompiledWorkflow, url: str, out: str, notes: list[str]) -> dict[str, Any]:
    return {
        "dry_run": True,
        "server": shown_url(url),
        "preset": compiled.preset,
        "task": compiled.task,
        "prompt": request.prompt,
        "seed": compiled.seed,
        "settings": compiled.settings,
        "uploads": _uploads(compiled),
        "out": out,
        "notes": notes,
        "enhanced": None if compiled.enhanced is None else compiled.enhanced.to_dict(),
        "graph": compiled.graph,
    }


def _uploads(compiled: CompiledWorkflow) -> list[dict[str, str]]:
    return [{"path": str(one), "node_id": one.node_id, "input": one.field} for one in compiled.uploads]


def _told(plan: dict[str, Any]) -> str:
    uploads = [f"{one['path']} (for {one['input']} of node {one['node_id']})" for one in plan["uploads"]]
    rows = [
        ("server", plan["server"]),
        *_asked(plan),
        ("seed", str(plan["seed"])),
        *(("upload", upload) for upload in uploads),
        *(("setting", f"{name} = {value}") for name, value in plan["settings"].items()),
        ("graph", f"{len(plan['graph'])} nodes; {_PRINTS['preset' in plan and plan['enhanced'] is None]}"),
        ("out", plan["out"]),
        *(("note", note) for note in plan["notes"]),
    ]
    sent_to = (plan.get("enhanced") or {}).get("sent_to")
    if sent_to is None:
        return "dry run: nothing was sent\n" + columns(rows, indent="  ")
    rows.append(("sent to", f"{sent_to}: the prompt, to the language model there"))
    return "dry run: nothing was queued; the prompt went to the language model\n" + columns(rows, indent="  ")


def _asked(plan: dict[str, Any]) -> list[tuple[str, str]]:
    if "preset" not in plan:
        return [("workflow", plan["workflow"])]
    told = {"prompt": plan["prompt"]}
    if plan["enhanced"] is not None:
        told |= {name: plan["enhanced"][name] for name in ("enhanced", "negative")}
    texts = [(name, json.dumps(text, ensure_ascii=False)) for name, text in told.items()]
    return [("preset", f"{plan['preset']} ({plan['task']})"), *texts]
