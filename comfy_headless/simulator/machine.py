"""The simulated machine: all that one server knows, kept in one place and touched by one event loop only."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from comfy_headless.graph.schemas import Schemas
from comfy_headless.simulator.faults import Fault, OldServer
from comfy_headless.simulator.folders import Folders
from comfy_headless.simulator.hardware import Hardware
from comfy_headless.simulator.log import Log
from comfy_headless.simulator.model_files import Files, Metadata
from comfy_headless.simulator.plan import Plan, Subject
from comfy_headless.simulator.queue import Queue
from comfy_headless.simulator.renders import Report
from comfy_headless.simulator.sockets import Sockets

_ONE_USER = {"default": "default"}


@dataclass(frozen=True, slots=True)
class Request:
    """One request that arrived.

    Args:
        path: without ``/api``.
        prompt_id: the job it was about, if it named one.
        status: of the answer; 0 if the connection was broken or nothing was answered yet.
    """

    method: str
    path: str
    query: str
    prompt_id: str | None
    status: int


@dataclass(slots=True)
class Journal:
    """What tests ask afterwards.

    Args:
        submitted: each prompt_id that was queued, once per time.
        places: prompt_id to its place in the order of submission.
        runs: prompt_id to how often it was run.
    """

    requests: list[Request] = field(default_factory=list)
    submitted: list[str] = field(default_factory=list)
    places: dict[str, int] = field(default_factory=dict)
    runs: dict[str, int] = field(default_factory=dict)

    def submit(self, prompt_id: str) -> None:
        """Note a job that is about to be queued."""
        self.submitted.append(prompt_id)
        self.places.setdefault(prompt_id, len(self.places) + 1)

    def subject(self, prompt_id: str) -> Subject:
        """Return the job with its place; one that is not known yet has the next place."""
        return Subject(prompt_id, self.places.get(prompt_id, len(self.places) + 1))


class Machine:
    """One simulated server, without its web side."""

    def __init__(
        self,
        *,
        schemas: Schemas,
        files: Files,
        folders: Folders,
        hardware: Hardware,
        step_seconds: float,
        most_upload: float,
        metadata: Metadata,
        faults: Iterable[Fault],
    ) -> None:
        self.files = files
        self.folders = folders
        self.hardware = hardware
        self.step_seconds = step_seconds
        self.most_upload = most_upload
        self.metadata = metadata
        self.started = time.time()
        self.plan = Plan()
        self.plan.add(faults)
        self.journal = Journal()
        self.sockets = Sockets(self.plan)
        self.log = Log(self.sockets)
        self.queue = Queue(self._tell_queue)
        self.number = 0
        self.users = dict(_ONE_USER)
        self.last_node: dict[str, str | None] = {}
        self.cache: dict[str, Report | None] = {}
        self.claims: dict[tuple[str, str, str], tuple[str, str, str]] = {}
        self.owners: dict[tuple[str, str, str], str] = {}
        self.interrupted = False
        self.drop_cache = False
        self.restart_asked: asyncio.Queue[float] = asyncio.Queue()
        self.closing = asyncio.Event()
        self.threads = ThreadPoolExecutor(1, thread_name_prefix="comfy-headless-render")
        self._base = schemas
        self._listed: tuple[str, ...] | None = None
        self._schemas = schemas

    @property
    def schemas(self) -> Schemas:
        """The node classes, their lists showing the files that are there now."""
        inputs = tuple(self.folders.input_files())
        if inputs != self._listed:
            self._listed = inputs
            self._schemas = self._base.with_files(self.files, inputs)
        return self._schemas

    @property
    def is_old(self) -> bool:
        """Whether a fault makes it an older server."""
        return bool(self.plan.strikes(OldServer))

    @property
    def queue_info(self) -> dict[str, Any]:
        """What ``GET /prompt`` and every status frame say."""
        return {"exec_info": {"queue_remaining": self.queue.remaining}}

    def forget(self) -> None:
        """Lose everything but the files, as a restart does."""
        self.queue.forget()
        self.sockets.forget()
        self.log = Log(self.sockets)
        self.cache.clear()
        self.last_node.clear()
        self.users = dict(_ONE_USER)
        self.number = 0

    def free_memory(self) -> None:
        """Drop what earlier jobs left: now, or when the running job has ended."""
        if self.queue.running is None:
            self.cache.clear()
        else:
            self.drop_cache = True

    def _tell_queue(self) -> None:
        self.sockets.send("status", {"status": self.queue_info}, None)


def features(machine: Machine) -> dict[str, Any]:
    """Return what /features says (ComfyUI 0.30.0, comfy_api/feature_flags.py; an older one has the first two)."""
    flags: dict[str, Any] = {"supports_preview_metadata": True, "max_upload_size": machine.most_upload}
    if machine.is_old:
        return flags
    return {
        **flags,
        "supports_model_type_tags": True,
        "extension": {"manager": {"supports_v4": True}},
        "node_replacements": True,
        "assets": False,
    }
