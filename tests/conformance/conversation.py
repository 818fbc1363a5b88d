"""What conversations with two servers share: small jobs, their events, and a form in which answers can be compared."""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from comfy_headless import compile_workflow
from tests.simulator.talk import Ear, Graph, Talk, talking

_TIMES = "timestamp|create_time|execution_start_time|execution_end_time|modified|created"


def empty(talk: Talk) -> None:
    """Wait until nothing runs, so that no other job's events are heard."""
    while talk.http.get("/prompt").json()["exec_info"]["queue_remaining"]:
        time.sleep(0.02)


def forget(talk: Talk) -> None:
    """Drop what the server has cached; its worker does so a moment after the answer, or after the next job."""
    talk.http.post("/free", json={"free_memory": True})
    time.sleep(0.1)


def plain(value: Any, **names: str) -> Any:
    """Replace ids, times and given words, so that two servers' answers can be compared."""
    text = json.dumps(value)
    for name, word in names.items():
        text = text.replace(word.removeprefix("conf/"), f"<{name}>")
    text = re.sub(rf'"({_TIMES})": \d+(\.\d+)?', r'"\1": 0', text)
    return json.loads(re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "<id>", text))


def own_prefix() -> str:
    """Return a file prefix that nobody has used."""
    return f"conf/{uuid.uuid4().hex}"


@contextmanager
def listening(talk: Talk, **more: Any) -> Iterator[tuple[str, Ear]]:
    """Open a socket under a new clientId and hear its first status."""
    client_id = uuid.uuid4().hex
    with talk.socket(client_id, **more) as ear:
        yield client_id, ear


def life(talk: Talk, graph: Graph, prefix: str = "-", **more: Any) -> list[Any]:
    """Run a job and return its events and its history entry, made comparable."""
    with listening(talk) as (client_id, ear):
        prompt_id = talk.submit(graph, client_id=client_id, **more)
        heard = [[kind, data.hex() if isinstance(data, bytes) else data] for kind, data in ear.until_end(prompt_id)]
        entry = talk.http.get(f"/history/{prompt_id}").json()[prompt_id]
        job = talk.http.get(f"/api/jobs/{prompt_id}").json()
    told = plain([without_priority(heard), entry, job], id=prompt_id, client=client_id, prefix=prefix)
    told[1]["prompt"][0] = told[2]["priority"] = 0
    return sets(told)


def without_priority(heard: list[list[Any]]) -> list[list[Any]]:
    """Return the events without the first status (it tells the sid)."""
    return [event for event in heard if "sid" not in event[1]]


def sets(value: Any) -> Any:
    """Sort what the real server takes from a set, and drop a traceback's lines."""
    if isinstance(value, dict):
        made = {key: sets(item) for key, item in value.items()}
        for key in ("executed", "current_outputs", "nodes", "dependent_outputs"):
            if isinstance(made.get(key), list):
                made[key] = sorted(made[key])
        made.pop("traceback", None)
        return made
    return [sets(item) for item in value] if isinstance(value, list) else value


def wan(*, steps: int = 2, seed: int = 1) -> Graph:
    """Return a small graph of a preset, with a sampler."""
    prefix = own_prefix()
    graph = compile_workflow(
        "wan_5b", "a cat", width=64, height=64, frames=5, steps=steps, seed=seed, allow_untested=True
    )
    for part in graph.values():
        if "filename_prefix" in part["inputs"]:
            part["inputs"]["filename_prefix"] = prefix
        if "sampler_name" in part["inputs"]:
            part["inputs"]["sampler_name"] = "euler"
    return graph


@contextmanager
def something_long(talk: Talk, client_id: str | None = None) -> Iterator[str]:
    """Keep the server busy with a sampler for the block, then stop it and wait for its end."""
    more = {} if client_id is None else {"client_id": client_id}
    prompt_id = talk.submit(wan(steps=10000, seed=uuid.uuid4().int % 2**32), **more)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not talk.http.get("/queue").json()["queue_running"]:
        time.sleep(0.02)
    try:
        yield prompt_id
    finally:
        talk.http.post("/interrupt", json={"prompt_id": prompt_id})
        talk.finished(prompt_id, within=60)


def until(ear: Ear, kind: str) -> Any:
    """Return the data of the next event of a kind."""
    while True:
        heard, data = ear.hear(within=60)
        if heard == kind:
            return data


_HEADERS = (
    "content-type",
    "content-disposition",
    "x-content-type-options",
    "cache-control",
    "accept-ranges",
    "content-range",
    "vary",
)


def told(answer: httpx.Response, **names: str) -> list[Any]:
    """Return all of an answer that must be equal: status, reason, what headers say of the body, and the body."""
    headers = {key: answer.headers[key] for key in _HEADERS if key in answer.headers}
    body: Any = answer.text
    if "json" in headers.get("content-type", "") and answer.content and answer.request.method != "HEAD":
        body = answer.json()
        body = sorted(body, key=str) if isinstance(body, list) else body  # in the order of the file system
    shown = plain([headers, body], **names)
    return [answer.request.method, answer.status_code, answer.reason_phrase, *shown]


Step = tuple[str, str, Any]
"""A method, a path in which ``<n>`` is a name that nobody has used, and a body: bytes, or what is sent as JSON."""


def answers(url: str, steps: list[Step]) -> Iterator[list[Any]]:
    """Take the steps one by one, as a user whom the server does not know."""
    name = uuid.uuid4().hex
    with talking(url) as talk:
        for method, path, body in steps:
            sent = body if isinstance(body, bytes) else json.dumps(body).replace("<n>", name).encode()
            headers = {"Comfy-User": "somebody", "Content-Type": "application/json"}
            answer = talk.http.request(method, path.replace("<n>", name), content=sent, headers=headers)
            yield [path, *told(answer, n=name)]
