"""examples/service.py over HTTP: what it answers, and what it survives."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from comfy_headless import ComfyClient
from comfy_headless.media.probe import probe
from comfy_headless.simulator import Simulator
from tests.cli.program import ROOT
from tests.examples.service import Service
from tests.faults.clients import until, within

pytestmark = pytest.mark.slow


@pytest.fixture
def comfy() -> Iterator[Simulator]:
    """A server on which a video of `wan_5b` takes some six seconds."""
    with Simulator(step_seconds=0.25) as simulator:
        yield simulator


@pytest.fixture
def service(comfy: Simulator, tmp_path: Path) -> Iterator[Service]:
    """The service in front of it."""
    with Service(comfy.url, tmp_path) as started:
        yield started


def test_it_is_short() -> None:
    """It has at most 60 lines, none too wide to read."""
    lines = (ROOT / "examples/service.py").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 60
    assert max(map(len, lines)) <= 120


def test_a_video_from_prompt_to_file(service: Service, comfy: Simulator) -> None:
    """Submit answers at once, events tell place, steps, pictures and the end, and the file comes, in parts too."""
    first = service.submit()
    second = service.submit("rain", seed=7)
    assert second.keys() == {"prompt_id", "status", "seed", "links"}
    assert (second["status"], second["seed"]) == ("queued", 7)
    assert service.http.get(second["links"]["file"]).status_code == 409
    with service.events(second["prompt_id"]) as events:
        told = list(events)
    assert told[0] == ("queued", {"event": "queued", "position": 1})
    names = [name for name, _ in told]
    assert {"queued", "started", "progress", "preview", "output", "finished"} == set(names)
    assert told[-1] == ("finished", {"event": "finished", "status": "done", "error": None})
    assert next(data for name, data in told if name == "preview")["image"].startswith("data:image/jpeg;base64,")
    percents = [data["progress"] for name, data in told if name == "progress"]
    assert percents == sorted(percents)
    assert (len(percents) > 5, percents[-1]) == (True, 100)
    assert service.status(first["prompt_id"]) == service.status(second["prompt_id"]) == "done"
    answer = service.http.get(second["links"]["file"])
    assert (answer.status_code, answer.headers["content-type"]) == (200, "video/mp4")
    (service.folder / "got.mp4").write_bytes(answer.content)
    made = probe(service.folder / "got.mp4")
    assert (made.width, made.height, made.frames) == (1280, 704, 121)
    part = service.http.get(second["links"]["file"], headers={"Range": "bytes=0-9"})
    assert (part.status_code, part.content) == (206, answer.content[:10])
    comfy.stop()
    assert service.http.get(second["links"]["file"]).content == answer.content
    assert service.terminate() in (0, -15)
    assert "Traceback" not in service.log


def test_a_killed_service_comes_back(service: Service) -> None:
    """Killed in the middle and started again, it knows the same video under the same id, to the end and the file."""
    prompt_id = service.submit()["prompt_id"]
    with service.events(prompt_id) as events:
        next(data for name, data in events if name == "preview")
        service.kill()
    service.start()
    assert service.status(prompt_id) == "running"
    with service.events(prompt_id) as events:
        rest = list(events)
    assert rest[-1] == ("finished", {"event": "finished", "status": "done", "error": None})
    assert [name for name, _ in rest].count("progress") > 3  # its name is the same, so it hears the steps again
    assert service.http.get(f"/videos/{prompt_id}/file").status_code == 200
    service.kill()
    service.start()
    with service.events(prompt_id) as events:
        assert [name for name, _ in events] == ["output", "finished"]


def test_a_browser_that_leaves_cancels_nothing(service: Service, comfy: Simulator) -> None:
    """Dropped connections leave the job alone: it is done, and whoever comes back hears so."""
    prompt_id = service.submit()["prompt_id"]
    for _ in range(3):
        with service.events(prompt_id) as events:
            next(data for name, data in events if name == "preview")
    assert service.status(prompt_id) == "running"
    until(lambda: service.status(prompt_id) == "done")
    assert [request.path for request in comfy.requests if "interrupt" in request.path] == []
    with service.events(prompt_id) as events:
        assert [name for name, _ in events] == ["output", "finished"]
    assert "Traceback" not in service.log


def test_cancel(tmp_path: Path) -> None:
    """DELETE ends a video, running or waiting; who follows it hears so, and there is no file."""
    with Simulator(step_seconds=0.5) as slow, Service(slow.url, tmp_path) as service:
        cancel_both(service)


def cancel_both(service: Service) -> None:
    running, waiting = (service.submit()["prompt_id"] for _ in range(2))
    with service.events(running) as events:
        next(data for name, data in events if name == "started")
        assert service.http.delete(f"/videos/{waiting}").json() == {"cancelled": True}
        assert service.http.delete(f"/videos/{running}").json() == {"cancelled": True}
        *_, (name, data) = events
    assert (name, data["status"]) == ("finished", "failed")
    assert "cancelled the job" in data["error"]
    assert service.status(running) == "failed"
    answer = service.http.get(f"/videos/{running}/file")
    assert answer.status_code == 404
    assert "cancelled the job" in answer.json()["detail"]
    assert service.http.get(f"/videos/{waiting}").status_code == 404
    assert service.http.delete(f"/videos/{running}").json() == {"cancelled": False}


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"prompt": "x", "preset": "wan_5c"}, 400, "did you mean 'wan_5b'?"),
        ({"prompt": "x", "preset": "wan_5b", "seed": 2**70}, 400, "seed"),
        ({"preset": "wan_5b"}, 422, "Field required"),
    ],
)
def test_a_wrong_request(service: Service, comfy: Simulator, body: dict[str, Any], status: int, said: str) -> None:
    """What cannot be made is an error that says why, and nothing is queued."""
    answer = service.http.post("/videos", json=body)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json")
    assert said in json.dumps(answer.json()["detail"])
    assert comfy.jobs == ()


@pytest.mark.parametrize("part", ["", "/events", "/file"])
def test_an_unknown_video(service: Service, part: str) -> None:
    """An id that nobody has is a 404; one that cannot be an id never reaches a path or the server."""
    answer = service.http.get(f"/videos/{uuid4()}{part}")
    assert answer.status_code == 404
    assert "neither queued nor in the history" in answer.json()["detail"]
    assert service.http.get(f"/videos/%2e%2e{part}").status_code in (400, 422)


def test_a_server_that_refuses(tmp_path: Path) -> None:
    """A ComfyUI without the model files is a 422 that names them."""
    with Simulator(files={}) as bare, Service(bare.url, tmp_path) as service:
        answer = service.http.post("/videos", json={"prompt": "x", "preset": "wan_5b"})
        assert answer.status_code == 422
        assert "wan2.2_ti2v_5B" in answer.json()["detail"]


def test_no_server(tmp_path: Path) -> None:
    """Without a ComfyUI the service lives, and every request is a 502 that names the address."""
    with Service("http://127.0.0.1:9", tmp_path) as service:
        for answer in (
            service.http.post("/videos", json={"prompt": "x", "preset": "wan_5b"}),
            service.http.get(f"/videos/{uuid4()}"),
            service.http.get(f"/videos/{uuid4()}/events"),
        ):
            assert answer.status_code == 502
            assert "http://127.0.0.1:9" in answer.json()["detail"]
        assert service.http.get("/").headers["content-type"].startswith("text/html")


def test_many_follow_over_one_socket(service: Service, comfy: Simulator) -> None:
    """Twenty browsers on four videos each hear the end of theirs, and ComfyUI sees one socket."""
    with ComfyClient(comfy.url) as blocker, within(60):
        first = blocker.submit_video("x", preset="wan_5b")
        ids = [service.submit()["prompt_id"] for _ in range(4)]
        before = sum(request.path == "/ws" for request in comfy.requests)
        heard: list[str] = []
        ends: list[str] = []

        def follow(prompt_id: str) -> None:
            with service.events(prompt_id) as events:
                heard.append(next(events)[0])
                ends.extend(data["status"] for name, data in events if name == "finished")

        threads = [threading.Thread(target=follow, args=(one,)) for one in itertools.islice(itertools.cycle(ids), 20)]
        for thread in threads:
            thread.start()
        until(lambda: len(heard) == 20)
        for prompt_id in ids[:3]:
            first.cancel()
            service.http.delete(f"/videos/{prompt_id}")
        for thread in threads:
            thread.join()
        assert sorted(ends) == ["done"] * 5 + ["failed"] * 15
        assert sum(request.path == "/ws" for request in comfy.requests) - before == 1


def test_the_picture_of_the_page_is_small() -> None:
    """The screenshot in the docs is there and not heavy."""
    assert 0 < (ROOT / "docs/service.png").stat().st_size < 150_000
