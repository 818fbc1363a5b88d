"""What Comfy's API v2 says no with, and what to do about it: codes of its error envelope, in one table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from comfy_headless.errors import ComfyHeadlessError, ComfyUIConnectionError, GenerationRejectedError, without_secrets
from comfy_headless.protocol.conversation import Attempt, Server, retry_after
from comfy_headless.protocol.effects import Call, Reply

WAITED_OUT: Final = frozenset({"queue_full", "deployment_not_ready", "rate_limited", "too_many_streams"})
"""Codes of a 429 that pass by themselves. Any other 429 passes if it says when (``Retry-After``)."""

_KEYS: Final = "https://platform.comfy.org"
_REMEDIES: Final[Mapping[str, str]] = {
    "unauthorized": f"the key is not accepted: give ComfyCloud(api_key=...) or COMFY_API_KEY; keys are made at {_KEYS}",
    "forbidden": "the key is known, but may not do this: look at the account's plan, and at the name of the deployment",
    "insufficient_credits": f"the account has no credits left: buy some at {_KEYS}, or wait for the next month's",
    "deployment_stopped": f"the deployment is stopped: start it at {_KEYS}",
    "missing_asset": "a file that the graph names is not kept there any more: give its path, and it is uploaded again",
    "workflow_format_ui": "convert_workflow(...) makes the graph of what the browser saves",
    "payload_too_large": "the file is too large for one upload (about 100 MB)",
    "inactive_subscription": f"only a paid plan takes jobs over the API: look at {_KEYS}",
}
_BY_STATUS: Final[Mapping[int, str]] = {
    401: "unauthorized",
    402: "insufficient_credits",
    403: "forbidden",
    413: "payload_too_large",
    429: "inactive_subscription",
}
"""What an answer without a code means; docs.comfy.org has the 429 (Cloud API Overview, 2026-08-21)."""


class Refusal(NamedTuple):
    """An answer that is no success.

    Args:
        code: what the envelope says, else what the status means; empty where neither says anything.
        message: in words.
        details: what the envelope says beside; of a graph its ``node_errors``.
        after: seconds to wait, as the server says it.
    """

    status: int
    code: str
    message: str
    details: Mapping[str, Any]
    after: float | None = None

    @property
    def waits(self) -> bool:
        """True if the same call will be taken later."""
        return self.status == 429 and (self.code in WAITED_OUT or self.after is not None)

    @property
    def remedy(self) -> str:
        """What to do about it; empty where nobody knows."""
        return _REMEDIES.get(self.code, "") or _REMEDIES.get(_BY_STATUS.get(self.status, ""), "")


def read_refusal(reply: Reply) -> Refusal:
    """Read an answer of 400 and more."""
    try:
        answer = reply.json()
    except ValueError:
        answer = None
    error = answer.get("error") if isinstance(answer, dict) else None
    told: Mapping[str, Any] = error if isinstance(error, dict) else answer if isinstance(answer, dict) else {}
    code, message, details = told.get("code"), told.get("message"), told.get("details")
    return Refusal(
        reply.status,
        code if isinstance(code, str) else _BY_STATUS.get(reply.status, ""),
        without_secrets(message if isinstance(message, str) and message else reply.first_line()),
        details if isinstance(details, dict) else {},
        retry_after(reply),
    )


def read_answer(call: Call, reply: Reply) -> Attempt:
    """Read an answer as JSON, or say what came instead, with the remedy."""
    route = call.route.partition("?")[0]
    if reply.status >= 400:
        refusal = read_refusal(reply)
        problem = f"{call.method} {route} answered {reply.status}: {said(refusal)}"
        status = 400 if reply.status == 429 and not refusal.waits else reply.status  # not to be asked again
        return Attempt(problem=problem, status=status, retry_after=refusal.after)
    try:
        return Attempt(reply.json() if reply.body else None, status=reply.status)
    except ValueError:
        problem = f"{call.method} {route} answered {reply.status} without JSON: {reply.first_line()}"
        return Attempt(problem=without_secrets(problem), status=reply.status)


def said(refusal: Refusal) -> str:
    """Return a refusal in words: its code, what was said, what to do."""
    words = f"{refusal.code}: {refusal.message}" if refusal.code else refusal.message
    return f"{words} ({refusal.remedy})" if refusal.remedy else words


def refused(server: Server, refusal: Refusal, prompt_id: str, *, before: str = "") -> ComfyHeadlessError:
    """Return the error for a job that was not taken.

    Args:
        before: what went wrong with it earlier.
    """
    lines = [f"the cloud refused the job: {said(refusal)}{before}", *_node_lines(refusal.details.get("node_errors"))]
    message = "\n".join(lines)
    if refusal.status in (401, 403) or refusal.status >= 500:
        problem = f"{server.url}: {message}"
        return ComfyUIConnectionError(problem, url=server.url, prompt_id=prompt_id, status=refusal.status)
    errors = refusal.details.get("node_errors")
    return GenerationRejectedError(
        message,
        prompt_id=prompt_id,
        server_message=refusal.message,
        node_errors=errors if isinstance(errors, dict) else None,
    )


def _node_lines(errors: Any) -> Iterator[str]:
    """Yield one line for each thing that is wrong, as the API says it (field, reason) or a ComfyUI behind it does."""
    for node_id, told in errors.items() if isinstance(errors, dict) else ():
        node_class = f" ({told['class_type']})" if isinstance(told, dict) and told.get("class_type") else ""
        each = told.get("errors") if isinstance(told, dict) else told
        for one in each if isinstance(each, list) else ():
            if isinstance(one, dict):
                words = [one.get(name) for name in ("field", "reason", "message", "details")]
                yield f"  node {node_id}{node_class}: {': '.join(str(word) for word in words if word)}"
