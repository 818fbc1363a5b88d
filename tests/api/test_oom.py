"""Memory runs out: the error says the way down, and on_oom="lighter" goes it, on both clients."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest

from comfy_headless import (
    ComfyClient,
    ComfyUIConnectionError,
    GenerationTimeoutError,
    OutOfMemoryError,
    Progress,
    Result,
    ValidationError,
    compile_workflow,
)
from comfy_headless.catalog.lighter import place_of
from comfy_headless.simulator import Simulator
from comfy_headless.simulator.faults import Answer, Break, NodeFails, OutOfMemory, Stall
from tests.faults.clients import FAST, Person, within

pytestmark = pytest.mark.slow
"""Takes its time, all together."""

TIMING = FAST._replace(read=5.0, transfer=10.0)
"""A busy machine may take seconds to say what the server has, which is asked for once."""
MOSTLY_SYNC = pytest.mark.parametrize("kind", ["sync", pytest.param("async", marks=pytest.mark.slow)])
SMALL: dict[str, dict[str, Any]] = {
    "ltx_quick": {"width": 256, "height": 160, "frames": 41},
    "wan_5b": {"width": 256, "height": 160, "frames": 49, "allow_untested": True},
    "hunyuan15_720p": {"width": 256, "height": 160, "frames": 49, "allow_untested": True},
    "wan_14b": {"width": 832, "height": 480, "frames": 17},
}
"""Small enough that a placeholder is quick to draw; large enough for tiles, where they are a step."""
ORDER = {
    "loading": ["precision", "preset"],
    "sampling": ["precision", "frames", "width", "preset"],
    "decoding": ["tiled_decode", "tile_size", "frames", "width", "preset"],
}
"""What helps where, the least loss first."""


def places(name: str) -> list[Any]:
    """Each loader, sampler and decoder of a preset's graph: what it does, its id, its class."""
    graph = compile_workflow(name, "x", seed=1)
    found = [(place_of(node["class_type"]), node_id, node["class_type"]) for node_id, node in graph.items()]
    return [(what, *node) for what, *node in found if what in ORDER]


def cases() -> list[Any]:
    """All places of all presets; those of one preset at once, the others with the slow tests."""
    found = []
    for name in SMALL:
        marks = [pytest.mark.slow] * (name != "wan_5b")
        for what, node, node_class in places(name):
            found.append(pytest.param(name, what, node, node_class, id=f"{name}-{node}-{node_class}", marks=marks))
    return found


def make(kind: str, sim: Simulator, out: Path, name: str = "wan_14b", **given: Any) -> Result:
    person = Person(kind, sim.url, timing=TIMING)
    result = person.call("generate_video", "a kite", preset=name, seed=7, out=out, **{**SMALL[name], **given})
    assert isinstance(result, Result)
    return result


def asked(sim: Simulator) -> list[str]:
    """The requests that change something, in order."""
    return [request.path.removeprefix("/api") for request in sim.requests if request.method == "POST"]


def kinds(steps: tuple[dict[str, Any], ...]) -> list[str]:
    return [step["argument"].split("=")[0] for step in steps]


def test_there_are_places_of_each_kind() -> None:
    """Each of the presets is tried at loaders, samplers and decoders; that of two experts at both samplers."""
    for name in SMALL:
        assert {what for what, _, _ in places(name)} == {"loading", "sampling", "decoding"}
    assert [what for what, _, _ in places("wan_14b")].count("sampling") == 2


@pytest.mark.parametrize(("name", "what", "node", "node_class"), cases())
def test_wherever_it_runs_out(name: str, what: str, node: str, node_class: str, tmp_path: Path) -> None:
    """The error says the way down in order; on_oom="lighter" goes its first step, ends with a file, and says how."""
    place = OutOfMemory(node=node)
    with Simulator(vram_gb=15.7, faults=[place]) as sim:
        with pytest.raises(OutOfMemoryError) as caught:
            make("sync", sim, tmp_path, name)
        assert asked(sim) == ["/prompt"]
        sim.add(place)
        result = make("sync", sim, tmp_path, name, on_oom="lighter")
        assert asked(sim) == ["/prompt", "/prompt", "/free", "/prompt"]
    error, steps = caught.value, caught.value.steps
    where = f"node {node} ({node_class})"
    lines = str(error).splitlines()
    assert lines[0] == f"{where} ran out of memory on the server: torch.OutOfMemoryError: Allocation on device"
    assert lines[1].startswith("estimated: ") and f"GiB for {what}; " in lines[1]
    assert lines[2] == "there are 15.7 GiB of VRAM, 15.7 of them free"
    assert lines[3] == ("next steps down:" if steps else "nothing is known that would take less there")
    assert [line.strip().split(": ")[0] for line in lines[4:]] == [step["argument"] for step in steps]
    assert kinds(steps) == [kind for kind in ORDER[what] if kind in kinds(steps)]
    assert error.estimate is not None and error.vram_gb == 15.7
    assert all(step["node_gb"] < error.estimate["node_gb"] for step in steps)
    assert "TIPS" not in str(error) and "TIPS" in (error.server_message or "")
    again = pickle.loads(pickle.dumps(error))
    assert again.to_dict() == error.to_dict() and again.steps == steps
    assert result.path is not None and result.path.stat().st_size > 0 and result.seed == 7
    if not steps:
        assert result.warnings == (
            f"out of memory at {where}: no step down is known; freed the server's memory and ran it again as it was",
        )
        return
    assert result.warnings == (f"out of memory at {where}: went down with {steps[0]['argument']}",)
    changed = eval(f"dict({steps[0]['argument']})")
    assert result.preset == changed.pop("preset", name)
    changed = {key: value for key, value in changed.items() if value is not None and key != "allow_untested"}
    assert changed.items() <= result.settings.items()


@MOSTLY_SYNC
def test_two_steps_in_all(kind: str, tmp_path: Path) -> None:
    """The second is added to the first; the progress goes on, and nothing else is left in the folder."""
    heard: list[Progress] = []
    faults = [OutOfMemory(node="KSamplerAdvanced"), OutOfMemory(node="VAEDecode")]
    with Simulator(vram_gb=15.7, faults=faults) as sim:
        result = make(kind, sim, tmp_path, on_progress=heard.append, on_oom="lighter")
        assert asked(sim) == ["/prompt", "/free"] * 2 + ["/prompt"]
    assert [warning.split(": ")[1] for warning in result.warnings[:2]] == [
        'went down with precision="Q5_K_M"',
        "went down with tiled_decode=True",
    ]
    assert result.settings["precision"] == "Q5_K_M" and result.settings["tiled_decode"] is True
    assert heard[-1].progress == 100
    assert [path.suffix for path in tmp_path.iterdir()] == [".mp4"]


def test_the_second_step_is_of_another_kind(tmp_path: Path) -> None:
    """A sampler that fails twice gets a smaller precision, then fewer frames, not a precision again."""
    with Simulator(vram_gb=15.7, faults=[OutOfMemory(node="KSampler", times=2)]) as sim:
        result = make("sync", sim, tmp_path, "wan_5b", on_oom="lighter")
    assert [warning.split("went down with ")[1] for warning in result.warnings[:2]] == ['precision="Q8_0"', "frames=25"]


@MOSTLY_SYNC
@pytest.mark.parametrize("raise_on_error", [True, False])
def test_a_third_time_is_an_error(kind: str, raise_on_error: bool, tmp_path: Path) -> None:
    """It lists what was tried and what is left; nothing is written."""
    faults = [OutOfMemory(node="VAEDecode"), OutOfMemory(node="VAEDecodeTiled", times=2)]
    with Simulator(vram_gb=15.7, faults=faults) as sim:
        try:
            result = make(kind, sim, tmp_path, on_oom="lighter", raise_on_error=raise_on_error)
            message = result.error or ""
            assert (result.status, result.preset, result.seed, result.outputs) == ("failed", "wan_14b", 7, ())
            assert [each.split("went down with ")[1] for each in result.warnings] == [
                "tiled_decode=True",
                "width=592, height=336, allow_untested=True",
            ]
        except OutOfMemoryError as error:
            assert raise_on_error
            message = str(error)
            assert kinds(error.tried) == ["tiled_decode", "width"]
        assert asked(sim) == ["/prompt", "/free"] * 2 + ["/prompt"]
    assert "\ntried already: tiled_decode=True, width=592, height=336, allow_untested=True\n" in message
    assert list(tmp_path.iterdir()) == []


HUGE = 10**400
REFUSED = '{"error": {"type": "odd", "message": "No such thing", "details": "here"}, "node_errors": {}}'


@MOSTLY_SYNC
def test_a_step_that_the_server_refuses(kind: str, tmp_path: Path) -> None:
    """The next one is taken; the refused one does not count, and is told."""
    faults = [OutOfMemory(node="VAEDecode", times=2), Answer("POST /prompt", 400, REFUSED, skip=1)]
    with Simulator(vram_gb=15.7, faults=faults) as sim:
        result = make(kind, sim, tmp_path, on_oom="lighter", frames=33)
        assert asked(sim) == ["/prompt", "/free", "/prompt", "/prompt", "/free", "/prompt"]
    told = [warning.split(": ", 1)[1] for warning in result.warnings[:3]]
    assert told[0] == "tiled_decode=True was refused: the server refused the graph: No such thing: here"
    assert [each.split("=")[0] for each in told[1:]] == ["went down with width", "went down with preset"]
    assert result.status == "completed"


@MOSTLY_SYNC
@pytest.mark.parametrize("node", ["VAEDecode", "VAELoader"])
def test_all_that_the_server_refuses(kind: str, node: str, tmp_path: Path) -> None:
    """Memory is what the error is about; it says what was refused and why, and offers that no more."""
    preset = "wan_14b" if node == "VAEDecode" else "hunyuan15_720p"
    faults = [OutOfMemory(node=node), Answer("POST /prompt", 400, REFUSED, skip=1, times=None)]
    with Simulator(vram_gb=15.7, faults=faults) as sim, pytest.raises(OutOfMemoryError) as caught:
        make(kind, sim, tmp_path, preset, on_oom="lighter")
    refused = [line for line in str(caught.value).splitlines() if line.startswith("refused: ")]
    assert refused and all(line.endswith(": the server refused the graph: No such thing: here") for line in refused)
    assert caught.value.tried == () and caught.value.steps == ()
    assert "tried already" not in str(caught.value)


@MOSTLY_SYNC
@pytest.mark.parametrize("raise_on_error", [True, False])
def test_the_same_again_is_told(kind: str, raise_on_error: bool, tmp_path: Path) -> None:
    """Where no step is known and the same fails again, the error says that this was tried."""
    with Simulator(vram_gb=15.7, faults=[OutOfMemory(node="CheckpointLoaderSimple", times=2)]) as sim:
        person = Person(kind, sim.url, timing=TIMING)
        given: dict[str, Any] = {"on_oom": "lighter", "raise_on_error": raise_on_error, "out": tmp_path}
        try:
            result = person.call("generate_image", "x", preset="sdxl_draft", **given)
            message = result.error or ""
            assert [warning.split(": ")[1] for warning in result.warnings] == [
                "no step down is known; freed the server's memory and ran it again as it was"
            ]
        except OutOfMemoryError as error:
            assert raise_on_error
            message = str(error)
        assert asked(sim).count("/prompt") == 2
    assert "\ntried already: the same again in the memory that was freed\n" in message


@MOSTLY_SYNC
def test_the_same_again_that_the_server_refuses(kind: str, tmp_path: Path) -> None:
    """It is told as a step is."""
    faults = [OutOfMemory(node="CheckpointLoaderSimple"), Answer("POST /prompt", 400, REFUSED, skip=1)]
    with Simulator(vram_gb=15.7, faults=faults) as sim:
        person = Person(kind, sim.url, timing=TIMING)
        with pytest.raises(OutOfMemoryError, match=r"refused: the same again in .*: here"):
            person.call("generate_image", "x", preset="sdxl_draft", out=tmp_path, on_oom="lighter")


@MOSTLY_SYNC
def test_the_preset_that_was_chosen_is_gone_down_from(kind: str, tmp_path: Path) -> None:
    """Without a preset the reason for the first choice stays in the notes."""
    with Simulator(vram_gb=15.7, faults=[OutOfMemory(step=1)]) as sim:
        person = Person(kind, sim.url, timing=TIMING)
        result = person.call("generate_video", "x", out=tmp_path, seed=3, on_oom="lighter")
    assert result.notes[0].startswith("preset ")
    assert result.warnings[0].startswith("out of memory at node ")
    assert result.seed == 3


@MOSTLY_SYNC
def test_images_go_down_too(kind: str, tmp_path: Path) -> None:
    """generate_image takes the same argument."""
    with Simulator(vram_gb=8, faults=[OutOfMemory(node="VAEDecode")]) as sim:
        person = Person(kind, sim.url, timing=TIMING)
        result = person.call("generate_image", "x", preset="sdxl_draft", out=tmp_path, on_oom="lighter")
    assert result.warnings[0].endswith("went down with tiled_decode=True")
    assert result.path is not None


@pytest.mark.slow
@MOSTLY_SYNC
def test_the_deadline_is_for_the_whole(kind: str, tmp_path: Path) -> None:
    """It passes in the second run, whose prompt is cancelled; or in between, and nothing is queued any more."""
    with (
        Simulator(vram_gb=15.7, step_seconds=0.3, faults=[OutOfMemory(node="VAEDecode", times=None)]) as sim,
        within(30),
    ):
        sim.add(OutOfMemory(node="KSamplerAdvanced", step=1))
        with pytest.raises(GenerationTimeoutError, match=r"not done after 3 s; prompt .*cancelled on the server"):
            make(kind, sim, tmp_path, on_oom="lighter", timeout=3)
    with Simulator(vram_gb=15.7, faults=[OutOfMemory(node="VAEDecode"), Stall("POST /free", times=None)]) as sim:
        with within(30), pytest.raises(GenerationTimeoutError, match="had run out of memory, nothing of it runs there"):
            make(kind, sim, tmp_path, on_oom="lighter", timeout=3)
        assert asked(sim).count("/prompt") == 1


@pytest.mark.slow
@MOSTLY_SYNC
def test_a_connection_that_is_lost_on_the_way_down(kind: str, tmp_path: Path) -> None:
    """It is the usual error."""
    faults = [OutOfMemory(node="VAEDecode"), Break("POST /free", times=None)]
    with Simulator(faults=faults) as sim, within(30), pytest.raises(ComfyUIConnectionError, match="/free"):
        make(kind, sim, tmp_path, on_oom="lighter")


@MOSTLY_SYNC
def test_a_server_that_says_nothing_more(kind: str, tmp_path: Path) -> None:
    """The way is told as far as it is known without asking."""
    silent = [Break(f"GET {route}", times=None) for route in ("/system_stats", "/object_info")]
    with Simulator(faults=[OutOfMemory(node="VAEDecode"), *silent]) as sim, pytest.raises(OutOfMemoryError) as caught:
        make(kind, sim, tmp_path)
    assert kinds(caught.value.steps) == ["tiled_decode", "width"]
    assert caught.value.vram_gb is None and caught.value.steps[0]["seconds"] is None


@pytest.mark.parametrize("on_oom", ["raise", "lighter"])
@pytest.mark.parametrize(
    ("route", "body"),
    [
        ("system_stats", '{"devices": 5}'),
        ("object_info", '{"UNETLoader": {"input": null}}'),
        *(
            pytest.param(*odd, marks=pytest.mark.slow)
            for odd in (
                ("system_stats", f'{{"devices": [null, {{"vram_total": {HUGE}, "vram_free": 1}}]}}'),
                ("system_stats", f'{{"devices": [{{"vram_total": 9e9, "vram_free": {HUGE}}}], "system": null}}'),
                ("object_info", "[]"),
            )
        ),
    ],
)
def test_a_server_that_says_what_nobody_expects(route: str, body: str, on_oom: str, tmp_path: Path) -> None:
    """It is passed over, and takes the place of no error."""
    odd = Answer(f"GET /{route}", 200, body, "application/json", times=None)
    faults = [OutOfMemory(step=1, times=None), odd]
    with Simulator(faults=faults) as sim, pytest.raises(OutOfMemoryError, match="ran out of memory on the server"):
        make("sync", sim, tmp_path, on_oom=on_oom)


def test_a_server_that_cannot_free(tmp_path: Path) -> None:
    """One that has no such route is gone down on all the same."""
    with Simulator(vram_gb=15.7, faults=[OutOfMemory(node="VAEDecode"), Answer("POST /free", 404)]) as sim:
        assert make("sync", sim, tmp_path, on_oom="lighter").settings["tiled_decode"] is True


@pytest.mark.slow
def test_a_preset_that_makes_another_kind_of_file_is_passed_over(tmp_path: Path) -> None:
    """A step that cannot be what was asked for is left out for the next one."""
    faults = [OutOfMemory(node="CheckpointLoaderSimple")]
    with Simulator(vram_gb=15.7, faults=faults) as sim:
        result = make("sync", sim, tmp_path / "clip.mp4", "ltx_quick", on_oom="lighter")
    assert result.path == tmp_path / "clip.mp4"


@MOSTLY_SYNC
def test_another_failure_is_as_before(kind: str, tmp_path: Path) -> None:
    """Only memory is gone down from."""
    with Simulator(faults=[NodeFails(node="VAEDecode")]) as sim:
        result = make(kind, sim, tmp_path, on_oom="lighter", raise_on_error=False)
        assert "/free" not in asked(sim)
    assert result.status == "failed" and "shapes" in (result.error or "")


@pytest.mark.slow
@MOSTLY_SYNC
def test_files_of_the_caller_stay(kind: str, tmp_path: Path) -> None:
    """A file that was named is loaded after the step down too."""
    files = {"model": "Wan2.2-TI2V-5B-Q8_0.gguf"}
    with Simulator(vram_gb=15.7, faults=[OutOfMemory(node="VAEDecodeTiled")]) as sim:
        result = make(kind, sim, tmp_path, "wan_5b", on_oom="lighter", files=files, width=832, height=480)
        with ComfyClient(sim.url) as client:
            graph = client.job(result.prompt_id).graph
    assert result.warnings[0].endswith("went down with tile_size=256")
    assert [node["inputs"]["unet_name"] for node in graph.values() if "unet_name" in node["inputs"]] == [files["model"]]


@MOSTLY_SYNC
@pytest.mark.parametrize("on_oom", ["light", None, True])
def test_no_such_way(kind: str, on_oom: object, tmp_path: Path) -> None:
    """What is neither of the two is refused before anything is sent; so is any of them where nobody waits."""
    with Simulator() as sim:
        with pytest.raises(ValidationError, match="expected raise or lighter"):
            make(kind, sim, tmp_path, on_oom=on_oom)
        with pytest.raises(ValidationError, match="nobody waits here who could go down"):
            Person(kind, sim.url).call("submit_video", "x", preset="wan_5b", on_oom="lighter")
        assert sim.requests == ()


@MOSTLY_SYNC
@pytest.mark.parametrize(
    ("name", "node", "expected"),
    [
        ("wan_14b", "VAEDecode", ["tiled_decode=True"]),
        ("wan_5b", "KSampler", ['precision="fp8_e4m3fn"']),
        ("wan_5b", "VAEDecodeTiled", []),
    ],
)
def test_a_workflow_of_ones_own(kind: str, name: str, node: str, expected: list[str], tmp_path: Path) -> None:
    """What its graph has a place for is told, without an estimate; it does not go down by itself."""
    graph = compile_workflow(name, "x", seed=1, width=256, height=160, frames=17, allow_untested=True)
    with Simulator(faults=[OutOfMemory(node=node, times=2)]) as sim:
        person = Person(kind, sim.url, timing=TIMING)
        with pytest.raises(OutOfMemoryError) as caught:
            person.run(graph, out=tmp_path)
        result = person.run(graph, out=tmp_path, raise_on_error=False)
        assert "/free" not in asked(sim)
    assert (result.status, result.error) == ("failed", str(caught.value))
    assert caught.value.estimate is None
    assert [step["argument"] for step in caught.value.steps] == expected
    assert all(step["needed_gb"] is None for step in caught.value.steps)
