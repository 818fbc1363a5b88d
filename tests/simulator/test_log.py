"""The log of a simulated server, and who is told of it."""

from __future__ import annotations

from comfy_headless.simulator import Simulator
from comfy_headless.simulator.faults import NodeFails
from tests.simulator.talk import image_graph, talking


def test_a_failed_job_is_in_the_log() -> None:
    """With the words of the exception, between those of its begin and its end; the time stands before each line."""
    with Simulator(files={}, faults=[NodeFails("no such luck")]) as simulator, talking(simulator.url) as talk:
        talk.run(image_graph())
        raw = talk.http.get("/internal/logs/raw").json()
        words = [entry["m"] for entry in raw["entries"]]
        said = ("Starting server", "got prompt", "no such luck", "Prompt executed in")
        assert all(name in line for name, line in zip(said, words, strict=True))
        assert talk.http.get("/internal/logs").json() == "".join(f"{e['t']} - {e['m']}" for e in raw["entries"])


def test_the_log_keeps_the_latest_lines_only() -> None:
    """Three hundred, as the real one; a restart begins anew."""
    with Simulator(files={}) as simulator, talking(simulator.url) as talk:
        for _ in range(301):
            talk.http.post("/interrupt")
        assert len(talk.http.get("/internal/logs/raw").json()["entries"]) == 300
        simulator.restart()
        assert len(talk.http.get("/internal/logs/raw").json()["entries"]) == 1


def test_a_subscriber_without_a_socket_is_forgotten() -> None:
    """When it comes back, it must subscribe again."""
    with Simulator(files={}) as simulator, talking(simulator.url) as talk:
        with talk.socket("me") as ear:
            ear.hear()
            talk.http.patch("/internal/logs/subscribe", json={"clientId": "me", "enabled": True})
            talk.http.post("/interrupt")
            assert ear.hear()[0] == "logs"
        talk.http.post("/interrupt")
        with talk.socket("me") as ear:
            ear.hear()
            talk.http.post("/interrupt")
            assert ear.silent(0.2)
