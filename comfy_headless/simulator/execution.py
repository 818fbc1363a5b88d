"""Run one job: the same nodes in the same order with the same events as a real server, but nothing is computed.

The order of events is measured on ComfyUI 0.30.0. Success is announced before history is written, the end
(``executing`` with node null) after it. Of a job without client_id everybody hears the progress, and nobody the rest.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from comfy_headless.errors import MediaError
from comfy_headless.graph.schemas import Schemas
from comfy_headless.media.card import Card
from comfy_headless.media.encode import jpeg
from comfy_headless.media.opening import load_error
from comfy_headless.simulator.faults import ClaimFile, Interrupt, NodeFails, OutOfMemory, Restart, SpoilOutput
from comfy_headless.simulator.folders import OutsideFolderError, annotated
from comfy_headless.simulator.machine import Machine
from comfy_headless.simulator.order import Agenda, is_link, signatures
from comfy_headless.simulator.pack_limits import find_refusal
from comfy_headless.simulator.plan import Subject
from comfy_headless.simulator.queue import Item
from comfy_headless.simulator.renders import Order, Report, TooLargeError, render
from comfy_headless.simulator.shapes import Shape, Walk
from comfy_headless.simulator.words import prompt_text, step_count

_OUT_OF_MEMORY = NodeFails(message="Allocation on device ", exception_type="torch.OutOfMemoryError")
"""As CUDA's allocator says it (Comfy-Org/ComfyUI#10246)."""
_PREVIEW = 512
"""Pixels of a preview's longer side (latent_preview.py of ComfyUI 0.30.0)."""
_PICTURE_LOADERS = ("LoadImage", "LoadImageMask", "LoadImageOutput")


_KINDS: Mapping[type[Exception], str] = {
    MediaError: "av.error.ExternalError",
    OutsideFolderError: "Exception",
    TooLargeError: "ValueError",
}
"""What the real server calls what an output node fails with."""


class _Stop(Exception):
    """The job ends here: interrupted, or with an error to report."""

    def __init__(self, error: NodeFails | None) -> None:
        super().__init__()
        self.error = error


@dataclass(slots=True)
class Execution:
    """One run of one job."""

    machine: Machine
    item: Item
    subject: Subject
    schemas: Schemas
    messages: list[list[Any]] = field(default_factory=list)
    outputs: dict[str, Report] = field(default_factory=dict)
    states: dict[str, dict[str, Any]] = field(default_factory=dict)
    ran: list[str] = field(default_factory=list)

    async def run(self) -> dict[str, Any]:
        """Run the job to its end and return what history keeps of it."""
        self._note("execution_start", {"prompt_id": self.item.prompt_id})
        marks = signatures(self.item.graph, self._changing)
        cache = self.machine.cache
        cached = [node_id for node_id in self.item.graph if marks[node_id] in cache]
        self._note("execution_cached", {"nodes": cached, "prompt_id": self.item.prompt_id})
        agenda = Agenda(self.item.graph, self.item.outputs, frozenset(cached), self._is_output)
        ended = True
        while (node_id := agenda.pick()) is not None:
            if marks[node_id] in cache:
                self._reuse(node_id, cache[marks[node_id]])
            else:
                try:
                    cache[marks[node_id]] = await self._run_node(node_id)
                except _Stop as stop:
                    self._note_stop(node_id, stop)
                    ended = False
                    break
        else:
            self._reuse_intermediate(marks)
            self._note("execution_success", {"prompt_id": self.item.prompt_id})
        status = {"status_str": "success" if ended else "error", "completed": ended, "messages": self.messages}
        return {"outputs": self.outputs, "meta": {name: _meta(name) for name in self.outputs}, "status": status}

    def _changing(self, node_id: str, node: Mapping[str, Any]) -> object:
        """Return what makes a node new besides its inputs: a file's date and size, or its own id."""
        inputs = node.get("inputs", {})
        names = [
            value for name, value in inputs.items() if name in ("image", "file", "audio") and isinstance(value, str)
        ]
        stamps = []
        for name in names:
            path = self.machine.folders.input / name
            stamps.append([path.stat().st_mtime_ns, path.stat().st_size] if path.is_file() else None)
        hidden = self.schemas.raw(node["class_type"])["input"].get("hidden") or {}
        own = node_id if any(_type_name(spec) == "UNIQUE_ID" for spec in hidden.values()) else None
        return [stamps, own]

    def _is_output(self, class_type: str) -> bool:
        return self.schemas[class_type].output_node

    async def _run_node(self, node_id: str) -> Report | None:
        node = self.item.graph[node_id]
        self._state(node_id, "running", 0.0, 1.0)
        if self.item.client_id is not None:
            self.machine.last_node[self.item.client_id] = node_id
        self._send("executing", {"node": node_id, "display_node": node_id, "prompt_id": self.item.prompt_id})
        await self._trouble(node_id, 0)
        if node_id in self.item.doomed:
            raise _Stop(self.item.doomed[node_id])
        await self._open(node)
        self._hold_to_limits(node_id)
        steps = step_count(self.item.graph, node_id)
        if steps is not None:
            await self._sample(node_id, steps)
        report = await self._render(node_id) if self._is_output(node["class_type"]) else None
        if report is not None:
            self._claim(node_id, report)
            self.outputs[node_id] = report
            self._send_executed(node_id, report)
        self._state(node_id, "finished", self.states[node_id]["max"], self.states[node_id]["max"])
        self.ran.append(node_id)
        return report

    async def _sample(self, node_id: str, steps: int) -> None:
        wants_preview = self.item.extra_data.get("preview_method") in ("auto", "latent2rgb", "taesd")
        text = prompt_text(self.item.graph, node_id)
        shape = Walk(self.item.graph, self.machine.folders.input).shape(node_id) or Shape()
        scale = _PREVIEW / max(shape.width, shape.height)  # enlarged too, as a real server does
        size = max(1, round(shape.width * scale)), max(1, round(shape.height * scale))
        pictures = Card(*size, steps, text).pictures() if wants_preview else None
        for step in range(1, steps + 1):
            await asyncio.sleep(self.machine.step_seconds)
            await self._trouble(node_id, step)
            picture = jpeg(next(pictures)) if pictures else None
            self._state(node_id, "running", step, steps)
            to = self.item.client_id
            if picture is not None and to is not None:
                metadata = {**_node_ids(node_id), "prompt_id": self.item.prompt_id}
                self.machine.sockets.send_preview(picture, metadata, to, self.subject)
            told = {"value": step, "max": steps, "prompt_id": self.item.prompt_id, "node": node_id}
            self.machine.sockets.send("progress", told, to, self.subject)
            if picture is not None:
                self.machine.sockets.send_plain_preview(picture, to, self.subject)

    async def _render(self, node_id: str) -> Report | None:
        extra = self.item.extra_data.get("extra_pnginfo")
        names = (None, node_id, self.item.graph[node_id]["class_type"])
        spoils = self.machine.plan.strikes(SpoilOutput, about=self.subject, where=lambda fault: fault.node in names)
        spoil = spoils[0].kind if spoils else None
        order = Order(self.item.graph, node_id, self.machine.folders, extra if isinstance(extra, dict) else {}, spoil)
        try:
            return await asyncio.get_running_loop().run_in_executor(self.machine.threads, render, order)
        except (MediaError, OutsideFolderError, TooLargeError) as error:
            raise _Stop(NodeFails(message=str(error), exception_type=_KINDS[type(error)])) from error

    async def _open(self, node: Mapping[str, Any]) -> None:
        """Stop where a picture is to be loaded from a file that is none."""
        name = node.get("inputs", {}).get("image")
        if node["class_type"] not in _PICTURE_LOADERS or not isinstance(name, str):
            return
        plain, kind = annotated(name, "input")
        path = (self.machine.folders.of(kind) or self.machine.folders.input) / plain
        if path.is_file():
            failed = await asyncio.get_running_loop().run_in_executor(self.machine.threads, load_error, path)
            if failed is not None:
                raise _Stop(NodeFails(message=failed[1], exception_type=failed[0]))

    def _hold_to_limits(self, node_id: str) -> None:
        """Stop where a pack's node refuses what it is given."""
        node = Walk(self.item.graph, self.machine.folders.input).node(node_id)
        refusal = None if node is None else find_refusal(node)
        if refusal is not None:
            raise _Stop(refusal)

    async def _trouble(self, node_id: str, step: int) -> None:
        """Strike with the faults that are due at this node and step; also where an interrupt takes effect."""
        node = self.item.graph[node_id]

        def here(node_wanted: str | None, step_wanted: int) -> bool:
            return node_wanted in (None, node_id, node["class_type"]) and step == step_wanted

        plan = self.machine.plan
        restarts = plan.strikes(Restart, about=self.subject, where=lambda fault: fault.at == "running" and step == 0)
        if restarts:
            self.machine.restart_asked.put_nowait(restarts[0].away)
            await asyncio.Event().wait()  # until the restart cancels this
        if plan.strikes(Interrupt, about=self.subject, where=lambda fault: here(fault.node, fault.step)):
            self.machine.interrupted = True
        if self.machine.interrupted:
            self.machine.interrupted = False
            raise _Stop(None)
        if plan.strikes(OutOfMemory, about=self.subject, where=lambda fault: here(fault.node, fault.step)):
            raise _Stop(_OUT_OF_MEMORY)
        for failure in plan.strikes(NodeFails, about=self.subject, where=lambda fault: here(fault.node, fault.step)):
            raise _Stop(failure)

    def _claim(self, node_id: str, report: Report) -> None:
        """Rename results in the report, if a fault says so, and remember whose they are."""
        class_type = self.item.graph[node_id]["class_type"]
        for entry in (entry for entries in report.values() for entry in entries if isinstance(entry, dict)):
            true = (entry["filename"], entry["subfolder"], entry["type"])
            for claim in self.machine.plan.strikes(
                ClaimFile, about=self.subject, where=lambda fault: fault.node in (None, node_id, class_type)
            ):
                entry.update({key: value for key in _CLAIMED if (value := getattr(claim, key)) is not None})
            said = (entry["filename"], entry["subfolder"], entry["type"])
            if said != true:
                self.machine.claims[said] = true
            self.machine.owners[said] = self.item.prompt_id

    def _reuse(self, node_id: str, report: Report | None) -> None:
        if report is not None:
            self.outputs[node_id] = report
        self._send_executed(node_id, report)
        self._state(node_id, "finished", 1, 1)

    def _reuse_intermediate(self, marks: Mapping[str, str]) -> None:
        """Send again what cached nodes showed that are no outputs, as the server does at a success."""
        for node_id, node in self.item.graph.items():
            raw = self.schemas.raw(node["class_type"])
            if node_id not in self.ran and raw.get("has_intermediate_output") and marks[node_id] in self.machine.cache:
                report = self.machine.cache[marks[node_id]]
                if report is not None:
                    self.outputs[node_id] = report
                self._send_executed(node_id, report)

    def _note_stop(self, node_id: str, stop: _Stop) -> None:
        where = {
            "prompt_id": self.item.prompt_id,
            "node_id": node_id,
            "node_type": self.item.graph[node_id]["class_type"],
            "executed": list(self.ran),
        }
        if stop.error is None:
            self.machine.log.write("Processing interrupted")
            self._note("execution_interrupted", where, to_all=True)
            return
        self.machine.log.write(f"!!! Exception during processing !!! {stop.error.message}", "ERROR")
        what = {
            "exception_message": f"{stop.error.message}\n{_tips(stop.error, where['node_type'])}",
            "exception_type": stop.error.exception_type,
            "traceback": ['  File "execution.py", line 1, in execute\n    simulated\n'],
            "current_inputs": self._shown_inputs(node_id),
            "current_outputs": list(self.item.graph),
        }
        self._note("execution_error", {**where, **what})

    def _shown_inputs(self, node_id: str) -> dict[str, list[Any]]:
        """Return the inputs as an error shows them; nodes of the older interface get their hidden ones as well."""
        node = self.item.graph[node_id]
        shown = {name: ["a wire" if is_link(value) else value] for name, value in node.get("inputs", {}).items()}
        schema = self.schemas[node["class_type"]]
        if isinstance(schema.returns, list):
            return shown
        hidden = {"PROMPT": str(self.item.graph), "UNIQUE_ID": node_id}
        return {**shown, **{item.name: [hidden.get(item.type)] for item in schema.inputs if item.category == "hidden"}}

    def _note(self, kind: str, data: dict[str, Any], *, to_all: bool = False) -> None:
        """Send an event that history keeps as well."""
        stamped = {**data, "timestamp": int(time.time() * 1000)}
        self.messages.append([kind, stamped])
        if self.item.client_id is None and to_all:
            self.machine.sockets.send(kind, stamped, None, self.subject)
        else:
            self._send(kind, stamped)

    def _send(self, kind: str, data: dict[str, Any]) -> None:
        if self.item.client_id is not None:
            self.machine.sockets.send(kind, data, self.item.client_id, self.subject)

    def _send_executed(self, node_id: str, report: Report | None) -> None:
        data = {"node": node_id, "display_node": node_id, "output": report, "prompt_id": self.item.prompt_id}
        self._send("executed", data)

    def _state(self, node_id: str, state: str, value: float, most: float) -> None:
        own = {"value": value, "max": most, "state": state, "prompt_id": self.item.prompt_id, **_node_ids(node_id)}
        self.states[node_id] = own
        told = {"prompt_id": self.item.prompt_id, "nodes": dict(self.states)}
        self.machine.sockets.send("progress_state", told, self.item.client_id, self.subject)


_CLAIMED = ("filename", "subfolder", "type")


def _tips(error: NodeFails, class_type: str) -> str:
    """Return what the server itself adds to an error (ComfyUI 0.30.0, execution.py)."""
    if error.exception_type in ("torch.OutOfMemoryError", "torch.cuda.OutOfMemoryError"):
        return (
            "This error means you ran out of memory on your GPU.\n\nTIPS: If the workflow worked before you might have "
            "accidentally set the batch_size to a large number."
        )
    if error.exception_type == "RuntimeError" and "mat1 and mat2 shapes" in error.message and "Sampler" in class_type:
        return (
            '\n\nTIPS: If you have any "Load CLIP" or "*CLIP Loader" nodes in your workflow connected to this sampler '
            "node make sure the correct file(s) and type is selected."
        )
    return ""


def _node_ids(node_id: str) -> dict[str, str | None]:
    return {"node_id": node_id, "display_node_id": node_id, "parent_node_id": None, "real_node_id": node_id}


def _meta(node_id: str) -> dict[str, str | None]:
    return {"node_id": node_id, "display_node": node_id, "parent_node": None, "real_node_id": node_id}


def _type_name(spec: object) -> object:
    return spec[0] if isinstance(spec, list | tuple) and spec else spec
