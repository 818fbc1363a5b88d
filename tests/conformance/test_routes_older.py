"""The calls against a real server of another age: what it has not is had from older routes, or said in one sentence."""

from __future__ import annotations

import time
import uuid

import pytest

from comfy_headless import ComfyClient
from comfy_headless.protocol.route_table import ROUTES
from tests.faults.clients import Person
from tests.simulator.talk import image_graph, talking

from .conversation import empty, own_prefix, something_long
from .test_routes import ALL_ROUTES, spoken_for

KINDS = pytest.mark.parametrize("kind", ["sync", "async"])


def test_every_route_of_an_older_server(older_server: str) -> None:
    """It has none that is not spoken for, and lacks the two that cancel jobs."""
    with ComfyClient(older_server) as client:
        there = {(method, path) for method, path in client.request("GET", ALL_ROUTES).json() if method != "HEAD"}
    assert [route for route in sorted(there) if not spoken_for(*route)] == []
    lacking = {route.path for route in ROUTES if (route.method, route.path) not in there}
    assert lacking <= {"/api/jobs/cancel", "/api/jobs/{job_id}/cancel"}


@KINDS
def test_jobs_are_cancelled_without_those_routes(older_server: str, kind: str) -> None:
    """Several at once, running and queued; those that have ended are passed over."""
    ask = Person(kind, older_server).call
    with talking(older_server) as talk:
        empty(talk)
        with something_long(talk) as running:
            waiting = ask("queue_prompt", image_graph(prefix=own_prefix()))
            assert ask("job_record", waiting).status == "pending"
            assert ask("cancel_jobs", [waiting, running, str(uuid.uuid4())]) is True
        assert ask("cancel_jobs", [waiting]) is False
        assert ask("job_record", running).status == "cancelled"
        assert ask("job_record", waiting) is None
        assert [each.prompt_id for each in ask("job_records", status="cancelled", limit=1).jobs] == [running]


@KINDS
def test_times_are_seconds(older_server: str, kind: str) -> None:
    """Whatever unit a server's age has for a user's files."""
    ask = Person(kind, older_server).call
    stored = ask("store_userdata", f"{uuid.uuid4().hex}.txt", "x")
    assert abs(stored.modified - time.time()) < 3600
    (told,) = [each for each in ask("userdata_files", ".") if each.path == stored.path]
    assert told.modified == stored.modified
