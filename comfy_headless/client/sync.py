"""``ComfyClient``: a ComfyUI server behind blocking calls, for any number of threads."""

from __future__ import annotations

import os
import time
import weakref
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Unpack, overload

from comfy_headless.client.calls import Calls
from comfy_headless.client.gone import Gone
from comfy_headless.client.job import Job
from comfy_headless.client.listening import Hears
from comfy_headless.client.once import drive_once
from comfy_headless.client.options import count, job_id, server_of, wait_of
from comfy_headless.client.reaching import Reaching
from comfy_headless.graph.origins import Workflow
from comfy_headless.protocol.enhanced import EnhancedPrompt
from comfy_headless.protocol.events import Progress
from comfy_headless.protocol.executor import Executor
from comfy_headless.protocol.plugin import Plugin, plugins_of
from comfy_headless.protocol.result import Result
from comfy_headless.protocol.run import take_up
from comfy_headless.protocol.status import JobInfo, listing, recall
from comfy_headless.protocol.timing import Timing
from comfy_headless.transport.sync import HttpClient, SyncTransport

if TYPE_CHECKING:
    from comfy_headless.catalog.media_in import MediaLike
    from comfy_headless.catalog.recommend import Recommendation
    from comfy_headless.client.loaded import LoadedWorkflow
    from comfy_headless.graph.description import Description
    from comfy_headless.graph.report import Report
    from comfy_headless.health.report import HealthReport


class ComfyClient(Calls, Hears, Gone):
    """A ComfyUI server, with blocking calls. Usable from many threads; all of them share one WebSocket.

    Args:
        url: base address, with a path where a proxy gives the server one, and a login where it wants one; None means
            COMFY_HEADLESS_URL, then COMFYUI_BASE_URL, then ``http://localhost:8188``. Or where jobs run that is no
            ComfyUI server: ``RunningHub(...)``, ``ComfyCloud(...)``, or their names (docs/clouds.md).
        transport: "auto" uses the WebSocket where the extra ``websocket`` is installed and polls else (and whenever
            the socket fails); "polling" never opens one; "websocket" insists on the extra. None means
            COMFYUI_EXECUTOR_TYPE ("http", "websocket"), then "auto".
        client_id: the name under which the server knows this client; None draws one. A server tells the steps of a job
            to the client that queued it: a service that keeps its name hears them again after a restart. Two clients
            with one name at the same time take each other's news away.
        poll_seconds: seconds between two looks at a job where there is no socket; None: 0.125 at first, growing to 2.
        http: an ``httpx.Client`` of the caller's that makes all requests, with its own limits, proxies and hooks. It
            is not closed here. The WebSocket does not go through it.
        timing: waiting times in seconds.
        clock: seconds, monotonic.
        plugins: what looks at the graphs, events and results of this client's jobs: instances of ``Plugin``.

        reaching: what lets the client in: token, auth, headers, cookies, ca, verify, user, api_key; see
            ``comfy_headless.client.reaching.Reaching``.

    Raises:
        ValidationError: ``url`` is no address, ``client_id`` no name, there is no such transport, or what is to let
            the client in cannot be sent.
        FeatureMissingError: ``transport="websocket"`` without the extra.
    """

    def __init__(
        self,
        url: str | Executor | None = None,
        *,
        transport: str | None = None,
        client_id: str | None = None,
        poll_seconds: float | None = None,
        http: HttpClient | None = None,
        timing: Timing = Timing(),  # noqa: B008 - an immutable tuple
        clock: Callable[[], float] = time.monotonic,
        plugins: Iterable[Plugin] = (),
        **reaching: Unpack[Reaching],
    ) -> None:
        server = server_of(url, transport, timing, client_id, poll_seconds=poll_seconds, **reaching)
        self._server = server._replace(plugins=plugins_of(plugins), drive=partial(drive_once, http=http))
        self._transport = SyncTransport(self._server, clock=clock, http=http)
        self._drive = self._transport.drive
        self._close = weakref.finalize(self, self._transport.close)

    @property
    def url(self) -> str:
        """Base address of the server."""
        return self._server.url

    def __enter__(self) -> ComfyClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.url!r})"

    def close(self) -> None:
        """Close the connections; the next call opens them again."""
        self._transport.close()

    @overload
    def generate_video(
        self,
        prompt: str = "",
        *,
        preset: str | None = None,
        image: MediaLike | None = None,
        last_image: MediaLike | None = None,
        negative_prompt: str | None = None,
        seed: int | None = None,
        out: str | os.PathLike[str] | None = None,
        overwrite: bool = False,
        on_progress: Callable[[Progress], Any] | None = None,
        timeout: float | None = None,
        raise_on_error: bool = True,
        strict: bool = False,
        on_oom: Literal["raise", "lighter"] = "raise",
        allow_untested: bool = False,
        files: Mapping[str, str] | None = None,
        within: float | None = None,
        enhance: bool | str = False,
        check: bool = True,
        wait: Literal[True] = True,
        **settings: Any,
    ) -> Result: ...

    @overload
    def generate_video(self, prompt: str = "", *, wait: Literal[False], **request: Any) -> Job: ...

    def generate_video(self, prompt: str = "", *, wait: bool = True, **request: Any) -> Result | Job:
        """Make a video from a prompt, and an image where given. See ``comfy_headless.generate_video``."""
        from comfy_headless.api.making import make

        if not wait:
            return self.submit_video(prompt, **request)
        return self._drive(make(self._server, "video", prompt, **request))

    @overload
    def generate_image(
        self,
        prompt: str = "",
        *,
        preset: str | None = None,
        negative_prompt: str | None = None,
        seed: int | None = None,
        out: str | os.PathLike[str] | None = None,
        overwrite: bool = False,
        on_progress: Callable[[Progress], Any] | None = None,
        timeout: float | None = None,
        raise_on_error: bool = True,
        strict: bool = False,
        on_oom: Literal["raise", "lighter"] = "raise",
        allow_untested: bool = False,
        files: Mapping[str, str] | None = None,
        within: float | None = None,
        enhance: bool | str = False,
        check: bool = True,
        wait: Literal[True] = True,
        **settings: Any,
    ) -> Result: ...

    @overload
    def generate_image(self, prompt: str = "", *, wait: Literal[False], **request: Any) -> Job: ...

    def generate_image(self, prompt: str = "", *, wait: bool = True, **request: Any) -> Result | Job:
        """Make an image from a prompt, or several. See ``comfy_headless.generate_image``."""
        from comfy_headless.api.making import make

        if not wait:
            return self.submit_image(prompt, **request)
        return self._drive(make(self._server, "image", prompt, **request))

    def run_workflow(
        self,
        workflow: Workflow,
        params: Mapping[str, Any] | None = None,
        *,
        out: str | os.PathLike[str] | None = None,
        overwrite: bool = False,
        on_progress: Callable[[Progress], Any] | None = None,
        timeout: float | None = None,
        raise_on_error: bool = True,
        strict: bool = False,
        check: bool = True,
        **wishes: Any,
    ) -> Result:
        """Run a workflow of one's own. See ``comfy_headless.run_workflow``."""
        from comfy_headless.api.workflow import make_workflow

        return self._drive(
            make_workflow(
                self._server,
                workflow,
                params,
                out=out,
                overwrite=overwrite,
                on_progress=on_progress,
                timeout=timeout,
                raise_on_error=raise_on_error,
                strict=strict,
                check=check,
                **wishes,
            )
        )

    def submit_video(self, prompt: str = "", **request: Any) -> Job:
        """Queue a video and return the job as soon as the server has it.

        Args:
            request: what ``generate_video`` takes, without what belongs to the wait (``on_progress``, ``timeout``,
                ``raise_on_error``, ``strict``): these go to ``job.result``. ``out`` and ``overwrite`` are kept for it.
                Nobody is there to go down, so there is no ``on_oom`` either.

        Raises:
            ValidationError: something in the call is wrong; nothing was queued.
            GenerationRejectedError: the server refused it.
            ComfyUIConnectionError: no answer (ComfyUIOfflineError: nothing is there).
        """
        from comfy_headless.api.making import queue

        ticket, destination = self._drive(queue(self._server, "video", prompt, **request))
        return Job(self, self._transport, self._server, ticket, destination)

    def submit_image(self, prompt: str = "", **request: Any) -> Job:
        """Queue an image and return the job as soon as the server has it.

        Args:
            request: what ``generate_image`` takes, without what belongs to the wait, as for ``submit_video``.

        Raises:
            As ``submit_video``.
        """
        from comfy_headless.api.making import queue

        ticket, destination = self._drive(queue(self._server, "image", prompt, **request))
        return Job(self, self._transport, self._server, ticket, destination)

    def submit(
        self,
        workflow: Workflow,
        params: Mapping[str, Any] | None = None,
        **wishes: Any,
    ) -> Job:
        """Queue a workflow of one's own and return the job as soon as the server has it.

        Args:
            workflow: as for ``run_workflow``.
            params: values for its markers.
            wishes: variants and the like, as for ``run_workflow``.

        Raises:
            As ``submit_video``.
        """
        from comfy_headless.api.workflow import queue_workflow

        ticket = self._drive(queue_workflow(self._server, workflow, params, **wishes))
        return Job(self, self._transport, self._server, ticket)

    def job(self, prompt_id: str) -> Job:
        """Take up a job that was queued before, by whomever; its preset, seed and settings come from the server.

        Raises:
            GenerationFailedError: the server knows no such job.
            ComfyUIConnectionError: no answer (ComfyUIOfflineError: nothing is there).
        """
        ticket = self._drive(recall(self._server, job_id(prompt_id)))
        return Job(self, self._transport, self._server, ticket)

    def jobs(self, limit: int = 20) -> tuple[JobInfo, ...]:
        """Return the jobs of the server: running, then waiting in run order, then the last ``limit`` that ended."""
        return self._drive(listing(self._server, count(limit, "limit")))

    def wait_for_completion(
        self,
        prompt_id: str,
        *,
        on_progress: Callable[[Progress], Any] | None = None,
        timeout: float | None = None,
        out: str | os.PathLike[str] | None = None,
        overwrite: bool = False,
        raise_on_error: bool = True,
        strict: bool = False,
    ) -> Result:
        """Wait for a job that was queued before, by whomever; download its files if ``out`` is given.

        Leaving the wait does not cancel the job, except when ``timeout`` (seconds) passes.

        Raises:
            GenerationFailedError: it failed, or the server knows no such job.
            GenerationTimeoutError: ``timeout`` passed; the prompt was cancelled.
            ComfyUIConnectionError: the server stayed away.
            ResultSaveError: a file could not be brought here.
        """
        wait = wait_of(
            out=out,
            overwrite=overwrite,
            on_progress=on_progress,
            timeout=timeout,
            raise_on_error=raise_on_error,
            strict=strict,
            download=out is not None,
        )
        return self._drive(take_up(self._server, job_id(prompt_id), wait))

    @overload
    def get_recommended_preset(
        self, vram_gb: float | None = None, *, explain: Literal[False] = False, **wishes: Any
    ) -> str: ...

    @overload
    def get_recommended_preset(
        self, vram_gb: float | None = None, *, explain: Literal[True], **wishes: Any
    ) -> Recommendation: ...

    def get_recommended_preset(
        self, vram_gb: float | None = None, *, explain: bool = False, **wishes: Any
    ) -> str | Recommendation:
        """Return the best preset that fits this server and that it can run. See the function of that name.

        Args:
            vram_gb: GiB; None are those of the server's largest GPU.
            wishes: what ``comfy_headless.get_recommended_preset`` takes, without ``server``.
        """
        from comfy_headless.api.recommend import recommended

        return self._drive(recommended(self._server, vram_gb, explain=explain, **wishes))

    def enhance_prompt(self, text: str, **wishes: Any) -> EnhancedPrompt:
        """Write a prompt as a model wants it; this client's server is not asked.

        Args:
            wishes: what ``comfy_headless.enhance_prompt`` takes.
        """
        from comfy_headless.api.prompts import enhance_flow

        return self._drive(enhance_flow(text, **wishes))

    def check(self, workflow: Workflow | None = None, **asked: Any) -> Report:
        """Say what would go wrong with a workflow or a preset on this server; nothing is sent to run.

        Args:
            workflow: as for ``run_workflow``; None for ``preset=``.
            asked: what ``comfy_headless.check`` takes, without ``server`` and ``object_info``.
        """
        from comfy_headless.api.check import check_flow

        return self._drive(check_flow(self._server, workflow, **asked))

    def load_workflow(self, workflow: Workflow) -> LoadedWorkflow:
        """Read a workflow by what this server has; return it as a function that runs here.

        See ``comfy_headless.load_workflow``.
        """
        from comfy_headless.api.loaded import load_flow
        from comfy_headless.client.loaded import LoadedWorkflow

        read = self._drive(load_flow(self._server, workflow))
        return LoadedWorkflow(read.found, read.template, self.run_workflow, self.submit)

    def describe(self, workflow: Workflow) -> Description:
        """Say what a workflow takes and gives, by what this server has. See ``comfy_headless.describe``."""
        from comfy_headless.api.describe import describe_flow

        return self._drive(describe_flow(self._server, workflow))

    def check_health(self, *, out: str | os.PathLike[str] | None = None) -> HealthReport:
        """Look at this server and this machine: what works, what is missing, what to type. See the function.

        Args:
            out: folder where files are to go: is there room?
        """
        from comfy_headless.doctor.look import health_of

        return self._drive(health_of(self._server, out=out))
