"""ComfyKit 0.1.12 by name: ``ComfyKit`` and ``ExecuteResult``, done by ``AsyncComfyClient`` and ``RunningHub``.

    from comfy_headless.compat.comfykit import ComfyKit

docs/coming-from.md says what is better here.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from comfy_headless.api.reading import Found
from comfy_headless.catalog.compiled import drawn_seed
from comfy_headless.client.aio import AsyncComfyClient
from comfy_headless.client.executors import transport_of
from comfy_headless.client.reaching import cookies_in
from comfy_headless.cloud.runninghub import RunningHub
from comfy_headless.errors import ComfyHeadlessError, ValidationError
from comfy_headless.graph.source import Graph
from comfy_headless.graph.values import shown
from comfy_headless.protocol.output import Output
from comfy_headless.protocol.result import Result

_KINDS: Final = ("images", "videos", "audios", "texts")
_TRANSPORTS: Final[Mapping[str | None, str]] = {"http": "polling", "websocket": "websocket"}


@dataclass(frozen=True, slots=True)
class ExecuteResult:
    """What a workflow made: lists of addresses and texts; ``status`` is "completed", or "failed" with ``msg``."""

    status: str
    prompt_id: str | None = None
    duration: float | None = None
    images: list[str] = field(default_factory=list)
    videos: list[str] = field(default_factory=list)
    audios: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    images_by_var: dict[str, list[str]] = field(default_factory=dict)
    videos_by_var: dict[str, list[str]] = field(default_factory=dict)
    audios_by_var: dict[str, list[str]] = field(default_factory=dict)
    texts_by_var: dict[str, list[str]] = field(default_factory=dict)
    outputs: dict[str, Any] | None = None
    msg: str | None = None


class ComfyKit:
    """Runs workflows on a ComfyUI server, or on RunningHub where the workflow is named by its id there.

    Args:
        comfyui_url: None: COMFYUI_BASE_URL, then ``http://127.0.0.1:8188``.
        executor_type: "http" polls, "websocket" listens; None: COMFYUI_EXECUTOR_TYPE, then whichever is there.
        api_key: of Comfy.org, for nodes that cost money.
        cookies: ``name=value; name=value``, or a JSON object.
        runninghub_url, runninghub_api_key, runninghub_timeout, runninghub_retry_count, runninghub_instance_type: as
            ``RunningHub`` takes them; None: their variables.
    """

    def __init__(
        self,
        comfyui_url: str | None = None,
        executor_type: str | None = None,
        api_key: str | None = None,
        cookies: str | None = None,
        runninghub_url: str | None = None,
        runninghub_api_key: str | None = None,
        runninghub_timeout: float | None = None,
        runninghub_retry_count: int | None = None,
        runninghub_instance_type: str | None = None,
    ) -> None:
        if executor_type is not None and executor_type not in _TRANSPORTS:
            raise ValidationError(f"executor_type={shown(executor_type)}; there are: http, websocket")
        self._local: dict[str, Any] = {
            "url": comfyui_url,
            "transport": transport_of(_TRANSPORTS.get(executor_type)),
            "api_key": api_key,
            "cookies": None if cookies is None else cookies_in(cookies, "cookies=: "),
        }
        self._cloud: dict[str, Any] = {
            "base_url": runninghub_url,
            "api_key": runninghub_api_key,
            "timeout": runninghub_timeout,
            "retry_count": runninghub_retry_count,
            "instance_type": runninghub_instance_type,
        }
        self._clients: dict[bool, AsyncComfyClient] = {}

    async def execute(
        self, workflow: str | os.PathLike[str] | int, params: Mapping[str, Any] | None = None
    ) -> ExecuteResult:
        """Run a workflow: a path, an address, or the id of a RunningHub workflow."""
        return await self._run(workflow, params, cloud=_is_id(workflow))

    async def execute_json(
        self, workflow_json: Mapping[str, Any], params: Mapping[str, Any] | None = None
    ) -> ExecuteResult:
        """Run a workflow that is here as a dict."""
        return await self._run(workflow_json, params, cloud=False)

    async def close(self) -> None:
        """Close the connections."""
        while self._clients:
            await self._clients.popitem()[1].close()

    async def __aenter__(self) -> ComfyKit:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def _client(self, *, cloud: bool) -> AsyncComfyClient:
        if cloud not in self._clients:
            made = AsyncComfyClient(RunningHub(**self._cloud)) if cloud else AsyncComfyClient(**self._local)
            self._clients[cloud] = made
        return self._clients[cloud]

    async def _run(self, workflow: Any, params: Mapping[str, Any] | None, *, cloud: bool) -> ExecuteResult:
        client = self._client(cloud=cloud)  # a key that is missing is an error of the program, and raised
        try:
            flow = await client.load_workflow(workflow)
            seeded: Any = Found(flow.name, with_seeds(flow.graph))  # by the name that errors tell
            job = await client.submit(seeded, params)
            try:
                return _told(await job.result(download=False, raise_on_error=False))
            except asyncio.CancelledError:
                await job.cancel()
                raise
        except ComfyHeadlessError as error:
            return ExecuteResult("failed", msg=str(error))


def with_seeds(graph: Graph) -> Graph:
    """Return a graph in which each ``seed`` that was saved as 0 is drawn, as ComfyKit does."""
    for node in graph.values():
        if node["inputs"].get("seed") in (0, "0") and not isinstance(node["inputs"]["seed"], float):
            node["inputs"]["seed"] = drawn_seed()
    return graph


def _is_id(workflow: Any) -> bool:
    text = str(workflow)
    return text.isascii() and text.isdigit() and not (isinstance(workflow, str | os.PathLike) and Path(text).is_file())


def _told(result: Result) -> ExecuteResult:
    made: dict[str, Any] = {}
    for kind in _KINDS:
        found = [each for each in (*result.outputs, *result.previews) if f"{each.kind}s" == kind]
        made[kind] = [_text(each) for each in found]
        named = made[f"{kind}_by_var"] = dict[str, list[str]]()
        for each in found:
            for name in each.names or (each.node_id,):
                named.setdefault(name, []).append(_text(each))
    raw = dict(result.raw)
    return ExecuteResult(result.status, result.prompt_id, result.duration, **made, outputs=raw, msg=result.error)


def _text(output: Output) -> str:
    return output.url if output.text is None else output.text
