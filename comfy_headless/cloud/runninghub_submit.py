"""Give a job to RunningHub, once.

A saved workflow goes as its id and what differs from it; any other graph goes whole. RunningHub has no mark by which a
call could be told to be the same as one before, and tells no list of tasks. So:

    an answer that says that it is full, or 429              -> sent again, with pauses that grow and are drawn
    a 503, or a code of a service that failed, and the       -> sent again, with a warning in the log
      account has no task
    no answer, or one that says nothing                      -> ComfyUIConnectionError(may_still_run=True), with what
                                                                the account says; never sent again

An account without a task is no proof: a task may have been taken, done and paid for meanwhile.
"""

from __future__ import annotations

import json
import logging
import random
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from comfy_headless.cloud.runninghub_api import ACCOUNT, CANCEL, CREATE, Api, Envelope
from comfy_headless.cloud.runninghub_codes import code_of, refusal
from comfy_headless.errors import ComfyHeadlessError, ComfyUIConnectionError, GenerationRejectedError
from comfy_headless.protocol.conversation import Attempt, Server
from comfy_headless.protocol.effects import Flow, Sleep, json_body
from comfy_headless.protocol.submit import rejection

logger = logging.getLogger("comfy_headless")

_GROWS: Final = 1.6
_MOST_STEPS: Final = 18.0
"""Times ``last_poll`` (5 s): the longest pause at a full queue, 90 s."""


class Wishes(NamedTuple):
    """How jobs are to be run.

    Args:
        instance_type: "plus" for a machine of 48 GB; None for one of 24 GB.
        workflow_id: a saved workflow under whose name whole graphs go.
    """

    instance_type: str | None = None
    workflow_id: str | None = None


def submit(server: Server, api: Api, graph: Mapping[str, Any], prompt_id: str, wishes: Wishes) -> Flow[str]:
    """Queue ``graph`` once; give the id of its task.

    Raises:
        GenerationRejectedError: refused, for lack of money too.
        ComfyUIOfflineError: nothing answers; nothing was sent.
        ComfyUIConnectionError: the key is not accepted, or no answer came; ``may_still_run`` says if it may be there.
    """
    return (yield from _Submission(server, api, prompt_id, _body(server, graph, wishes)).flow())


def running_tasks(server: Server, api: Api) -> Flow[int | None]:
    """Return how many tasks the account has, waiting or running; None if it does not tell."""
    tried: Attempt = yield from api.attempt(api.call(ACCOUNT, server.timing.cancel))
    told = tried.value.data if isinstance(tried.value, Envelope) and tried.value.code == 0 else None
    count = told.get("currentTaskCounts") if isinstance(told, Mapping) else None
    text = str(count)
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


class _Submission:
    def __init__(self, server: Server, api: Api, prompt_id: str, body: Mapping[str, Any]) -> None:
        self.server, self.timing, self.api, self.prompt_id = server, server.timing, api, prompt_id
        self.call = api.call(CREATE, server.timing.post, **body)
        self.pause = server.timing.last_poll
        self.failed = 0

    def flow(self) -> Flow[str]:
        """Send until it is taken or refused."""
        first = True
        while True:
            self._mark(sent=True)
            tried: Attempt = yield from self.api.attempt(self.call)
            told: Envelope | None = tried.value
            lost = tried.status == 503  # of codes that pass, those of the service do not say that nothing was taken
            lost |= told is None and tried.passing and tried.broken != "refused" and tried.status != 429
            self._mark(sent=lost)
            if told is not None and told.code == 0:
                return (yield from self._taken(told))
            if lost:
                yield from self._look(tried)
            if tried.broken == "refused" and first:
                raise self.api.offline(tried.problem or "")
            if tried.status not in (429, 503) or not self._bears(tried):
                raise self._refusal(tried)
            yield from self._wait(tried)
            first = False

    def _bears(self, tried: Attempt) -> bool:
        """Return whether it is sent again: a full queue always, a service that fails as often as any call is."""
        self.failed += tried.status == 503
        most = 3 if self.api.retries is None else self.api.retries
        return tried.status == 429 or self.failed <= most

    def _refusal(self, tried: Attempt) -> ComfyHeadlessError:
        told: Envelope | None = tried.value
        if told is None:
            return self.api.unanswered(tried)
        tips = _tips(told.data.get("promptTips") if isinstance(told.data, Mapping) else None)
        if tips.get("node_errors"):
            return rejection(tips)
        return refusal(self.api.address, told.code, told.words, what="the job was not taken")

    def _mark(self, *, sent: bool) -> None:
        """Note whether a call is out whose answer is not here: whoever leaves now is told so by ``cancel``."""
        known = self.server.known
        if known is not None:
            (known.unanswered.add if sent else known.unanswered.discard)(self.prompt_id)

    def _wait(self, tried: Attempt) -> Flow[None]:
        pause = max(self.pause * random.uniform(0.75, 1.25), tried.retry_after or 0.0)
        logger.info("%s: %s; sending again in %.0f s", self.server.url, tried.problem, pause)
        yield Sleep(pause)
        yield Sleep(0.0)  # a deadline that passed meanwhile strikes here, before anything is noted as sent
        self.pause = min(self.pause * _GROWS, self.timing.last_poll * _MOST_STEPS)

    def _look(self, tried: Attempt) -> Flow[None]:
        """An answer is lost: ask for the account's tasks; return where it may be sent again.

        Raises:
            ComfyUIConnectionError: whether it was taken cannot be known.
        """
        logger.warning("%s: %s; asking for the account's tasks", self.server.url, tried.problem)
        yield Sleep(self.timing.lookup_gap)
        count = yield from running_tasks(self.server, self.api)
        if tried.status == 503 and count == 0:
            words = "%s: was not available and the account has no task: the job %s is sent again"
            logger.warning(words, self.server.url, self.prompt_id)
            return
        raise ComfyUIConnectionError(
            f"{self.server.url}: {tried.problem}; whether RunningHub took the job cannot be known ({_tasks(count)}), "
            f"so it was not sent again: look at your tasks on {self.api.address} before you send it again",
            url=self.server.url,
            prompt_id=self.prompt_id,
            may_still_run=True,
        )

    def _taken(self, told: Envelope) -> Flow[str]:
        """Return the id of a task that was made; one that lacks some outputs is cancelled, and refused."""
        data = told.data if isinstance(told.data, Mapping) else {}
        job_id = str(data.get("taskId") or "")
        if not job_id:
            raise ComfyUIConnectionError(
                f"{self.server.url}: POST {CREATE} answered without a taskId; the job may run: look at your tasks on "
                f"{self.api.address}",
                url=self.server.url,
                prompt_id=self.prompt_id,
                may_still_run=True,
            )
        tips = _tips(data.get("promptTips"))
        if tips.get("node_errors"):
            raise (yield from self._incomplete(job_id, tips))
        logger.info("job %s: queued on %s", job_id, self.server.url, extra={"prompt_id": job_id})
        return job_id

    def _incomplete(self, job_id: str, tips: Mapping[str, Any]) -> Flow[GenerationRejectedError]:
        call = self.api.call(CANCEL, self.timing.cancel, taskId=job_id)
        tried: Attempt = yield from self.api.attempt(call)
        ended = isinstance(tried.value, Envelope) and (
            tried.value.code == 0 or code_of(tried.value.code).kind == "state"
        )
        rest = "the job was cancelled" if ended else f"the others may still run ({tried.problem})"
        return rejection(tips, job_id, rest=rest)


def _tasks(count: int | None) -> str:
    if count is None:
        return "the account does not tell its tasks"
    return f"the account has {count} tasks" if count else "the account has no task: it never came, or has ended already"


def _tips(told: Any) -> Mapping[str, Any]:
    """Read ``promptTips``: what the machine's ComfyUI said of the graph, as JSON text."""
    try:
        tips = json.loads(told) if isinstance(told, str) else told
    except (ValueError, RecursionError):
        return {}
    return tips if isinstance(tips, Mapping) else {}


def _body(server: Server, graph: Mapping[str, Any], wishes: Wishes) -> dict[str, Any]:
    saved = server.known.saved_workflows() if server.known is not None else {}
    more = {"instanceType": wishes.instance_type} if wishes.instance_type else {}
    for workflow_id, base in reversed(saved.items()):
        changes = changed(base, graph)
        if changes is not None:
            return {"workflowId": workflow_id, **({"nodeInfoList": changes} if changes else {}), **more}
    carrier = wishes.workflow_id or next(reversed(saved), None)
    whole = {"workflow": json_body(graph).decode()}
    return {**({"workflowId": carrier} if carrier else {}), **whole, **more}


def changed(base: Mapping[str, Any], graph: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """Return what differs from a saved workflow, as ``nodeInfoList``; None if that cannot say it: wires, nodes."""
    if base.keys() != graph.keys():
        return None
    found = []
    for node_id, node in graph.items():
        before, now = base[node_id].get("inputs") or {}, node.get("inputs") or {}
        if base[node_id].get("class_type") != node.get("class_type") or not before.keys() <= now.keys():
            return None
        for name, value in now.items():
            old = before.get(name)
            if name in before and old == value and type(old) is type(value):
                continue
            if isinstance(value, list | dict) or isinstance(old, list | dict):
                return None
            found.append({"nodeId": node_id, "fieldName": name, "fieldValue": value})
    return found
