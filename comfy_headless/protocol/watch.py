"""Wait for a job: the socket hints, the history decides.

The history is asked on a slow clock beside the socket, and at once when the socket says end or drops. A job that is
neither in the queue nor in the history, seen twice over ``gone`` seconds, is gone: somebody deleted it, or the server
restarted (if the socket had already told success and outputs, these count: the files are there). While the server does
not answer, the wait goes on for ``patience``. There is no deadline of our own.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from typing import Any

from comfy_headless.errors import ComfyUIConnectionError, GenerationTimeoutError
from comfy_headless.protocol.conversation import Attempt, Server, attempt
from comfy_headless.protocol.effects import Call, Flow, Listen, Now, Subscribe
from comfy_headless.protocol.failure import failed, failure, forgotten
from comfy_headless.protocol.frames import LOST, Frame
from comfy_headless.protocol.job import FINAL, Sign, State, advance
from comfy_headless.protocol.progress import ProgressTracker
from comfy_headless.protocol.reopen import Reopening
from comfy_headless.protocol.routes import read_queue
from comfy_headless.protocol.telling import Teller

logger = logging.getLogger("comfy_headless")


def subscribed(server: Server, prompt_id: str, *, quiet: bool = False) -> Flow[Server]:
    """Register a job at the socket; where it cannot be opened, the job is waited for as one that is polled."""
    opened = server.socket and (yield Subscribe(prompt_id, quiet))
    return server._replace(socket=bool(opened))


def watch(
    server: Server,
    graph: Mapping[str, Any],
    prompt_id: str,
    *,
    teller: Teller,
    deadline: float | None = None,
    timeout: float | None = None,
    executed: Callable[[Frame], Flow[None]] | None = None,
    at_once: bool = False,
) -> Flow[dict[str, Any]]:
    """Wait until ``prompt_id`` has ended and return its history entry.

    Args:
        deadline: time of the transport's clock at which to give up; ``timeout`` is what the caller asked for.
        executed: called with each ``executed`` frame (an early download begins there).
        at_once: ask the history first: the job may have ended before.

    Raises:
        GenerationFailedError: it failed, was interrupted, or is gone; OutOfMemoryError where the server says so.
        GenerationTimeoutError: the deadline passed.
        ComfyUIConnectionError: the server stayed away for ``patience``.
    """
    if server.executor is not None:
        watched = server.executor.watch(
            server,
            graph,
            prompt_id,
            teller=teller,
            deadline=deadline,
            timeout=timeout,
            executed=executed,
            at_once=at_once,
        )
        return (yield from watched)
    watching = _Watch(server, graph, prompt_id, teller, deadline, timeout, executed)
    return (yield from watching.flow(at_once=at_once))


class _Watch:
    def __init__(
        self,
        server: Server,
        graph: Mapping[str, Any],
        prompt_id: str,
        teller: Teller,
        deadline: float | None,
        timeout: float | None,
        executed: Callable[[Frame], Flow[None]] | None,
    ) -> None:
        self.server, self.timing, self.prompt_id = server, server.timing, prompt_id
        self.teller, self.deadline, self.timeout, self.executed = teller, deadline, timeout, executed
        self.tracker = ProgressTracker(graph)
        self.state = State.QUEUED
        self.entry: dict[str, Any] = {}
        self.interval = self.timing.first_poll if server.socket else self.timing.first_poll_alone
        self.last_interval = self.timing.last_poll if server.socket else self.timing.last_poll_alone
        self.absent_since: float | None = None
        self.away_since: float | None = None
        self.problem = ""
        self.position: int | None = None
        self.reopening, self.reopen_at = Reopening(self.timing), math.inf
        self.announced: dict[str, Any] = {}
        self.succeeded = False

    def flow(self, *, at_once: bool) -> Flow[dict[str, Any]]:
        now = yield Now()
        look_at = now if at_once else now + self.interval
        while True:
            until = look_at if self.deadline is None else min(look_at, self.deadline)
            frame: Frame | None = yield Listen(self.prompt_id, max(0.0, until - now))
            now = yield Now()
            if frame is not None:
                urgent = yield from self._see(frame, now)
                if not urgent and now < until:
                    continue
            elif now < until:
                continue
            yield from self._look(now, ended=at_once or self.state is State.ENDING or self._late(now))
            at_once = False
            if self.state in FINAL:
                return (yield from self._end())
            yield from self._reopen(now)
            now = yield Now()
            if self._late(now):
                raise GenerationTimeoutError(
                    f"not done after {self.timeout:g} s", prompt_id=self.prompt_id, timeout=self.timeout or 0.0
                )
            look_at = now + self._pause()

    def _late(self, now: float) -> bool:
        return self.deadline is not None and now >= self.deadline

    def _see(self, frame: Frame, now: float) -> Flow[bool]:
        """Take in a frame; True if the history should be asked at once."""
        if frame.type == LOST:
            logger.debug("the socket dropped; asking the history for %s", self.prompt_id)
            self.reopen_at = self.reopening.lost(now)
            self.interval = self.timing.first_poll
            return True
        if frame.type == "executed":
            self.announced[str(frame.data.get("node"))] = frame.data.get("output")
        if frame.ends:
            self.succeeded |= frame.type == "execution_success"
            self.state = advance(self.state, Sign.ENDS)
            return frame.type == "executing"
        self._advance(Sign.RUNS)
        if frame.type == "executed" and self.executed is not None:
            yield from self.executed(frame)
        yield from self.teller.tell(self.tracker.see(frame, now))
        return False

    def _advance(self, sign: Sign) -> None:
        before, self.state = self.state, advance(self.state, sign)
        if before is State.QUEUED and self.state is State.RUNNING:
            logger.info("prompt %s: started", self.prompt_id, extra={"prompt_id": self.prompt_id})

    def _reopen(self, now: float) -> Flow[None]:
        """After a drop: open the socket again, now and then, once the server answers."""
        if now >= self.reopen_at and self.server.socket and self.away_since is None:
            opened = yield Subscribe(self.prompt_id, not self.teller.listens)
            self.reopen_at = math.inf if opened else now + self.timing.last_poll
            if opened:
                self.reopening.opened(now)

    def _look(self, now: float, *, ended: bool) -> Flow[None]:
        """Ask the queue, then the history; the history first where the job may just have ended (``ended``).

        A job leaves the queue in the moment in which it enters the history: asked in this order, one that is in
        neither is gone. What the queue says is shared by all flows of a client: it holds the graphs of all that wait.
        """
        unclear = self.absent_since is not None or self.away_since is not None
        asked = None if ended else (yield from self._ask_queue(0.0 if unclear else self.interval / 2))
        if asked is None or self._place(asked) is None:
            limit = self.timing.read
            tried: Attempt = yield from attempt(Call("GET", f"/history/{self.prompt_id}", timeout=limit))
            if not isinstance(tried.value, dict):
                return self._away(tried, now)
            entry = tried.value.get(self.prompt_id)
            if isinstance(entry, dict):
                self.entry = entry
                self.state = advance(self.state, Sign.ERROR if failed(entry) else Sign.SUCCESS)
                return None
            if asked is None:
                asked = yield from self._ask_queue(0.0)
        queue = read_queue(asked.value)
        if queue is None:
            return self._away(asked, now)
        if self.away_since is not None:
            self.away_since = None
            logger.info("%s answers again", self.server.url)
        position = queue.position(self.prompt_id)
        if position is None:
            if self.absent_since is None:
                self.absent_since = now
            elif now - self.absent_since >= self.timing.gone:
                self.state = advance(self.state, Sign.ABSENT)
            return None
        self.absent_since = None
        before = self.state
        self._advance(Sign.WAITS if position else Sign.RUNS)
        if position and position != self.position:
            yield from self.teller.tell(self.tracker.waits(position))
        elif before is State.QUEUED and self.state is State.RUNNING:
            yield from self.teller.tell(self.tracker.starts())
        self.position = position
        return None

    def _ask_queue(self, age: float) -> Flow[Attempt]:
        return attempt(Call("GET", "/queue", timeout=self.timing.read, shared=age))

    def _place(self, asked: Attempt) -> int | None:
        queue = read_queue(asked.value)
        return None if queue is None else queue.position(self.prompt_id)

    def _away(self, tried: Attempt, now: float) -> None:
        self.problem = tried.problem or "the answer is not what was asked for"
        if self.away_since is None:
            self.away_since = now
            if tried.passing:
                words = "%s: no sensible answer (%s); asking again for up to %g s"
                logger.warning(words, self.server.url, self.problem, self.timing.patience)
        if now - self.away_since > self.timing.patience or not tried.passing:
            raise ComfyUIConnectionError(
                f"{self.server.url}: no sensible answer for {now - self.away_since:.0f} s ({self.problem}); "
                f"the job {self.prompt_id} may still run: take it up again by its id (client.job, "
                "comfy-headless jobs fetch)",
                url=self.server.url,
                prompt_id=self.prompt_id,
                may_still_run=True,
            )

    def _pause(self) -> float:
        """Return the time to the next look: short while something is unclear, else growing."""
        if self.absent_since is not None or self.away_since is not None or self.state is State.ENDING:
            return min(self.timing.gone / 6, self.last_interval)
        pause = self.interval
        self.interval = min(self.interval * 1.5, self.last_interval)
        return pause

    def _end(self) -> Flow[dict[str, Any]]:
        if self.state is State.DONE:
            yield from self.teller.tell(self.tracker.ends())
            return self.entry
        if self.state is State.GONE and self.succeeded:
            logger.warning("the server has forgotten %s since it said that it succeeded", self.prompt_id)
            yield from self.teller.tell(self.tracker.ends())
            return {"outputs": self.announced, "status": {"status_str": "success", "completed": True}}
        if self.state is State.GONE:
            raise forgotten(self.server, self.prompt_id)
        raise failure(self.entry, self.prompt_id)
