"""``--dry-run`` of generate and image: what would be sent, and where; the server is asked at most what it has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from comfy_headless.api.checks import check_extension
from comfy_headless.api.making import PRESETS_OF
from comfy_headless.api.preparing import planned, request_of
from comfy_headless.catalog.compiled import CompiledWorkflow
from comfy_headless.cli.output import Answer, columns
from comfy_headless.cli.request import Request
from comfy_headless.config import shown_url
from comfy_headless.graph.outputs import extensions_made
from comfy_headless.protocol.destination import Destination, read_out


def dry_run(request: Request, url: str, out: Path | None) -> Answer:
    """Compile a request and say what would become of it.

    Raises:
        ValidationError: something in the request is wrong.
        ComfyUIConnectionError: no preset is named, and the server that should be asked does not answer.
    """
    destination = read_out(out)
    asked = request_of(PRESETS_OF[request.kind], request.prompt, preset=request.preset, **request.values)
    compiled = planned(url, asked)
    check_extension(compiled.graph, destination)
    plan = _plan(request, compiled, url, _place(destination, compiled), list(compiled.notes))
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
        "uploads": [{"path": str(one), "node_id": one.node_id, "input": one.field} for one in compiled.uploads],
        "out": out,
        "notes": notes,
        "graph": compiled.graph,
    }


def _told(plan: dict[str, Any]) -> str:
    uploads = [f"{one['path']} (for {one['input']} of node {one['node_id']})" for one in plan["uploads"]]
    rows = [
        ("server", plan["server"]),
        ("preset", f"{plan['preset']} ({plan['task']})"),
        ("prompt", json.dumps(plan["prompt"], ensure_ascii=False)),
        ("seed", str(plan["seed"])),
        *(("upload", upload) for upload in uploads),
        *(("setting", f"{name} = {value}") for name, value in plan["settings"].items()),
        ("graph", f"{len(plan['graph'])} nodes; comfy-headless compile prints it"),
        ("out", plan["out"]),
        *(("note", note) for note in plan["notes"]),
    ]
    return "dry run: nothing was sent\n" + columns(rows, indent="  ")
