"""The simulator against a real ComfyUI: the same conversation with both must give the same answers and events.

A scenario talks to one server and returns what it saw, with what differs by nature (ids, times, own prefixes) replaced.
"""

from __future__ import annotations

import json
import struct
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from comfy_headless.simulator import Simulator
from tests.simulator.talk import Talk, image_graph, node, talking, video_graph

from .conversation import empty, forget, life, listening, own_prefix, plain, sets, something_long, until, wan

Scenario = Callable[[Talk], Any]
SCENARIOS: list[Scenario] = []


def scenario(function: Scenario) -> Scenario:
    """Put a conversation on the list."""
    SCENARIOS.append(function)
    return function


@pytest.fixture(scope="module")
def simulated_server() -> Iterator[str]:
    """A simulator whose sampler steps take a moment, so that a job can be caught while it runs."""
    with Simulator(step_seconds=0.005) as simulator:
        yield simulator.url


@pytest.mark.parametrize("talk_over", SCENARIOS, ids=lambda function: function.__name__)
def test_both_servers_say_the_same(talk_over: Scenario, real_server: str, simulated_server: str) -> None:
    """The simulator's side of a conversation equals the real server's."""
    seen = []
    for url in (simulated_server, real_server):
        with talking(url) as talk:
            empty(talk)
            forget(talk)
            seen.append(talk_over(talk))
    assert seen[0] == seen[1]


@scenario
def a_video_and_the_same_again(talk: Talk) -> Any:
    """A fresh run, then a cached one: all events, history, job."""
    prefix = own_prefix()
    graph = video_graph(prefix=prefix)
    return [life(talk, graph, prefix), life(talk, graph, prefix)]


@scenario
def two_outputs_and_a_changed_half(talk: Talk) -> Any:
    """The order of nodes with two outputs, and what is cached when one of them changes."""
    prefix = own_prefix()
    graph = video_graph(prefix=prefix)
    graph["4"] = node("SaveImage", images=["1", 0], filename_prefix=f"{prefix}/still")
    first = life(talk, graph, prefix)
    graph["2"]["inputs"]["fps"] = 9.0
    return [sorted_outputs(first), sorted_outputs(life(talk, graph, prefix))]


def sorted_outputs(told: list[Any]) -> list[Any]:
    """Put the ids of the outputs to run in order; the real server takes them from a set."""
    told[1]["prompt"][4].sort()
    return told


@scenario
def some_targets(talk: Talk) -> Any:
    """partial_execution_targets."""
    prefix = own_prefix()
    graph = video_graph(prefix=prefix)
    graph["4"] = node("SaveImage", images=["1", 0], filename_prefix=f"{prefix}/still")
    return life(talk, graph, prefix, partial_execution_targets=["4"])


@scenario
def extra_data(talk: Talk) -> Any:
    """What is kept of extra_data, and the workflow's id in the job."""
    prefix = own_prefix()
    extra = {"extra_pnginfo": {"workflow": {"id": "w-1"}}, "auth_token_comfy_org": "secret", "other": [1]}
    return life(talk, image_graph(prefix=prefix), prefix, extra_data=extra)


@scenario
def a_sampler(talk: Talk) -> Any:
    """The order of nodes, and the first and last step of the sampler (some samplers jump over a step)."""
    events = life(talk, wan(steps=3))[0]
    told = []
    for kind, data in events:
        if kind == "executing":
            told.append([kind, data["node"]])
        elif kind == "progress" and data["value"] in (1, data["max"]):
            told.append([kind, data["node"], data["value"], data["max"]])
    return told


@pytest.mark.parametrize("rich", [True, False])
def test_previews(rich: bool, real_server: str, simulated_server: str) -> None:
    """A step's frames come in the same order, with the same header, with and without the feature."""
    seen = []
    for url in (simulated_server, real_server):
        with talking(url) as talk:
            empty(talk)
            flags = {"type": "feature_flags", "data": {"supports_preview_metadata": rich}}
            forget(talk)
            with listening(talk, first=flags) as (client_id, ear):
                extra = {"preview_method": "latent2rgb"}
                prompt_id = talk.submit(wan(steps=3), client_id=client_id, extra_data=extra)
                heard = ear.until_end(prompt_id)
            kinds = [kind for kind, _ in heard]
            first = kinds.index("binary")
            frames = [data for kind, data in heard if kind == "binary"]
            order = kinds[first - 2 : first + 5]
            seen.append([len(frames), order, plain(preview_header(frames[0]), id=prompt_id)])
    assert seen[0] == seen[1]


def preview_header(frame: bytes) -> list[Any]:
    """Return the event, what follows it, and the picture's first bytes."""
    event, second = struct.unpack(">II", frame[:8])
    if event == 4:
        return [event, json.loads(frame[8 : 8 + second]), frame[8 + second :][:2].hex()]
    return [event, second, frame[8:10].hex()]


@scenario
def previews_are_off_by_default(talk: Talk) -> Any:
    """No binary frame without preview_method, and none for an unknown method."""
    kinds = []
    for extra in ({}, {"preview_method": "none"}, {"preview_method": "nonsense"}):
        forget(talk)
        kinds.append("binary" in [kind for kind, _ in life(talk, wan(steps=1), extra_data=extra)[0]])
    return kinds


@scenario
def failing_nodes(talk: Talk) -> Any:
    """A missing codec, an odd size and a prefix that leads out: the error events and the history."""
    no_codec = video_graph(prefix=own_prefix())
    del no_codec["3"]["inputs"]["codec"]
    outside = image_graph(prefix="../../outside")
    told = []
    for graph in (no_codec, outside):
        forget(talk)
        events, entry, job = life(talk, graph, graph[max(graph)]["inputs"]["filename_prefix"])
        error = entry["status"]["messages"][-1][1]
        error["current_inputs"] = sorted(error["current_inputs"])
        error["exception_message"] = error["exception_message"].partition("\n full_output_folder")[0]
        told.append([[kind for kind, _ in events], entry["status"], entry["outputs"], job["status"], sorted(job)])
    return told


@scenario
def an_odd_size(talk: Talk) -> Any:
    """h264 refuses an odd width; the exception's type and the failing node."""
    graph = video_graph(prefix=own_prefix())
    graph["1"]["inputs"]["width"] = 65
    entry = life(talk, graph)[1]
    error = entry["status"]["messages"][-1][1]
    return [error["node_type"], error["exception_type"], entry["status"]["status_str"]]


@scenario
def an_interrupt(talk: Talk) -> Any:
    """The events after an interrupt, and the history and job of an interrupted run."""
    with listening(talk) as (client_id, ear):
        with something_long(talk, client_id) as prompt_id:
            until(ear, "progress")
            answers = [talk.http.post("/interrupt", json={"prompt_id": str(uuid.uuid4())})]
            until(ear, "progress")
            answers.append(talk.http.post("/interrupt", json={"prompt_id": prompt_id}))
            heard = [[kind, data] for kind, data in ear.until_end(prompt_id) if not kind.startswith("progress")]
            entry = talk.http.get(f"/history/{prompt_id}").json()[prompt_id]
            job = talk.http.get(f"/api/jobs/{prompt_id}").json()
        shown = [[answer.status_code, answer.text] for answer in answers]
        return sets(plain([shown, heard, entry["status"], entry["outputs"], job["status"], sorted(job)], id=prompt_id))


@scenario
def an_interrupt_without_client(talk: Talk) -> Any:
    """The interrupt of a job without client_id is told to everybody."""
    with listening(talk) as (_, ear):
        with something_long(talk) as prompt_id:
            talk.http.post("/interrupt")
            data = until(ear, "execution_interrupted")
        return sorted(data), data["prompt_id"] == prompt_id


@scenario
def the_queue(talk: Talk) -> Any:
    """Numbers, heap order, what is shown of a pending job, deleting and clearing."""
    told: list[Any] = []
    with something_long(talk) as running:
        base = talk.http.get("/queue").json()["queue_running"][0][0]
        ids = [talk.submit(image_graph(prefix=own_prefix()), number=base + 10 + extra) for extra in (3, 1, 2, 0.5)]
        shown = talk.http.get("/queue").json()
        told.append([item[0] - base for item in shown["queue_pending"]])
        told.append([[len(item), sorted(item[3]), item[4]] for item in shown["queue_pending"]])
        told.append([item[1] == running for item in shown["queue_running"]])
        job = talk.http.get(f"/api/jobs/{ids[0]}").json()
        told.append([sorted(job), job["status"], job["priority"] - base])
        told.append(sorted(talk.http.get(f"/api/jobs/{running}").json()))
        listed = talk.http.get("/api/jobs?status=pending,in_progress").json()
        told.append([[job["status"] for job in listed["jobs"]], listed["pagination"]])
        answer = talk.http.post("/queue", json={"delete": [ids[0], str(uuid.uuid4())]})
        told.append([answer.status_code, answer.text, talk.http.get("/prompt").json()])
        told.append(talk.http.post(f"/api/jobs/{ids[1]}/cancel").json())
        told.append(talk.http.get(f"/api/jobs/{ids[1]}").json())
        told.append([talk.http.get(f"/history/{name}").json() for name in ids])
        answer = talk.http.post("/queue", json={"clear": True})
        told.append([answer.status_code, answer.text, talk.http.get("/prompt").json()])
        told.append(talk.http.post("/api/jobs/cancel", json={"job_ids": [running, ids[2]]}).json())
    told.append(talk.http.post(f"/api/jobs/{running}/cancel").json())
    return told


@scenario
def front_and_number(talk: Talk) -> Any:
    """`front` negates the counter, `number` wins and is a float, the counter goes on."""
    told = []
    with something_long(talk) as running:
        counted = talk.http.get(f"/api/jobs/{running}").json()["priority"]
        for more in (
            {},
            {"front": True},
            {"front": False},
            {"number": 7},
            {"number": "8"},
            {"number": 9, "front": True},
        ):
            answer = talk.http.post("/prompt", json={"prompt": image_graph(prefix=own_prefix()), **more}).json()
            number = answer["number"]
            told.append(number if "number" in more else [number < 0, abs(number) - counted])
            told.append(sorted(answer))
        talk.http.post("/queue", json={"clear": True})
    return told


@scenario
def deleted_jobs_tell_status_only(talk: Talk) -> Any:
    """A pending job that is deleted leaves `status` and nothing else."""
    with listening(talk) as (client_id, ear):
        with something_long(talk):
            prompt_id = talk.submit(image_graph(prefix=own_prefix()), client_id=client_id)
            talk.http.post("/queue", json={"delete": [prompt_id]})
            kinds = [ear.hear() for _ in range(3)]
        return [kind if "sid" not in data else "first" for kind, data in kinds]


@scenario
def two_sockets(talk: Talk) -> Any:
    """A second socket takes over, and is forgotten when the first closes."""
    with listening(talk) as (client_id, first):
        told: list[Any] = [first.hear()[0]]
        with talk.socket(client_id) as second:
            told.append(second.hear()[0])
            talk.run(image_graph(prefix=own_prefix()), client_id=client_id)
            told.append(first.silent(0.3))
            first.raw.close()
            while not second.silent(0.5):
                pass
            talk.run(image_graph(prefix=own_prefix()), client_id=client_id)
            told.append(second.silent(0.5))
    return told


@scenario
def a_reconnect(talk: Talk) -> Any:
    """A new socket of a running client: status, then `executing` without prompt_id; after the end nothing."""
    client_id = uuid.uuid4().hex
    told: list[Any] = []
    with something_long(talk, client_id):
        with talk.socket(client_id) as ear:
            until(ear, "progress")
        with talk.socket(client_id) as ear:
            told.append(ear.hear()[0])
            kind, data = ear.hear()
            told.append([kind, sorted(data)])
        with listening(talk) as (_, other):
            told.append([other.hear()[0], other.silent(0.5)])
    with talk.socket(client_id) as ear:
        told.append([ear.hear()[0], ear.silent(0.5)])
    return told


@scenario
def feature_flags(talk: Talk) -> Any:
    """Which first frames are answered, and with what."""
    told = []
    hello = '{"type": "feature_flags", "data": {"supports_preview_metadata": true}}'
    for frames in ([hello], ["no json", hello], ['{"type": "x"}', hello], [hello, hello], ["[]", hello], ["1", hello]):
        with listening(talk) as (_, ear):
            first = ear.hear()
            for frame in frames:
                ear.raw.send(frame)
            heard = []
            while not ear.silent(0.0 if len(heard) > 9 else 0.2):
                heard.append("something")
            told.append([first[0], sorted(first[1]), heard])
    with listening(talk, first=json.loads(hello)) as (_, ear):
        ear.hear()
        told.append(ear.hear())
    with talk.socket("") as ear:
        told.append(len(ear.hear()[1]["sid"]))
    return [told, talk.http.get("/features").json()]


@scenario
def other_bad_bodies(talk: Talk) -> Any:
    """Every other route that reads a body or a number."""
    posts = [
        ("/queue", b"{"),
        ("/queue", b"[]"),
        ("/interrupt", b"{"),
        ("/interrupt", b""),
        ("/free", b"{"),
        ("/free", b"{}"),
        ("/history", b"{"),
        ("/history", b"{}"),
        ("/api/jobs/cancel", b"{"),
        ("/api/jobs/cancel", b"[]"),
        ("/api/jobs/cancel", b'{"job_ids": 3}'),
        ("/api/jobs/cancel", b'{"job_ids": ["x", 3, [1], {"a": 1}]}'),
        ("/api/jobs/cancel", b'{"job_ids": []}'),
        ("/api/jobs/x/cancel", b""),
        ("/nope", b""),
        ("/view", b""),
        ("/object_info", b""),
    ]
    gets = [
        "/history?max_items=x",
        "/history?offset=x",
        "/history/x",
        "/api/jobs/x",
        "/api/jobs?status=done",
        "/api/jobs?status=done,%20,PENDING",
        "/api/jobs?sort_by=x",
        "/api/jobs?sort_order=x",
        "/api/jobs?limit=0",
        "/api/jobs?limit=x",
        "/api/jobs?offset=x",
        "/api/jobs?offset=-1&limit=1&workflow_id=nobody",
        "/jobs",
        "/nope",
        "/api/nope",
        "/models/nope",
        "/models/vae/nope",
        "/object_info/Nope",
        "/embeddings",
        "/extensions",
    ]
    answers = [talk.http.post(path, content=body) for path, body in posts] + [talk.http.get(path) for path in gets]
    return [[answer.status_code, answer.text] for answer in answers]


@scenario
def history_pages(talk: Talk) -> Any:
    """max_items, offset, delete, clear."""
    talk.http.post("/history", json={"clear": True})
    ids = [talk.submit(image_graph(prefix=own_prefix())) for _ in range(4)]
    talk.finished(ids[-1])
    pages = []
    for query in ("", "?max_items=2", "?max_items=2&offset=1", "?offset=3", "?max_items=0", "?max_items=9&offset=9"):
        pages.append([ids.index(name) for name in talk.http.get(f"/history{query}").json()])
    talk.http.post("/history", json={"delete": [ids[1], "x"]})
    pages.append([ids.index(name) for name in talk.http.get("/history").json()])
    jobs = talk.http.get("/api/jobs?limit=2&sort_order=asc").json()
    pages.append([[sorted(job) for job in jobs["jobs"]], jobs["pagination"]])
    return pages


@scenario
def the_same_id_twice(talk: Talk) -> Any:
    """Both run; history keeps the later; the same number too is a 500."""
    chosen = str(uuid.uuid4())
    with something_long(talk):
        answers = [
            talk.http.post("/prompt", json={"prompt": image_graph(prefix=own_prefix()), "prompt_id": chosen})
            for _ in range(2)
        ]
        told = [[answer.status_code, sorted(answer.json())] for answer in answers]
        twin = {"prompt": image_graph(prefix=own_prefix()), "prompt_id": str(uuid.uuid4()), "number": 10**6}
        answers = [talk.http.post("/prompt", json=twin) for _ in range(2)]
        told += [[answer.status_code, answer.headers["Content-Type"]] for answer in answers]
        talk.http.post("/queue", json={"delete": [twin["prompt_id"], twin["prompt_id"]]})
    talk.finished(chosen)
    return told


@scenario
def uploads(talk: Talk) -> Any:
    """Names given to the same and other content, sub-folders, refusals."""
    name, told = uuid.uuid4().hex, []
    steps: list[tuple[Any, dict[str, str]]] = [
        ({"image": (f"{name}.png", b"one")}, {}),
        ({"image": (f"{name}.png", b"one")}, {}),
        ({"image": (f"{name}.png", b"two")}, {}),
        ({"image": (f"{name}.png", b"two")}, {}),
        ({"image": (f"{name}.png", b"six")}, {"overwrite": "true"}),
        ({"image": (f"{name}.png", b"x")}, {"subfolder": f"{name}/b"}),
        ({"image": (f"{name}.mp4", b"x")}, {"type": "temp"}),
        ({"image": (f"{name}.mp4", b"x")}, {"type": "output", "overwrite": "1"}),
        ({"image": (f"no-{name}/{name}.png", b"x")}, {}),
        ({"image": (f"\u732b {name}#%.png", b"x")}, {}),
        ({"image": ("../x.png", b"x")}, {}),
        ({"image": ("x.png", b"x")}, {"subfolder": "../.."}),
        ({"image": ("x.png", b"x")}, {"subfolder": "/etc"}),
        ({"image": ("x.png", b"x")}, {"type": "nowhere"}),
        ({"other": ("x.png", b"x")}, {}),
    ]
    for files, data in steps:
        answer = talk.http.post("/upload/image", files=files, data=data)
        body = answer.text if answer.status_code != 200 else plain(answer.json(), name=name)
        told.append([answer.status_code, body])
    shown = talk.http.get("/object_info/LoadImage").json()["LoadImage"]["input"]["required"]["image"]
    return [told, sorted(plain([item for item in shown[0] if name in item], name=name))]


@scenario
def view(talk: Talk) -> Any:
    """Headers, ranges, conditions, names."""
    prefix = own_prefix()
    made = talk.run(video_graph(prefix=prefix))["outputs"]["3"]["images"][0]
    name = made["filename"]
    size = len(talk.fetch(made).content)
    told: list[Any] = []
    for headers in ({}, {"Range": "bytes=0-99"}, {"Range": "bytes=-10"}, {"Range": f"bytes={size - 5}-"}):
        answer = talk.http.get("/view", params=made, headers=headers)
        kept = ("content-type", "content-disposition", "x-content-type-options", "accept-ranges")
        same = [answer.headers.get(key) for key in kept] + [sorted({"etag", "last-modified"} & set(answer.headers))]
        told.append([answer.status_code, len(answer.content) if headers else size == len(answer.content), same])
    etag = talk.fetch(made).headers["Etag"]
    conditions = [
        {"Range": f"bytes={size}-"},
        {"Range": "bytes=0-1,3-4"},
        {"Range": "lines=1-2"},
        {"If-None-Match": etag},
        {"If-Range": etag, "Range": "bytes=0-9"},
        {"If-Range": '"other"', "Range": "bytes=0-9"},
    ]
    told += [talk.http.get("/view", params=made, headers=headers).status_code for headers in conditions]
    told.append(talk.http.head("/api/view", params=made).status_code)
    queries = [
        {},
        {"filename": ""},
        {"filename": "nope.mp4", "subfolder": "conf"},
        {"filename": f"conf/{name}"},
        {"filename": f"{name} [output]", "subfolder": "conf", "type": "input"},
        {"filename": f"x/{name}", "subfolder": "conf"},
        {"filename": f"/{name}", "subfolder": "conf"},
        {"filename": f"../{name}", "subfolder": "conf"},
        {"filename": "a..b.mp4", "subfolder": "conf"},
        {"filename": name, "subfolder": "../x"},
        {"filename": name, "subfolder": "/etc"},
        {"filename": name, "subfolder": "conf", "type": "nowhere"},
        {"filename": name, "subfolder": "conf", "type": "temp"},
        {"filename": name, "subfolder": "conf/../conf"},
        {"filename": name, "subfolder": ""},
    ]
    for query in queries:
        answer = talk.http.get("/view", params=query)
        told.append([sorted(query), answer.status_code, answer.text if answer.status_code != 200 else "file"])
    return plain(told, name=name)


@scenario
def strangers(talk: Talk) -> Any:
    """Requests from other web pages."""
    cases = [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-origin"},
        {"Origin": "http://evil.example"},
        {"Origin": talk.url},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "null"},
    ]
    return [talk.http.get("/queue", headers=headers).status_code for headers in cases]
