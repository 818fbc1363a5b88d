"""The routes of a server, on asyncio."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from comfy_headless.client.options import graph_of, job_id
from comfy_headless.protocol import routes
from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.routes import Queue
from comfy_headless.protocol.run import submit_new
from comfy_headless.transport.aio import AsyncTransport


class AsyncCalls:
    """One call for each route of a server; ``ComfyWSClient`` brings the rest."""

    _server: Server
    _transport: AsyncTransport

    async def queue_prompt(self, workflow: Mapping[str, Any]) -> str:
        """Queue an API-format graph and return its prompt_id as soon as the server has it.

        Raises:
            ValidationError: it is no such graph; nothing was sent.
            GenerationRejectedError: the server refused it.
            ComfyUIConnectionError: no answer (ComfyUIOfflineError: nothing is there).
        """
        return (await self._transport.drive(submit_new(self._server, graph_of(workflow)))).prompt_id

    async def cancel(self, prompt_id: str) -> bool:
        """Cancel one job, queued or running; True if the server still had it."""
        return await self._transport.drive(routes.cancel(self._server, job_id(prompt_id)))

    async def system_stats(self) -> dict[str, Any]:
        """Return versions, RAM and devices of the server (memory in bytes)."""
        return await self._transport.drive(routes.system_stats(self._server))

    async def object_info(self, node_class: str | None = None) -> dict[str, Any]:
        """Return the schemas of all node classes of the server, or of one."""
        return await self._transport.drive(routes.object_info(self._server, node_class))

    async def queue(self) -> Queue:
        """Return the ids of running and of waiting jobs, in run order."""
        return await self._transport.drive(routes.queue(self._server))

    async def history(self, prompt_id: str) -> dict[str, Any] | None:
        """Return the history entry of an ended job, None while there is none."""
        return await self._transport.drive(routes.history(self._server, job_id(prompt_id)))

    async def upload(self, path: str | os.PathLike[str], *, subfolder: str = "") -> str:
        """Bring a local file into the server's input folder; return the name for a loader node."""
        return await self._transport.drive(routes.upload(self._server, os.fspath(path), subfolder=subfolder))
