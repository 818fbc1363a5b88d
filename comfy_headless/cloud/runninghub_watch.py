"""Wait for a task of RunningHub: its status is asked, and where that says nothing that is known, its outputs decide.

The address of a WebSocket that ``create`` gives is not used: it carries a credential, and progress is all it tells.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from comfy_headless.cloud.runninghub_api import CANCEL, STATUS, Api, Envelope, again
from comfy_headless.cloud.runninghub_codes import FAILED, QUEUED, RUNNING, code_of
from comfy_headless.cloud.runninghub_outputs import ask_outputs, entry_of, failure_of
from comfy_headless.errors import (
    ComfyHeadlessError,
    ComfyUIConnectionError,
    GenerationFailedError,
    GenerationTimeoutError,
)
from comfy_headless.protocol.conversation import Attempt, Server
from comfy_headless.protocol.effects import Flow, Listen, Now
from comfy_headless.protocol.progress import ProgressTracker
from comfy_headless.protocol.status import JobStatus
from comfy_headless.protocol.telling import Teller

logger = logging.getLogger("comfy_headless")

_WORDS: Final[Mapping[str, JobStatus]] = {
    "QUEUED": JobStatus.QUEUED,
    "RUNNING": JobStatus.RUNNING,
    "SUCCESS": JobStatus.DONE,
    "FAILED": JobStatus.FAILED,
}
_CODES: Final[Mapping[int, JobStatus]] = {
    QUEUED: JobStatus.QUEUED,
    RUNNING: JobStatus.RUNNING,
    FAILED: JobStatus.FAILED,
}


class Look(NamedTuple):
    """One look at a task.

    Args:
        status: where it stands; None if that could not be told.
        problem: why not.
        absent: RunningHub knows no such task.
        odd: an answer came, with a word that is not known.
        final: nobody need ask again.
    """

    status: JobStatus | None
    problem: str = ""
    absent: bool = False
    odd: bool = False
    final: bool = False


def look(server: Server, api: Api, job_id: str) -> Flow[Look]:
    """Ask where a task stands, once; raises nothing."""
    tried = yield from api.attempt(api.call(STATUS, server.timing.read, taskId=job_id))
    return read_look(tried)


def read_look(tried: Attempt) -> Look:
    """Read the answer of the status route; its data is a word, or an object that has one."""
    told: Envelope | None = tried.value
    if told is None:
        return Look(None, tried.problem or "no answer", final=not tried.passing)
    if told.code in _CODES:
        return Look(_CODES[told.code])
    if code_of(told.code).kind == "absent":
        return Look(None, tried.problem or "", absent=True)
    if told.code != 0:
        return Look(None, tried.problem or "", final=not tried.passing)
    word = told.data.get("taskStatus") or told.data.get("status") if isinstance(told.data, Mapping) else told.data
    status = _WORDS.get(str(word).upper())
    return Look(status) if status is not None else Look(None, f"the status {word!r} is not known", odd=True)


class Watch:
    """The wait for one task. Arguments and errors are those of ``protocol.watch.watch``."""

    def __init__(
        self,
        server: Server,
        api: Api,
        graph: Mapping[str, Any],
        job_id: str,
        teller: Teller,
        deadline: float | None,
        timeout: float | None,
    ) -> None:
        self.server, self.timing, self.api, self.job_id = server, server.timing, api, job_id
        self.teller, self.deadline, self.timeout = teller, deadline, timeout
        self.tracker = ProgressTracker(graph)
        self.interval = self.timing.first_poll_alone
        self.status = JobStatus.QUEUED
        self.unclear_since: float | None = None
        self.unclear = 0
        self.made_now = False

    def flow(self, *, at_once: bool) -> Flow[dict[str, Any]]:
        """Wait until the task has ended; give what it made as an entry of a server's history."""
        self.made_now = not at_once
        now = yield Now()
        look_at = now if at_once else now + self.interval
        while True:
            until = look_at if self.deadline is None else min(look_at, self.deadline)
            if until > now:
                yield Listen(self.job_id, until - now)
            told = yield from look(self.server, self.api, self.job_id)
            now = yield Now()
            ended = yield from self._take(told, now)
            if ended is not None:
                return ended
            now = yield Now()
            if self.deadline is not None and now >= self.deadline:
                raise GenerationTimeoutError(
                    f"not done after {self.timeout:g} s", prompt_id=self.job_id, timeout=self.timeout or 0.0
                )
            look_at = now + self.interval
            self.interval = min(self.interval * 1.5, self.timing.last_poll_alone)

    def _take(self, told: Look, now: float) -> Flow[dict[str, Any] | None]:
        """Take in a look; give the entry of a task that has ended well."""
        if told.status in (JobStatus.DONE, JobStatus.FAILED) or told.odd:  # the outputs know more words
            return (yield from self._ended(told, now))
        if told.status is None:
            yield from self._wonder(told, now)
            return None
        self.unclear_since, self.unclear = None, 0
        before, self.status = self.status, told.status
        if before is JobStatus.QUEUED and told.status is JobStatus.RUNNING:
            logger.info("job %s: started", self.job_id, extra={"prompt_id": self.job_id})
            yield from self.teller.tell(self.tracker.starts())
        return None

    def _ended(self, told: Look, now: float) -> Flow[dict[str, Any] | None]:
        """Ask for the outputs; they say how it ended, or that it has not."""
        tried = yield from ask_outputs(self.server, self.api, self.job_id)
        envelope: Envelope | None = tried.value
        if told.status is JobStatus.FAILED or (envelope is not None and envelope.code == FAILED):
            raise failure_of(envelope, self.job_id)
        if envelope is not None and envelope.code == 0:
            entry = yield from entry_of(self.server, envelope.data)
            yield from self.teller.tell(self.tracker.ends())
            return entry
        if told.status is not None and (envelope is None or envelope.code not in _CODES):
            raise self.api.unanswered(tried, job_id=self.job_id)
        if told.status is not None:
            told = Look(None, f"the task has ended, but its outputs say {tried.problem}", odd=True)
        yield from self._wonder(told, now)
        return None

    def _wonder(self, told: Look, now: float) -> Flow[None]:
        """Bear an answer that says nothing for a while: ``gone`` for an unknown task, ``patience`` for the rest."""
        self.unclear += 1
        if self.unclear_since is None:
            self.unclear_since = now
            logger.warning("%s: %s; asking again", self.server.url, told.problem)
        since = now - self.unclear_since
        if told.absent and since >= self.timing.gone:
            raise (yield from self._gone(since))
        answered = told.absent or told.odd
        spent = self.api.retries is not None and self.unclear > self.api.retries and not answered
        if told.final or since > self.timing.patience or spent:
            raise ComfyUIConnectionError(
                f"{self.server.url}: {told.problem}; the job {self.job_id} may still run: {again(self.job_id)}",
                url=self.server.url,
                prompt_id=self.job_id,
                may_still_run=True,
            )

    def _gone(self, since: float) -> Flow[ComfyHeadlessError]:
        """Give the error for a task that is not known there; one that was taken now is cancelled, if it can be."""
        if not self.made_now:
            return GenerationFailedError(
                f"RunningHub knows no task {self.job_id}: it is another account's, or not kept any longer",
                prompt_id=self.job_id,
            )
        tried: Attempt = yield from self.api.attempt(self.api.call(CANCEL, self.timing.cancel, taskId=self.job_id))
        stops = isinstance(tried.value, Envelope) and tried.value.code == 0
        lives = f"it may still run: {again(self.job_id)}"
        return ComfyUIConnectionError(
            f"{self.server.url}: the task {self.job_id} was taken, and is not known there {since:.0f} s later; "
            f"{'it was cancelled now' if stops else lives}",
            url=self.server.url,
            prompt_id=self.job_id,
            may_still_run=not stops,
        )
