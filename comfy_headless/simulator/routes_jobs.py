"""The jobs API: one shape for waiting, running and finished jobs (new after 0.3.64).

It is only under ``/api``, and by an accident of the real server, which puts ``/api`` before every route, also below
``/api/api``.
"""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from comfy_headless.simulator.machine import Machine
from comfy_headless.simulator.queue import Item
from comfy_headless.simulator.routes_work import is_canonical_uuid

_STATES = ("pending", "in_progress", "completed", "failed", "cancelled")
_ENDS = ("execution_success", "execution_error", "execution_interrupted")
_PREVIEWABLE = ("images", "video", "audio", "3d", "text")


def routes(machine: Machine) -> list[web.RouteDef]:
    """Return the routes, ``/api`` written out."""
    jobs = _Jobs(machine)
    return [
        web.get("/api/jobs", jobs.list_all),
        web.post("/api/jobs/cancel", jobs.cancel_some),
        web.get("/api/jobs/{job_id}", jobs.get_one),
        web.post("/api/jobs/{job_id}/cancel", jobs.cancel_one),
    ]


class _Refused(Exception):
    """A query that is answered with a 400 and this text."""


class _Jobs:
    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    async def list_all(self, request: web.Request) -> web.Response:
        try:
            chosen, offset, limit = self._chosen(request)
        except _Refused as refused:
            return web.json_response({"error": str(refused)}, status=400)
        page = chosen[offset:] if limit is None else chosen[offset : offset + limit]
        more = offset + len(page) < len(chosen)
        pagination = {"offset": offset, "limit": limit, "total": len(chosen), "has_more": more}
        return web.json_response({"jobs": page, "pagination": pagination})

    def _chosen(self, request: web.Request) -> tuple[list[dict[str, Any]], int, int | None]:
        query = request.query
        states = [part.strip().lower() for part in query.get("status", "").split(",") if part.strip()]
        wrong = [state for state in states if state not in _STATES]
        if wrong:
            raise _Refused(f"Invalid status value(s): {', '.join(wrong)}. Valid values: {', '.join(_STATES)}")
        sort_by, order = query.get("sort_by", "created_at").lower(), query.get("sort_order", "desc").lower()
        if sort_by not in ("created_at", "execution_duration"):
            raise _Refused("sort_by must be 'created_at' or 'execution_duration'")
        if order not in ("asc", "desc"):
            raise _Refused("sort_order must be 'asc' or 'desc'")
        limit = _whole(query.get("limit"), "limit")
        if limit is not None and limit <= 0:
            raise _Refused("limit must be a positive integer")
        offset = max(0, _whole(query.get("offset"), "offset") or 0)
        workflow_id = query.get("workflow_id")
        jobs = [
            job
            for job in self._all()
            if (not query.get("status") or job["status"] in states)
            and (not workflow_id or job.get("workflow_id") == workflow_id)
        ]
        key = _duration if sort_by == "execution_duration" else _created
        return sorted(jobs, key=key, reverse=order == "desc"), offset, limit

    def _all(self) -> list[dict[str, Any]]:
        queue = self.machine.queue
        jobs = [_waiting(queue.running, "in_progress")] if queue.running else []
        jobs += [_waiting(item, "pending") for item in queue.pending]
        return jobs + [_ended(name, entry) for name, entry in queue.history.items()]

    async def get_one(self, request: web.Request) -> web.Response:
        queue, job_id = self.machine.queue, request.match_info["job_id"]
        if job_id in queue.history:
            return web.json_response(_ended(job_id, queue.history[job_id], whole=True))
        if queue.running is not None and queue.running.prompt_id == job_id:
            return web.json_response(_waiting(queue.running, "in_progress"))
        for item in queue.pending:
            if item.prompt_id == job_id:
                return web.json_response(_waiting(item, "pending"))
        return web.json_response({"error": "Job not found"}, status=404)

    async def cancel_one(self, request: web.Request) -> web.Response:
        return web.json_response({"cancelled": self._cancel(request.match_info["job_id"])})

    async def cancel_some(self, request: web.Request) -> web.Response:
        try:
            data = json.loads(await request.read())
        except ValueError:
            return web.json_response({"error": "Request body must be valid JSON"}, status=400)
        job_ids = data.get("job_ids") if isinstance(data, dict) else None
        if not isinstance(job_ids, list):
            return web.json_response({"error": "job_ids must be a list"}, status=400)
        wrong = [name if isinstance(name, str) else repr(name) for name in job_ids if not is_canonical_uuid(name)]
        if wrong:
            error = {"error": "job_ids contains invalid id(s)", "invalid_ids": wrong}
            return web.json_response(error, status=400)
        return web.json_response({"cancelled": [self._cancel(name) for name in job_ids].count(True) > 0})

    def _cancel(self, job_id: str) -> bool:
        running = self.machine.queue.running
        if running is not None and running.prompt_id == job_id:
            self.machine.interrupted = True
            return True
        return self.machine.queue.delete(job_id)


def _whole(text: str | None, name: str) -> int | None:
    try:
        return None if text is None else int(text)
    except ValueError:
        raise _Refused(f"{name} must be an integer") from None


def _created(job: dict[str, Any]) -> float:
    return float(job.get("create_time", 0))


def _duration(job: dict[str, Any]) -> float:
    start, end = job.get("execution_start_time", 0), job.get("execution_end_time", 0)
    return float(end - start) if start and end else 0.0


def _waiting(item: Item, status: str) -> dict[str, Any]:
    return _pruned(
        id=item.prompt_id, status=status, priority=item.number, outputs_count=0, **_submitted(item.extra_data)
    )


def _submitted(extra_data: dict[str, Any]) -> dict[str, Any]:
    workflow = (extra_data.get("extra_pnginfo") or {}).get("workflow") or {}
    return {"create_time": extra_data.get("create_time"), "workflow_id": workflow.get("id")}


def _ended(prompt_id: str, entry: dict[str, Any], *, whole: bool = False) -> dict[str, Any]:
    number, _, graph, extra_data, _ = entry["prompt"]
    events = dict(entry["status"]["messages"])
    last: dict[str, Any] = next((events[name] for name in _ENDS if name in events), {})
    failed = "cancelled" if "execution_interrupted" in events else "failed"
    count, preview = _outputs_summary(entry["outputs"])
    job = _pruned(
        id=prompt_id,
        status="completed" if entry["status"]["status_str"] == "success" else failed,
        priority=number,
        execution_start_time=events.get("execution_start", {}).get("timestamp"),
        execution_end_time=last.get("timestamp"),
        execution_error=events.get("execution_error"),
        outputs_count=count,
        preview_output=preview,
        **_submitted(extra_data),
    )
    if whole:
        job["outputs"] = entry["outputs"]
        job["execution_status"] = entry["status"]
        job["workflow"] = {"prompt": graph, "extra_data": extra_data}
    return job


def _outputs_summary(outputs: dict[str, dict[str, list[Any]]]) -> tuple[int, dict[str, Any] | None]:
    """Return how many files there are, and the one to show: saved before temporary, pictures before text."""
    count = 0
    saved: list[dict[str, Any]] = []
    other: list[dict[str, Any]] = []
    text: list[dict[str, Any]] = []
    for node_id, report in outputs.items():
        for kind, entries in report.items():
            for entry in entries:
                if isinstance(entry, dict):
                    count += 1
                    shown = {**entry, "nodeId": node_id, "mediaType": entry.get("mediaType", kind)}
                    if kind in _PREVIEWABLE or str(entry.get("format", "")).startswith(("video/", "audio/")):
                        (saved if entry.get("type") == "output" else other).append(shown)
                elif kind == "text":
                    long = {"truncated": True} if len(str(entry)) > 1024 else {}
                    text.append({"content": str(entry)[:1024], **long, "nodeId": node_id, "mediaType": kind})
    return count, next(iter([*saved, *other, *text]), None)


def _pruned(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
