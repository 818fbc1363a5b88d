"""Routes that make the server work: prompt, queue, history, interrupt, free, and the socket."""

from __future__ import annotations

import json
import time
import uuid
from typing import Any

from aiohttp import web

from comfy_headless.simulator.answers import read_json, trouble, uncaught
from comfy_headless.simulator.faults import RefuseOutput
from comfy_headless.simulator.machine import Machine, features
from comfy_headless.simulator.note import NOTE
from comfy_headless.simulator.queue import Item
from comfy_headless.simulator.verdict import Verdict, judge

_SECRET = ("auth_token_comfy_org", "api_key_comfy_org")
_BAD_ID = {
    "type": "invalid_prompt_id",
    "message": "prompt_id must be a valid UUID",
    "details": (
        "prompt_id must be a UUID string in canonical lowercase hyphenated form; omit it to let the server generate one"
    ),
    "extra_info": {},
}
_NO_PROMPT = {
    "type": "no_prompt",
    "message": "No prompt provided",
    "details": "No prompt provided",
    "extra_info": {},
}


def routes(machine: Machine) -> list[web.RouteDef]:
    """Return the routes; each also answers under ``/api``."""
    work = _Work(machine)
    return [
        web.get("/ws", work.socket),
        web.get("/prompt", work.prompt_info),
        web.post("/prompt", work.submit),
        web.get("/queue", work.queue),
        web.post("/queue", work.change_queue),
        web.post("/interrupt", work.interrupt),
        web.post("/free", work.free),
        web.get("/history", work.history),
        web.post("/history", work.change_history),
        web.get("/history/{prompt_id}", work.history_of),
    ]


class _Work:
    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    async def socket(self, request: web.Request) -> web.StreamResponse:
        machine = self.machine
        flags = features(machine)
        return await machine.sockets.serve(request, status=machine.queue_info, flags=flags, last=machine.last_node)

    async def prompt_info(self, request: web.Request) -> web.Response:
        return web.json_response(self.machine.queue_info)

    async def submit(self, request: web.Request) -> web.Response:
        self.machine.log.write("got prompt")
        data = await read_json(request)
        if not isinstance(data, dict | list):
            raise trouble()
        number = self._number(data if isinstance(data, dict) else {})
        if not isinstance(data, dict) or "prompt" not in data:
            return web.json_response({"error": _NO_PROMPT, "node_errors": {}}, status=400)
        prompt_id = self._prompt_id(data.get("prompt_id"))
        if prompt_id is None:
            return web.json_response({"error": _BAD_ID, "node_errors": {}}, status=400)
        graph, extra = data["prompt"], data.get("extra_data", {})
        if not isinstance(graph, dict) or not isinstance(extra, dict):
            raise trouble()
        verdict = self._judged(graph, data.get("partial_execution_targets"), prompt_id)
        if verdict.status == 500:
            raise trouble()
        if verdict.status == 400:
            self.machine.log.write(f"invalid prompt: {verdict.error}", "WARNING")
            return web.json_response({"error": verdict.error, "node_errors": verdict.node_errors}, status=400)
        NOTE.get().prompt_id = prompt_id
        self._queue(number, prompt_id, self._extra_data(request, data, extra), verdict)
        return web.json_response({"prompt_id": prompt_id, "number": number, "node_errors": verdict.node_errors})

    def _number(self, data: dict[str, Any]) -> float:
        if "number" in data:
            try:
                return float(data["number"])
            except (TypeError, ValueError):
                raise trouble() from None
        number = -self.machine.number if data.get("front") else self.machine.number
        self.machine.number += 1
        return number

    def _prompt_id(self, chosen: object) -> str | None:
        """Return the job's id, or None if the chosen one is not allowed."""
        if chosen is None:
            return str(uuid.uuid4())
        if self.machine.is_old:
            return str(chosen)
        return str(chosen) if is_canonical_uuid(chosen) else None

    def _judged(self, graph: dict[str, Any], targets: Any, prompt_id: str) -> Verdict:
        verdict = judge(graph, self.machine.schemas, targets, self.machine.folders)
        if verdict.error and self.machine.is_old and verdict.error["type"] == "missing_node_type":
            verdict = verdict.with_error_type("invalid_prompt")
        if verdict.outputs:
            for fault in self.machine.plan.strikes(RefuseOutput, about=self.machine.journal.subject(prompt_id)):
                verdict = verdict.without(fault.node or verdict.outputs[-1])
        return verdict

    def _extra_data(self, request: web.Request, data: dict[str, Any], extra: dict[str, Any]) -> dict[str, Any]:
        kept = {key: value for key, value in extra.items() if key not in _SECRET}
        if "client_id" in data:
            kept["client_id"] = data["client_id"]
        source = request.headers.get("Comfy-Usage-Source")
        if source and "comfy_usage_source" not in kept:
            kept["comfy_usage_source"] = source
        return kept if self.machine.is_old else {**kept, "create_time": int(time.time() * 1000)}

    def _queue(self, number: float, prompt_id: str, extra: dict[str, Any], verdict: Verdict) -> None:
        item = Item(number, prompt_id, verdict.graph, extra, list(verdict.outputs), verdict.doomed)
        meets_twin = self.machine.queue.meets_twin(item)
        self.machine.journal.submit(prompt_id)
        self.machine.queue.put(item)
        if meets_twin:
            raise trouble()  # the real heap compares the two graphs, which it cannot

    async def queue(self, request: web.Request) -> web.Response:
        queue = self.machine.queue
        running = [queue.running.public()] if queue.running else []
        pending = [item.public() for item in queue.pending]
        return web.json_response({"queue_running": running, "queue_pending": pending})

    async def change_queue(self, request: web.Request) -> web.Response:
        data = await _read_wishes(request)
        if data.get("clear"):
            self.machine.queue.clear()
        with uncaught(TypeError):
            for prompt_id in data.get("delete", []):
                self.machine.queue.delete(prompt_id)
        return web.Response()

    async def interrupt(self, request: web.Request) -> web.Response:
        try:
            data = json.loads(await request.read())
        except ValueError:
            data = {}
        if not isinstance(data, dict):
            raise trouble()
        wanted, running = data.get("prompt_id"), self.machine.queue.running
        if wanted and (running is None or wanted != running.prompt_id):
            self.machine.log.write(f"Prompt {wanted} is not currently running, skipping interrupt")
            return web.Response()
        said = f"Interrupting prompt {wanted}" if wanted else "Global interrupt (no prompt_id specified)"
        self.machine.log.write(said)
        if running is not None:
            self.machine.interrupted = True
        return web.Response()

    async def free(self, request: web.Request) -> web.Response:
        data = await read_json(request)
        if not isinstance(data, dict):
            raise trouble()
        if data.get("free_memory"):
            self.machine.free_memory()
        return web.Response()

    async def history(self, request: web.Request) -> web.Response:
        limits = []
        for name in ("max_items", "offset"):
            text = request.query.get(name)
            try:
                limits.append(None if text is None else int(text))
            except ValueError:
                raise trouble() from None
        return web.json_response(self.machine.queue.history_page(*limits))

    async def change_history(self, request: web.Request) -> web.Response:
        data = await _read_wishes(request)
        if data.get("clear"):
            self.machine.queue.history.clear()
        with uncaught(TypeError):
            for prompt_id in data.get("delete", []):
                self.machine.queue.history.pop(prompt_id, None)
        return web.Response()

    async def history_of(self, request: web.Request) -> web.Response:
        prompt_id = request.match_info["prompt_id"]
        entry = self.machine.queue.history.get(prompt_id)
        return web.json_response({} if entry is None else {prompt_id: entry})


async def _read_wishes(request: web.Request) -> dict[str, Any]:
    """Return what to clear and delete; a list or a text is refused only if one of these words is in it."""
    data = await read_json(request)
    if isinstance(data, dict):
        return data
    with uncaught(TypeError):
        if "clear" in data or "delete" in data:
            raise trouble()
    return {}


def is_canonical_uuid(value: object) -> bool:
    """Say whether a value is a UUID as text in lower case with hyphens, the only form the server takes."""
    try:
        return isinstance(value, str) and str(uuid.UUID(value)) == value
    except ValueError:
        return False
