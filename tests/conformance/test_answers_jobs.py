"""The simulator against a real ComfyUI: lists of jobs in every state, filtered, sorted and in pages."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from comfy_headless.simulator import Simulator
from tests.simulator.talk import Talk, image_graph, talking, video_graph

from .conversation import empty, forget, own_prefix, something_long, wan

QUERIES = (
    *("", "?sort_order=asc", "?sort_order=ASC&sort_by=CREATED_AT", "?limit=2", "?limit=2&offset=1&sort_order=asc"),
    *("?offset=4", "?offset=99", "?offset=-3&limit=1", "?limit=99", "?workflow_id=<n>", "?workflow_id="),
    *("?status=completed", "?status=failed", "?status=cancelled", "?status=pending", "?status=in_progress"),
    *("?status=completed,failed", "?status=Completed,%20pending,", "?status=&limit=1", "?status=,"),
    *("?status=failed,cancelled&limit=1&sort_order=asc", "?workflow_id=<n>&status=failed", "?workflow_id=nobody"),
    "?sort_by=execution_duration&status=failed,cancelled&limit=1",  # the failed one is over at once, but newer
    *("?limit=1.5", "?limit=", "?offset=", "?sort_by=", "?sort_order=", "?status=running"),
)
HISTORY = (
    *(
        "",
        "?max_items=1",
        "?max_items=2&offset=0",
        "?offset=1",
        "?offset=-1",
        "?max_items=2&offset=-1",
        "?max_items=-1",
    ),
    *(
        "?max_items=-1",
        "?max_items=0&offset=1",
        "?max_items=99",
        "?offset=99",
        "?max_items=1.5",
        "?max_items=",
        "?offset=",
    ),
)


@pytest.fixture(scope="module")
def simulated_server() -> Iterator[str]:
    """A simulator whose sampler steps take a moment, so that a job can be caught while it runs."""
    with Simulator(step_seconds=0.005) as simulator:
        yield simulator.url


def test_lists_of_jobs_and_history_are_alike(real_server: str, simulated_server: str) -> None:
    """Which jobs are in each list, in which order and with which fields; what is said of a page, and of a bad query."""
    seen = [told(real_server), told(simulated_server)]
    for query, simulated in seen[1].items():
        assert (query, simulated) == (query, seen[0][query])


def told(url: str) -> dict[str, Any]:
    """Run jobs to every state and ask for them in every way."""
    name = uuid.uuid4().hex
    workflow = {"extra_pnginfo": {"workflow": {"id": name}}, "api_key_comfy_org": "secret"}
    broken = video_graph(prefix=own_prefix())
    del broken["3"]["inputs"]["codec"]
    with talking(url) as talk:
        empty(talk)
        forget(talk)
        talk.http.post("/history", json={"clear": True})
        jobs = {"good": talk.submit(image_graph(prefix=own_prefix()), extra_data=workflow)}
        talk.finished(jobs["good"])
        with something_long(talk) as jobs["stopped"]:
            time.sleep(0.3)
        jobs["failed"] = talk.submit(broken, extra_data=workflow)
        talk.finished(jobs["failed"])
        jobs["text"] = talk.submit(wan(steps=1), extra_data={"extra_pnginfo": {"workflow": {}}})
        talk.finished(jobs["text"], within=60)
        with something_long(talk) as jobs["running"]:
            time.sleep(0.05)
            jobs["waiting"] = talk.submit(image_graph(prefix=own_prefix()), extra_data=workflow)
            answers = listed(talk, name, {prompt_id: name for name, prompt_id in jobs.items()})
            talk.http.post("/queue", json={"clear": True})
        return answers


def listed(talk: Talk, name: str, names: dict[str, str]) -> dict[str, Any]:
    """Return each answer, a job by its name and fields."""
    answers: dict[str, Any] = {}
    for query in QUERIES:
        answer = talk.http.get(f"/api/jobs{query.replace('<n>', name)}")
        assert "secret" not in answer.text
        body = answer.json()
        if "jobs" in body:
            body["jobs"] = [[names[job["id"]], job["status"], sorted(job)] for job in body["jobs"]]
        answers[f"jobs{query}"] = [answer.status_code, body]
    for query in HISTORY:
        answer = talk.http.get(f"/history{query}")
        known = [names[prompt_id] for prompt_id in answer.json()] if answer.status_code == 200 else answer.text
        answers[f"history{query}"] = [answer.status_code, known]
    answers["queue"] = "secret" in talk.http.get("/queue").text
    return answers
