"""Who is talked to at RunningHub: an address and a key, the calls that carry it there, and how answers are read.

The key stands in the body of each call, as the documentation has it (runninghub-api-doc, 2026), and so goes to this
address alone. An answer is an envelope: HTTP 200 with ``code`` (0: it is done), ``msg`` and ``data``.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from comfy_headless.cloud.runninghub_codes import code_of, said
from comfy_headless.errors import ComfyUIConnectionError, ComfyUIOfflineError
from comfy_headless.protocol.conversation import Attempt, Server, attempt, read
from comfy_headless.protocol.effects import Call, Flow, Now, Part, Reply, Sleep, json_body

logger = logging.getLogger("comfy_headless")

NAME: Final = "RunningHub"
CREATE: Final = "/task/openapi/create"
STATUS: Final = "/task/openapi/status"
OUTPUTS: Final = "/task/openapi/outputs"
CANCEL: Final = "/task/openapi/cancel"
UPLOAD: Final = "/task/openapi/upload"
WORKFLOW: Final = "/api/openapi/getJsonApiFormat"
ACCOUNT: Final = "/uc/openapi/accountStatus"


_CODE: Final = re.compile(r"-?[0-9]{1,9}")


class Envelope(NamedTuple):
    """What an answer says: 0 and data, or another code and why."""

    code: int
    words: str
    data: Any


@dataclass(frozen=True, slots=True)
class Api:
    """An account at an address.

    Args:
        address: without a trailing slash.
        retries: how often a call is repeated that may be; None: as long as ``Timing.patience``.
    """

    address: str
    key: str = field(repr=False)
    retries: int | None = None

    def call(self, route: str, timeout: float, **body: Any) -> Call:
        """Return a call of a route."""
        keyed = {"apikey" if route == ACCOUNT else "apiKey": self.key, **body}
        return Call("POST", f"{self.address}{route}", body=json_body(keyed), timeout=timeout)

    def uploading(self, part: Part, timeout: float) -> Call:
        """Return the call that brings a file there."""
        sent = Part("file", part.filename, part.content)
        return Call("POST", f"{self.address}{UPLOAD}", form=(("apiKey", self.key),), parts=(sent,), timeout=timeout)

    def attempt(self, call: Call) -> Flow[Attempt]:
        """Make a call once; its ``value`` is an ``Envelope`` wherever one came, whatever its code."""
        tried = yield from attempt(call, self._read)
        if tried.problem is None:
            return tried
        return tried._replace(problem=tried.problem.replace(f" {self.address}/", " /"))

    def ask(self, server: Server, call: Call, *, first: bool = True) -> Flow[Attempt]:
        """Make a call that may be made twice, until it is answered, refused, or nobody waits any longer.

        Args:
            first: nothing is known of this address yet: a refused connection is final.

        Raises:
            ComfyUIOfflineError: no connection, and ``first``.
        """
        timing = server.timing
        started = yield Now()
        wait, repeated = timing.retry, 0
        while True:
            tried = yield from self.attempt(call)
            if tried.problem is None or not tried.passing:
                return tried
            if tried.broken == "refused" and first:
                raise self.offline(tried.problem)
            now = yield Now()
            repeated += 1
            if now - started > timing.patience or (self.retries is not None and repeated > self.retries):
                return tried
            first = first and tried.broken is not None
            logger.info("%s; asking again", tried.problem)
            yield Sleep(max(wait, tried.retry_after or 0.0))
            wait = min(wait * 2, timing.last_poll)

    def _read(self, call: Call, reply: Reply) -> Attempt:
        """Read an answer. A code that passes is as a status that does: 429 is full, 503 any other."""
        reply = self.hidden(reply)
        tried = read(call, reply)._replace(value=None)
        if tried.problem is not None:
            return tried
        what, told = f"{call.method} {call.route}", envelope_in(reply)
        if told is None:
            return tried._replace(problem=f"{what} answered {reply.status} with something else: {reply.first_line()}")
        if told.code == 0:
            return tried._replace(value=told)
        status = {"full": 429, "service": 503, "key": 401}.get(code_of(told.code).kind, 400)
        return Attempt(told, f"{what}: {said(told.code, told.words)}", status)

    def hidden(self, reply: Reply) -> Reply:
        """Return an answer as if it did not repeat the key."""
        if self.key.encode() not in reply.body:
            return reply
        return Reply(reply.status, reply.headers, reply.body.replace(self.key.encode(), b"***"))

    def offline(self, problem: str) -> ComfyUIOfflineError:
        """Return the error for an address where nothing answers."""
        return ComfyUIOfflineError(
            f"{NAME} does not answer at {self.address}: {problem}; base_url= or RUNNINGHUB_BASE_URL names another "
            "(https://www.runninghub.ai, https://www.runninghub.cn in China)",
            url=self.address,
        )

    def unanswered(self, tried: Attempt, *, job_id: str | None = None) -> ComfyUIConnectionError:
        """Return the error for a call that came to nothing; ``job_id`` is a job that goes on meanwhile."""
        goes_on = f"; the job {job_id} may still run: {again(job_id)}" if job_id else ""
        return ComfyUIConnectionError(
            f"{self.address}: {tried.problem or 'the answer is not what was asked for'}{goes_on}",
            url=self.address,
            prompt_id=job_id,
            may_still_run=job_id is not None,
            status=tried.status,
        )


def again(job_id: str) -> str:
    """Return how a job is taken up again that was left."""
    return f"take it up again by client.job({job_id!r}), or comfy-headless jobs fetch {job_id} --server runninghub"


def envelope_in(reply: Reply) -> Envelope | None:
    """Read an envelope; None if it is none."""
    try:
        told = reply.json()
    except ValueError:
        return None
    code = told.get("code") if isinstance(told, Mapping) else None
    if isinstance(code, str) and _CODE.fullmatch(code):
        code = int(code)
    if not isinstance(code, int) or isinstance(code, bool):
        return None
    return Envelope(code, str(told.get("msg") or ""), told.get("data"))
