"""Ask a real server about every case and count how often `check` says the same."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from functools import cache
from typing import Any, NamedTuple

import httpx

from comfy_headless import compile_workflow
from comfy_headless.graph.check import Report, check
from comfy_headless.graph.existing import FileExists, file_exists_in
from comfy_headless.graph.kinds import FATAL_KINDS
from comfy_headless.graph.schemas import Schemas

from .check_compare import find_order
from .check_corpus import Case


class Figures(NamedTuple):
    """How a comparison went.

    Args:
        equal: answers equal to `check`'s own.
        reordered: equal to what `check` says with outputs and inputs in another order.
        kept_back: not sent: the server would take them, and its worker die or a paid service be called.
        differing: one text per case that is neither.
    """

    equal: int
    reordered: int
    kept_back: int
    statuses: Mapping[int, int]
    differing: list[str]


def compare_all(
    cases: Iterable[Case], client: httpx.Client, schemas: Schemas, *, exact: bool, wait: bool = True
) -> Figures:
    """Send every case to the server and compare.

    Args:
        exact: whether the schemas are the server's own, so that bodies must be equal to the letter.
        wait: let what the server accepts run to its end, and compare the graph that ran; else it is taken back.
    """
    with nullcontext() if wait else blocked(client):
        return compare_each(cases, client, schemas, exact=exact, wait=wait)


@contextmanager
def blocked(client: httpx.Client) -> Iterator[None]:
    """Keep the server busy, so that what it accepts meanwhile waits in the queue and never runs."""
    long = compile_workflow(
        "wan_5b", "a cat", width=64, height=64, frames=5, steps=10000, sampler="euler", allow_untested=True
    )
    prompt_id = client.post("/prompt", json={"prompt": long}).json()["prompt_id"]
    try:
        while not _is_running(prompt_id, client):
            time.sleep(0.05)
        yield
        assert _is_running(prompt_id, client)
    finally:
        client.post("/queue", json={"clear": True})
        client.post("/interrupt", json={"prompt_id": prompt_id})
        wait_for(prompt_id, client)


def _is_running(prompt_id: str, client: httpx.Client) -> bool:
    ended = client.get(f"/history/{prompt_id}").json()
    assert not ended, f"the job that keeps the server busy has ended: {ended[prompt_id]['status']}"
    return prompt_id in str(client.get("/queue").json()["queue_running"])


def compare_each(
    cases: Iterable[Case], client: httpx.Client, schemas: Schemas, *, exact: bool, wait: bool = False
) -> Figures:
    """Do the same on a server that is `blocked` already, or with ``wait`` on a free one."""
    exists = files_of(client, schemas)
    counts = {"equal": 0, "reordered": 0, "kept_back": 0}
    statuses: dict[int, int] = {}
    differing = []
    for case in cases:
        report = check(case.graph, schemas, partial_execution_targets=case.targets, file_exists=exists)
        if _is_fatal(report) or (wait and _calls_out(report, schemas)):
            counts["kept_back"] += 1
            continue
        status, answer = ask(case, client)
        statuses[status] = statuses.get(status, 0) + 1
        order = find_order(case, status, answer, schemas, exact=exact, exists=exists)
        wrong = order if isinstance(order, str) else None
        if status == 200:
            wrong = wrong or _compare_run(case, report, answer["prompt_id"], client, wait=wait)
        if wrong:
            differing.append(wrong)
        else:
            counts["reordered" if order else "equal"] += 1
    return Figures(**counts, statuses=statuses, differing=differing)


def files_of(client: httpx.Client, schemas: Schemas) -> FileExists:
    """Return a test for names in the server's folders; it is asked for those that no list of its schemas can show."""
    listed = file_exists_in(schemas)

    @cache
    def asked(name: str) -> bool:
        subfolder, _, own = name.rpartition("/")
        answer = client.head("/view", params={"filename": own, "subfolder": subfolder, "type": "input"})
        return answer.status_code == 200

    def exists(name: str) -> bool:
        return listed(name) and (name in ("", ".") or asked(name))

    return exists


def _is_fatal(report: Report) -> bool:
    return not report.refused and any(problem.kind in FATAL_KINDS for problem in report.problems)


def _calls_out(report: Report, schemas: Schemas) -> bool:
    return not report.refused and any(schemas.raw(each["class_type"]).get("api_node") for each in report.graph.values())


def ask(case: Case, client: httpx.Client) -> tuple[int, dict[str, Any]]:
    """Return the status and the body of the server's answer; what is no JSON is an empty body."""
    body = {"prompt": case.graph}
    if case.targets is not None:
        body["partial_execution_targets"] = case.targets
    # httpx's own encoder refuses the infinities that Python's json and ComfyUI exchange.
    answer = client.post("/prompt", content=json.dumps(body), headers={"Content-Type": "application/json"})
    return answer.status_code, answer.json() if answer.status_code != 500 else {}


def _compare_run(case: Case, report: Report, prompt_id: str, client: httpx.Client, *, wait: bool) -> str | None:
    if not wait:
        client.post("/queue", json={"delete": [prompt_id]})
        return None
    entry = wait_for(prompt_id, client)
    _, _, ran, _, outputs = entry["prompt"]
    for each in ran.values():
        each.pop("is_changed", None)
    if sorted(outputs) != sorted(report.accepted):
        return f"{case.name}\nran    {outputs}\ncheck  {report.accepted}"
    if ran != json.loads(json.dumps(report.graph)):
        return f"{case.name}\nran    {json.dumps(ran)}\ncheck  {json.dumps(report.graph)}"
    return None


def wait_for(prompt_id: str, client: httpx.Client, patience: float = 60.0) -> dict[str, Any]:
    """Return the history entry of a prompt once it has ended."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        found: dict[str, Any] = client.get(f"/history/{prompt_id}").json()
        if prompt_id in found:
            return dict(found[prompt_id])
        time.sleep(0.01)
    raise AssertionError(f"prompt {prompt_id} did not end in {patience} s")
