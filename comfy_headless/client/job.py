"""``Job`` and ``AsyncJob``: a job on a server that one can hold, leave, and take up again by its id."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from typing import Any

from comfy_headless.client.options import wait_of
from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.destination import Destination
from comfy_headless.protocol.enhanced import EnhancedPrompt
from comfy_headless.protocol.events import Event, Progress
from comfy_headless.protocol.follow import follow
from comfy_headless.protocol.result import Result
from comfy_headless.protocol.routes import cancel
from comfy_headless.protocol.run import Wait, take_up
from comfy_headless.protocol.status import JobStatus, seek
from comfy_headless.protocol.ticket import Ticket
from comfy_headless.transport.aio import AsyncTransport
from comfy_headless.transport.sync import SyncTransport


class _Held:
    """What both kinds know of their job."""

    def __init__(self, server: Server, ticket: Ticket, destination: Destination | None) -> None:
        self._server, self._ticket, self._destination = server, ticket, destination

    @property
    def prompt_id(self) -> str:
        """The job's id: with it ``client.job(prompt_id)`` takes the job up, from another process too."""
        return self._ticket.prompt_id

    @property
    def url(self) -> str:
        """Base address of the server that has the job."""
        return self._server.url

    @property
    def place(self) -> str:
        """What ``--server`` and ``server=`` take to mean where the job is: an address, or a cloud's name."""
        return self._server.named

    @property
    def graph(self) -> Mapping[str, Any]:
        """The API-format workflow as it was queued."""
        return self._ticket.graph

    @property
    def preset(self) -> str | None:
        """Name of the preset, None for a plain workflow."""
        return self._ticket.label.preset

    @property
    def seed(self) -> int | None:
        """The seed used, None if the graph's own was left alone."""
        return self._ticket.label.seed

    @property
    def settings(self) -> Mapping[str, Any]:
        """Effective settings (width, height, frames, fps, ...)."""
        return self._ticket.label.settings

    @property
    def notes(self) -> tuple[str, ...]:
        """What was known before the job ran: which preset was taken and why, values that nobody has tested."""
        return self._ticket.label.notes

    @property
    def enhanced(self) -> EnhancedPrompt | None:
        """How the prompt was improved before, as in a result; None: it was not."""
        return self._ticket.label.enhanced

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.prompt_id!r} on {self.url})"

    def _wait(self, out: str | os.PathLike[str] | None, overwrite: bool, **how: Any) -> Wait:
        wait = wait_of(out=out, overwrite=overwrite, **how)
        if out is None and wait.destination is not None and self._destination is not None:
            wait = wait._replace(destination=self._destination)
        return wait


class Job(_Held):
    """A job on a server, with blocking calls. Letting go of it leaves the job alone: only ``cancel`` ends it."""

    def __init__(
        self,
        client: object,
        transport: SyncTransport,
        server: Server,
        ticket: Ticket,
        destination: Destination | None = None,
    ) -> None:
        super().__init__(server, ticket, destination)
        self._client, self._transport = client, transport  # held, since it closes once nobody does

    def events(self) -> Iterator[Event]:
        """Tell what happens to the job until it has ended: Queued, Started, Progress, Preview, OutputReady, Finished.

        What happened before is not told again, except the outputs and the end. A reader that reads slowly loses
        pictures and steps, never an output or the end. Leaving the loop leaves the job alone.

        Raises:
            ComfyUIConnectionError: the server stayed away; the job may still run.
        """
        yield from self._transport.iterate(follow(self._server, self._ticket))  # holds the job, and so the client

    def status(self) -> JobStatus:
        """Say where the job stands: queued, running, done, failed, or unknown to the server."""
        return self._transport.drive(seek(self._server, self.prompt_id)).status

    def result(
        self,
        out: str | os.PathLike[str] | None = None,
        *,
        overwrite: bool = False,
        download: bool = True,
        on_progress: Callable[[Progress], Any] | None = None,
        timeout: float | None = None,
        raise_on_error: bool = True,
        strict: bool = False,
    ) -> Result:
        """Wait for the job and bring its files here. Arguments and errors are those of ``generate_video``.

        Leaving the wait does not cancel the job, except when ``timeout`` (seconds) passes.

        Args:
            out: None is where the job was asked to put its files, else the current folder.
            download: False brings no file: the outputs tell where the server has them.
        """
        wait = self._wait(
            out,
            overwrite,
            download=download,
            on_progress=on_progress,
            timeout=timeout,
            raise_on_error=raise_on_error,
            strict=strict,
        )
        return self._transport.drive(take_up(self._server, self._ticket, wait))

    def cancel(self) -> bool:
        """Cancel the job, queued or running; True if the server still had it to cancel."""
        return self._transport.drive(cancel(self._server, self.prompt_id))


class AsyncJob(_Held):
    """A job on a server, on asyncio. Letting go of it leaves the job alone: only ``cancel`` ends it."""

    def __init__(
        self,
        client: object,
        transport: AsyncTransport,
        server: Server,
        ticket: Ticket,
        destination: Destination | None = None,
    ) -> None:
        super().__init__(server, ticket, destination)
        self._client, self._transport = client, transport  # held, since it closes once nobody does

    def events(self) -> AsyncGenerator[Event, None]:
        """Tell what happens to the job until it has ended; see ``Job.events``."""
        return self._transport.iterate(follow(self._server, self._ticket))

    async def status(self) -> JobStatus:
        """Say where the job stands: queued, running, done, failed, or unknown to the server."""
        return (await self._transport.drive(seek(self._server, self.prompt_id))).status

    async def result(
        self,
        out: str | os.PathLike[str] | None = None,
        *,
        overwrite: bool = False,
        download: bool = True,
        on_progress: Callable[[Progress], Any] | None = None,
        timeout: float | None = None,
        raise_on_error: bool = True,
        strict: bool = False,
    ) -> Result:
        """Wait for the job and bring its files here; see ``Job.result``."""
        wait = self._wait(
            out,
            overwrite,
            download=download,
            on_progress=on_progress,
            timeout=timeout,
            raise_on_error=raise_on_error,
            strict=strict,
        )
        return await self._transport.drive(take_up(self._server, self._ticket, wait))

    async def cancel(self) -> bool:
        """Cancel the job, queued or running; True if the server still had it to cancel."""
        return await self._transport.drive(cancel(self._server, self.prompt_id))
