"""Queue a graph, exactly once.

The prompt_id is ours and goes with the POST. If the answer is lost, the job is looked up by that id before anything
is sent again, since a server accepts the same id twice and would run it twice:

    found                                      -> go on
    absent twice, after a reset, 429 or 503    -> send again with the same id (after a reset or 503: once)
    absent, after a timeout or another failure -> ComfyUIConnectionError(may_still_run=True)
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple
from uuid import UUID

from comfy_headless.errors import ComfyUIConnectionError, GenerationRejectedError, ValidationError
from comfy_headless.protocol.conversation import Attempt, Server, attempt, barred, offline, read
from comfy_headless.protocol.effects import Broken, Call, Flow, Now, Reply, Sleep, json_body
from comfy_headless.protocol.routes import cancel, read_queue

logger = logging.getLogger("comfy_headless")

_KEY: Final = "api_key_comfy_org"
_TRIES_AFTER_429: Final = 10
_SETTLED: Final = (200, 400, 413)
_NO_WIRE: Final = "a wire leads to a node or an output that is not there"
_HINTS: Final[Mapping[str, str]] = {
    "prompt_no_outputs": "no node saves anything: add one that does, such as SaveVideo or SaveImage",
    "exception_during_validation": _NO_WIRE,
    "exception_during_inner_validation": _NO_WIRE,
}
"""What the server's own words do not say, by the type of its error (ComfyUI 0.30.0)."""


class Place(NamedTuple):
    """Where in the queue a graph goes, and what of it is run.

    Args:
        front: before all that wait.
        number: its number in the queue, the lowest runs first; None: the server's own count, which begins at 0.
        targets: ids of output nodes; only these are run, and what they need. None: all.
    """

    front: bool = False
    number: float | None = None
    targets: tuple[str, ...] | None = None

    def body(self) -> dict[str, Any]:
        """Return what of it is sent."""
        front = {"front": True} if self.front else {}
        numbered = {} if self.number is None else {"number": self.number}
        return {**front, **numbered, **({} if self.targets is None else {"partial_execution_targets": self.targets})}


def place_in(
    graph: Mapping[str, Any], *, front: bool = False, number: float | None = None, targets: Iterable[str] | None = None
) -> Place:
    """Return where in the queue a graph goes; raises ValidationError."""
    if number is not None:
        if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number):
            raise ValidationError(f"number={number!r}: expected a number; the lowest runs first")
        if front:
            raise ValidationError(f"front=True, number={number!r}: the number alone says the place; give one of them")
    if targets is None:
        return Place(bool(front), number)
    if isinstance(targets, str | bytes | Mapping) or not isinstance(targets, Iterable):
        raise ValidationError(f"partial_execution_targets={targets!r}: expected a list of ids of the graph's nodes")
    wanted = tuple(targets)
    absent = [node for node in wanted if node not in graph]
    if absent or not wanted:
        words = f"the graph has no node {absent[0]!r}" if absent else "it is empty"
        raise ValidationError(f"partial_execution_targets: {words}; its nodes: {', '.join(graph)}")
    return Place(bool(front), number, wanted)


def extra_of(extra_data: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Return what is to be kept with a job, checked; raises ValidationError, which shows no value of it."""
    if extra_data is None or isinstance(extra_data, Mapping):
        return extra_data
    raise ValidationError(f"extra_data: expected a dict, not {type(extra_data).__name__}")


def chosen_id(prompt_id: str) -> str:
    """Return an id that a server takes for a job; raises ValidationError (ComfyUI 0.30.0, validate_job_id)."""
    try:
        if isinstance(prompt_id, str) and str(UUID(prompt_id)) == prompt_id:
            return prompt_id
    except ValueError:
        pass
    raise ValidationError(
        f"prompt_id={repr(prompt_id)[:80]}: expected a UUID in lower case with hyphens, as str(uuid.uuid4()) gives it"
    )


def submit(
    server: Server,
    graph: Mapping[str, Any],
    prompt_id: str,
    *,
    extra_data: Mapping[str, Any] | None = None,
    place: Place = Place(),  # noqa: B008 - an immutable tuple
) -> Flow[str]:
    """Queue ``graph`` under ``prompt_id``; give the id under which the server holds it.

    The key of Comfy.org goes with it, and nowhere else: what the server answers is read without it.

    Args:
        graph: API-format workflow.
        prompt_id: canonical lower-case UUID.
        extra_data: kept with the job by the server (``preview_method``, ``extra_pnginfo``, ...).
        place: where in the queue, and what of it.

    Raises:
        GenerationRejectedError: the server refused the graph, or one of its outputs (then the rest is cancelled).
        ComfyUIOfflineError: nothing answers; nothing was sent.
        ComfyUIConnectionError: no answer, and the job cannot be found; ``may_still_run`` tells if it may be there.
    """
    if server.executor is not None:
        if place != Place():
            raise ValidationError(f"{server.executor.name} takes whole graphs, in turn: no front, number or targets")
        return (yield from server.executor.submit(server, graph, prompt_id, extra_data=extra_data))
    return (yield from _submit(server, graph, prompt_id, _with_key(server, extra_data), place))


def _submit(
    server: Server, graph: Mapping[str, Any], prompt_id: str, extra: Mapping[str, Any], place: Place
) -> Flow[str]:
    named = {"prompt": graph, "client_id": server.client_id, "prompt_id": prompt_id}
    body = json_body({**named, **place.body(), **({"extra_data": extra} if extra else {})})
    call = Call("POST", "/prompt", body=body, timeout=server.timing.post)
    resets = 0
    for _ in range(_TRIES_AFTER_429):
        try:
            reply = _without((yield call), extra.get(_KEY))
        except Broken as broken:
            if broken.kind == "refused" and not resets:
                raise offline(server, str(broken)) from None
            tried = Attempt(problem=f"POST /prompt: {broken}")
            again = broken.kind == "reset"
        else:
            settled = (yield from _settle(server, call, reply, prompt_id)) if reply.status in _SETTLED else None
            if settled is not None:
                return _queued(server, settled)
            tried = _unsettled(call, reply)
            if not tried.passing:
                problem = f"{server.url}: {tried.problem}{barred(server, tried)}"
                raise ComfyUIConnectionError(problem, url=server.url, prompt_id=prompt_id)
            again = reply.status in (429, 503)
        logger.warning("%s; looking for the job %s on the server", tried.problem, prompt_id)
        if tried.retry_after:
            yield Sleep(tried.retry_after)
        if (yield from _look_up(server, prompt_id, quick=again)):
            return _queued(server, prompt_id)
        resets += tried.status != 429
        if not again or resets > 1:
            break
    raise ComfyUIConnectionError(
        f"{server.url}: {tried.problem}; the job {prompt_id} is not there yet, but the server may still take it: "
        "look for it before you send it again",
        url=server.url,
        prompt_id=prompt_id,
        may_still_run=True,
    )


def _with_key(server: Server, extra_data: Mapping[str, Any] | None) -> dict[str, Any]:
    key = server.access.comfy_org_key
    return {**({_KEY: key} if key else {}), **(extra_data or {})}


def _without(reply: Reply, key: Any) -> Reply:
    """Return an answer as if it did not repeat the key of Comfy.org."""
    if isinstance(key, str) and key and key.encode() in reply.body:
        return Reply(reply.status, reply.headers, reply.body.replace(key.encode(), b"***"))
    return reply


def _queued(server: Server, prompt_id: str) -> str:
    logger.info("prompt %s: queued on %s", prompt_id, server.url, extra={"prompt_id": prompt_id})
    return prompt_id


def _settle(server: Server, call: Call, reply: Reply, prompt_id: str) -> Flow[str | None]:
    """Return the id of an accepted job, None for an answer that says nothing, or raise the refusal."""
    try:
        answer = reply.json()
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        if reply.status == 200:
            return None
        words = f"{reply.status}: {reply.first_line()}"
        raise GenerationRejectedError(f"the server refused the graph: {words}", server_message=reply.first_line())
    accepted = answer.get("prompt_id") if reply.status == 200 else None
    if answer.get("node_errors") or not isinstance(accepted, str):
        if reply.status == 200 and not answer.get("node_errors"):
            return None
        rest = (yield from _cancel_rest(server, accepted)) if isinstance(accepted, str) else None
        raise rejection(answer, prompt_id, rest=rest)
    return accepted


def _unsettled(call: Call, reply: Reply) -> Attempt:
    tried = read(call, reply)
    if tried.problem is not None:
        return tried
    return tried._replace(problem=f"{call.method} {call.route} answered {reply.status} without a prompt_id")


def _cancel_rest(server: Server, prompt_id: str) -> Flow[str]:
    try:
        yield from cancel(server, prompt_id)
    except ComfyUIConnectionError as error:
        return f"the others may still run ({error})"
    return "the job was cancelled"


def rejection(
    answer: Mapping[str, Any], prompt_id: str | None = None, *, rest: str | None = None
) -> GenerationRejectedError:
    """Return the error for the body of a 400, or of a 200 that dropped some outputs: one line per node error.

    Args:
        rest: what became of the outputs that were accepted, None if none was.
    """
    node_errors = answer.get("node_errors")
    node_errors = node_errors if isinstance(node_errors, dict) else {}
    error = answer.get("error")
    head = _sentence(error) if isinstance(error, dict) else str(error or "")
    lines = [
        f"  node {node_id} ({node.get('class_type')}): {_sentence(one)}"
        for node_id, node in node_errors.items()
        if isinstance(node, dict)
        for one in node.get("errors") or ()
        if isinstance(one, dict)
    ]
    start = f"the server would drop some outputs of the graph; {rest}" if rest else "the server refused the graph"
    message = "\n".join([f"{start}: {head}" if head else start, *lines])
    return GenerationRejectedError(
        message, prompt_id=prompt_id, server_message=head or "\n".join(lines), node_errors=node_errors
    )


def _sentence(error: Mapping[str, Any]) -> str:
    words = [str(error.get("message") or error.get("type") or ""), str(error.get("details") or "")]
    said = ": ".join(word for word in words if word)
    extra = error.get("extra_info")
    missing = extra.get("class_type") if isinstance(extra, dict) and error.get("type") == "missing_node_type" else None
    hint = f"the class {missing!r} is not known there" if missing else _HINTS.get(str(error.get("type")))
    return f"{said} ({hint})" if hint else said


def _look_up(server: Server, prompt_id: str, *, quick: bool) -> Flow[bool]:
    """Look for a job in the queue and the history; False once it was absent twice, ``lookup_gap`` apart.

    With ``quick`` two looks are enough; else the whole ``lookup`` time is used, since the answer may be late.
    """
    timing = server.timing
    started = yield Now()
    absent_since: float | None = None
    while True:
        found = yield from find(server, prompt_id)
        now = yield Now()
        if found:
            return True
        if found is False:
            absent_since = now if absent_since is None else absent_since
            if quick and now - absent_since >= timing.lookup_gap:
                return False
        if now - started >= timing.lookup and (absent_since is not None or now - started >= timing.patience):
            if absent_since is None:
                raise ComfyUIConnectionError(
                    f"{server.url}: the answer to POST /prompt was lost and the server has not answered since "
                    f"({timing.patience:.0f} s); the job {prompt_id} may be there",
                    url=server.url,
                    prompt_id=prompt_id,
                    may_still_run=True,
                )
            return False
        yield Sleep(timing.lookup_gap if found is False else timing.lookup_gap / 4)


def find(server: Server, prompt_id: str) -> Flow[bool | None]:
    """Say whether the server holds a job: True, False, or None if it cannot be told now."""
    limit = server.timing.read
    tried: Attempt = yield from attempt(Call("GET", f"/history/{prompt_id}", timeout=limit))
    if not isinstance(tried.value, dict):
        return None
    if prompt_id in tried.value:
        return True
    tried = yield from attempt(Call("GET", "/queue", timeout=limit))
    queue = read_queue(tried.value)
    if queue is None:
        return None
    return queue.position(prompt_id) is not None
