"""The simulator's protocol: what a job's life looks like from outside."""

from __future__ import annotations

import struct
import uuid
from collections.abc import Iterator

import pytest

from comfy_headless.simulator import Simulator
from tests.simulator.talk import SAMPLER_FILES, Talk, image_graph, node, sampler_graph, talking, video_graph


@pytest.fixture
def sim() -> Iterator[Simulator]:
    """A simulator with one checkpoint."""
    with Simulator(files=SAMPLER_FILES) as simulator:
        yield simulator


@pytest.fixture
def talk(sim: Simulator) -> Iterator[Talk]:
    """A plain client of it."""
    with talking(sim.url) as client:
        yield client


def test_a_job_tells_its_life_in_the_real_order(talk: Talk) -> None:
    """Start, cached, each node, executed, success, empty queue, end: in this order and to this client."""
    with talk.socket("me") as ear:
        prompt_id = talk.submit(video_graph(), client_id="me")
        kinds = [kind for kind, _ in ear.until_end(prompt_id)]
    node_life = ["progress_state", "executing", "progress_state"]
    last_node = ["progress_state", "executing", "executed", "progress_state"]
    assert kinds == [
        *["status"] * 3,
        "execution_start",
        "execution_cached",
        *node_life * 2,
        *last_node,
        "execution_success",
        "status",
        "executing",
    ]


def test_history_is_written_before_the_end_is_told(talk: Talk) -> None:
    """When `executing` null arrives, history has the entry with outputs, meta and messages."""
    with talk.socket("me") as ear:
        prompt_id = talk.submit(video_graph(), client_id="me")
        ear.until_end(prompt_id)
        entry = talk.http.get(f"/history/{prompt_id}").json()[prompt_id]
    assert entry["outputs"] == {
        "3": {"images": [{"filename": "clip_00001_.mp4", "subfolder": "video", "type": "output"}], "animated": [True]}
    }
    assert entry["meta"]["3"] == {"node_id": "3", "display_node": "3", "parent_node": None, "real_node_id": "3"}
    assert entry["status"]["status_str"] == "success"
    assert entry["status"]["completed"] is True
    assert [name for name, _ in entry["status"]["messages"]] == [
        "execution_start",
        "execution_cached",
        "execution_success",
    ]
    assert entry["prompt"][1] == prompt_id
    assert entry["prompt"][3].keys() == {"client_id", "create_time"}
    assert entry["prompt"][4] == ["3"]


def test_the_same_graph_again_is_cached_and_gives_its_files(talk: Talk) -> None:
    """A fully cached run names the same files in history and tells `executed`, but no node as executing."""
    first = talk.run(video_graph())
    with talk.socket("me") as ear:
        prompt_id = talk.submit(video_graph(), client_id="me")
        heard = ear.until_end(prompt_id)
    assert talk.finished(prompt_id)["outputs"] == first["outputs"]
    assert dict(heard)["execution_cached"]["nodes"] == ["1", "2", "3"]
    assert [data["node"] for kind, data in heard if kind == "executing"] == [None]
    assert [data["node"] for kind, data in heard if kind == "executed"] == ["3"]


def test_free_memory_drops_the_cache(sim: Simulator, talk: Talk) -> None:
    """After /free with free_memory the same graph runs anew; unload_models alone forgets no result."""
    first = talk.run(image_graph())
    for asked, again in [({"unload_models": True}, False), ({"unload_models": True, "free_memory": True}, True)]:
        answer = talk.http.post("/free", json=asked)
        assert (answer.status_code, answer.content) == (200, b"")
        assert (sim.requests[-1].method, sim.requests[-1].path, sim.requests[-1].status) == ("POST", "/free", 200)
        assert (talk.run(image_graph())["outputs"] != first["outputs"]) is again


def test_a_sampler_tells_its_steps_and_previews(talk: Talk) -> None:
    """Each step is progress_state, preview with metadata, progress; without the feature the plain preview follows."""
    flags = {"type": "feature_flags", "data": {"supports_preview_metadata": True}}
    with talk.socket("rich", first=flags) as ear:
        assert ear.hear()[0] == "status"
        assert ear.hear()[0] == "feature_flags"
        prompt_id = talk.submit(sampler_graph(), client_id="rich", extra_data={"preview_method": "latent2rgb"})
        heard = ear.until_end(prompt_id)
    start = next(place for place, (kind, data) in enumerate(heard) if kind == "executing" and data["node"] == "5")
    assert [kind for kind, _ in heard[start + 1 : start + 13]] == ["progress_state", "binary", "progress"] * 4
    assert [data["value"] for kind, data in heard if kind == "progress"] == [1, 2, 3, 4]
    frame = next(data for kind, data in heard if kind == "binary")
    event, size = struct.unpack(">II", frame[:8])
    assert event == 4
    assert b'"node_id": "5"' in frame[8 : 8 + size]
    assert frame[8 + size : 10 + size] == b"\xff\xd8"
    with talk.socket("plain") as ear:
        prompt_id = talk.submit(sampler_graph(seed=2), client_id="plain", extra_data={"preview_method": "auto"})
        plain = [data for kind, data in ear.until_end(prompt_id) if kind == "binary"]
    assert len(plain) == 4
    assert plain[0][:8] == struct.pack(">II", 1, 1)


def test_no_preview_unless_asked_and_only_progress_without_client(talk: Talk) -> None:
    """Without preview_method there is no binary frame; of a job without client_id everybody hears the progress only."""
    with talk.socket("me") as ear:
        prompt_id = talk.submit(sampler_graph(), client_id="me")
        assert "binary" not in [kind for kind, _ in ear.until_end(prompt_id)]
        talk.run(sampler_graph(seed=3))
        heard = [ear.hear()[0] for _ in range(4)]
        while heard[-1] != "status":
            heard.append(ear.hear()[0])
        assert set(heard) == {"status", "progress_state", "progress"}
        assert ear.silent(0.1)


def test_numbers_decide_the_order_and_front_goes_first() -> None:
    """The lowest number runs next; `front` is the negative counter; an explicit number wins."""
    with Simulator(files=SAMPLER_FILES, step_seconds=0.05) as sim, talking(sim.url) as talk:
        holding = talk.submit(sampler_graph(steps=20))
        ids = {
            "later": talk.submit(image_graph(color=1)),
            "front": talk.submit(image_graph(color=2), front=True),
            "first": talk.submit(image_graph(color=3), number=-100, front=False),
        }
        queue = talk.http.get("/queue").json()
        assert [item[1] for item in queue["queue_running"]] == [holding]
        assert sorted(item[0] for item in queue["queue_pending"]) == [-100.0, -2, 1]
        assert talk.http.get("/prompt").json() == {"exec_info": {"queue_remaining": 4}}
        talk.http.post("/interrupt", json={})
        talk.finished(ids["later"])
        assert list(talk.http.get("/history").json()) == [holding, ids["first"], ids["front"], ids["later"]]
        assert list(sim.jobs_run.values()) == [1, 1, 1, 1]


UUID = "396ccded-24d2-4549-bb4c-7d6900ac42ec"


@pytest.mark.parametrize("prompt_id", ["job-1", UUID.upper(), UUID.replace("-", ""), 7])
def test_only_canonical_uuids_are_prompt_ids(talk: Talk, prompt_id: object) -> None:
    """Another form of id is refused with invalid_prompt_id."""
    answer = talk.http.post("/prompt", json={"prompt": image_graph(), "prompt_id": prompt_id})
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_prompt_id"


def test_a_refused_graph_gets_the_report_and_a_half_good_one_a_200(talk: Talk) -> None:
    """400 carries error and node_errors; if one output is good it runs, and the 200 names the other's errors."""
    bad = {**image_graph(), "2": node("SaveImage", filename_prefix="x")}
    answer = talk.http.post("/prompt", json={"prompt": bad})
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "prompt_outputs_failed_validation"
    assert answer.json()["node_errors"]["2"]["errors"][0]["type"] == "required_input_missing"
    half = {**image_graph(), "9": node("SaveImage", filename_prefix="x")}
    answer = talk.http.post("/prompt", json={"prompt": half})
    assert answer.status_code == 200
    assert list(answer.json()["node_errors"]) == ["9"]
    assert list(talk.finished(answer.json()["prompt_id"])["outputs"]) == ["2"]


def test_some_targets_can_be_asked_for(talk: Talk) -> None:
    """partial_execution_targets leaves the other outputs out; none left is prompt_no_outputs."""
    two = {**image_graph(), "9": node("SaveImage", images=["1", 0], filename_prefix="nine")}
    assert list(talk.run(two, partial_execution_targets=["9"])["outputs"]) == ["9"]
    answer = talk.http.post("/prompt", json={"prompt": two, "partial_execution_targets": ["1"]})
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "prompt_no_outputs")


def test_what_the_real_server_does_not_catch_is_a_500(talk: Talk) -> None:
    """No JSON, a history limit that is no number, an unknown upload type: 500 with aiohttp's own text."""
    text = "500 Internal Server Error\n\nServer got itself in trouble"
    answers = [
        talk.http.post("/prompt", content=b"{"),
        talk.http.post("/queue", content=b"{"),
        talk.http.get("/history?max_items=x"),
        talk.http.post("/upload/image", data={"type": "nowhere"}, files={"image": ("a.png", b"x")}),
    ]
    assert [(answer.status_code, answer.text) for answer in answers] == [(500, text)] * 4


def test_an_interrupt_stops_the_running_job_only() -> None:
    """With a prompt_id only that job is stopped; history says error, and the jobs API cancelled."""
    with Simulator(files=SAMPLER_FILES, step_seconds=0.02) as sim, talking(sim.url) as talk:
        running = talk.submit(sampler_graph(steps=500), client_id="me")
        talk.http.post("/interrupt", json={"prompt_id": str(uuid.uuid4())})
        assert talk.http.get(f"/api/jobs/{running}").json()["status"] in ("in_progress", "pending")
        while not talk.http.get("/queue").json()["queue_running"]:
            pass
        talk.http.post("/interrupt", json={"prompt_id": running})
        entry = talk.finished(running)
        assert entry["status"]["status_str"] == "error"
        assert entry["status"]["completed"] is False
        assert entry["status"]["messages"][-1][0] == "execution_interrupted"
        assert talk.http.get(f"/api/jobs/{running}").json()["status"] == "cancelled"


def test_jobs_can_be_cancelled_in_any_state() -> None:
    """The cancel routes stop a running job, drop a pending one, and do nothing to the rest."""
    with Simulator(files=SAMPLER_FILES, step_seconds=0.02) as sim, talking(sim.url) as talk:
        running = talk.submit(sampler_graph(steps=500))
        waiting = talk.submit(image_graph())
        unknown = str(uuid.uuid4())
        assert talk.http.post(f"/api/jobs/{waiting}/cancel").json() == {"cancelled": True}
        assert talk.http.get(f"/api/jobs/{waiting}").json() == {"error": "Job not found"}
        answer = talk.http.post("/api/jobs/cancel", json={"job_ids": [running, unknown]})
        assert answer.json() == {"cancelled": True}
        talk.finished(running)
        assert talk.http.post("/api/jobs/cancel", json={"job_ids": [running]}).json() == {"cancelled": False}
        bad = talk.http.post("/api/jobs/cancel", json={"job_ids": ["x", 3]})
        assert (bad.status_code, bad.json()["invalid_ids"]) == (400, ["x", "3"])


def test_the_jobs_list_filters_sorts_and_pages(talk: Talk) -> None:
    """status, sort_order, limit and offset select; a wrong value is a 400 that names what is legal."""
    ids = [talk.submit(image_graph(color=color)) for color in range(3)]
    for prompt_id in ids:
        talk.finished(prompt_id)
    page = talk.http.get("/api/jobs", params={"limit": 2, "sort_order": "asc"}).json()
    assert [job["id"] for job in page["jobs"]] == ids[:2]
    assert page["pagination"] == {"offset": 0, "limit": 2, "total": 3, "has_more": True}
    assert talk.http.get("/api/jobs?status=pending").json()["jobs"] == []
    for query in ("status=done", "sort_by=name", "sort_order=up", "limit=0", "limit=x", "offset=x"):
        assert talk.http.get(f"/api/jobs?{query}").status_code == 400


def test_history_pages_and_deletes(talk: Talk) -> None:
    """max_items without offset are the newest; delete and clear remove."""
    ids = [talk.submit(image_graph(color=color)) for color in range(3)]
    talk.finished(ids[-1])
    assert list(talk.http.get("/history?max_items=2").json()) == ids[1:]
    assert list(talk.http.get("/history?max_items=1&offset=1").json()) == [ids[1]]
    talk.http.post("/history", json={"delete": [ids[0]]})
    assert list(talk.http.get("/api/history").json()) == ids[1:]
    talk.http.post("/history", json={"clear": True})
    assert talk.http.get("/history").json() == {}
    assert talk.http.get(f"/history/{ids[0]}").json() == {}


def test_the_queue_can_be_cleared_and_thinned() -> None:
    """Pending jobs are deleted by id or all at once, without a history entry; the running one stays."""
    with Simulator(files=SAMPLER_FILES, step_seconds=0.02) as sim, talking(sim.url) as talk:
        running = talk.submit(sampler_graph(steps=500))
        waiting = [talk.submit(image_graph(color=color)) for color in range(3)]
        talk.http.post("/queue", json={"delete": [waiting[0], str(uuid.uuid4())]})
        assert talk.http.get("/prompt").json()["exec_info"]["queue_remaining"] == 3
        talk.http.post("/queue", json={"clear": True})
        assert talk.http.get("/queue").json()["queue_pending"] == []
        talk.http.post("/interrupt", json={"prompt_id": running})
        talk.finished(running)
        assert list(talk.http.get("/history").json()) == [running]


def test_a_second_socket_silences_the_first_and_dies_with_it(talk: Talk) -> None:
    """Two sockets of one clientId break each other, as on the real server."""
    with talk.socket("me") as first:
        assert first.hear()[0] == "status"
        with talk.socket("me") as second:
            assert second.hear()[0] == "status"
            talk.run(image_graph(color=1), client_id="me")
            assert first.silent(0.1)
            first.raw.close()
            while not second.silent(0.1):
                pass
            talk.run(image_graph(color=2), client_id="me")
            assert second.silent(0.2)


def test_a_reconnecting_client_hears_what_runs_for_it() -> None:
    """The new socket gets status, then `executing` with the node but without prompt_id, then live events."""
    with Simulator(files=SAMPLER_FILES, step_seconds=0.05) as sim, talking(sim.url) as talk:
        with talk.socket("me") as ear:
            prompt_id = talk.submit(sampler_graph(steps=30), client_id="me")
            while ear.hear()[0] != "progress":
                pass
        with talk.socket("other") as ear:
            assert ear.hear()[0] == "status"
            assert ear.silent(0.15)
        with talk.socket("me") as ear:
            assert ear.hear()[0] == "status"
            assert ear.hear() == ("executing", {"node": "5"})
            assert ear.hear()[0] in ("progress_state", "progress")
            talk.http.post("/interrupt", json={"prompt_id": prompt_id})
            assert "execution_interrupted" in [kind for kind, _ in ear.until_end(prompt_id)]


def test_feature_flags_count_in_the_first_json_frame_only(talk: Talk) -> None:
    """A frame that is not JSON does not use up the chance; a later declaration is not answered."""
    flags = {"type": "feature_flags", "data": {"supports_preview_metadata": True}}
    with talk.socket("a") as ear:
        ear.raw.send("not json")
        ear.raw.send('{"type": "feature_flags", "data": {}}')
        assert [ear.hear()[0] for _ in range(2)] == ["status", "feature_flags"]
    with talk.socket("b", first={"type": "hello"}) as ear:
        ear.raw.send(str(flags).replace("'", '"').replace("True", "true"))
        assert ear.hear()[0] == "status"
        assert ear.silent(0.1)


def test_a_socket_without_client_id_gets_one(talk: Talk) -> None:
    """The first status names the sid that the server made up."""
    with talk.socket("") as ear:
        kind, data = ear.hear()
    assert kind == "status"
    assert len(data["sid"]) == 32


def test_another_web_page_is_refused(talk: Talk) -> None:
    """A cross-site request, and another origin on a loopback host, is a 403."""
    assert talk.http.get("/queue", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert talk.http.get("/queue", headers={"Origin": "http://evil.example"}).status_code == 403
    assert talk.http.get("/queue", headers={"Origin": talk.url}).status_code == 200


def test_unknown_paths_are_404_for_get_and_405_else(talk: Talk) -> None:
    """As the real server answers below its web root."""
    assert [talk.http.get("/nope").status_code, talk.http.post("/nope").status_code] == [404, 405]
