"""The simulator against a real ComfyUI: model files, what packs bring, the log, the assets database that is off."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest

from tests.simulator.talk import Ear, image_graph, talking, video_graph

from .conversation import Step, answers, empty, forget, listening, own_prefix, told, wan

_UUID = "00000000-0000-0000-0000-000000000000"
MODELS: list[Step] = [
    *(("GET", f"/experiment/models/{folder}", None) for folder in ("<n>", "unet", "custom_nodes", "configs")),
    *(
        ("GET", f"/api/experiment/models/preview/{rest}", None)
        for rest in (
            *("<n>/0/x", "unet/0/x", "checkpoints/0/", "checkpoints/x/a", "checkpoints/9/a", "checkpoints/-1/a"),
            *("checkpoints/0/../../x", "checkpoints/0/%2Fetc%2Fpasswd", "checkpoints/0/<n>.safetensors"),
            *("checkpoints/0/%2e%2e%2fx", "configs/0/<n>", "diffusion_models/1/a%2F<n>"),
        )
    ),
    *(
        ("GET", f"/view_metadata/{rest}", None)
        for rest in ("vae", "vae?filename=x.ckpt", "vae?filename=<n>.safetensors", "<n>?filename=x.safetensors", "")
    ),
    ("POST", "/view_metadata/vae", b""),
]
PACKS: list[Step] = [
    *(("GET", f"{api}{path}", None) for api in ("", "/api") for path in ("/workflow_templates", "/i18n")),
    ("GET", "/global_subgraphs/<n>", None),
    ("POST", "/global_subgraphs", b""),
    ("POST", "/api/node_replacements", b""),
    *(("GET", path, None) for path in ("/api/extensions", "/", "/api/", "/api", "/<n>", "/<n>.js")),
    *((method, "/", None) for method in ("HEAD", "POST")),
]
ASSETS: list[Step] = [
    *(("GET", f"/api/assets{rest}", None) for rest in ("", f"/{_UUID}", f"/{_UUID}/content", "/tags/refine", "/x")),
    *(
        ("GET", path, None)
        for path in ("/api/assets/seed/status", "/api/assets/hash/x", "/assets", "/api/tags", "/tags")
    ),
    *(("POST", f"/api/assets{rest}", b"") for rest in ("", f"/{_UUID}/tags", "/from-hash", "/seed", "/prune", "/x")),
    *(("POST", path, b"") for path in ("/api/assets/seed/cancel", "/api/tags", "/assets", "/api/api/assets")),
    *((method, f"/api/assets/{_UUID}", b"") for method in ("PUT", "DELETE", "PATCH")),
    ("DELETE", f"/api/assets/{_UUID}/tags", None),
    ("DELETE", "/api/assets", None),
    *(("HEAD", f"/api/assets{rest}", None) for rest in ("/hash/x", "", "/x")),
]
INTERNAL: list[Step] = [
    *(("GET", path, None) for path in ("/api/internal/logs", "/internal", "/internal/", "/internal/<n>")),
    *(("GET", path, None) for path in ("/internal/files/<n>", "/internal/files/")),
    *(("POST", path, b"") for path in ("/internal/logs", "/internal/<n>")),
    *(
        ("PATCH", "/internal/logs/subscribe", body)
        for body in (
            *({"clientId": "<n>", "enabled": True}, {"clientId": "<n>", "enabled": False}, {"clientId": "<n>"}),
            *({}, [], 3, "x", b"{", b"", {"clientId": [1], "enabled": 1}, {"clientId": [1], "enabled": 0}),
        )
    ),
]


@pytest.mark.parametrize("steps", [MODELS, PACKS, ASSETS, INTERNAL], ids=["models", "packs", "assets", "internal"])
def test_each_step_is_answered_alike(steps: list[Step], real_server: str, simulated_server: str) -> None:
    """Status, reason, headers and body."""
    for simulated, real in zip(answers(simulated_server, steps), answers(real_server, steps), strict=True):
        assert simulated == real


def test_replacements_and_blueprints_are_told_alike(real_server: str, simulated_server: str) -> None:
    """All replacements, the mappings in any order; a blueprint's shape, its workflow's too."""
    seen = []
    for url in (simulated_server, real_server):
        with talking(url) as talk:
            replaced = talk.http.get("/node_replacements")
            told_of = replaced.json()
            for entry in (entry for entries in told_of.values() for entry in entries):
                entry["input_mapping"] = sorted(entry["input_mapping"] or [], key=str)
            listed = talk.http.get("/api/global_subgraphs").json()
            name, shown = next(iter(listed.items()))
            one = talk.http.get(f"/global_subgraphs/{name}").json()
            text = one.pop("data")
            seen.append(
                [told_of, len(name), sorted(shown), sorted(shown["info"]), shown == one, type(json.loads(text))]
            )
    assert seen[0] == seen[1]


def test_model_folders_are_told_alike(real_server: str, simulated_server: str) -> None:
    """Names, places below the server's folder, extensions, and what is told of a file."""
    seen = []
    for url in (simulated_server, real_server):
        with talking(url) as talk:
            places = talk.http.get("/internal/folder_paths").json()
            described = talk.http.get("/api/experiment/models").json()
            file = talk.http.get("/experiment/models/vae").json()[0]
            shape = {key: type(value).__name__ for key, value in file.items()}
            index = talk.http.get("/experiment/models/diffusion_models").json()[0]["pathIndex"]
            below = {name: relative(paths) for name, paths in places.items()}
            seen.append(
                [below, [{**entry, "folders": relative(entry["folders"])} for entry in described], shape, index]
            )
    assert seen[0] == seen[1]


def relative(paths: list[str]) -> list[str]:
    """Return paths below the server's folder, without those that an output folder of its own adds."""
    return [re.sub(r"^.*?/(?=models/|custom_nodes$|datasets$)", "", path) for path in paths if "/output/" not in path]


def test_the_log_is_told_alike(real_server: str, simulated_server: str) -> None:
    """Lines of a job that ends well, of one refused, of interrupts; a client hears them until it ends that."""
    seen = []
    for url in (simulated_server, real_server):
        with talking(url) as talk, listening(talk) as (client_id, ear):
            empty(talk)
            size = talk.http.get("/internal/logs/raw").json()["size"]
            shown = []
            for enabled in (True, False):
                wish = {"clientId": client_id, "enabled": enabled}
                shown.append(told(talk.http.patch("/internal/logs/subscribe", json=wish)))
                talk.run(image_graph(prefix=own_prefix()))
                talk.http.post("/prompt", json={"prompt": {}})
                talk.http.post("/interrupt")
                talk.http.post("/interrupt", json={"prompt_id": "x"})
                shown.append(lines(ear))
            entries = talk.http.get("/internal/logs/raw").json()["entries"]
            text = talk.http.get("/internal/logs").json()
            shown += [sorted(entries[-1]), text.endswith(f"{entries[-1]['t']} - {entries[-1]['m']}"), bool(size)]
            seen.append(shown)
    assert seen[0] == seen[1]


def lines(ear: Ear) -> list[Any]:
    """Return the lines that come within a moment, the time of a run left out."""
    heard: list[Any] = []
    until = time.monotonic() + 0.5
    while (left := until - time.monotonic()) > 0:
        try:
            kind, data = ear.hear(within=left)
        except TimeoutError:
            break
        if kind == "logs":
            heard += [re.sub(r"\d+\.\d+", "0", entry["m"]) for entry in data["entries"]] + [data["size"]]
    return heard


def test_everybody_hears_the_progress_of_a_job_without_client_id(real_server: str, simulated_server: str) -> None:
    """`progress_state`, `progress` and previews without metadata go to all sockets; else only `status` does."""
    seen = []
    for url in (simulated_server, real_server):
        with talking(url) as talk, listening(talk) as (_, ear):
            empty(talk)
            forget(talk)
            ear.hear()
            talk.run(video_graph(prefix=own_prefix()))
            seen.append(kinds(ear))
            talk.run(wan(steps=3), extra_data={"preview_method": "latent2rgb"})
            seen.append(sorted(set(kinds(ear))))
    assert seen[:2] == seen[2:]


def kinds(ear: Ear) -> list[str]:
    """Return the kinds of what comes until the queue is told to be empty."""
    heard: list[str] = []
    while True:
        kind, data = ear.hear()
        heard.append(kind)
        if kind == "status" and not data["status"]["exec_info"]["queue_remaining"] and len(heard) > 3:
            return heard
