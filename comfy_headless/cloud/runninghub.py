"""``RunningHub``: workflows that are saved there, and graphs of one's own, on machines of RunningHub.

Written by its documentation (runninghub-api-doc, 2026) and what others' clients do (comfykit 0.1.12, runninghub-sdk);
docs/clouds.md says what is certain of it and what is guessed. Nobody had an account to try it with.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, Final

from comfy_headless.cloud.runninghub_api import CANCEL, NAME, STATUS, WORKFLOW, Api, Envelope
from comfy_headless.cloud.runninghub_codes import code_of, refusal
from comfy_headless.cloud.runninghub_outputs import ask_outputs, named_files
from comfy_headless.cloud.runninghub_settings import (
    Said,
    is_number,
    read_address,
    read_count,
    read_instance_type,
    read_key,
    read_seconds,
    read_workflow_id,
)
from comfy_headless.cloud.runninghub_submit import Wishes, running_tasks, submit
from comfy_headless.cloud.runninghub_watch import Look, Watch, read_look
from comfy_headless.errors import ComfyUIConnectionError, GenerationRejectedError, ValidationError
from comfy_headless.graph.source import read_graph
from comfy_headless.protocol.conversation import Attempt, Server
from comfy_headless.protocol.effects import Flow, Now, Part, Sleep, Work
from comfy_headless.protocol.frames import Frame
from comfy_headless.protocol.known import Brought
from comfy_headless.protocol.status import JobInfo, JobStatus, Sight
from comfy_headless.protocol.telling import Teller
from comfy_headless.protocol.timing import Timing
from comfy_headless.protocol.uploads import Media, measured

TIMING: Final = Timing(read=30.0, transfer=60.0, first_poll_alone=1.0, last_poll_alone=5.0, gone=30.0, cancel=10.0)
"""What is waited for what: the site is far away, and a job takes a minute to begin."""

_LARGEST: Final = 30 * 1024 * 1024
"""Bytes of an upload (runninghub-api-doc, Upload Resource: 30 MB)."""
_CARDS_GB: Final[Mapping[str | None, float]] = {None: 24.0, "plus": 48.0}
_FRESH: Final = 3600.0
"""Seconds for which a file that was brought is taken to be there. How long it is kept is not written."""


class RunningHub:
    """An account at RunningHub. Give it to a client, or as ``server=``, where an address goes.

    Args:
        api_key: None means RUNNINGHUB_API_KEY.
        base_url: None means RUNNINGHUB_BASE_URL, then ``https://www.runninghub.ai``; ``https://www.runninghub.cn`` in
            China, which has keys of its own.
        instance_type: "plus" runs jobs on machines with 48 GB of VRAM; None means RUNNINGHUB_INSTANCE_TYPE, then those
            with 24 GB.
        workflow_id: a workflow that you saved there, under whose name whole graphs go (presets, files of yours); None
            means RUNNINGHUB_WORKFLOW_ID, then none: RunningHub may want one.
        timeout: seconds that a job may take where a call does not say; None means RUNNINGHUB_TIMEOUT, then as long as
            it takes.
        retry_count: how often a call that failed is repeated, if it may be; None means RUNNINGHUB_RETRY_COUNT, then as
            often as ``timing.patience`` allows. A queue that is full is waited out all the same.
        timing: waiting times in seconds.
        environ: None is this process's environment.

    Raises:
        ValidationError: there is no key, or an argument or a variable cannot be right; no value of a key is shown.
    """

    __slots__ = ("_api", "_timeout", "_timing", "_wishes")

    def __init__(
        self,
        api_key: str | None = None,
        *,
        base_url: str | None = None,
        instance_type: str | None = None,
        workflow_id: str | int | None = None,
        timeout: float | None = None,
        retry_count: int | None = None,
        timing: Timing = TIMING,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        said = Said(os.environ if environ is None else environ)
        address = read_address(base_url, said)
        key = read_key(api_key, said, address)
        self._wishes = Wishes(read_instance_type(instance_type, said), read_workflow_id(workflow_id, said))
        self._timeout = read_seconds(timeout, said)
        self._api = Api(address, key, read_count(retry_count, said))
        self._timing = timing

    def __repr__(self) -> str:
        kind = f", instance_type={self._wishes.instance_type!r}" if self._wishes.instance_type else ""
        return f"RunningHub(base_url={self.address!r}{kind})"

    @property
    def name(self) -> str:
        """What it is called in messages."""
        return NAME

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
        """GiB of VRAM of its machines: 24, or 48 for "plus"; None for another type."""
        return _CARDS_GB.get(self._wishes.instance_type)

    def headers_for(self, url: str) -> tuple[tuple[str, str], ...]:
        """Return nothing: what a job made is fetched without the key."""
        return ()

    def upload(self, server: Server, part: Part) -> Flow[str]:
        """Bring a file there; give the ``fileName`` of the answer, or its address where it has none.

        What this client brought in the last hour is not sent again: the name that it got is that of its bytes.
        """
        file: Media = yield Work(measured, (part.content, part.filename), long=True)
        if file.size > _LARGEST:
            raise ValidationError(
                f"upload of {part.filename!r}: it has {file.size / 1024**2:.0f} MB and {NAME} takes 30; put it on the "
                "web, and give its address to a node that loads from one"
            )
        now = yield Now()
        before = server.known.brought.get(file.key) if server.known is not None else None
        if before is not None and now - float(before.etag) < _FRESH:
            return before.name
        name: str = yield from self._brought(server, part)
        if server.known is not None:
            server.known.note_brought(file.key, Brought(name, str(now)))
        return name

    def _brought(self, server: Server, part: Part) -> Flow[str]:
        tried: Attempt = yield from self._api.ask(server, self._api.uploading(part, server.timing.transfer))
        told: Envelope | None = tried.value
        what = f"upload of {part.filename!r}"
        if told is not None and told.code != 0:
            raise refusal(self.address, told.code, told.words, what=what)
        data = told.data if told is not None and isinstance(told.data, Mapping) else {}
        name = data.get("fileName") or data.get("url")
        if not isinstance(name, str) or not name:
            raise ComfyUIConnectionError(
                f"{self.address}: {what}: {tried.problem or 'the answer has no fileName'}",
                url=self.address,
                status=tried.status,
            )
        return name

    def submit(
        self, server: Server, graph: Mapping[str, Any], prompt_id: str, *, extra_data: Mapping[str, Any] | None
    ) -> Flow[str]:
        """Queue ``graph`` once; give the id of its task. Nothing of ``extra_data`` goes there: nobody would keep it."""
        return submit(server, self._api, graph, prompt_id, self._wishes)

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
        """Wait for a task; give what it made, as an entry of a server's history."""
        return Watch(server, self._api, graph, job_id, teller, deadline, timeout).flow(at_once=at_once)

    def cancel(self, server: Server, job_id: str) -> Flow[bool]:
        """Cancel a task; True if it was there to be cancelled, False if it had ended or was never taken.

        Args:
            job_id: or the ``prompt_id`` with which it was sent, where its answer was not waited for.

        Raises:
            ComfyUIConnectionError: it may still run.
        """
        if not is_number(job_id):
            return (yield from self._leave(server, job_id))
        brief = server._replace(timing=server.timing._replace(patience=server.timing.cancel))
        call = self._api.call(CANCEL, server.timing.cancel, taskId=job_id)
        tried: Attempt = yield from self._api.ask(brief, call, first=False)
        told: Envelope | None = tried.value
        if told is not None and (told.code == 0 or code_of(told.code).kind in ("state", "absent")):
            return told.code == 0
        raise self._uncancelled(job_id, tried.problem or "no answer")

    def _leave(self, server: Server, prompt_id: str) -> Flow[bool]:
        """Say of a job whose answer was not waited for whether it can be there; nobody can stop it without its id.

        That the account has no task yet does not say that the call is not on its way.
        """
        known = server.known
        if known is not None:
            if prompt_id not in known.unanswered:
                return False
            known.unanswered.discard(prompt_id)
        yield Sleep(server.timing.lookup_gap)
        count = yield from running_tasks(server, self._api)
        tasks = "" if count is None else f"; the account has {count} tasks"
        raise self._uncancelled(
            prompt_id, f"it was sent, and {NAME} has not said under which number{tasks}. Look at your tasks there"
        )

    def _uncancelled(self, job_id: str, why: str) -> ComfyUIConnectionError:
        return ComfyUIConnectionError(
            f"{self.address}: could not cancel {job_id}: {why}", url=self.address, prompt_id=job_id, may_still_run=True
        )

    def seek(self, server: Server, job_id: str) -> Flow[Sight]:
        """Say where a task stands, patiently; what it ran is not told. Raises ComfyUIConnectionError."""
        call = self._api.call(STATUS, server.timing.read, taskId=job_id)
        tried: Attempt = yield from self._api.ask(server, call)
        told: Look = read_look(tried)
        if told.absent:
            return Sight(JobStatus.UNKNOWN)
        if told.odd:
            return Sight(JobStatus.RUNNING, None, 0)
        if told.status is None:
            raise self._api.unanswered(tried)
        return Sight(told.status, None, 0 if told.status is JobStatus.RUNNING else None)

    def listing(self, server: Server, limit: int) -> Flow[tuple[JobInfo, ...]]:
        """Raise ValidationError: RunningHub tells no list of tasks."""
        raise ValidationError(
            f"{NAME} does not tell which jobs there are; take one up by its whole id: client.job(ID), "
            f"or comfy-headless jobs fetch ID --server {server.named}"
        )
        yield

    def renewed(self, server: Server, job_id: str, filename: str, url: str) -> Flow[str]:
        """Give an address of a file anew: the outputs of its task are asked again."""
        tried = yield from ask_outputs(server, self._api, job_id)
        told: Envelope | None = tried.value
        if told is None or told.code != 0:
            raise self._api.unanswered(tried)
        return next((file.url for file in named_files(told.data) if file.name == filename), url)

    def nodes(self, server: Server) -> Flow[Mapping[str, Any] | None]:
        """Return None: RunningHub tells its node classes only at the address of a machine (its native proxy)."""
        return None
        yield

    def workflow(self, server: Server, workflow_id: str) -> Flow[dict[str, Any]]:
        """Give a saved workflow as an API-format graph, and remember it: a job of it goes as its id and what differs.

        Raises:
            ValidationError: there is none of that id, or it was never run there.
            ComfyUIConnectionError: no answer, or the key is not accepted.
        """
        call = self._api.call(WORKFLOW, server.timing.read, workflowId=workflow_id)
        tried: Attempt = yield from self._api.ask(server, call)
        told: Envelope | None = tried.value
        what = f"{NAME} workflow {workflow_id}"
        if told is None:
            raise self._api.unanswered(tried)
        if told.code != 0:
            error = refusal(self.address, told.code, told.words, what=what)
            raise ValidationError(str(error)) if isinstance(error, GenerationRejectedError) else error
        text = told.data.get("prompt") if isinstance(told.data, Mapping) else None
        if not isinstance(text, str) or not text.strip():
            raise ValidationError(f"{what}: there is no graph of that id; is it the number in its page's address?")
        graph = read_graph(text, name=what)
        if server.known is not None:
            server.known.note_workflow(workflow_id, read_graph(text, name=what))
        return graph
