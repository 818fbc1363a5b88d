"""The jobs API: one shape for jobs that wait, run and have ended (new after 0.3.64).

A server without it is asked for its queue and its history, which hold the same; only the preview is not picked there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any, Final, NamedTuple

from comfy_headless.protocol.answers import (
    NOT_THERE,
    job_ids,
    number,
    one_of,
    refusal,
    segment,
    strange,
    told,
    whole_number,
)
from comfy_headless.protocol.conversation import Server, persist
from comfy_headless.protocol.effects import Call, Flow, json_body
from comfy_headless.protocol.routes import cancel, history, queue_items
from comfy_headless.protocol.ticket import extra_in, graph_in, without_keys

STATES: Final = ("pending", "in_progress", "completed", "failed", "cancelled")
SORTS: Final = ("created_at", "execution_duration")
_ENDS: Final = ("execution_success", "execution_error", "execution_interrupted")


class JobRecord(NamedTuple):
    """What a server's jobs API says of one job. Times are seconds since 1970, None where they are not known.

    Args:
        status: "pending", "in_progress", "completed", "failed" or "cancelled".
        number: its number in the queue: the lowest runs first.
        error: the server's ``execution_error``: node_id, node_type, exception_type, exception_message, traceback, ...
        outputs_count: files that it made.
        preview: the one to show of them: filename, subfolder, type, nodeId, mediaType.
        workflow_id: the id that the frontend gave the workflow.
        outputs: what each node reported, by its id. Only of one job, once it has ended; so are the next two.
        graph: the API-format workflow.
        extra_data: what was sent with it.
    """

    prompt_id: str
    status: str
    number: float | None = None
    created: float | None = None
    started: float | None = None
    ended: float | None = None
    error: Mapping[str, Any] | None = None
    outputs_count: int = 0
    preview: Mapping[str, Any] | None = None
    workflow_id: str | None = None
    outputs: Mapping[str, Any] = {}
    graph: Mapping[str, Any] = {}
    extra_data: Mapping[str, Any] = {}

    @property
    def duration(self) -> float | None:
        """Seconds from its start to its end, None if it has not ended."""
        return self.ended - self.started if self.started is not None and self.ended is not None else None


class JobPage(NamedTuple):
    """Some jobs of a server.

    Args:
        total: how many fit the filters.
        more: there are others behind these.
    """

    jobs: tuple[JobRecord, ...]
    total: int
    more: bool


class Filter(NamedTuple):
    """Which jobs are wanted, in which order; checked when they are asked for.

    Args:
        status: one or several of ``STATES``; None: all.
        workflow_id: only those of this workflow of the frontend.
        sort_by: "created_at" or "execution_duration".
        descending: the latest, or longest, first.
        limit: at most so many; None: all.
        offset: so many are left out before.
    """

    status: str | Iterable[str] | None = None
    workflow_id: str | None = None
    sort_by: str = "created_at"
    descending: bool = True
    limit: int | None = None
    offset: int = 0

    def states(self) -> tuple[str, ...]:
        """Return the statuses that are wanted; raises ValidationError."""
        wanted = (self.status,) if isinstance(self.status, str) else self.status or ()
        return tuple(one_of(each, "status", STATES) for each in wanted)

    def params(self) -> tuple[tuple[str, str], ...]:
        """Return it as the query of the route; raises ValidationError."""
        limit = () if self.limit is None else (("limit", str(whole_number(self.limit, "limit", least=1))),)
        return (
            *((("status", ",".join(self.states())),) if self.states() else ()),
            *((("workflow_id", self.workflow_id),) if self.workflow_id is not None else ()),
            ("sort_by", one_of(self.sort_by, "sort_by", SORTS)),
            ("sort_order", "desc" if self.descending else "asc"),
            *limit,
            ("offset", str(whole_number(self.offset, "offset"))),
        )


def job_records(server: Server, wanted: Filter) -> Flow[JobPage]:
    """GET /api/jobs: some jobs, and how many there are."""
    if wanted.status is not None:
        wanted = wanted._replace(status=wanted.states())  # an iterator can be read once
    call = Call("GET", "/api/jobs", wanted.params(), timeout=server.timing.transfer)
    tried = yield from persist(server, call)
    if tried.status in NOT_THERE:
        return _page((yield from _all(server)), wanted)
    if tried.problem is not None:
        raise refusal(server, tried)
    jobs = tried.value.get("jobs") if isinstance(tried.value, dict) else None
    if not isinstance(jobs, list):
        raise strange(server, call, tried.value)
    records = tuple(_record(each) for each in jobs if isinstance(each, dict) and isinstance(each.get("id"), str))
    pages = tried.value.get("pagination")
    pages = pages if isinstance(pages, dict) else {}
    total = pages.get("total")
    return JobPage(records, total if isinstance(total, int) else len(records), pages.get("has_more") is True)


def job_record(server: Server, prompt_id: str) -> Flow[JobRecord | None]:
    """GET /api/jobs/{job_id}: one job, None if the server knows none of this id."""
    call = Call("GET", f"/api/jobs/{segment(prompt_id, 'prompt_id')}", timeout=server.timing.transfer)
    tried = yield from persist(server, call)
    if tried.status in NOT_THERE:
        if "Job not found" in (tried.problem or ""):  # else there may be no such route
            return None
        return (yield from _sought(server, prompt_id))
    if tried.problem is not None:
        raise refusal(server, tried, f"the job {prompt_id}")
    if not isinstance(tried.value, dict):
        raise strange(server, call, tried.value)
    return _record({"id": prompt_id, **tried.value})


def cancel_jobs(server: Server, prompt_ids: Iterable[str]) -> Flow[bool]:
    """POST /api/jobs/cancel: cancel several jobs, queued or running; True if the server still had one of them."""
    wanted = job_ids(prompt_ids)
    body = json_body({"job_ids": wanted})
    tried = yield from persist(server, Call("POST", "/api/jobs/cancel", body=body, timeout=server.timing.cancel))
    if tried.status in NOT_THERE:
        cancelled = 0
        for prompt_id in wanted:
            cancelled += yield from cancel(server, prompt_id)
        return cancelled > 0
    if tried.problem is not None:
        raise refusal(server, tried, "these jobs could not be cancelled")
    return isinstance(tried.value, dict) and tried.value.get("cancelled") is True


def _record(job: Mapping[str, Any]) -> JobRecord:
    """Read a job as the jobs API gives it."""
    workflow = job.get("workflow")
    workflow = workflow if isinstance(workflow, dict) else {}
    count, workflow_id = job.get("outputs_count"), job.get("workflow_id")
    return JobRecord(
        str(job["id"]),
        str(job.get("status") or ""),
        number(job.get("priority")),
        _seconds(job.get("create_time")),
        _seconds(job.get("execution_start_time")),
        _seconds(job.get("execution_end_time")),
        _mapping(job.get("execution_error")) or None,
        count if isinstance(count, int) else 0,
        _mapping(job.get("preview_output")) or None,
        str(workflow_id) if workflow_id is not None else None,
        _mapping(job.get("outputs")),
        _mapping(workflow.get("prompt")),
        without_keys(_mapping(workflow.get("extra_data"))),
    )


def _all(server: Server) -> Flow[list[JobRecord]]:
    """Return all jobs of a server without the jobs API: those that ended, the one that runs, those that wait."""
    waiting, items = yield from queue_items(server)
    ended = yield from told(server, "/history", dict, timeout=server.timing.transfer)
    states = [(prompt_id, "in_progress") for prompt_id in waiting.running]
    states += [(prompt_id, "pending") for prompt_id in waiting.pending]
    records = [_ended(name, entry)._replace(outputs={}) for name, entry in ended.items() if name not in items]
    return records + [_waiting(prompt_id, status, items[prompt_id]) for prompt_id, status in states]


def _sought(server: Server, prompt_id: str) -> Flow[JobRecord | None]:
    """Return one job from the older routes; the history is asked twice, since the job may end in between."""
    for last in (False, True):
        entry = yield from history(server, prompt_id)
        if entry is not None:
            item = entry.get("prompt")
            return _ended(prompt_id, entry)._replace(graph=graph_in(item), extra_data=extra_in(item))
        if not last:
            waiting, items = yield from queue_items(server)
            if prompt_id in items:
                status = "in_progress" if prompt_id in waiting.running else "pending"
                return _waiting(prompt_id, status, items[prompt_id])
    return None


def _waiting(prompt_id: str, status: str, item: list[Any]) -> JobRecord:
    created = _seconds(extra_in(item).get("create_time"))
    return JobRecord(prompt_id, status, number(item[0]), created, workflow_id=_workflow_id(item))


def _ended(prompt_id: str, entry: Any) -> JobRecord:
    """Read an entry of the history as the jobs API does (0.30.0, comfy_execution/jobs.py)."""
    entry = _mapping(entry)
    item, status, outputs = entry.get("prompt"), _mapping(entry.get("status")), _mapping(entry.get("outputs"))
    messages = status.get("messages")
    pairs = [one for one in messages if isinstance(one, list) and len(one) == 2] if isinstance(messages, list) else []
    events = {str(event): _mapping(data) for event, data in pairs}
    end: Mapping[str, Any] = next((events[name] for name in _ENDS if name in events), {})
    failed = "cancelled" if "execution_interrupted" in events else "failed"
    lists = [made for node in outputs.values() for made in _mapping(node).values() if isinstance(made, list)]
    return JobRecord(
        prompt_id,
        failed if status.get("status_str") == "error" else "completed",
        number(item[0]) if isinstance(item, list) and item else None,
        _seconds(extra_in(item).get("create_time")),
        _seconds(events.get("execution_start", {}).get("timestamp")),
        _seconds(end.get("timestamp")),
        events.get("execution_error"),
        sum(isinstance(each, dict) for made in lists for each in made),
        workflow_id=_workflow_id(item),
        outputs=outputs,
    )


def _page(records: list[JobRecord], wanted: Filter) -> JobPage:
    """Filter, sort and cut as the jobs API does; jobs of a server that tells no times keep their order."""
    states = wanted.states()
    fit = [each for each in records if not states or each.status in states]
    fit = [each for each in fit if wanted.workflow_id is None or each.workflow_id == wanted.workflow_id]
    fit.sort(key=lambda each: _rank(each, wanted.sort_by))
    fit = fit[::-1] if wanted.descending else fit
    cut = tuple(islice(fit, wanted.offset, None if wanted.limit is None else wanted.offset + wanted.limit))
    return JobPage(cut, len(fit), wanted.offset + len(cut) < len(fit))


def _rank(record: JobRecord, sort_by: str) -> float:
    return (record.duration if sort_by == "execution_duration" else record.created) or 0.0


def _workflow_id(item: Any) -> str | None:
    found = _mapping(_mapping(extra_in(item).get("extra_pnginfo")).get("workflow")).get("id")
    return str(found) if found is not None else None


def _seconds(told: Any) -> float | None:
    milliseconds = number(told)
    return milliseconds / 1000 if milliseconds is not None else None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
