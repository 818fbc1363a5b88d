"""``comfyui_xy`` 0.3.0 by name: its classes and methods, done by ``ComfyClient`` and ``AsyncComfyClient``.

    from comfy_headless.compat.comfyui_xy import ComfyUiClient

docs/coming-from.md says what is better here.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial
from inspect import isawaitable
from typing import Any

from comfy_headless.client.aio import AsyncComfyClient
from comfy_headless.client.sync import ComfyClient
from comfy_headless.compat import comfyui_xy_response as xy
from comfy_headless.compat.comfyui_xy_response import ComfyResponse, ComfyUiError, ComfyUiHttpError, ComfyUiTimeoutError
from comfy_headless.errors import ComfyHeadlessError
from comfy_headless.protocol.effects import Reply
from comfy_headless.protocol.result import Result
from comfy_headless.protocol.timing import Timing

__all__ = ["AsyncComfyUiClient", "ComfyResponse", "ComfyUiClient"]
__all__ += ["ComfyUiError", "ComfyUiHttpError", "ComfyUiTimeoutError"]

logger = logging.getLogger("comfy_headless")


class _Methods:
    """The methods of both clients: each is some steps, one behind the other; on asyncio they are awaited."""

    _client: Any
    _open: Callable[..., Any]
    _run: Callable[..., Any]
    _files: Callable[[Mapping[str, Any]], Any]

    def __init__(
        self,
        url: str | None = None,
        server_address: str | None = None,
        https: bool = False,
        timeout: float = 30,
        execution_timeout: float | None = None,
        raise_on_error: bool = False,
        session: Any = None,
    ) -> None:
        """Take the arguments of comfyui_xy; ``session`` is an httpx client, ``url`` None that of the environment."""
        if server_address:
            url = f"{'https' if https else 'http'}://{server_address}"
        timing = Timing()._replace(connect=timeout, read=timeout, transfer=timeout, patience=timeout)
        url = url if url is None or url.startswith("http") else f"http://{url}"
        self._client = self._open(url, http=session, timing=timing)
        self.execution_timeout, self.raise_on_error = execution_timeout, raise_on_error

    def process_workflow(
        self, workflow: Mapping[str, Any], return_raw: bool = False, execution_timeout: float | None = None
    ) -> Any:
        """Queue a workflow, wait for its end, return its files and texts; with ``return_raw`` the nodes' outputs."""
        limit = self.execution_timeout if execution_timeout is None else execution_timeout
        steps = (self._client.queue_prompt, partial(self._client.wait_for_completion, timeout=limit), _raw)
        return self._run({}, workflow, *steps) if return_raw else self._run([], workflow, *steps, self._all)

    def queue_prompt(self, workflow: Mapping[str, Any]) -> Any:
        """Queue a workflow; give its id."""
        return self._run(None, workflow, self._client.queue_prompt)

    def wait_for_execution(self, prompt_id: str, check_interval: float = 1, timeout: float | None = None) -> Any:
        """Wait for a job's end; give its nodes' outputs. ``check_interval`` is not needed."""
        return self._run({}, prompt_id, partial(self._client.wait_for_completion, timeout=timeout), _raw)

    def get_history(self, prompt_id: str) -> Any:
        """Return what the server's history holds of a job, by its id."""
        return self._run({}, prompt_id, self._client.history, lambda entry: {prompt_id: entry} if entry else {})

    def get_history_all(self) -> Any:
        """Return the whole history, by id."""
        return self._run({}, None, lambda _: self._client.whole_history())

    def get_queue(self) -> Any:
        """Return what runs and what waits, as the server tells it."""
        return self._run({}, "/queue", partial(self._client.request, "GET"), _told)

    def get_object_info(self, node_class: str) -> Any:
        """Return the schema of a node class, by its name; None if there is none."""
        return self._run(None, node_class, self._client.object_info, lambda found: found or None)

    def get_view(self, filename: str, subfolder: str = "", type: str = "output") -> Any:
        """Return the bytes of a file of the server."""
        return self._run(None, filename, lambda name: self._client.view(name, subfolder, type))

    get_image = get_view

    def upload_image(self, path: str, overwrite: bool = True) -> Any:
        """Bring an image into the server's input folder; give its name there."""
        return self._run(None, path, partial(self._client.upload, overwrite=overwrite))

    upload_mask = upload_image

    def interrupt(self) -> Any:
        """Stop what runs; give whether the server was told."""
        return self._run(False, None, self._client.interrupt, lambda _: True)

    def extract_outputs(self, outputs: Mapping[str, Any]) -> Any:
        """Return the files that outputs name, downloaded, then their texts."""
        return self._run([], outputs, self._all)

    def extract_file_responses(self, outputs: Mapping[str, Any]) -> Any:
        """Return the files that outputs name, downloaded."""
        return self._run([], outputs, self._files)

    def extract_text_responses(self, outputs: Mapping[str, Any]) -> list[ComfyResponse]:
        """Return the texts in outputs."""
        return xy.texts_in(outputs)

    def extract_text_outputs(self, outputs: Mapping[str, Any]) -> list[str]:
        """Return the texts in outputs, as strings."""
        return [each.text or "" for each in xy.texts_in(outputs)]

    def _all(self, outputs: Mapping[str, Any]) -> Any:
        return self._run([], outputs, self._files, lambda files: [*files, *xy.texts_in(outputs)])

    def _failed(self, error: ComfyHeadlessError, default: Any) -> Any:
        if not self.raise_on_error:
            logger.warning("%s", error)
            return default
        raise error if isinstance(error, ComfyUiError) else xy.error_of(error) from error


class ComfyUiClient(_Methods):
    """A server, with blocking calls."""

    _open = ComfyClient

    def _run(self, default: Any, value: Any, *steps: Callable[[Any], Any]) -> Any:
        try:
            for step in steps:
                value = step(value)
        except ComfyHeadlessError as error:
            return self._failed(error, default)
        return value

    def _files(self, outputs: Mapping[str, Any]) -> list[ComfyResponse]:
        return [xy.file_response(*place, self._client.view(place[2])) for place in xy.files_in(outputs)]

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def __enter__(self) -> ComfyUiClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncComfyUiClient(_Methods):
    """The same on asyncio: what asks the server is awaited."""

    _open = AsyncComfyClient

    async def _run(self, default: Any, value: Any, *steps: Callable[[Any], Any]) -> Any:
        try:
            for step in steps:
                value = step(value)
                value = await value if isawaitable(value) else value
        except ComfyHeadlessError as error:
            return self._failed(error, default)
        return value

    async def _files(self, outputs: Mapping[str, Any]) -> list[ComfyResponse]:
        return [xy.file_response(*place, await self._client.view(place[2])) for place in xy.files_in(outputs)]

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def __aenter__(self) -> AsyncComfyUiClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def _raw(result: Result) -> dict[str, Any]:
    return dict(result.raw)


def _told(reply: Reply) -> Any:
    try:
        if reply.status == 200:
            return reply.json()
    except ValueError as error:
        raise ComfyUiHttpError(f"the server answered no JSON: {reply.first_line()}", 200, reply.text) from error
    raise ComfyUiHttpError(f"the server answered {reply.status}: {reply.first_line()}", reply.status, reply.text)
