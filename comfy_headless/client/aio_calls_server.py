"""The routes of a server that tell of itself, on asyncio."""

from __future__ import annotations

from typing import Any

from comfy_headless.protocol import routes, routes_server
from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.routes_server import LogEntry, Subgraph
from comfy_headless.transport.aio import AsyncTransport


class AsyncServerCalls:
    """What the server runs on, what it can, what it has for the frontend, and what it wrote on its terminal."""

    _server: Server
    _transport: AsyncTransport

    async def system_stats(self) -> dict[str, Any]:
        """Return versions, RAM and devices of the server (memory in bytes)."""
        return await self._transport.drive(routes.system_stats(self._server))

    async def features(self) -> dict[str, Any]:
        """Return what the server can; ``max_upload_size`` is in bytes."""
        return await self._transport.drive(routes_server.features(self._server))

    async def extensions(self) -> tuple[str, ...]:
        """Return the addresses of the scripts that node packs bring for the frontend."""
        return await self._transport.drive(routes_server.extensions(self._server))

    async def workflow_templates(self) -> dict[str, tuple[str, ...]]:
        """Return the names of the example workflows of each node pack that has some."""
        return await self._transport.drive(routes_server.workflow_templates(self._server))

    async def i18n(self) -> dict[str, Any]:
        """Return the translations that node packs bring, by language."""
        return await self._transport.drive(routes_server.i18n(self._server))

    async def node_replacements(self) -> dict[str, Any]:
        """Return what the server puts in the place of old node classes, in every graph that it is sent."""
        return await self._transport.drive(routes_server.node_replacements(self._server))

    async def global_subgraphs(self) -> tuple[Subgraph, ...]:
        """Return the blueprints that the server has, without their data."""
        return await self._transport.drive(routes_server.global_subgraphs(self._server))

    async def global_subgraph(self, subgraph_id: str) -> Subgraph:
        """Return one blueprint; its ``data`` is a workflow in the frontend's own format, as JSON text."""
        return await self._transport.drive(routes_server.global_subgraph(self._server, subgraph_id))

    async def logs(self) -> str:
        """Return the last lines that the server wrote on its terminal, with times and colours, as one text."""
        return await self._transport.drive(routes_server.logs(self._server))

    async def log_entries(self) -> tuple[LogEntry, ...]:
        """Return what the server wrote on its terminal, piece by piece with its time."""
        return await self._transport.drive(routes_server.log_entries(self._server))

    async def subscribe_logs(self, *, enabled: bool = True) -> None:
        """Have what the server writes on its terminal sent to this client's socket too (event "logs"), or no longer."""
        return await self._transport.drive(routes_server.subscribe_logs(self._server, enabled=enabled))
