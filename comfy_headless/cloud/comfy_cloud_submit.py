"""Give a job to Comfy's API v2, once.

The ``Idempotency-Key`` is the prompt_id that was drawn for this call. A key can be used once: what comes with a used
one is refused (``idempotency_key_reuse``) and never run (openapi-v2.yaml, POST /api/v2/jobs). So where an answer is
lost, the job is looked for by its label, where jobs are listed; if it is not there, the same is sent again with the
same key:

    201                          -> the first one did not arrive; this is the job
    422 idempotency_key_reuse    -> the first one may have made a job: it is looked for for a while; what cannot be
                                    found is a ComfyUIConnectionError(may_still_run=True)
    429 with a reason to wait    -> waited out; the key is free still
    another refusal              -> the error

A label goes with the job where the place takes one: a map at a deployment, a text at a proxy, none at Comfy Cloud
(comfy-sdk 0.5.0, comfy-api-proxy 0.1.6). A place that refuses one form is asked with the next.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Mapping
from typing import Any, Final

from comfy_headless.cloud.comfy_cloud_api import CLOUD_HOST, DEPLOYMENT_HOSTS, Api
from comfy_headless.cloud.comfy_cloud_jobs import CloudJob, read_job
from comfy_headless.cloud.comfy_cloud_refusals import read_refusal, refused, said
from comfy_headless.errors import ComfyUIConnectionError
from comfy_headless.protocol.conversation import Attempt, Server, attempt, read
from comfy_headless.protocol.effects import Broken, Call, Flow, Now, Reply, Sleep, json_body

logger = logging.getLogger("comfy_headless")

LABEL: Final = "comfy_headless"
"""The label's name; its value is the prompt_id."""

_KEY: Final = "api_key_comfy_org"
_FORMS: Final[Mapping[str, tuple[str, ...]]] = {"cloud": ("none",), "deployment": ("map", "none")}
_ELSEWHERE: Final = ("text", "map", "none")
_LABEL_REFUSED: Final = ("metadata_not_supported", "metadata_invalid", "invalid_request")
_PAUSE: Final = 8.0
"""Times ``Timing.retry`` that is waited where a full queue says nothing of how long."""


def submit(server: Server, api: Api, graph: Mapping[str, Any], prompt_id: str) -> Flow[str]:
    """Queue ``graph`` once; give the id of the job.

    Raises:
        GenerationRejectedError: refused, for lack of credits too.
        ComfyUIOfflineError: nothing answers; nothing was sent.
        ComfyUIConnectionError: the key is not accepted, or no answer came; ``may_still_run`` says if it may be there.
    """
    return (yield from _Submission(server, api, graph, prompt_id).flow())


class _Submission:
    def __init__(self, server: Server, api: Api, graph: Mapping[str, Any], prompt_id: str) -> None:
        self.server, self.api, self.graph, self.prompt_id = server, api, graph, prompt_id
        self.forms = list(forms_at(api))
        self.lost = ""
        self.lost_since = 0.0
        self.wait = server.timing.retry
        self.told_full = False

    def flow(self) -> Flow[str]:
        while True:
            self._mark(sent=True)
            try:
                reply = self.api.hide((yield self._call()))
            except Broken as broken:
                if broken.kind == "refused" and not self.lost:
                    self._mark(sent=False)
                    raise self.api.offline(str(broken)) from None
                pause = yield from self._lose(str(broken))
            else:
                self._mark(sent=bool(self.lost))
                job = _job_in(reply)
                if job is not None:
                    self._mark(sent=False)
                    logger.info("job %s: queued at %s", job.id, self.server.url, extra={"prompt_id": job.id})
                    return job.id
                pause = yield from self._answered(reply)
                if not pause:
                    return (yield from self._found())
            yield Sleep(pause)
            yield Sleep(0.0)  # a deadline that passed meanwhile strikes here, before anything is noted as sent
            if self.lost:
                now = yield Now()
                if now - self.lost_since > self.server.timing.patience:
                    raise self._unknown("it was not answered since")
                made = yield from self._look()
                if made is not None:
                    return made

    def _mark(self, *, sent: bool) -> None:
        """Note whether a call is out whose answer is not here: whoever leaves now is told so by ``cancel``."""
        known = self.server.known
        if known is not None:
            (known.unanswered.add if sent else known.unanswered.discard)(self.prompt_id)

    def _call(self) -> Call:
        body: dict[str, Any] = {"workflow": self.graph, **label_as(self.forms[0], self.prompt_id)}
        if self.api.partner_key:
            body["extra_data"] = {_KEY: self.api.partner_key}
        once = ("Idempotency-Key", self.prompt_id)
        return self.api.call("POST", "/jobs", body=json_body(body), timeout=self.server.timing.post, headers=(once,))

    def _answered(self, reply: Reply) -> Flow[float]:
        """Give how long to wait before the same is sent again, 0 if a job was made earlier; raise a refusal."""
        if 300 <= reply.status < 400:
            problem = read(self._call(), reply).problem
            raise ComfyUIConnectionError(
                f"{self.server.url}: {problem}", url=self.server.url, prompt_id=self.prompt_id, status=reply.status
            )
        if reply.status < 300 or reply.status == 408 or reply.status >= 500:
            return (yield from self._lose(f"answered {reply.status}: {reply.first_line()}"))
        refusal = read_refusal(reply)
        if refusal.code == "idempotency_key_reuse":
            if not self.lost:
                raise ComfyUIConnectionError(
                    f"{self.server.url}: a job was sent there before with the prompt_id {self.prompt_id}; an id is "
                    "good for one job",
                    url=self.server.url,
                    prompt_id=self.prompt_id,
                    status=reply.status,
                )
            return 0.0
        if refusal.waits:
            if not self.told_full:
                logger.warning("%s takes no job now (%s); waiting", self.api.name, said(refusal))
            self.told_full = True
            least = refusal.after if refusal.after is not None else _PAUSE * self.server.timing.retry
            return max(least, self.server.timing.retry) * random.uniform(1.0, 1.25)  # not all who wait at once
        if refusal.code in _LABEL_REFUSED and len(self.forms) > 1:
            del self.forms[0]
            return self.server.timing.retry
        before = f"\nbefore that an answer was lost ({self.lost})" if self.lost else ""
        raise refused(self.server, refusal, self.prompt_id, before=before)

    def _lose(self, problem: str) -> Flow[float]:
        """Note that an answer was lost; give how long to wait before the same is sent again."""
        self._mark(sent=True)
        if not self.lost:
            self.lost, self.lost_since = problem, (yield Now())
        logger.warning("%s: POST /jobs %s; sending the same again, which makes no second job", self.api.name, problem)
        self.wait = min(2 * self.wait, self.server.timing.last_poll)
        return self.wait

    def _look(self) -> Flow[str | None]:
        """Look for the job that was made; None where it is not to be found."""
        job = None
        if self.forms[0] != "none":
            job = yield from find_labelled(self.server, self.api, self.prompt_id)
        return None if job is None else job.id

    def _found(self) -> Flow[str]:
        """Give the id of the job that an earlier try has made."""
        timing = self.server.timing
        started = yield Now()
        while self.forms[0] != "none":
            made = yield from self._look()
            now = yield Now()
            if made is not None:
                return made
            if now - started >= timing.lookup:
                break
            yield Sleep(timing.lookup_gap)
        raise self._unknown("its key is taken there, so a job may have been made, but it cannot be looked up")

    def _unknown(self, words: str) -> ComfyUIConnectionError:
        return ComfyUIConnectionError(
            f"{self.server.url}: the answer to a job was lost ({self.lost}); {words}. It was not sent as a second job: "
            f"look at {self.server.url} whether it runs before you send it again",
            url=self.server.url,
            prompt_id=self.prompt_id,
            may_still_run=True,
        )


def forms_at(api: Api) -> tuple[str, ...]:
    """Return how a job may be labelled at an address: what to try, in this order."""
    if api.host == CLOUD_HOST:
        return _FORMS["cloud"]
    return _FORMS["deployment"] if api.host.endswith(DEPLOYMENT_HOSTS) else _ELSEWHERE


def label_as(form: str, prompt_id: str) -> dict[str, Any]:
    """Return what labels a job, as part of what is sent."""
    match form:
        case "map":
            return {"metadata": {LABEL: prompt_id}}
        case "text":
            return {"metadata": f"{LABEL}={prompt_id}"}
    return {}


def find_labelled(server: Server, api: Api, prompt_id: str) -> Flow[CloudJob | None]:
    """Look for the job that was sent with ``prompt_id``; None where there is none, or jobs are not listed."""
    jobs = yield from list_jobs(server, api, params=((f"metadata[{LABEL}]", prompt_id),))
    labels = tuple(label_as(form, prompt_id)["metadata"] for form in ("map", "text"))
    return next((job for job in jobs or () if job.raw.get("metadata") in labels), None)


def list_jobs(server: Server, api: Api, params: tuple[tuple[str, str], ...] = ()) -> Flow[list[CloudJob] | None]:
    """Ask which jobs there are, the newest first; None where that is not told."""
    call = api.call("GET", "/jobs", params=params, timeout=server.timing.read)
    tried: Attempt = yield from attempt(call, api.read)
    told = tried.value.get("jobs") if isinstance(tried.value, dict) else None
    if not isinstance(told, list):
        return None
    return [job for job in map(read_job, told) if job is not None]


def _job_in(reply: Reply) -> CloudJob | None:
    try:
        return read_job(reply.json()) if reply.status in (200, 201) else None
    except ValueError:
        return None
