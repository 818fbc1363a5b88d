"""The calls people make, on the simulator and on a real server alike: again, from a file, later, too long, wrong."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from comfy_headless import (
    AsyncComfyClient,
    ComfyClient,
    ComfyWSClient,
    GenerationFailedError,
    GenerationRejectedError,
    GenerationTimeoutError,
    Progress,
    compile_workflow,
    generate_video,
    run_workflow,
)
from comfy_headless.simulator import Simulator
from tests.api.own_presets import write_own
from tests.faults.clients import VIDEO, Person

from .decoded import Decoded, decode
from .making import ran

SMALL = {"width": 64, "height": 96, "frames": 9, "allow_untested": True}
LONG = {**SMALL, "preset": "wan_5b", "sampler": "euler", "steps": 10000}
KINDS = pytest.mark.parametrize("kind", ["sync", "async"])
NOT_THERE = """
[[file]]
name = "wan2.2_not_here.safetensors"
folder = "diffusion_models"
repository = "Comfy-Org/Wan_2.2_ComfyUI_Repackaged"
path = "split_files/diffusion_models/wan2.2_not_here.safetensors"
size_gb = 10.0
precision = "fp16"
source = "invented"

[[file]]
name = "not_here_vae.safetensors"
folder = "vae"
repository = "Comfy-Org/Wan_2.2_ComfyUI_Repackaged"
path = "split_files/vae/wan2.2_vae.safetensors"
size_gb = 1.41
precision = "fp16"
source = "invented"
"""
EITHER = pytest.mark.parametrize("out", ["clip.mp4", None])


@pytest.fixture(scope="module")
def slow_simulator() -> Iterator[str]:
    """A simulator whose sampler steps take time."""
    with Simulator(step_seconds=0.02) as simulator:
        yield simulator.url


@pytest.fixture(
    params=[
        pytest.param("simulated", marks=pytest.mark.slow),
        pytest.param("real", marks=pytest.mark.real_server),
    ]
)
def busy_server(request: pytest.FixtureRequest) -> str:
    """Each server in turn, where a sampler with many steps takes long."""
    name = {"simulated": "slow_simulator", "real": "real_server"}[request.param]
    address: str = request.getfixturevalue(name)
    return address


def until(condition: Callable[[], bool], seconds: float = 30) -> None:
    """Wait until it is so."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.02)


def stopped(client: ComfyClient) -> bool:
    """Whether the server has nothing to do."""
    return client.queue() == ((), ())


@KINDS
def test_a_cached_graph_gives_its_file_again(server: str, kind: str, tmp_path: Path) -> None:
    """The server runs nothing the second time, and the same file comes; all that is cached counts as done."""
    told: list[Progress] = []
    person = Person(kind, server)
    asked = {**SMALL, "preset": "wan_5b", "steps": 3, "seed": 4, "out": tmp_path / "clip.mp4"}
    first = person.call("generate_video", "a cat", **asked)
    second = person.call("generate_video", "a cat", **asked, on_progress=told.append)
    assert (first.path, second.path) == (tmp_path / "clip.mp4", tmp_path / "clip-2.mp4")
    assert first.path.read_bytes() == second.path.read_bytes()
    assert told[-1].progress == 100
    assert not any(each.steps for each in told)


@KINDS
def test_a_compiled_graph_runs_from_its_file(server: str, kind: str, tmp_path: Path) -> None:
    """What ``compile_workflow`` gave, saved as JSON, runs without parameters; its settings are its parameters."""
    graph = compile_workflow("wan_5b", "a cat", seed=3, steps=2, **SMALL)
    path = tmp_path / "cat.json"
    path.write_text(json.dumps(graph), encoding="utf-8")
    person = Person(kind, server)
    result = person.call("run_workflow", path, out=tmp_path / "a.mp4")
    assert decode(result.path) == Decoded(64, 96, 9, 24, ())
    assert (result.seed, result.settings["steps"]) == (3, 2)
    changed = person.call("run_workflow", path, {"width": 96, "seed": "random"}, out=tmp_path / "b.mp4")
    assert decode(changed.path) == Decoded(96, 96, 9, 24, ())
    assert changed.seed != 3


def test_the_plain_functions(server: str, tmp_path: Path) -> None:
    """``generate_video`` and ``run_workflow`` without a client do the same."""
    asked = {"preset": "wan_5b", "steps": 2, "server": server}
    made = generate_video("a cat", out=tmp_path / "a.mp4", **asked, **SMALL)
    assert decode(tmp_path / "a.mp4") == Decoded(64, 96, 9, 24, ())
    with ComfyClient(server) as client:
        graph = ran(client.history(made.prompt_id))
    assert run_workflow(graph, server=server, out=tmp_path / "b.mp4").files == [tmp_path / "b.mp4"]


@EITHER
def test_the_reference_lines(
    server: str, out: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The reference API's WebSocket lines work as printed; files come when ``out=`` is given."""
    monkeypatch.setenv("COMFY_HEADLESS_URL", server)
    monkeypatch.chdir(tmp_path)
    workflow = compile_workflow("wan_5b", "a cat", steps=2, **SMALL)

    async def as_printed() -> Any:
        async with ComfyWSClient() as ws:
            prompt_id = await ws.queue_prompt(workflow)
            more = {} if out is None else {"out": out}
            result = await ws.wait_for_completion(
                prompt_id,
                on_progress=lambda p: print(f"Progress: {p.progress}%"),  # noqa: T201 - as the reference prints it
                **more,
            )
        assert result.prompt_id == prompt_id
        return result

    result = asyncio.run(as_printed())
    printed = capsys.readouterr().out.splitlines()
    assert printed[-1] == "Progress: 100.0%"
    assert all(line.startswith("Progress: ") for line in printed)
    assert (result.status, result.seed, result.preset) == ("completed", None, None)
    if out is None:
        assert result["video"].url.startswith(f"{server}/view?filename=wan_5b")
        assert (result.files, list(tmp_path.iterdir())) == ([], [])
    else:
        assert decode(out) == Decoded(64, 96, 9, 24, ())


@EITHER
def test_waiting_for_a_job_that_has_ended(server: str, out: str | None, tmp_path: Path) -> None:
    """A job can be taken up after its end, by another client, and more than once."""
    with ComfyClient(server) as client:
        prompt_id = client.queue_prompt(VIDEO)
        client.wait_for_completion(prompt_id)
    where = None if out is None else tmp_path / out
    for _ in range(2):
        with ComfyClient(server) as other:
            result = other.wait_for_completion(prompt_id, out=where)
        assert [output.kind for output in result.outputs] == ["video"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ([] if out is None else ["clip-2.mp4", "clip.mp4"])


@KINDS
def test_who_does_not_listen_gets_no_previews(server: str, kind: str, tmp_path: Path) -> None:
    """Previews cost the server something: they are asked for only where there is a callback and a socket."""
    asked = {**SMALL, "preset": "wan_5b", "steps": 1, "out": tmp_path}
    cases = [
        ({}, "auto", None),
        ({"on_progress": print}, "auto", "latent2rgb"),
        ({"on_progress": print}, "polling", None),
    ]
    for more, transport, method in cases:
        person = Person(kind, server, transport=transport)
        result = person.call("generate_video", "a cat", **asked, **more)
        with ComfyClient(server) as client:
            entry = client.history(result.prompt_id)
        assert entry is not None
        assert entry["prompt"][3].get("preview_method") == method


@KINDS
def test_a_deadline(busy_server: str, kind: str, tmp_path: Path) -> None:
    """After ``timeout`` the error comes, and the prompt is gone from the server, interrupted."""
    started = time.monotonic()
    with pytest.raises(GenerationTimeoutError, match="not done after 1 s") as caught:
        Person(kind, busy_server).call("generate_video", "a cat", **LONG, timeout=1.0, out=tmp_path / "a.mp4")
    assert time.monotonic() - started < 5
    with ComfyClient(busy_server) as client:
        until(lambda: stopped(client))
        entry = client.history(caught.value.prompt_id)
    assert entry is not None
    assert entry["status"]["messages"][-1][0] == "execution_interrupted"
    assert list(tmp_path.iterdir()) == []


@KINDS
def test_cancelled_by_somebody(busy_server: str, kind: str, tmp_path: Path) -> None:
    """A job that another client cancels ends in an error that says so."""

    def make() -> Any:
        return Person(kind, busy_server).call("generate_video", "a cat", **LONG, out=tmp_path / "a.mp4")

    with ComfyClient(busy_server) as other, ThreadPoolExecutor(1) as pool:
        making = pool.submit(make)
        until(lambda: bool(other.queue().running))
        (prompt_id,) = other.queue().running
        assert other.cancel(prompt_id) is True
        with pytest.raises(GenerationFailedError, match="somebody cancelled the job") as caught:
            making.result(timeout=30)
        until(lambda: stopped(other))
        assert other.cancel(prompt_id) is False
    assert (caught.value.prompt_id, caught.value.interrupted) == (prompt_id, True)
    assert list(tmp_path.iterdir()) == []


@KINDS
def test_a_job_that_waits_can_be_cancelled(busy_server: str, kind: str, tmp_path: Path) -> None:
    """A job behind another one leaves the queue, and the other goes on."""
    with ComfyClient(busy_server) as client:
        ahead = client.queue_prompt(compile_workflow(prompt="a cat", **LONG))
        until(lambda: client.queue().running == (ahead,))
        places: list[int | None] = []
        with pytest.raises(GenerationTimeoutError) as caught:
            Person(kind, busy_server).call(
                "run_workflow",
                VIDEO,
                out=tmp_path,
                timeout=1.5,
                on_progress=lambda each: places.append(each.queue_position),
            )
        assert caught.value.prompt_id not in client.queue().pending
        assert client.queue().running == (ahead,)
        assert client.cancel(ahead) is True
        until(lambda: stopped(client))
    assert places == [1]


@KINDS
def test_a_node_that_fails(server: str, kind: str, tmp_path: Path) -> None:
    """A graph that the server takes and that dies: the node, and the server's own words."""
    graph = json.loads(json.dumps(VIDEO))
    graph["1"]["inputs"]["color"] = time.time_ns() % 0xFFFFFF
    del graph["3"]["inputs"]["codec"]
    with pytest.raises(
        GenerationFailedError, match=r"node 3 \(SaveVideo\) failed on the server: TypeError.*codec"
    ) as caught:
        Person(kind, server).call("run_workflow", graph, out=tmp_path / "a.mp4", check=False)
    error = caught.value
    assert (error.node_id, error.node_type, error.exception_type) == ("3", "SaveVideo", "TypeError")
    assert "missing 1 required positional argument: 'codec'" in (error.server_message or "")
    assert list(tmp_path.iterdir()) == []
    asked = {"out": tmp_path / "a.mp4", "raise_on_error": False, "check": False}
    failed = Person(kind, server).call("run_workflow", graph, **asked)
    assert (failed.status, failed.error) == ("failed", str(error))


@KINDS
def test_a_graph_that_is_refused(server: str, kind: str, tmp_path: Path) -> None:
    """One readable line for each thing that is wrong at each node: before it is sent, or the server's own, the same."""
    graph = json.loads(json.dumps(VIDEO))
    graph["1"]["inputs"]["width"] = 0
    graph["2"]["inputs"]["fps"] = -8
    said = {}
    for check in (True, False):
        with pytest.raises(GenerationRejectedError) as caught:
            Person(kind, server).call("run_workflow", graph, out=tmp_path / "a.mp4", check=check)
        said[check] = (*str(caught.value).splitlines(), caught.value.node_errors)
    before, *pairs, known = said[True]
    head, *lines, node_errors = said[False]
    assert before.startswith(f"{server} would refuse this graph, so nothing was sent")
    assert head == "the server refused the graph: Prompt outputs failed validation"
    assert (
        sorted(lines)
        == pairs[::2]
        == [
            "  node 1 (EmptyImage): Value 0 smaller than min of 1: width",
            "  node 2 (CreateVideo): Value -8.0 smaller than min of 1.0: fps",
        ]
    )
    assert [remedy.partition("  #")[0].strip() for remedy in pairs[1::2]] == [
        'graph["1"]["inputs"]["width"] = 1',
        'graph["2"]["inputs"]["fps"] = 1.0',
    ]
    assert known == node_errors and sorted(known) == ["1", "2"]


@KINDS
def test_a_model_file_that_is_not_there(
    server: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A preset whose files the server lacks: besides the refusal, where each belongs, where and how it is had."""
    changes = (("wan2.2_ti2v_5B_fp16", "wan2.2_not_here"), ("vae/wan2.2_vae", "vae/not_here_vae"))
    write_own(tmp_path / "own", "not_there", *changes)
    (tmp_path / "own/files.toml").write_text(NOT_THERE, encoding="utf-8")
    monkeypatch.setenv("COMFY_HEADLESS_PRESETS", str(tmp_path / "own"))
    with pytest.raises(GenerationRejectedError) as caught:
        Person(kind, server).call("generate_video", "a cat", preset="not_there", **SMALL, out=tmp_path / "a.mp4")
    lines = str(caught.value).splitlines()
    repository = "from Hugging Face Comfy-Org/Wan_2.2_ComfyUI_Repackaged: split_files"
    told = lines[lines.index("missing on the server:") + 1 :]
    assert [line for line in told if "curl" not in line] == [
        f"  vae: not_here_vae.safetensors (1.41 GB) into ComfyUI/models/vae/, {repository}/vae/wan2.2_vae.safetensors",
        f"  model: wan2.2_not_here.safetensors (10 GB) into ComfyUI/models/diffusion_models/, {repository}"
        "/diffusion_models/wan2.2_not_here.safetensors",
        "fetch them where that ComfyUI is: comfy-headless models download --preset not_there --comfyui FOLDER",
    ]
    fetched = [line.rpartition("/")[2] for line in told if "curl" in line]
    assert fetched == ["wan2.2_vae.safetensors", "wan2.2_not_here.safetensors"]


def test_no_preset_is_named(real_server: str, tmp_path: Path) -> None:
    """The server is asked what it has, the choice and why are said, the video is made; on a CPU it is the lightest."""

    async def make() -> Any:
        async with AsyncComfyClient(real_server) as client:
            return await client.generate_video("a cat", out=tmp_path / "a.mp4", **SMALL)

    with ComfyClient(real_server) as client:
        results = [client.generate_video("a cat", out=tmp_path / "b.mp4", **SMALL), asyncio.run(make())]
        on_cpu = client.system_stats()["devices"][0]["type"] == "cpu"
    for result in results:
        reason = "the lightest for a video from text" if on_cpu else "the best for a video from text"
        assert result.notes[0].startswith(f"preset {result.preset!r}: {reason}")
        assert result.notes[0].endswith("nothing tells how much VRAM there is") is on_cpu
        assert result.preset == "ltx_quick" or not on_cpu
        assert decode(result.path) == Decoded(64, 96, 9, result.settings["fps"], ())
