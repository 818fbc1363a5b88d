"""What a place where jobs run must be able to do, if it is no ComfyUI server: a cloud, or a service of one's own.

A client is given one where an address goes. Its flows are those of a server up to the plain exchanges: there (queue a
graph, wait for a job, cancel it, look for it, upload a file) ``Server.executor`` is asked, if there is one.

Each call of an executor has an absolute address and carries its key itself: transports send nothing else along, and
follow no redirect. It keeps nothing between calls; what a client learns goes into ``Server.known``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from comfy_headless.protocol.effects import Flow, Part
from comfy_headless.protocol.frames import Frame
from comfy_headless.protocol.timing import Timing

if TYPE_CHECKING:
    from comfy_headless.protocol.conversation import Server
    from comfy_headless.protocol.status import JobInfo, Sight
    from comfy_headless.protocol.telling import Teller


class Executor(Protocol):
    """Where jobs run that is no ComfyUI server. Its repr tells no secret."""

    @property
    def name(self) -> str:
        """What it is called in messages."""

    @property
    def address(self) -> str:
        """Its base address, without a trailing slash and without a secret."""

    @property
    def timing(self) -> Timing:
        """How long is waited for what, where the caller has no wish."""

    @property
    def vram_gb(self) -> float | None:
        """GiB of VRAM of its machines; None where nobody knows."""

    @property
    def timeout(self) -> float | None:
        """Seconds that a job may take where the call does not say; None: as long as it takes."""

    def upload(self, server: Server, part: Part) -> Flow[str]:
        """Bring a file there; give the value that an input of a graph takes for it.

        Raises:
            ValidationError: it takes no such file.
            ComfyUIConnectionError: it did not take it.
        """

    def submit(
        self, server: Server, graph: Mapping[str, Any], prompt_id: str, *, extra_data: Mapping[str, Any] | None
    ) -> Flow[str]:
        """Queue ``graph`` once; give the id under which the job is known there.

        Args:
            prompt_id: drawn here, for this call alone.
            extra_data: what a server would keep with the job.

        Raises:
            GenerationRejectedError: it refused the graph.
            ComfyUIConnectionError: it did not take it; ``may_still_run`` where it may have.
        """

    def watch(
        self,
        server: Server,
        graph: Mapping[str, Any],
        job_id: str,
        *,
        teller: Teller,
        deadline: float | None,
        timeout: float | None,
        executed: Callable[[Frame], Flow[None]] | None,
        at_once: bool,
    ) -> Flow[dict[str, Any]]:
        """Wait for a job; give what it made, as an entry of a server's history. Arguments and errors as ``watch``.

        A file of the entry has a ``url`` too, absolute or of ``address``; names are those of one job, each one once.
        """

    def cancel(self, server: Server, job_id: str) -> Flow[bool]:
        """Cancel a job; True if it was there to be cancelled, False if nothing of it runs or will run.

        Args:
            job_id: as ``submit`` gave it; where that was left before it gave one, the ``prompt_id`` that it was given.

        Raises:
            ComfyUIConnectionError: it may still run; a job whose call is out, and that is not found, may do so too.
        """

    def seek(self, server: Server, job_id: str) -> Flow[Sight]:
        """Say where a job stands, patiently; raises ComfyUIConnectionError."""

    def listing(self, server: Server, limit: int) -> Flow[tuple[JobInfo, ...]]:
        """Say which jobs there are; raises ValidationError where it does not tell."""

    def renewed(self, server: Server, job_id: str, filename: str, url: str) -> Flow[str]:
        """Give an address of a file anew, since ``url`` is not answered any more; ``url`` again if there is no other.

        Raises:
            ComfyUIConnectionError: no answer.
        """

    def headers_for(self, url: str) -> tuple[tuple[str, str], ...]:
        """Return what a download from ``url`` must carry: its key, at ``address`` alone."""

    def nodes(self, server: Server) -> Flow[Mapping[str, Any] | None]:
        """Give the node classes as ``GET /object_info`` of a server tells them; None where it does not tell."""

    def workflow(self, server: Server, workflow_id: str) -> Flow[dict[str, Any]]:
        """Give a workflow that is kept there, as an API-format graph.

        Raises:
            ValidationError: it keeps none, or not this one.
            ComfyUIConnectionError: no answer.
        """
