"""``ComfyCloud``: Comfy Cloud, a deployment of one's own there, or a proxy at home, by Comfy's API v2 alone.

The three speak the same API (docs.comfy.org/api-reference/v2, 2026-08-21, beta). Nothing of it is tried twice that
could make two jobs, and its key goes to its own address alone; files lie with a storage elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from comfy_headless.cloud.comfy_cloud_api import CLOUD_HOST
from comfy_headless.cloud.comfy_cloud_assets import upload, with_assets
from comfy_headless.cloud.comfy_cloud_settings import read_api, read_key
from comfy_headless.cloud.comfy_cloud_status import cancel, listing, nodes, renewed, seek
from comfy_headless.cloud.comfy_cloud_submit import submit
from comfy_headless.cloud.comfy_cloud_watch import Watch
from comfy_headless.errors import ValidationError
from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.effects import Flow, Part
from comfy_headless.protocol.frames import Frame
from comfy_headless.protocol.status import JobInfo, Sight
from comfy_headless.protocol.telling import Teller
from comfy_headless.protocol.timing import Timing

_TIMING: Final = Timing(read=20.0, transfer=60.0, first_poll_alone=0.5, last_poll_alone=5.0, gone=30.0)
_CARD_GB: Final = 96.0  # "Blackwell RTX 6000 Pros" (docs.comfy.org/get_started/cloud); NVIDIA gives these 96 GB


class ComfyCloud:
    """A place that runs jobs by Comfy's API v2. Give it to a client, or as ``server=``, where an address goes.

    Args:
        api_key: None means COMFY_API_KEY, then COMFY_CLOUD_API_KEY. A key of the environment goes to hosts of Comfy,
            and to the one that COMFY_BASE_URL names, alone.
        deployment: the name of a serverless deployment of one's own, such as ``dep-1234abcd``.
        base_url: another address that speaks the API, such as ``http://127.0.0.1:8189`` (comfy-api-proxy). None means
            COMFY_BASE_URL, then ``https://cloud.comfy.org``.
        comfy_org_key: the key for partner nodes, which cost extra. It goes with each job; None sends none, since no
            node shall cost anything that nobody asked for.
        timeout: seconds that a job may take where a call does not say; None: as long as it takes.
        timing: waiting times in seconds.

    Raises:
        ValidationError: Comfy Cloud without a key, or an argument that cannot be right.
    """

    __slots__ = ("_api", "_timeout", "_timing")

    def __init__(
        self,
        api_key: str | None = None,
        *,
        deployment: str | None = None,
        base_url: str | None = None,
        comfy_org_key: str | None = None,
        timeout: float | None = None,
        timing: Timing = _TIMING,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        partner_key = read_key(comfy_org_key, "comfy_org_key=")
        self._api = replace(read_api(api_key, deployment, base_url, environ), partner_key=partner_key)
        is_time = isinstance(timeout, int | float) and not isinstance(timeout, bool) and timeout > 0
        if timeout is not None and not is_time:
            raise ValidationError(f"timeout={timeout!r}: give seconds above 0, or None to wait as long as it takes")
        self._timeout, self._timing = timeout, timing

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.address!r})"

    @property
    def name(self) -> str:
        """What it is called in messages."""
        return self._api.name

    @property
    def address(self) -> str:
        """Its base address."""
        return self._api.address

    @property
    def timing(self) -> Timing:
        """How long is waited for what."""
        return self._timing

    @property
    def timeout(self) -> float | None:
        """Seconds that a job may take where a call does not say."""
        return self._timeout

    @property
    def vram_gb(self) -> float | None:
        """GiB of VRAM: those of Comfy Cloud's cards; what a deployment or a proxy has is not told."""
        return _CARD_GB if self._api.host == CLOUD_HOST else None

    def headers_for(self, url: str) -> tuple[tuple[str, str], ...]:
        """Return what a download from ``url`` must carry: the key, at its own address alone."""
        return self._api.headers_for(url)

    def upload(self, server: Server, part: Part) -> Flow[str]:
        """Bring a file there, as ``POST /api/v2/assets``; give the text that stands for it in a graph."""
        return upload(server, self._api, part)

    def submit(
        self, server: Server, graph: Mapping[str, Any], prompt_id: str, *, extra_data: Mapping[str, Any] | None
    ) -> Flow[str]:
        """Queue ``graph`` once; give the id of the job. Nothing of ``extra_data`` goes there: it takes a key alone."""
        return submit(server, self._api, with_assets(graph), prompt_id)

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
        """Wait for a job; give what it made, as an entry of a server's history."""
        return Watch(server, self._api, graph, job_id, teller, deadline, timeout).flow(at_once=at_once)

    def cancel(self, server: Server, job_id: str) -> Flow[bool]:
        """Cancel a job; True if it was there to be cancelled, False if it had ended.

        Args:
            job_id: or the ``prompt_id`` with which it was sent, where its answer was not waited for.

        Raises:
            ComfyUIConnectionError: it may still run.
        """
        return cancel(server, self._api, job_id)

    def seek(self, server: Server, job_id: str) -> Flow[Sight]:
        """Say where a job stands, patiently, and what it ran; raises ComfyUIConnectionError."""
        return seek(server, self._api, job_id)

    def listing(self, server: Server, limit: int) -> Flow[tuple[JobInfo, ...]]:
        """Say which jobs there are, the newest first; raises ValidationError where that is not told."""
        return listing(server, self._api, limit)

    def renewed(self, server: Server, job_id: str, filename: str, url: str) -> Flow[str]:
        """Give an address of a file anew: a job tells new ones each time it is asked."""
        return renewed(server, self._api, job_id, filename, url)

    def nodes(self, server: Server) -> Flow[Mapping[str, Any] | None]:
        """Give the node classes of Comfy Cloud; None where they are not told: the API v2 itself tells none."""
        return nodes(server, self._api)

    def workflow(self, server: Server, workflow_id: str) -> Flow[dict[str, Any]]:
        """Raise ValidationError: the API v2 gives no workflow that was saved there."""
        raise ValidationError(
            f"workflow {workflow_id!r}: {self.name} gives no saved workflows over its API; export it there, and give "
            "the file"
        )
