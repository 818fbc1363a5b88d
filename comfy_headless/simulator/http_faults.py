"""The one place where faults of HTTP routes strike: a middleware around every route."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TypeVar

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from comfy_headless.simulator.faults import Answer, AnswerAfterEnd, Break, Delay, Stall, Truncate, When
from comfy_headless.simulator.machine import Machine
from comfy_headless.simulator.note import NOTE
from comfy_headless.simulator.plan import Subject
from comfy_headless.simulator.sockets import reset

_NEW = ("/jobs", "/api/jobs", "/node_replacements", "/global_subgraphs", "/assets", "/tags")
"""What a ComfyUI 0.3.64 has not."""
R = TypeVar("R", Answer, Break, Delay, Stall)


def plain_path(path: str) -> str:
    """Return a path without ``/api``."""
    return path.removeprefix("/api") if path.startswith("/api/") else path


def covers(route: str, method: str, path: str) -> bool:
    """Say whether a fault's route covers a request: ``GET /history`` covers ``GET /api/history/<id>``."""
    wanted, _, below = route.partition(" ")
    if wanted == "*" and not below:
        return True
    if wanted not in ("*", method):
        return False
    here = plain_path(path)
    return here == below or here.startswith(below.rstrip("/") + "/")


def faults_of_routes(machine: Machine) -> Middleware:
    """Return the middleware that lets the faults of this machine's plan strike."""

    @web.middleware
    async def strike(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await _Visit(machine, request).serve(handler)

    return strike


class _Visit:
    """One request and the faults it meets."""

    def __init__(self, machine: Machine, request: web.Request) -> None:
        self.machine = machine
        self.request = request
        self.note = NOTE.get()
        self.about: Subject | None = None

    async def serve(self, handler: Handler) -> web.StreamResponse:
        """Answer the request, or do what a fault says instead."""
        self.about = await self._subject()
        instead = await self._strike("before")
        if instead is not None:
            return instead
        if plain_path(self.request.path).startswith(_NEW) and self.machine.is_old:
            return web.Response(status=404 if self.request.method in ("GET", "HEAD") else 405)
        response = await handler(self.request)
        if self.note.prompt_id is not None:
            self.about = self.machine.journal.subject(self.note.prompt_id)
        if self._is("POST /prompt") and self.machine.plan.strikes(AnswerAfterEnd, about=self.about):
            await self._end_of_job()
        instead = await self._strike("after")
        if instead is not None:
            return instead
        cuts = self.machine.plan.strikes(Truncate, about=self.about, where=lambda fault: self._is(fault.route))
        return await self._truncated(response, cuts[0]) if cuts else response

    def _is(self, route: str) -> bool:
        return covers(route, self.request.method, self.request.path)

    def _due(self, kind: type[R], when: When) -> list[R]:
        return self.machine.plan.strikes(
            kind, about=self.about, where=lambda fault: fault.when == when and self._is(fault.route)
        )

    async def _strike(self, when: When) -> web.StreamResponse | None:
        for delay in self._due(Delay, when):
            await self._wait(delay.delay)
        if self._due(Stall, when):
            await self._wait(None)
            return self._broken()
        if self._due(Break, when):
            return self._broken()
        for answer in self._due(Answer, when):
            body = answer.body.encode() if isinstance(answer.body, str) else answer.body
            headers = {"Content-Type": answer.content_type, **answer.headers}
            return web.Response(status=answer.status, body=body, headers=headers)
        return None

    async def _wait(self, seconds: float | None) -> None:
        """Wait, but not longer than the server lives."""
        try:
            await asyncio.wait_for(self.machine.closing.wait(), seconds)
        except TimeoutError:
            return

    def _broken(self) -> web.StreamResponse:
        self.note.broken = True
        reset(self.request.transport)
        return web.Response()

    async def _end_of_job(self) -> None:
        assert self.about is not None
        while self.about.prompt_id not in self.machine.queue.history and not self.machine.closing.is_set():
            await asyncio.sleep(0.005)

    async def _truncated(self, response: web.StreamResponse, fault: Truncate) -> web.StreamResponse:
        whole = _body_of(self.request, response, self.note.file)
        part = whole[: int(len(whole) * fault.keep)]
        shown = web.StreamResponse(status=response.status, headers=response.headers)
        shown.content_length = len(part) if fault.ending == "short" else len(whole)
        await shown.prepare(self.request)
        await shown.write(part)
        if fault.ending == "short":
            await shown.write_eof()
            return shown
        if fault.ending == "reset":
            await asyncio.sleep(0.05)  # a reset overtakes bytes that are still under way
            reset(self.request.transport)
        elif self.request.transport is not None:
            self.request.transport.close()
        self.note.broken = True
        return shown

    async def _subject(self) -> Subject | None:
        """Return the job a request is about: named in its path or body, or whose file it asks for."""
        path = plain_path(self.request.path)
        prompt_id = None
        if path.startswith(("/history/", "/jobs/")):
            prompt_id = path.split("/")[2]
        elif path == "/view":
            ask = self.request.query
            key = (ask.get("filename", ""), ask.get("subfolder", ""), ask.get("type", "output"))
            prompt_id = self.machine.owners.get(key)
        elif path == "/prompt" and self.request.method == "POST":
            prompt_id = _prompt_id(await self.request.read())
        if prompt_id is None:
            return None
        if prompt_id:
            self.note.prompt_id = prompt_id
        return self.machine.journal.subject(prompt_id)


def _prompt_id(body: bytes) -> str:
    """Return the id that a client chose; "" for none: the server will make one."""
    try:
        data = json.loads(body)
    except ValueError:
        return ""
    chosen = data.get("prompt_id") if isinstance(data, dict) else None
    return chosen if isinstance(chosen, str) else ""


def _body_of(request: web.Request, response: web.StreamResponse, path: Path | None) -> bytes:
    """Return what the answer would bring; a range is asked from a place to the end."""
    if path is not None:
        start = request.http_range.start or 0
        response.headers.popall("Content-Length", None)
        if start and "Range" in request.headers:
            whole = path.read_bytes()
            response.set_status(206)
            response.headers["Content-Range"] = f"bytes {start}-{len(whole) - 1}/{len(whole)}"
            return whole[start:]
        return path.read_bytes()
    body = getattr(response, "body", b"")
    return body if isinstance(body, bytes) else b""
