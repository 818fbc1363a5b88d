"""Wait for a job of Comfy's API v2: the job itself is asked and decides; events beside it only move progress.

Events are listened to where somebody wants progress, and nothing hangs on them: a stream that ends, or that a place
does not have, leaves the polling, which tells the same in larger steps.
"""

from __future__ import annotations

import base64
import binascii
import logging
import math
from collections.abc import Mapping
from typing import Any, Final

from comfy_headless.cloud.comfy_cloud_api import Api
from comfy_headless.cloud.comfy_cloud_jobs import STATES, CloudJob, entry_of, read_job, read_step
from comfy_headless.errors import ComfyUIConnectionError, GenerationFailedError, GenerationTimeoutError
from comfy_headless.protocol.conversation import Attempt, Server, attempt
from comfy_headless.protocol.effects import Flow, Listen, Now, Stream
from comfy_headless.protocol.failure import failure
from comfy_headless.protocol.frames import LOST, PREVIEW, Frame
from comfy_headless.protocol.job import Sign
from comfy_headless.protocol.progress import ProgressTracker
from comfy_headless.protocol.telling import Teller

logger = logging.getLogger("comfy_headless")

_ENDS: Final = (Sign.SUCCESS, Sign.ERROR)
_STOPS: Final = ("canceling", "canceled")


def ask_job(server: Server, api: Api, job_id: str) -> Flow[Attempt]:
    """Ask for a job, once."""
    return attempt(api.call("GET", f"/jobs/{job_id}", timeout=server.timing.read), api.read)


def expired(job_id: str) -> GenerationFailedError:
    """Return the error for a job that was not kept any longer."""
    return GenerationFailedError(
        f"the job {job_id} has expired: the cloud keeps jobs and their files for a time only; run it again",
        prompt_id=job_id,
        server_message="expired",
    )


class Watch:
    """The wait for one job. Arguments and errors are those of ``protocol.watch.watch``."""

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
        self.stream_at = -math.inf if teller.listens else math.inf
        self.lost = 0
        self.made_now = False
        self.absent_since: float | None = None
        self.away_since: float | None = None
        self.pause = 0.0
        self.status = ""
        self.moved = False
        self.position: int | None = None

    def flow(self, *, at_once: bool) -> Flow[dict[str, Any]]:
        """Wait until the job has ended; give what it made as an entry of a server's history."""
        self.made_now = not at_once
        now = yield Now()
        look_at = now if at_once else now + self.interval
        while True:
            yield from self._stream(now)
            until = look_at if self.deadline is None else min(look_at, self.deadline)
            frame: Frame | None = yield Listen(self.job_id, max(0.0, until - now))
            now = yield Now()
            urgent = frame is not None and (yield from self._see(frame, now))
            if now < until and not urgent:
                continue
            job = yield from self._look(now)
            if job is not None and job.sign in _ENDS:
                return (yield from self._end(job))
            now = yield Now()
            if self.deadline is not None and now >= self.deadline:
                raise GenerationTimeoutError(
                    f"not done after {self.timeout:g} s", prompt_id=self.job_id, timeout=self.timeout or 0.0
                )
            look_at = now + self._next()

    def _stream(self, now: float) -> Flow[None]:
        """Listen to events, again some time after a stream was lost; never while the API does not answer."""
        if self.teller.listens and now >= self.stream_at and self.away_since is None:
            self.stream_at = math.inf
            call = self.api.call("GET", f"/jobs/{self.job_id}/events", timeout=self.timing.patience)
            yield Stream(self.job_id, call)

    def _see(self, frame: Frame, now: float) -> Flow[bool]:
        """Take in an event; True if the job should be asked at once."""
        if frame.type == LOST:
            self.lost += 1
            self.stream_at = math.inf if frame.data.get("final") else now + self.lost * self.timing.last_poll
        elif frame.type == "status":
            return STATES.get(str(frame.data.get("status"))) in _ENDS
        elif frame.type == "progress":
            yield from self._tell_step(frame.data, now)
        elif frame.type == PREVIEW:
            picture = _picture(frame.data)
            if picture:
                yield from self.teller.tell(self.tracker.see(Frame(PREVIEW, self.job_id, frame.data, picture), now))
        return False

    def _tell_step(self, told: Any, now: float) -> Flow[None]:
        step = read_step(told)
        if step is not None:
            self.moved = True
            yield from self.teller.tell(self.tracker.told(step.share, now, step.node, step.step, step.steps))

    def _look(self, now: float) -> Flow[CloudJob | None]:
        """Ask for the job; tell what is new of it."""
        tried = yield from ask_job(self.server, self.api, self.job_id)
        job = read_job(tried.value)
        self.pause = tried.retry_after or 0.0
        if job is None:
            if tried.status == 404:
                yield from self._absent(now)
            else:
                self._away(tried, now)
            return None
        if self.away_since is not None:
            logger.info("%s answers again", self.server.url)
        self.absent_since = self.away_since = None
        before, self.status = self.status, job.status
        if job.sign is None and before != job.status:
            logger.warning("%s says %r of job %s, which is not known: taken as under way", self.api.name, *job[1::-1])
        if job.sign is Sign.RUNS and job.sign is not STATES.get(before):
            logger.info("job %s: started", self.job_id, extra={"prompt_id": self.job_id})
            if not self.moved:
                yield from self.teller.tell(self.tracker.starts())
        if job.position is not None and job.position != self.position:
            yield from self.teller.tell(self.tracker.waits(job.position))
        self.position = job.position
        if job.sign is Sign.RUNS:
            yield from self._tell_step(job.raw.get("progress"), now)
        return job

    def _absent(self, now: float) -> Flow[None]:
        """A job that was just made may not be there yet; one that is not there for ``gone`` seconds is gone.

        Nobody waits for one that was made now any longer, so it is cancelled as far as that goes.
        """
        self.absent_since = now if self.absent_since is None else self.absent_since
        if now - self.absent_since < self.timing.gone:
            return
        if self.made_now:
            call = self.api.call("POST", f"/jobs/{self.job_id}/cancel", timeout=self.timing.cancel)
            tried: Attempt = yield from attempt(call, self.api.read)
            told = read_job(tried.value)
            stops = told is not None and told.status in _STOPS
            lives = "it may still run: take it up again by its id (client.job, comfy-headless jobs fetch)"
            raise ComfyUIConnectionError(
                f"{self.server.url}: the job {self.job_id} was taken, and is not known there "
                f"{now - self.absent_since:.0f} s later; {'it was cancelled now' if stops else lives}",
                url=self.server.url,
                prompt_id=self.job_id,
                may_still_run=not stops,
                status=404,
            )
        raise GenerationFailedError(
            f"{self.server.url} knows no job {self.job_id}: it was never sent there, is another account's, or is "
            "not kept any longer",
            prompt_id=self.job_id,
        )

    def _away(self, tried: Attempt, now: float) -> None:
        problem = tried.problem or "the answer is no job"
        if self.away_since is None:
            self.away_since = now
            logger.warning("%s: no sensible answer (%s)", self.server.url, problem)
        if now - self.away_since > self.timing.patience or not tried.passing:
            raise ComfyUIConnectionError(
                f"{self.server.url}: no sensible answer for {now - self.away_since:.0f} s ({problem}); the job "
                f"{self.job_id} may still run: take it up again by its id (client.job, comfy-headless jobs fetch)",
                url=self.server.url,
                prompt_id=self.job_id,
                may_still_run=True,
                status=tried.status,
            )

    def _next(self) -> float:
        """Return the time to the next look: short while something is unclear, else growing."""
        if self.absent_since is not None or self.away_since is not None:
            return max(self.pause, min(self.timing.gone / 3, self.timing.last_poll_alone))
        pause, self.interval = self.interval, min(self.interval * 1.5, self.timing.last_poll_alone)
        return max(self.pause, pause)

    def _end(self, job: CloudJob) -> Flow[dict[str, Any]]:
        if job.status == "expired":
            raise expired(self.job_id)
        entry = entry_of(job)
        if job.sign is Sign.ERROR:
            raise failure(entry, self.job_id)
        yield from self.teller.tell(self.tracker.ends())
        return entry


def _picture(data: Mapping[str, Any]) -> bytes:
    try:
        return base64.b64decode(str(data.get("data_base64") or ""), validate=True)
    except (binascii.Error, ValueError):
        return b""
