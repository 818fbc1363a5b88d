"""Keep the socket open while somebody listens to everything, and tell the ends that nobody heard.

What a server sends while the socket is lost is never sent again (ComfyUI 0.30.0, measured), so the jobs of this client
that have not ended are remembered. Once the socket is back, those that the queue has not are looked for in the history.
So they are after ``idle`` seconds in which none of them began or ended: of two sockets with one clientId one stays open
and hears nothing more; where an end was missed so, the socket is opened anew.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from typing import Any, Final

from comfy_headless.errors import ComfyUIConnectionError
from comfy_headless.protocol.collect import saved_in
from comfy_headless.protocol.conversation import Attempt, Server, ask, attempt
from comfy_headless.protocol.effects import Announce, Attend, Call, Flow, HangUp, Listen, Now, Reply
from comfy_headless.protocol.failure import failed, failure, forgotten
from comfy_headless.protocol.frames import BACK, CLOSED, CONNECTED, ENDED, EVERYTHING, LOST, QUEUED, Frame
from comfy_headless.protocol.reopen import Reopening
from comfy_headless.protocol.routes import read_queue
from comfy_headless.protocol.status import JobStatus
from comfy_headless.protocol.ticket import extra_in, graph_in, label_in

logger = logging.getLogger("comfy_headless")

_MOST: Final = 10_000
"""So many jobs are remembered; the oldest are forgotten first."""

_OWN: Final = frozenset({LOST, CONNECTED, BACK, QUEUED, CLOSED})


def keepers(frame: Frame) -> bool:
    """Say whether a frame is for who keeps the socket: how it fares, and which jobs begin and end."""
    return frame.type in _OWN or frame.type == "execution_start" or frame.ends


def leavers(frame: Frame) -> bool:
    """Say whether a frame is for who begins to keep the socket: that all listening has ended."""
    return frame.type == CLOSED


def queued_by(call: Call, reply: Reply) -> str | None:
    """Return the prompt_id of a job that ``call`` has queued, None if it did something else."""
    if call.method != "POST" or call.route not in ("/prompt", "/api/prompt") or reply.status != 200:
        return None
    try:
        value = reply.json()
    except ValueError:
        return None
    prompt_id = value.get("prompt_id") if isinstance(value, dict) else None
    return prompt_id if isinstance(prompt_id, str) and prompt_id else None


def begin(server: Server) -> Flow[dict[str, bool]]:
    """Open the socket for the first who listens; give the jobs of this client that the server has.

    Between its tries it listens: whoever ends all listening ends it too.

    Raises:
        ComfyUIOfflineError: nothing is there.
        ComfyUIConnectionError: no sensible answer within ``patience``, no socket, or the client was closed.
    """

    def pause(seconds: float) -> Flow[None]:
        frame: Frame | None = yield Listen(EVERYTHING, seconds)
        if frame is not None:
            raise ComfyUIConnectionError(f"{server.url}: the client was closed meanwhile", url=server.url)

    problem: str | None = yield Attend()
    before = yield Now()
    waiting = yield from ask(server, "/queue", pause=pause)
    after = yield Now()
    if problem is not None and after - before >= server.timing.retry:  # it may just have come up
        problem = yield Attend()
    if problem is not None:
        raise ComfyUIConnectionError(f"{server.url}: {problem}; without it nothing can be listened to", url=server.url)
    return dict.fromkeys(_ours(waiting, server.client_id), True)


def keep(server: Server, jobs: dict[str, bool]) -> Flow[None]:
    """Keep the socket open, for as long as somebody listens; tell the ends that were missed.

    Args:
        jobs: what ``begin`` gave.
    """
    keeper = _Keeper(server, jobs)
    now = yield Now()
    while True:
        frame: Frame | None = yield Listen(EVERYTHING, max(0.0, keeper.act_at - now))
        now = yield Now()
        if frame is not None and frame.type == CLOSED:
            return
        if frame is not None:
            keeper.see(frame, now)
        if now >= keeper.act_at:
            yield from keeper.act()


class _Keeper:
    """What is known of the jobs of this client.

    ``jobs``: those that have not ended, and whether the server is known to have taken them. ``over``: those that have.
    ``doubtful``: those that may have ended unheard; ``absent``: since when one is nowhere to be found. ``missed``: the
    ends that were found; they are told a moment later, since those that are just on their way are no missed ones.
    """

    def __init__(self, server: Server, jobs: dict[str, bool]) -> None:
        self.server, self.timing, self.jobs = server, server.timing, jobs
        self.over: dict[str, None] = {}
        self.doubtful: set[str] = set()
        self.absent: dict[str, float] = {}
        self.missed: dict[str, Frame] = {}
        self.away = self.silent = False
        self.reopening = Reopening(self.timing)
        self.act_at = math.inf
        self._calm(0.0)

    def see(self, frame: Frame, now: float) -> None:
        """Take in a frame."""
        if frame.type == LOST:
            logger.info("%s: the socket was lost; it is opened again", self.server.url)
            self.away, self.silent, self.act_at = True, False, self.reopening.lost(now)
        elif frame.type in (BACK, CONNECTED):
            self.away = False
            self.reopening.opened(now)
            self.doubtful = {*self.jobs} - {*self.missed} if frame.type == BACK else set()
            self.act_at = now if self.doubtful or self.missed else math.inf
        elif frame.prompt_id is not None:
            self._follow(frame, frame.prompt_id)
        if not (self.away or self.doubtful or self.missed):
            self._calm(now)

    def _follow(self, frame: Frame, prompt_id: str) -> None:
        if frame.ends:
            self._end(prompt_id)
        elif frame.type == "execution_start":
            self.over.pop(prompt_id, None)
            self.jobs[prompt_id] = True
        elif frame.type == QUEUED and not frame.data["sure"]:
            self.over.pop(prompt_id, None)
            self.jobs.setdefault(prompt_id, False)
        elif frame.type == QUEUED and prompt_id not in self.over:
            self.jobs[prompt_id] = True
        while len(self.jobs) > _MOST:
            del self.jobs[next(iter(self.jobs))]

    def _end(self, prompt_id: str) -> None:
        for known in (self.jobs, self.absent, self.missed):
            known.pop(prompt_id, None)
        self.doubtful.discard(prompt_id)
        self.over[prompt_id] = None
        while len(self.over) > _MOST:
            del self.over[next(iter(self.over))]

    def _calm(self, now: float) -> None:
        self.silent = False
        self.act_at = now + self.timing.idle if self.jobs else math.inf

    def act(self) -> Flow[None]:
        """Do what is due."""
        if self.away:
            yield from self._reopen()
        elif self.missed:
            yield from self._tell()
        else:
            if not self.doubtful:
                self.doubtful, self.silent = {*self.jobs}, True
            yield from self._look()

    def _reopen(self) -> Flow[None]:
        problem: str | None = yield Attend()
        now = yield Now()
        self.act_at = math.inf if problem is None else self.reopening.refused(now)  # once it is open, a frame says so

    def _tell(self) -> Flow[None]:
        for prompt_id, frame in tuple(self.missed.items()):
            yield Announce(frame)
            self._end(prompt_id)
        now = yield Now()
        if self.silent:
            logger.warning("%s: the socket is silent; it is opened anew (two with one client_id?)", self.server.url)
            yield HangUp()
        if self.doubtful:
            self.act_at = now + self.timing.gone
        else:
            self._calm(now)

    def _look(self) -> Flow[None]:
        """Look for the jobs that may have ended unheard."""
        problem = yield from self._search()
        now = yield Now()
        if problem is not None:
            logger.info("%s: %s; asking again", self.server.url, problem)
            self.act_at = now + self.timing.last_poll
        elif self.missed:
            self.act_at = now + self.timing.retry
        elif self.doubtful:
            self.act_at = now + self.timing.gone
        else:
            self._calm(now)

    def _search(self) -> Flow[str | None]:
        limit = self.timing.read
        asked: Attempt = yield from attempt(Call("GET", "/queue", timeout=limit))
        queue = read_queue(asked.value)
        if queue is None:
            return asked.problem or "GET /queue answered something else"
        there = {*queue.running, *queue.pending}
        for prompt_id in (self.doubtful & there) | (_ours(asked.value, self.server.client_id) - {*self.over}):
            self.jobs[prompt_id] = True
            self.absent.pop(prompt_id, None)
        self.doubtful -= there
        for prompt_id in tuple(self.doubtful):
            tried: Attempt = yield from attempt(Call("GET", f"/history/{prompt_id}", timeout=limit))
            if not isinstance(tried.value, dict):
                return tried.problem or "GET /history answered something else"
            now = yield Now()
            self._judge(prompt_id, tried.value.get(prompt_id), now)
        return None

    def _judge(self, prompt_id: str, entry: Any, now: float) -> None:
        """Take in what the history says of a job that is not in the queue."""
        sure = self.jobs.get(prompt_id, False)
        if isinstance(entry, dict):
            self.doubtful.discard(prompt_id)
            if sure or extra_in(entry.get("prompt")).get("client_id") == self.server.client_id:
                self.missed[prompt_id] = _ended(self.server, prompt_id, entry)
            else:
                self._end(prompt_id)
        elif now - self.absent.setdefault(prompt_id, now) >= self.timing.gone:
            self.doubtful.discard(prompt_id)
            if sure:
                self.missed[prompt_id] = _forgotten(self.server, prompt_id)


def _ended(server: Server, prompt_id: str, entry: Mapping[str, Any]) -> Frame:
    error = str(failure(entry, prompt_id)) if failed(entry) else None
    item = entry.get("prompt")
    label = label_in(item)
    saved = saved_in(entry, graph_in(item)).saved
    outputs = [one.output(server, prompt_id=prompt_id, label=label).to_dict() for one in saved]
    status = JobStatus.FAILED if error else JobStatus.DONE
    return _end_of(prompt_id, status, outputs, error)


def _forgotten(server: Server, prompt_id: str) -> Frame:
    return _end_of(prompt_id, JobStatus.UNKNOWN, [], str(forgotten(server, prompt_id)))


def _end_of(prompt_id: str, status: JobStatus, outputs: list[dict[str, Any]], error: str | None) -> Frame:
    data = {"prompt_id": prompt_id, "status": str(status), "outputs": outputs, "error": error}
    return Frame(ENDED, prompt_id, data)


def _ours(queue: Any, client_id: str) -> set[str]:
    """Return the ids of the jobs of a client in the answer of GET /queue."""
    if read_queue(queue) is None:
        return set()
    items = [*queue["queue_running"], *queue["queue_pending"]]
    return {
        item[1]
        for item in items
        if isinstance(item, list) and len(item) > 1 and isinstance(item[1], str)
        if extra_in(item).get("client_id") == client_id
    }
