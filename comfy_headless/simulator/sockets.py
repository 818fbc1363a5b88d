"""The WebSocket side: who is connected, and what each is sent.

As in ComfyUI 0.30.0 (server.py) a second socket with the same clientId takes the first one's place, and when the first
then closes, the second is forgotten as well, though it stays open. Every frame goes through one place, where faults
may strike.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import uuid
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from comfy_headless.simulator.faults import CutSocket, ExtraFrames, RepeatFrames, SilentSocket
from comfy_headless.simulator.plan import Plan, Subject


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame to send; ``about`` is its job, if it is about one."""

    kind: str
    payload: str | bytes
    about: Subject | None = None


@dataclass(eq=False, slots=True)
class Connection:
    """One open socket; a task of its own sends what is in ``outbox``, so that a slow reader delays nobody."""

    socket: web.WebSocketResponse
    transport: asyncio.Transport | None
    outbox: asyncio.Queue[Frame] = field(default_factory=asyncio.Queue)
    sent: int = 0
    sent_about: dict[str, int] = field(default_factory=dict)


class Sockets:
    """All sockets of one server, by clientId.

    Args:
        plan: where the faults are.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._table: dict[str, Connection] = {}
        self._flags: dict[str, dict[str, Any]] = {}

    def send(self, kind: str, data: dict[str, Any], to: str | None, about: Subject | None = None) -> None:
        """Queue a text frame for one clientId, or for all if that is None."""
        self._post(Frame(kind, json.dumps({"type": kind, "data": data}), about), to)

    def send_preview(self, picture: bytes, metadata: dict[str, Any], to: str, about: Subject) -> None:
        """Queue a preview with its metadata (event 4), if the client said that it takes those."""
        if self.takes_metadata(to):
            text = json.dumps({**metadata, "image_type": "image/jpeg"}).encode()
            self._post(Frame("preview", struct.pack(">II", 4, len(text)) + text + picture, about), to)

    def send_plain_preview(self, picture: bytes, to: str | None, about: Subject) -> None:
        """Queue a preview without metadata (event 1), if the client did not ask for the other kind, or for all."""
        if to is None or not self.takes_metadata(to):
            self._post(Frame("preview", struct.pack(">II", 1, 1) + picture, about), to)

    def is_open(self, client_id: str) -> bool:
        """Say whether a client has a socket that is sent to."""
        return client_id in self._table

    def takes_metadata(self, client_id: str) -> bool:
        """Say whether the client declared ``supports_preview_metadata``."""
        return bool(self._flags.get(client_id, {}).get("supports_preview_metadata"))

    def forget(self) -> None:
        """Drop all sockets from the table; closing them is somebody else's."""
        self._table.clear()
        self._flags.clear()

    def _post(self, frame: Frame, to: str | None) -> None:
        receivers = list(self._table.values()) if to is None else [self._table[to]] if to in self._table else []
        for connection in receivers:
            connection.outbox.put_nowait(frame)

    async def serve(
        self, request: web.Request, *, status: dict[str, Any], flags: dict[str, Any], last: dict[str, str | None]
    ) -> web.WebSocketResponse:
        """Hold one socket until it closes.

        Args:
            status: what the first frame says.
            flags: the server's features.
            last: clientId to the node that runs for it.
        """
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        client_id = request.query.get("clientId", "") or uuid.uuid4().hex
        connection = Connection(ws, request.transport)
        self._table[client_id] = connection
        self._flags[client_id] = {}
        self.send("status", {"status": status, "sid": client_id}, client_id)
        if last.get(client_id) is not None:
            self.send("executing", {"node": last[client_id]}, client_id)
        writer = asyncio.create_task(self._write(connection))
        try:
            await self._read(ws, client_id, flags)
        finally:
            writer.cancel()
            self._table.pop(client_id, None)
            self._flags.pop(client_id, None)
        return ws

    async def _read(self, ws: web.WebSocketResponse, client_id: str, flags: dict[str, Any]) -> None:
        """Read until the end; only the first frame that is a JSON object may declare features."""
        first = True
        async for message in ws:
            if message.type is not WSMsgType.TEXT:
                continue
            try:
                data = json.loads(message.data)
            except json.JSONDecodeError:
                continue
            if not isinstance(data, dict):
                continue
            if first and data.get("type") == "feature_flags":
                declared = data.get("data", {})
                self._flags[client_id] = declared if isinstance(declared, dict) else {}
                self.send("feature_flags", flags, client_id)
            first = False

    async def _write(self, connection: Connection) -> None:
        while True:
            frame = await connection.outbox.get()
            try:
                await self._deliver(connection, frame)
            except ConnectionError:
                return  # closed meanwhile; the reading side ends the connection

    async def _deliver(self, connection: Connection, frame: Frame) -> None:
        connection.sent += 1
        name = frame.about.prompt_id if frame.about else ""
        connection.sent_about[name] = connection.sent_about.get(name, 0) + 1
        number, of_job = connection.sent, connection.sent_about[name]

        def cut_here(fault: CutSocket) -> bool:
            return fault.at == frame.kind or fault.at == (number if fault.job is None else of_job)

        for cut in self._plan.strikes(CutSocket, about=frame.about, where=cut_here):
            await _cut(connection, cut.code)
        if self._plan.strikes(SilentSocket, about=frame.about, where=lambda fault: number > fault.after):
            return
        for extra in self._plan.strikes(ExtraFrames, about=frame.about, where=lambda fault: fault.at == frame.kind):
            for payload in extra.frames:
                await _send(connection.socket, payload)
        copies = max((fault.copies for fault in self._plan.strikes(RepeatFrames, about=frame.about)), default=1)
        for _ in range(copies):
            await _send(connection.socket, frame.payload)


async def _send(ws: web.WebSocketResponse, payload: str | bytes) -> None:
    if isinstance(payload, str):
        await ws.send_str(payload)
    else:
        await ws.send_bytes(payload)


async def _cut(connection: Connection, code: int | None) -> None:
    if code is not None:
        await connection.socket.close(code=code)
    else:
        reset(connection.transport)
    raise ConnectionResetError("cut")


def reset(transport: asyncio.BaseTransport | None) -> None:
    """End a TCP connection with a reset, dropping what is not sent yet."""
    if transport is None:
        return
    raw = transport.get_extra_info("socket")
    if raw is not None and raw.fileno() >= 0:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert isinstance(transport, asyncio.Transport)
    transport.abort()
