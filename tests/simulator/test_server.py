"""The simulator's life, and what it tells about itself."""

from __future__ import annotations

import asyncio
import gc
import math
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from comfy_headless.config import presets_folder
from comfy_headless.errors import ValidationError
from comfy_headless.graph.schemas import MODEL_INPUTS, Schemas
from comfy_headless.simulator import Simulator
from comfy_headless.simulator.model_files import given_files, shipped_files
from tests.simulator.talk import SAMPLER_FILES, node, sampler_graph, talking, video_graph

ROOT = Path(__file__).resolve().parents[2]


def simulator_threads() -> set[threading.Thread]:
    """The threads of simulators; those of a test's own socket end when they like."""
    return {thread for thread in threading.enumerate() if thread.name.startswith(("comfy-headless", "asyncio"))}


def test_it_starts_and_stops_quickly_and_leaves_nothing() -> None:
    """Under a second each (measured: 0.01 s); no thread, no folder, no listener stays, also after an exception."""
    before = simulator_threads()
    begun = time.monotonic()
    with ExitStack() as clients:
        with pytest.raises(ZeroDivisionError), Simulator(step_seconds=0.01, files=SAMPLER_FILES) as sim:
            assert time.monotonic() - begun < 1
            url, folder = sim.url, sim.output_folder
            talk = clients.enter_context(talking(url))
            clients.enter_context(talk.socket("me"))
            talk.submit(sampler_graph(steps=1000), client_id="me")
            begun = time.monotonic()
            raise ZeroDivisionError
        assert time.monotonic() - begun < 1
    assert simulator_threads() - before == set()
    assert not folder.exists()
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)
    gc.collect()


def test_it_listens_on_loopback_only() -> None:
    """The address is 127.0.0.1, and nothing else of this machine answers there."""
    with Simulator() as sim:
        assert sim.url.startswith("http://127.0.0.1:")
        port = int(sim.url.rsplit(":", 1)[1])
        with socket.socket() as other, pytest.raises(OSError):
            other.connect(("127.0.0.2", port))


def test_a_restart_keeps_the_port() -> None:
    """While it is away connections are refused, and nobody else can take its place."""
    with Simulator() as sim, ThreadPoolExecutor(1) as pool:
        port = int(sim.url.rsplit(":", 1)[1])
        back = pool.submit(sim.restart, away=0.5)
        time.sleep(0.2)
        with pytest.raises(httpx.ConnectError):
            httpx.get(sim.url)
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", port))
        back.result()
        assert httpx.get(sim.url + "/queue").status_code == 200


def test_it_can_be_used_from_asyncio_and_by_hand() -> None:
    """`async with`, and start and stop as often as wanted; a stopped one says how to start it."""

    async def ask() -> int:
        async with Simulator() as sim, httpx.AsyncClient() as client:
            return (await client.get(sim.url + "/queue")).status_code

    assert asyncio.run(ask()) == 200
    sim = Simulator()
    with pytest.raises(ValidationError, match="not running"):
        _ = sim.url
    sim.start()
    assert sim.start() is sim
    sim.stop()
    sim.stop()


def test_a_port_that_cannot_be_had_is_an_error() -> None:
    """A taken port and a number that is none are named."""
    with Simulator() as sim:
        port = int(sim.url.rsplit(":", 1)[1])
        with pytest.raises(ValidationError, match=f"127.0.0.1:{port}: .*port 0 takes a free one"):
            Simulator(port=port).start()
    with pytest.raises(ValidationError, match="70000"):
        Simulator(port=70000)


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    """The folder is named and no thread stays."""
    (tmp_path / "file").touch()
    before = simulator_threads()
    for folder in (tmp_path / "file", tmp_path / "file/below"):
        with pytest.raises(ValidationError, match=f"cannot make the folder {folder}: "):
            Simulator(output_folder=folder).start()
    assert simulator_threads() - before == set()


def test_serving_ends_at_once_if_it_cannot_start(tmp_path: Path) -> None:
    """`serve` raises one error in place of waiting, and leaves no temporary folder."""
    (tmp_path / "kept").mkdir()
    (tmp_path / "file").touch()
    folder = str(tmp_path / "file" / "below")
    code = f"from comfy_headless.simulator import serve; serve(port=0, output_folder={folder!r})"
    environ = {**os.environ, "TMPDIR": str(tmp_path / "kept")}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, env=environ, timeout=30
    )
    assert done.returncode == 1
    assert f"ValidationError: cannot make the folder {folder}: " in done.stderr.splitlines()[-1]
    assert "in thread" not in done.stderr
    assert not list((tmp_path / "kept").iterdir())


@pytest.mark.parametrize("value", [-1, math.nan, math.inf])
def test_a_time_that_is_none_is_an_error(value: float) -> None:
    """The argument, its value and what is expected are named."""
    with pytest.raises(ValidationError, match=f"^step_seconds {value!r}: expected .*0 or more"):
        Simulator(step_seconds=value)


def test_results_can_be_kept(tmp_path: Path) -> None:
    """With output_folder the files stay when the simulator is gone."""
    with Simulator(output_folder=tmp_path / "made") as sim, talking(sim.url) as talk:
        talk.run(video_graph())
    assert (tmp_path / "made/video/clip_00001_.mp4").is_file()


def test_a_restart_by_hand_forgets_and_keeps_the_address() -> None:
    """History is gone, the address is the same, the counter starts again."""
    with Simulator() as sim, talking(sim.url) as talk:
        talk.run(video_graph())
        url = sim.url
        sim.restart()
        assert sim.url == url
        assert httpx.get(url + "/history").json() == {}


def test_model_files_are_those_given() -> None:
    """They appear in /models and in the loaders' lists; a bare server has none, and refuses what names one."""
    with Simulator(files={"vae": ["b.safetensors", "a.safetensors"]}) as sim, talking(sim.url) as talk:
        assert talk.http.get("/models/vae").json() == ["a.safetensors", "b.safetensors"]
        shown = talk.http.get("/object_info/VAELoader").json()["VAELoader"]["input"]["required"]["vae_name"]
        assert "a.safetensors" in str(shown)
        assert talk.http.get("/models/nope").status_code == 404
        assert "vae" in talk.http.get("/models").json()
        assert len(talk.http.get("/object_info").json()) == 826 + 216
        assert talk.http.get("/object_info/Nope").json() == {}
    with Simulator(files={}) as sim, talking(sim.url) as talk:
        answer = talk.http.post("/prompt", json={"prompt": sampler_graph()})
        assert answer.json()["node_errors"]["1"]["errors"][0]["type"] == "value_not_in_list"


def test_it_has_the_packs_that_it_is_told() -> None:
    """By default all shipped packs, with their modules and model folders; `packs=()` is a stock server."""
    files = {"diffusion_models": ["a.gguf", "b.safetensors"], "animatediff_models": ["m.ckpt"]}
    with Simulator(files=files) as sim, talking(sim.url) as talk:
        shown = talk.http.get("/object_info").json()
        assert {shown[name]["python_module"] for name in shown.keys() - Schemas.snapshot().keys()} == {
            f"custom_nodes.{pack}" for pack in Schemas.packs()
        }
        assert shown["ADE_LoadAnimateDiffModel"]["input"]["required"]["model_name"] == [["m.ckpt"]]
        assert shown["UnetLoaderGGUF"]["input"]["required"]["unet_name"] == [["a.gguf"]]
        assert shown["UNETLoader"]["input"]["required"]["unet_name"][0] == ["b.safetensors"]
        assert {"animatediff_models", "CogVideo", "unet_gguf"} <= set(talk.http.get("/models").json())
        assert talk.http.get("/models/unet_gguf").json() == ["a.gguf"]
        assert talk.http.get("/models/diffusion_models").json() == ["b.safetensors"]
    with Simulator(packs=()) as sim, talking(sim.url) as talk:
        assert talk.http.get("/object_info/UnetLoaderGGUF").json() == {}
        packs = {"unet_gguf", "animatediff_models", "CogVideo"}  # which shipped presets name files of
        assert not packs & set(talk.http.get("/models").json())
        graph = {"1": node("ADE_UseEvolvedSampling"), "2": node("PreviewAny", source=["1", 0])}
        assert talk.http.post("/prompt", json={"prompt": graph}).json()["error"]["type"] == "missing_node_type"


def test_packs_that_cannot_be_had_are_an_error() -> None:
    """An unknown pack is named with those there are; schemas of one's own say themselves what there is."""
    with pytest.raises(ValidationError, match="node pack 'VHS'; there are ComfyUI-AnimateDiff-Evolved"):
        Simulator(packs=["VHS"])
    with pytest.raises(ValidationError, match="packs and object_info: expected one of them"):
        Simulator(packs=(), object_info={})


def test_by_default_it_has_every_shipped_name() -> None:
    """Each loader of each shipped template finds its file."""
    files = given_files(None)
    text = "".join(path.read_text() for path in presets_folder().rglob("*.json"))
    assert all(names for names in files.values())
    for folder, names in shipped_files().items():
        assert folder in set(MODEL_INPUTS.values())
        assert set(names) <= set(files[folder])
    assert ".safetensors" not in text or any(name in text for names in files.values() for name in names)


def test_names_are_found_in_templates_and_presets(tmp_path: Path) -> None:
    """Loader inputs of a template, and tables of a preset that pair a folder with a name."""
    (tmp_path / "t.json").write_text(
        '{"1": {"class_type": "VAELoader", "inputs": {"vae_name": "v.safetensors"}}, "2": {"class_type": "X"}}'
    )
    (tmp_path / "p.toml").write_text(
        '[[files]]\nfolder = "loras"\nname = "l.safetensors"\n[needs.files]\ncheckpoints = ["c.safetensors"]\n'
    )
    assert shipped_files(tmp_path) == {
        "vae": ["v.safetensors"],
        "loras": ["l.safetensors"],
        "checkpoints": ["c.safetensors"],
    }


def test_it_has_the_files_of_own_presets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A preset of COMFY_HEADLESS_PRESETS finds its files as a built-in one does; a broken file there is no concern."""
    (tmp_path / "templates").mkdir()
    (tmp_path / "mine.toml").write_text('[files.model]\nname = "own.safetensors"\nfolder = "diffusion_models"\n')
    (tmp_path / "broken.toml").write_text("[files")
    (tmp_path / "templates" / "broken.json").write_bytes(b"\xff")
    (tmp_path / "templates" / "else.json").write_text('{"1": {"inputs": [1]}, "2": 3}')
    monkeypatch.setenv("COMFY_HEADLESS_PRESETS", str(tmp_path))
    assert "own.safetensors" in given_files(None)["diffusion_models"]
    monkeypatch.delenv("COMFY_HEADLESS_PRESETS")
    assert "own.safetensors" not in given_files(None)["diffusion_models"]


def test_it_can_be_served_until_interrupted() -> None:
    """`serve` says its address and ends with Ctrl-C, in good order."""
    code = "from comfy_headless.simulator import serve; serve(port=0, ready=lambda url: print(url, flush=True))"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert httpx.get(url + "/queue").status_code == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0


def test_requests_and_jobs_are_counted() -> None:
    """Method, path without /api, status and job of each request."""
    with Simulator() as sim, talking(sim.url) as talk:
        entry = talk.run(video_graph())
        prompt_id = entry["prompt"][1]
        first = sim.requests[0]
        assert (first.method, first.path, first.status, first.prompt_id) == ("POST", "/prompt", 200, prompt_id)
        talk.http.get("/api/jobs/" + prompt_id)
        assert sim.requests[-1].path == "/jobs/" + prompt_id
        assert sim.jobs == (prompt_id,)
        assert sim.jobs_run == {prompt_id: 1}
