"""Every fault does what its docstring says, and strikes when it is told to."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from comfy_headless.simulator import Simulator
from comfy_headless.simulator.faults import (
    BIG_PREVIEW,
    ODD_FRAMES,
    Answer,
    AnswerAfterEnd,
    Break,
    ClaimFile,
    CutSocket,
    Delay,
    Delete,
    ExtraFrames,
    Fault,
    Interrupt,
    LateHistory,
    NodeFails,
    OldServer,
    OutOfMemory,
    RefuseOutput,
    RepeatFrames,
    Restart,
    SilentSocket,
    Stall,
    Truncate,
)
from tests.simulator.talk import SAMPLER_FILES, Talk, image_graph, node, sampler_graph, talking, video_graph

pytestmark = pytest.mark.slow
"""Takes its time, all together."""

BROKEN = (httpx.ReadError, httpx.RemoteProtocolError, httpx.ConnectError)


@contextmanager
def faulty(*faults: Fault, **settings: Any) -> Iterator[tuple[Simulator, Talk]]:
    """A simulator with faults and a plain client of it."""
    with Simulator(files=SAMPLER_FILES, faults=faults, **settings) as sim, talking(sim.url) as talk:
        yield sim, talk


def test_an_answer_takes_the_place_of_the_true_one_so_often() -> None:
    """Status, body, type and headers are those given, twice; then the server is itself again."""
    html = Answer(
        "GET /queue", status=503, body="<html>", content_type="text/html", headers={"Retry-After": "2"}, times=2
    )
    with faulty(html) as (_, talk):
        answers = [talk.http.get("/queue") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [503, 503, 200]
    assert answers[0].text == "<html>"
    assert answers[0].headers["Retry-After"] == "2"
    assert answers[0].headers["Content-Type"] == "text/html"


def test_an_answer_after_the_fact_hides_that_the_job_is_queued() -> None:
    """With when="after" the request is done all the same."""
    with faulty(Answer("POST /prompt", status=502, when="after")) as (sim, talk):
        chosen = str(uuid.uuid4())
        answer = talk.http.post("/prompt", json={"prompt": image_graph(), "prompt_id": chosen})
        assert answer.status_code == 502
        talk.finished(chosen)
        assert sim.jobs_run == {chosen: 1}


@pytest.mark.parametrize(("when", "runs"), [("before", 0), ("after", 1)])
def test_a_broken_post_is_queued_or_not(when: Any, runs: int) -> None:
    """The connection is reset before the job is queued, or after it."""
    with faulty(Break("POST /prompt", when=when)) as (sim, talk):
        chosen = str(uuid.uuid4())
        with pytest.raises(BROKEN):
            talk.http.post("/prompt", json={"prompt": image_graph(), "prompt_id": chosen})
        assert len(sim.jobs) == runs
        assert sim.requests[-1].status == 0
        assert sim.requests[-1].prompt_id == chosen
        talk.run(image_graph(color=2))


def test_a_delay_is_before_or_after_the_work() -> None:
    """A late answer belongs to a job that is queued at once; a late start does not."""
    with faulty(Delay("POST /prompt", 0.3), Delay("GET /queue", 0.2, when="before")) as (sim, talk):
        begun = time.monotonic()
        chosen = talk.submit(image_graph())
        assert time.monotonic() - begun >= 0.3
        assert chosen in talk.http.get(f"/history/{chosen}").json()
        begun = time.monotonic()
        talk.http.get("/queue")
        assert time.monotonic() - begun >= 0.2
        assert sim.jobs_run == {chosen: 1}


def test_a_stalled_route_never_answers_and_does_not_hinder_the_end() -> None:
    """The client's own timeout ends it; other routes answer, and the simulator still stops at once."""
    with faulty(Stall("GET /history")) as (_, talk):
        with pytest.raises(httpx.ReadTimeout):
            talk.http.get("/history", timeout=0.2)
        assert talk.http.get("/queue").status_code == 200
    begun = time.monotonic()
    with faulty(Stall("*")) as (sim, _), pytest.raises(httpx.ReadTimeout):
        httpx.get(sim.url + "/queue", timeout=0.1)
    assert time.monotonic() - begun < 2


def test_a_fault_can_last_for_a_time_and_begin_later() -> None:
    """`seconds` counts from the first meeting, `skip` lets the first ones pass."""
    with faulty(Answer("GET /queue", seconds=0.3), Answer("GET /features", skip=2, times=None)) as (_, talk):
        begun = time.monotonic()
        while talk.http.get("/queue").status_code == 500:
            time.sleep(0.02)
        assert 0.3 <= time.monotonic() - begun < 2
        assert [talk.http.get("/features").status_code for _ in range(4)] == [200, 200, 500, 500]


def test_a_fault_can_be_for_one_job_only() -> None:
    """By place in the order of submission, or by prompt_id, on every route that names the job."""
    own = str(uuid.uuid4())
    faults = [Break("GET /history", job=2, times=None), Answer("GET /jobs", job=own), Break("POST /prompt", job=3)]
    with faulty(*faults) as (sim, talk):
        ids = [talk.submit(image_graph(color=1)), talk.submit(image_graph(color=2))]
        talk.finished(ids[0])
        for _ in range(2):
            with pytest.raises(BROKEN):
                talk.http.get(f"/history/{ids[1]}")
        with pytest.raises(BROKEN):
            talk.submit(image_graph(color=3), prompt_id=own)
        talk.run(image_graph(color=3), prompt_id=own)
        assert talk.http.get(f"/api/jobs/{ids[0]}").status_code == 200
        assert talk.http.get(f"/api/jobs/{own}").status_code == 500
        assert sim.jobs_run[own] == 1


def test_faults_can_be_added_and_cleared_while_it_runs() -> None:
    """`add` and `clear_faults` count from the next request on."""
    with faulty() as (sim, talk):
        sim.add(Answer("GET /queue", times=None))
        assert talk.http.get("/queue").status_code == 500
        sim.clear_faults()
        assert talk.http.get("/queue").status_code == 200


@pytest.mark.parametrize(("keep", "ending"), [(0.5, "close"), (0.5, "reset"), (0.0, "close")])
def test_a_download_breaks_off_and_can_be_resumed(keep: float, ending: Any) -> None:
    """The declared length is the true one, the bytes are fewer; a range then brings the rest."""
    with faulty(Truncate(keep=keep, ending=ending)) as (_, talk):
        made = talk.run(video_graph())["outputs"]["3"]["images"][0]
        got = b""
        with pytest.raises(BROKEN), talk.http.stream("GET", "/view", params=made) as answer:
            size = int(answer.headers["Content-Length"])
            for part in answer.iter_raw():
                got += part
        assert len(got) == int(size * keep)
        rest = talk.http.get("/view", params=made, headers={"Range": f"bytes={len(got)}-"})
        assert rest.status_code == 206
        assert got + rest.content == talk.fetch(made).content
        assert len(got + rest.content) == size


def test_a_short_body_shows_in_the_file_only() -> None:
    """With ending="short" Content-Length fits the part that is sent."""
    with faulty(Truncate(keep=0.25, ending="short")) as (_, talk):
        made = talk.run(video_graph())["outputs"]["3"]["images"][0]
        short, whole = talk.fetch(made), talk.fetch(made)
    assert int(short.headers["Content-Length"]) == len(short.content) == len(whole.content) // 4


def test_a_missing_file_once() -> None:
    """/view can answer 404 once."""
    with faulty(Answer("GET /view", status=404, body="")) as (_, talk):
        made = talk.run(image_graph())["outputs"]["2"]["images"][0]
        assert [talk.fetch(made).status_code for _ in range(2)] == [404, 200]


def test_a_job_may_end_before_its_post_is_answered() -> None:
    """The answer comes when history has the job."""
    with faulty(AnswerAfterEnd()) as (_, talk):
        chosen = talk.submit(image_graph())
        assert chosen in talk.http.get(f"/history/{chosen}").json()


@pytest.mark.parametrize("fault", [Break("GET /ws"), Answer("GET /ws", status=403)])
def test_a_socket_can_be_refused(fault: Fault) -> None:
    """By a reset or by a status; the next one is accepted."""
    with faulty(fault) as (_, talk):
        with pytest.raises((InvalidHandshake, OSError)), talk.socket("me"):
            pass
        with talk.socket("me") as ear:
            assert ear.hear()[0] == "status"


@pytest.mark.parametrize("place", range(1, 17))
def test_a_socket_can_be_cut_at_every_message(place: int) -> None:
    """The n-th message is not sent and the socket is gone; the job goes on."""
    with faulty(CutSocket(at=place)) as (_, talk), talk.socket("me") as ear:
        chosen = talk.submit(video_graph(), client_id="me")
        heard = 0
        with pytest.raises(ConnectionClosed):
            while True:
                ear.hear()
                heard += 1
        assert heard <= place - 1
        talk.finished(chosen)


def test_a_socket_can_be_cut_in_good_order_at_a_kind_of_message() -> None:
    """With a code the messages before arrive and the closing handshake is kept."""
    with faulty(CutSocket(at="progress", skip=2, code=1001)) as (_, talk), talk.socket("me") as ear:
        talk.submit(sampler_graph(), client_id="me")
        kinds = []
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                kinds.append(ear.hear()[0])
        assert kinds.count("progress") == 2
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1001


def test_a_cut_can_wait_for_one_job() -> None:
    """With `job`, the n-th message about that job counts, on a socket that served others."""
    with faulty(CutSocket(at=1, job=2, code=1000)) as (_, talk), talk.socket("me") as ear:
        first = talk.submit(image_graph(color=1), client_id="me")
        ear.until_end(first)
        talk.submit(image_graph(color=2), client_id="me")
        with pytest.raises(ConnectionClosed):
            while True:
                assert ear.hear()[0] == "status"


def test_a_socket_can_be_open_and_silent() -> None:
    """After the given messages nothing comes, though the job runs."""
    with faulty(SilentSocket(after=2)) as (_, talk), talk.socket("me") as ear:
        talk.run(image_graph(), client_id="me")
        assert [ear.hear()[0] for _ in range(2)] == ["status", "status"]
        assert ear.silent(0.2)


def test_frames_can_be_odd_large_and_doubled() -> None:
    """Unknown, malformed and 3 MiB frames come between, and every message twice."""
    faults = [ExtraFrames((BIG_PREVIEW, *ODD_FRAMES)), RepeatFrames(2)]
    with faulty(*faults) as (_, talk), talk.socket("me") as ear:
        chosen = talk.submit(sampler_graph(), client_id="me")
        frames: list[str | bytes] = []
        while sum('"node": null' in frame for frame in frames if isinstance(frame, str)) < 2:
            frames.append(ear.raw.recv(timeout=5))
        assert max(len(frame) for frame in frames) > 3 * 2**20
        assert [frame for frame in ODD_FRAMES if frame not in frames] == []
        plain = [frame for frame in frames if frame not in (BIG_PREVIEW, *ODD_FRAMES)]
        assert plain[::2] == plain[1::2]
        talk.finished(chosen)


@pytest.mark.parametrize("step", [0, 3])
def test_a_node_can_raise(step: int) -> None:
    """The event and history carry the message, the type, the node and what ran before."""
    with faulty(NodeFails("boom", "ValueError", node="KSampler", step=step)) as (_, talk), talk.socket("me") as ear:
        chosen = talk.submit(sampler_graph(), client_id="me")
        heard = ear.until_end(chosen)
        entry = talk.finished(chosen)
    error = dict(heard)["execution_error"]
    assert (error["exception_message"], error["exception_type"]) == ("boom\n", "ValueError")
    assert (error["node_id"], error["node_type"]) == ("5", "KSampler")
    assert set(error["executed"]) == {"1", "2", "3", "4"}
    assert sum(kind == "progress" for kind, _ in heard) == max(0, step - 1)
    assert entry["status"]["status_str"] == "error"
    assert entry["status"]["messages"][-1] == ["execution_error", error]
    assert entry["outputs"] == {}


def test_a_failed_job_can_be_run_again() -> None:
    """What ran before the failure is cached, and the second run succeeds."""
    with faulty(OutOfMemory(node="8")) as (_, talk):
        failed = talk.run(sampler_graph())
        error = failed["status"]["messages"][-1][1]
        assert error["exception_type"] == "torch.OutOfMemoryError"
        job = talk.http.get(f"/api/jobs/{failed['prompt'][1]}").json()
        assert (job["status"], job["execution_error"]["node_type"]) == ("failed", "SaveVideo")
        assert talk.run(sampler_graph())["status"]["status_str"] == "success"


def test_somebody_else_can_interrupt_or_delete() -> None:
    """An interrupted job has a history entry, a deleted one has none and tells only `status`."""
    with faulty(Interrupt(node="5", step=2, job=1), Delete(after=0.05, job=2)) as (sim, talk), talk.socket("me") as ear:
        stopped = talk.run(sampler_graph(), client_id="me")
        assert stopped["status"]["messages"][-1][0] == "execution_interrupted"
        ear.until_end(stopped["prompt"][1])
        deleted = talk.submit(image_graph(), client_id="me")
        talk.run(image_graph(color=5))
        assert talk.http.get(f"/history/{deleted}").json() == {}
        assert talk.http.get(f"/api/jobs/{deleted}").status_code == 404
        assert deleted not in sim.jobs_run
        kinds = set()
        while not ear.silent(0.1):
            kinds.add("status")
        assert kinds == {"status"}


@pytest.mark.parametrize("at", ["queued", "running", "finished"])
def test_a_restart_forgets_and_refuses_for_a_while(at: Any) -> None:
    """Sockets and requests break, then connections are refused, then a server without queue and history answers."""
    with faulty(Restart(at=at, away=0.3)) as (sim, talk), talk.socket("me") as ear:
        chosen = talk.submit(image_graph(), client_id="me")
        with pytest.raises(ConnectionClosed):
            while True:
                ear.hear()
        refused = 0
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            try:
                found = httpx.get(sim.url + "/queue").json()
                break
            except BROKEN:
                refused += 1
                time.sleep(0.02)
        assert refused >= 1
        assert found == {"queue_running": [], "queue_pending": []}
        assert httpx.get(f"{sim.url}/history/{chosen}").json() == {}
        assert httpx.get(f"{sim.url}/api/jobs/{chosen}").status_code == 404
        talk.run(image_graph(), prompt_id=chosen)


def test_history_can_come_late() -> None:
    """The end is told, the job still counts as running, and history follows."""
    with faulty(LateHistory(0.3)) as (_, talk), talk.socket("me") as ear:
        chosen = talk.submit(image_graph(), client_id="me")
        ear.until_end(chosen)
        assert talk.http.get(f"/history/{chosen}").json() == {}
        assert talk.http.get(f"/api/jobs/{chosen}").json()["status"] == "in_progress"
        talk.finished(chosen)


def test_outputs_can_be_refused_in_a_200() -> None:
    """One of two outputs is dropped with node_errors in a 200; the only one makes it a 400."""
    two = {**image_graph(), "9": node("SaveImage", images=["1", 0], filename_prefix="nine")}
    with faulty(RefuseOutput(times=2)) as (_, talk):
        answer = talk.http.post("/prompt", json={"prompt": two})
        assert answer.status_code == 200
        assert list(answer.json()["node_errors"]) == ["9"]
        assert list(talk.finished(answer.json()["prompt_id"])["outputs"]) == ["2"]
        assert talk.http.post("/prompt", json={"prompt": image_graph()}).status_code == 400


@pytest.mark.parametrize(
    "claim",
    [
        ClaimFile(filename="a b#c%d \u732b.png"),
        ClaimFile(filename="../../evil.png"),
        ClaimFile(filename="/etc/passwd"),
        ClaimFile(filename="C:\\evil.png"),
        ClaimFile(filename=""),
        ClaimFile(subfolder="../.."),
        ClaimFile(subfolder="/etc", filename="passwd"),
        ClaimFile(type="temp"),
    ],
)
def test_a_result_can_claim_any_name_and_is_served_under_it(claim: ClaimFile) -> None:
    """History and the event say the claimed name, and /view with it brings the true bytes."""
    with faulty(claim) as (sim, talk):
        said = talk.run(image_graph())["outputs"]["2"]["images"][0]
        for key in ("filename", "subfolder", "type"):
            if getattr(claim, key) is not None:
                assert said[key] == getattr(claim, key)
        (file,) = sim.output_folder.iterdir()
        assert talk.fetch(said).content == file.read_bytes()


def test_an_older_server_has_no_jobs_and_takes_any_id() -> None:
    """404 or 405 for routes it has not, any text as prompt_id, `invalid_prompt` for unknown classes."""
    with faulty(OldServer()) as (_, talk):
        assert talk.http.get("/api/jobs").status_code == 404
        assert talk.http.get("/api/jobs/x").status_code == 404
        assert talk.http.post("/api/jobs/x/cancel").status_code == 405
        for route in ("/node_replacements", "/api/global_subgraphs", "/global_subgraphs/x", "/api/assets", "/api/tags"):
            assert (talk.http.get(route).status_code, talk.http.post(route).status_code) == (404, 405)
        assert talk.http.get("/api/workflow_templates").status_code == 200
        talk.run(image_graph(), prompt_id="my-job")
        answer = talk.http.post("/prompt", json={"prompt": {"1": node("NoSuchClass")}})
        assert answer.json()["error"]["type"] == "invalid_prompt"


def test_an_older_server_tells_less() -> None:
    """Of itself, its cards, its model folders, its features and of a job."""
    with Simulator(files={}, vram_gb=(24, 12), faults=[OldServer()]) as sim, talking(sim.url) as talk:
        told = talk.http.get("/system_stats").json()
        assert told["system"]["comfyui_version"] == "0.3.64"
        assert not {"deploy_environment", "comfy_package_versions"} & set(told["system"])
        assert len(told["devices"]) == 1
        assert sorted(talk.http.get("/features").json()) == ["max_upload_size", "supports_preview_metadata"]
        assert {"name", "folders"} == set(talk.http.get("/experiment/models").json()[0])
        assert "create_time" not in talk.run(image_graph())["prompt"][3]


def test_what_the_server_takes_and_then_fails_over_fails_here_too() -> None:
    """SaveVideo without codec is accepted and dies at the last node, as measured on 0.30.0."""
    graph = video_graph()
    del graph["3"]["inputs"]["codec"]
    with faulty() as (_, talk):
        error = talk.run(graph)["status"]["messages"][-1][1]
    assert error["exception_type"] == "TypeError"
    assert error["exception_message"] == "SaveVideo.execute() missing 1 required positional argument: 'codec'\n"
    assert error["node_id"] == "3"
