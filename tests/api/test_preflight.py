"""Before each job: what would fail is said, nothing is sent in vain, and no job is lost by it."""

from __future__ import annotations

import asyncio
import copy
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from comfy_headless import AsyncComfyClient, ComfyClient, ComfyUIOfflineError, GenerationRejectedError
from comfy_headless.api.known_file import Kept, read_kept, version_of, write_kept
from comfy_headless.graph.schemas import Schemas
from comfy_headless.simulator import Simulator
from comfy_headless.simulator.faults import Answer, Break, Delay, Fault, Stall
from tests.faults.clients import FAST, PATIENT, VIDEO, Person

KINDS = pytest.mark.parametrize("kind", ["sync", "async"])
VAE = "wan2.2_vae.safetensors"
SMALL = {"preset": "wan_5b", "width": 320, "height": 192, "frames": 5, "allow_untested": True}
UNKNOWN = {**VIDEO, "2": {**VIDEO["2"], "class_type": "CreateVideos"}}


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMFY_HEADLESS_CACHE", str(tmp_path / "cache"))


def asked(sim: Simulator, path: str = "/object_info") -> int:
    """How often a server was asked something."""
    return [request.path for request in sim.requests].count(path)


def without(graph: Mapping[str, Any], node: str, name: str) -> dict[str, Any]:
    """A graph without one of its inputs."""
    changed: dict[str, Any] = copy.deepcopy(dict(graph))
    del changed[node]["inputs"][name]
    return changed


@KINDS
def test_nothing_is_sent_in_vain(kind: str, tmp_path: Path) -> None:
    """What the server would refuse is said before a file is uploaded or a prompt queued."""
    graph = {**copy.deepcopy(UNKNOWN), "5": {"class_type": "LoadImage", "inputs": {"image": "x.png"}}}
    graph["5"]["_meta"] = {"title": "$~image.image"}
    (tmp_path / "x.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"0" * 64)
    with Simulator() as sim:
        with pytest.raises(GenerationRejectedError, match="nothing was sent") as caught:
            Person(kind, sim.url).run(graph, params={"image": tmp_path / "x.png"}, out=tmp_path, check=True)
        assert "CreateVideos" in str(caught.value) and caught.value.node_errors == {}
        assert not asked(sim, "/prompt") and not asked(sim, "/upload/image") and not sim.jobs


@KINDS
def test_it_can_be_left_out(kind: str, tmp_path: Path) -> None:
    """With check=False the server itself says no, and is not asked before."""
    with Simulator() as sim:
        with pytest.raises(GenerationRejectedError, match="the server refused"):
            Person(kind, sim.url).run(UNKNOWN, out=tmp_path, check=False)
        assert asked(sim, "/prompt") == 1 and not asked(sim)


@KINDS
def test_what_a_server_takes_and_fails_over(kind: str, tmp_path: Path) -> None:
    """A missing codec, which it does not look at, is said before the model has run for an hour."""
    with Simulator() as sim:
        with pytest.raises(GenerationRejectedError, match="it would fail there") as caught:
            Person(kind, sim.url).run(without(VIDEO, "3", "codec"), out=tmp_path, check=True)
        assert "codec" in str(caught.value) and not sim.jobs


@KINDS
def test_one_request(kind: str, tmp_path: Path) -> None:
    """A client asks once, whatever it makes; the next one asks for no more than the version."""
    with Simulator() as sim:

        async def both() -> None:
            async with AsyncComfyClient(sim.url) as client:
                for _ in range(2):
                    await client.run_workflow(VIDEO, out=tmp_path)

        if kind == "async":
            asyncio.run(both())
        else:
            with ComfyClient(sim.url) as client:
                for _ in range(2):
                    client.run_workflow(VIDEO, out=tmp_path)
        assert (asked(sim), asked(sim, "/system_stats")) == (1, 1)
        Person(kind, sim.url).run(out=tmp_path, check=True)
        assert (asked(sim), asked(sim, "/system_stats")) == (1, 2)


@KINDS
@pytest.mark.parametrize("asked_for", [{}, {"preset": "wan_5b"}], ids=["no preset", "another file"])
def test_who_chooses_or_fills_asks_for_the_check_too(kind: str, asked_for: dict[str, Any], tmp_path: Path) -> None:
    """Where a preset is chosen, or another file takes the place of one, the server still tells once what it has."""
    files = {"vae": [VAE], **{name: [f"sub/{each}"] for name, each in MODELS.items()}}
    wishes = {**SMALL, "preset": None, **asked_for}
    with Simulator(files=files) as sim:
        result = Person(kind, sim.url).call("generate_video", "x", out=tmp_path, within=None, **wishes)
        assert result.preset == "wan_5b" and result.path.is_file()
        assert asked(sim) == 1


@pytest.mark.slow
def test_many_jobs_ask_together(tmp_path: Path) -> None:
    """Jobs that begin at once share what the server tells."""

    async def many(url: str) -> None:
        async with AsyncComfyClient(url) as client:
            await asyncio.gather(*(client.run_workflow(VIDEO, out=tmp_path) for _ in range(12)))

    with Simulator() as sim:
        asyncio.run(many(sim.url))
        assert asked(sim) == 1 and len(sim.jobs) == 12


@KINDS
def test_what_is_remembered_never_rejects(kind: str, tmp_path: Path) -> None:
    """A file that came after the server was asked is found: what is remembered is asked for anew before it says no."""
    files = {"vae": ["other.safetensors"], **{name: [each] for name, each in MODELS.items()}}
    with Simulator(files=files) as sim:
        port = int(sim.url.rpartition(":")[2])
        with pytest.raises(GenerationRejectedError, match=VAE):
            Person(kind, sim.url).call("generate_video", "x", out=tmp_path, **SMALL)
    with Simulator(port=port, files={**files, "vae": [VAE]}) as sim:
        result = Person(kind, sim.url).call("generate_video", "x", out=tmp_path, **SMALL)
        assert result.path.is_file() and asked(sim) == 1


MODELS = {
    "diffusion_models": "wan2.2_ti2v_5B_fp16.safetensors",
    "text_encoders": "umt5_xxl_fp8_e4m3fn_scaled.safetensors",
}


@KINDS
def test_what_has_gone_meanwhile(kind: str, tmp_path: Path) -> None:
    """A file that is remembered and gone is refused by the server itself, with the remedy."""
    files = {"vae": [VAE], **{name: [each] for name, each in MODELS.items()}}
    with Simulator(files=files) as sim:
        port = int(sim.url.rpartition(":")[2])
        Person(kind, sim.url).call("generate_video", "x", out=tmp_path, **SMALL)
    with Simulator(port=port, files={**files, "vae": []}) as sim:
        with pytest.raises(GenerationRejectedError, match="missing on the server") as caught:
            Person(kind, sim.url).call("generate_video", "x", out=tmp_path, **SMALL)
        assert asked(sim, "/prompt") == 1 and VAE in str(caught.value)


def test_another_version_is_asked_anew(tmp_path: Path) -> None:
    """What one version of the server told does not count for the next."""
    with Simulator() as sim:
        Person("sync", sim.url).run(out=tmp_path, check=True)
        newer = {"system": {"comfyui_version": "9.9.9"}, "devices": []}
        sim.add(Answer("GET /system_stats", 200, json.dumps(newer), "application/json"))
        Person("sync", sim.url).run(out=tmp_path, check=True)
        assert asked(sim) == 2


SILENT: list[list[Fault]] = [
    [Stall("GET /object_info", times=None)],
    [Stall("GET /system_stats", times=None)],
    [Delay("GET /object_info", 30.0, times=None)],
    [Break("GET /object_info", times=None)],
    [Answer("GET /object_info", 500, times=None)],
    [Answer("GET /object_info", 200, "<html>log in</html>", "text/html", times=None)],
    [Answer("GET /object_info", 200, "{}", "application/json", times=None)],
    [Answer("GET /object_info", 200, '{"SaveVideo": {"input": null}}', "application/json", times=None)],
    [Answer("GET /object_info", 200, "[" * 100_000, "application/json", times=None)],
    [Answer("GET /system_stats", 200, "[]", "application/json", times=None)],
]


@KINDS
@pytest.mark.parametrize(
    "faults",
    [pytest.param(faults, id=str(at), marks=[pytest.mark.slow] * (at > 1)) for at, faults in enumerate(SILENT)],
)
def test_a_server_that_does_not_tell(
    kind: str, faults: list[Fault], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is sent its jobs all the same, and that is said once for each client."""
    with Simulator(faults=faults) as sim, caplog.at_level(logging.WARNING):
        if kind == "sync":
            with ComfyClient(sim.url, timing=FAST) as client:
                done = [client.run_workflow(VIDEO, out=tmp_path).path for _ in range(2)]
        else:

            async def both() -> list[Path]:
                async with AsyncComfyClient(sim.url, timing=FAST) as client:
                    return [(await client.run_workflow(VIDEO, out=tmp_path)).path for _ in range(2)]

            done = asyncio.run(both())
    assert all(path.is_file() for path in done)
    assert len([record for record in caplog.records if "without being checked" in record.getMessage()]) == 1


@KINDS
def test_nothing_is_there(kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A server that is not there is one error, without a warning that its jobs are not checked, or polled for."""
    with caplog.at_level(logging.WARNING), pytest.raises(ComfyUIOfflineError, match=r"no ComfyUI answers.*Start it"):
        Person(kind, "http://127.0.0.1:9").run(out=tmp_path, check=True)
    assert not caplog.records


def test_a_class_that_nobody_can_read(tmp_path: Path) -> None:
    """A class of the graph of which the server says nonsense stops no job, nor do others."""
    shipped = Schemas.snapshot()
    info = {name: shipped.raw(name) for name in shipped}
    with Simulator() as sim:
        for broken in ({"input": {"required": {"images": 5}}, "output": []}, {"input": []}, 7):
            info["CreateVideo"] = broken
            sim.add(Answer("GET /object_info", 200, json.dumps(info), "application/json"))
            write_kept(sim.url, Kept("", None, b"{}"))
            assert Person("sync", sim.url).run(out=tmp_path, check=True).path.is_file()


def test_what_a_pack_takes_is_its_own(tmp_path: Path) -> None:
    """Classes of node packs may take what their schema does not list: the server decides."""
    shipped = Schemas.snapshot()
    info = {name: shipped.raw(name) for name in ("SaveVideo", "EmptyImage", "CreateVideo")}
    own = copy.deepcopy(info["EmptyImage"])
    own["python_module"] = "custom_nodes.mine"
    info["MineImage"] = own
    graph = {**VIDEO, "1": {"class_type": "MineImage", "inputs": {**VIDEO["1"]["inputs"], "width": 10**6}}}
    with Simulator(object_info=info) as sim:
        with pytest.raises(GenerationRejectedError, match="the server refused"):
            Person("sync", sim.url).run(graph, out=tmp_path, check=True)
        with pytest.raises(GenerationRejectedError, match="nothing was sent"):
            Person("sync", sim.url).run(without(graph, "1", "color"), out=tmp_path, check=True)


def test_what_a_pack_gives_is_its_own(tmp_path: Path) -> None:
    """A wire from a node of a pack may be of a type that is equal to any other: the server decides."""
    shipped = Schemas.snapshot()
    info = {name: shipped.raw(name) for name in ("SaveVideo", "CreateVideo", "EmptyImage")}
    info["MineImage"] = {**copy.deepcopy(info["EmptyImage"]), "python_module": "custom_nodes.mine", "output": ["MINE"]}
    graph = {**VIDEO, "1": {"class_type": "MineImage", "inputs": VIDEO["1"]["inputs"]}}
    with Simulator(object_info=info) as sim, pytest.raises(GenerationRejectedError, match="the server refused"):
        Person("sync", sim.url).run(graph, out=tmp_path, check=True)


def test_what_is_kept_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes back as it was, whatever lies there; the last sixteen servers are remembered."""
    kept = Kept(version_of({"system": {"comfyui_version": "1"}}), '"tag"', b'{"a": 1}')
    assert read_kept("http://one") is None
    write_kept("http://one", kept)
    assert read_kept("http://one") == kept and read_kept("http://two") is None
    (path,) = (tmp_path / "cache/object_info").iterdir()
    for junk in (b"", b"\n", b"{}\nx", b'{"version": 1, "etag": null}\n', b"[" * 10**5, path.read_bytes()[:-5]):
        path.write_bytes(junk)
        assert read_kept("http://one") is None
    for number in range(20):
        write_kept(f"http://host{number}", kept)
    assert len(list((tmp_path / "cache/object_info").iterdir())) == 16
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("COMFY_HEADLESS_CACHE", str(tmp_path / "file"))
    write_kept("http://one", kept)
    assert read_kept("http://one") is None


@pytest.mark.parametrize("stats", [None, 5, [], {}, {"system": 5}, {"system": {"argv": ["a"]}}])
def test_a_version_is_told_by_whatever_there_is(stats: object) -> None:
    """It is a text that changes with what the server says of itself."""
    assert version_of(stats) != version_of({"system": {"comfyui_version": "1"}})


@pytest.mark.slow
def test_a_server_that_takes_less_is_asked_once(tmp_path: Path) -> None:
    """A graph that is fitted to what the server has told this client is sent without asking it again."""
    info = copy.deepcopy({name: Schemas.snapshot().raw(name) for name in Schemas.snapshot()})
    del info["KSampler"]["input"]["required"]["denoise"]
    files = {"vae": [VAE], **{name: [each] for name, each in MODELS.items()}}
    info = {name: Schemas.from_object_info(info).with_files(files).raw(name) for name in info}
    with Simulator(object_info=info) as sim:
        for times in (1, 2):
            with ComfyClient(sim.url, timing=PATIENT) as client:
                for _ in range(3):
                    client.generate_video("x", out=tmp_path, **SMALL)
            assert asked(sim) == times, "what an earlier process was told is held to the server once"


def test_a_class_that_nobody_can_read_is_asked_for_once(tmp_path: Path) -> None:
    """Asking again before each job would not make it readable."""
    info = {name: copy.deepcopy(Schemas.snapshot().raw(name)) for name in ("EmptyImage", "CreateVideo", "SaveVideo")}
    info["CreateVideo"]["input"]["optional"]["odd"] = ["COMFY_DYNAMICCOMBO_V3", {"options": ["a"]}]
    with Simulator() as sim, ComfyClient(sim.url, timing=PATIENT) as client:
        sim.add(Answer("GET /object_info", 200, json.dumps(info), "application/json"))
        for _ in range(3):
            client.run_workflow(VIDEO, out=tmp_path)
        assert asked(sim) == 1


def test_a_doubt_is_not_asked_twice_in_a_second() -> None:
    """Jobs that are rejected one after the other share what the server has just told."""
    with Simulator() as sim, ComfyClient(sim.url, timing=PATIENT) as client:
        for _ in range(3):
            with pytest.raises(GenerationRejectedError, match="nothing was sent"):
                client.run_workflow(UNKNOWN)
        assert asked(sim) <= 2


@pytest.mark.slow
def test_a_large_answer_does_not_stop_the_loop(tmp_path: Path) -> None:
    """Many node packs: other tasks go on while it is read, and jobs that begin together read it once."""
    shipped = Schemas.snapshot()
    info = {f"{name}{more}": shipped.raw(name) for more in ("", *map(str, range(5))) for name in shipped}
    with Simulator(object_info=info) as sim:

        async def many() -> None:
            async with AsyncComfyClient(sim.url, timing=PATIENT) as client:
                await asyncio.gather(*(client.run_workflow(VIDEO, out=tmp_path) for _ in range(4)))

        for _ in range(2):
            asyncio.run(many())
        assert asked(sim) == 1 and len(sim.jobs) == 8
