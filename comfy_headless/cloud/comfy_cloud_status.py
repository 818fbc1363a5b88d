"""What Comfy's API v2 tells beside the wait for a job: where one stands, which there are; and how one is cancelled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from comfy_headless.cloud.comfy_cloud_api import DEPLOYMENT_HOSTS, Api
from comfy_headless.cloud.comfy_cloud_jobs import CloudJob, entry_of, read_job
from comfy_headless.cloud.comfy_cloud_submit import find_labelled, list_jobs
from comfy_headless.errors import ComfyUIConnectionError, ValidationError
from comfy_headless.protocol.conversation import Attempt, Server, attempt, persist
from comfy_headless.protocol.effects import Call, Flow, Sleep
from comfy_headless.protocol.failure import failure
from comfy_headless.protocol.job import Sign
from comfy_headless.protocol.status import JobInfo, JobStatus, Sight

_STATUSES: Final[Mapping[Sign | None, JobStatus]] = {
    Sign.WAITS: JobStatus.QUEUED,
    Sign.RUNS: JobStatus.RUNNING,
    Sign.SUCCESS: JobStatus.DONE,
    Sign.ERROR: JobStatus.FAILED,
    None: JobStatus.RUNNING,
}
_MOST_LISTED: Final = 100  # more is refused by comfy-api-proxy 0.1.6


def cancel(server: Server, api: Api, job_id: str) -> Flow[bool]:
    """Cancel a job by its id, or by the prompt_id with which it was sent; True if it was there to be cancelled.

    Raises:
        ComfyUIConnectionError: it may still run.
    """
    tried = yield from _cancel(server, api, job_id)
    if tried.status == 404:
        listed = yield from list_jobs(server, api)
        out = server.known is not None and job_id in server.known.unanswered
        job = None if listed is None else (yield from find_labelled(server, api, job_id))
        if out and job is None and listed is not None:
            yield Sleep(server.timing.lookup_gap)  # a job may be there a moment after it was sent
            job = yield from find_labelled(server, api, job_id)
        if job is not None:
            job_id = job.id
            tried = yield from _cancel(server, api, job_id)
        elif listed is not None and not out:
            return False
    told = read_job(tried.value)
    if told is None:
        problem = tried.problem or "the answer is no job"
        raise ComfyUIConnectionError(
            f"{server.url}: could not cancel {job_id}: {problem}; if it was sent there, it may still run",
            url=server.url,
            prompt_id=job_id,
            may_still_run=True,
            status=tried.status,
        )
    return told.status not in ("succeeded", "failed", "expired")


def _cancel(server: Server, api: Api, job_id: str) -> Flow[Attempt]:
    brief = server._replace(timing=server.timing._replace(patience=server.timing.cancel))
    call = api.call("POST", f"/jobs/{job_id}/cancel", timeout=server.timing.cancel)
    return persist(brief, call, first=False, reading=api.read)


def seek(server: Server, api: Api, job_id: str) -> Flow[Sight]:
    """Say where a job stands, patiently, and which graph it ran where that is told.

    Raises:
        ComfyUIConnectionError: no answer, or the key is not accepted.
    """
    job = yield from _ask(server, api, job_id, first=True)
    if job is None:
        return Sight(JobStatus.UNKNOWN)
    call = api.call("GET", f"/jobs/{job_id}/workflow", timeout=server.timing.read)
    tried: Attempt = yield from attempt(call, api.read)
    told = tried.value if isinstance(tried.value, dict) and tried.value.get("format") == "api" else {}
    graph = told.get("workflow")
    status = _STATUSES[job.sign]
    item = [0, job_id, graph if isinstance(graph, dict) else {}, {}, []]
    return Sight(status, item, 0 if status is JobStatus.RUNNING else job.position)


def listing(server: Server, api: Api, limit: int) -> Flow[tuple[JobInfo, ...]]:
    """Say which jobs there are, the newest first; raises ValidationError where that is not told."""
    jobs = yield from list_jobs(server, api, params=(("limit", str(max(1, min(limit, _MOST_LISTED)))),))
    if jobs is None:
        raise ValidationError(
            f"{api.name} does not tell which jobs there are; take one up by its whole id: client.job(ID), "
            f"or comfy-headless jobs fetch ID --server {server.named}"
        )
    return tuple(map(_info, jobs[:limit]))


def renewed(server: Server, api: Api, job_id: str, filename: str, url: str) -> Flow[str]:
    """Give an address of a file anew: a job tells new ones each time it is asked."""
    job = yield from _ask(server, api, job_id, first=False)
    made = () if job is None else job.made
    return next((api.absolute(one.url) for one in made if one.name == filename), url)


def nodes(server: Server, api: Api) -> Flow[Mapping[str, Any] | None]:
    """Give the node classes: Comfy Cloud tells them beside the API v2 (docs.comfy.org/development/cloud/overview)."""
    if api.host.endswith(DEPLOYMENT_HOSTS):
        return None
    key = (("X-API-Key", api.key),) if api.key else ()
    call = Call("GET", f"{api.address}/api/object_info", timeout=server.timing.transfer, headers=key)
    tried: Attempt = yield from attempt(call, api.read)
    return tried.value if isinstance(tried.value, dict) else None


def _ask(server: Server, api: Api, job_id: str, *, first: bool) -> Flow[CloudJob | None]:
    call = api.call("GET", f"/jobs/{job_id}", timeout=server.timing.read)
    tried: Attempt = yield from persist(server, call, first=first, reading=api.read)
    job = read_job(tried.value)
    if job is None and tried.status != 404:
        problem = f"{server.url}: {tried.problem or 'the answer is no job'}"
        raise ComfyUIConnectionError(problem, url=server.url, prompt_id=job_id, status=tried.status)
    return job


def _info(job: CloudJob) -> JobInfo:
    status = _STATUSES[job.sign]
    error = str(failure(entry_of(job), job.id)) if status is JobStatus.FAILED else None
    position = 0 if status is JobStatus.RUNNING else job.position
    names = tuple(one.name for one in job.made)
    return JobInfo(job.id, status, position, created=job.created, error=error, outputs=names)
