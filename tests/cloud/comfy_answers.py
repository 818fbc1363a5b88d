"""What a fake of a cloud answers with: files whole, by halves or slowly, errors, events; and what is to go wrong."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web


@dataclass(slots=True)
class Trouble:
    """Something that goes wrong at one route, a number of times, then no more.

    Args:
        at: method and route, such as ``POST /api/v2/jobs``; ``GET /blob/{name}`` is the storage.
        how: "cut" (the connection ends, nothing is done), "lost" (it is done, the connection ends without an answer),
            "late" (it is done, the answer comes after ``seconds``), "held" (it is done when ``released``),
            "half" (half of a file, then the connection ends),
            "slow" (a file in pieces, ``seconds`` between them), "page" (a web page), or a status and a code, such as
            "429 queue_full".
        seconds: for "late" and "slow"; what ``Retry-After`` says of a status.
        times: how often.
        details: what the error says beside its code.
    """

    at: str
    how: str
    seconds: float = 0.0
    times: int = 1
    details: Mapping[str, Any] | None = None


def digest(data: bytes) -> str:
    """Return what stands for the hash of a file: no client can make it, they repeat what they were told."""
    return f"blake3:{hashlib.blake2b(data, digest_size=32).hexdigest()}"


def event(name: str, data: Mapping[str, Any]) -> bytes:
    """Return a server-sent event."""
    return f"event: {name}\ndata: {json.dumps(data)}\n\n".encode()


def error(status: int, code: str, message: str, details: Mapping[str, Any] | None = None) -> web.Response:
    """Return a refusal in the envelope of Comfy's API v2."""
    return web.json_response({"error": {"code": code, "message": message, "details": details}}, status=status)


def cut(request: web.Request) -> web.Response:
    """End the connection of a request; what is returned goes nowhere."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def sent(request: web.Request, data: bytes) -> web.StreamResponse:
    """Send a file, from the byte on that was asked for; half of it, or slowly, where that is the trouble."""
    offset = int(request.headers.get("Range", "bytes=0-")[6:].rstrip("-"))
    rest, status = data[offset:], 206 if "Range" in request.headers else 200
    headers = {"Content-Length": str(len(rest)), "ETag": f'"{digest(data)}"', "Accept-Ranges": "bytes"}
    if status == 206:
        headers["Content-Range"] = f"bytes {offset}-{len(data) - 1}/{len(data)}"
    answer = web.StreamResponse(status=status, headers=headers)
    await answer.prepare(request)
    trouble = request.get("trouble")
    if trouble is not None and trouble.how == "half":
        await answer.write(rest[: len(rest) // 2])
        await asyncio.sleep(0.05)
        return cut(request)
    pieces = 8 if trouble is not None else 1
    size = max(1, -(-len(rest) // pieces))
    for start in range(0, len(rest), size):
        await answer.write(rest[start : start + size])
        await asyncio.sleep(trouble.seconds / pieces if trouble is not None else 0)
    return answer
