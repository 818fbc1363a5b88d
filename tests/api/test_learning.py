"""A finished run refines the estimate: how long such work takes on that device of that server."""

from __future__ import annotations

import asyncio
import json
import math
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from comfy_headless import get_recommended_preset
from comfy_headless.api.learning import COLD, FAR, LONG, Lesson, learn_from, lesson
from comfy_headless.catalog.cards import FIXED_SECONDS
from comfy_headless.catalog.compiled import CompiledWorkflow
from comfy_headless.catalog.compiler import WorkflowCompiler
from comfy_headless.catalog.facts import Device
from comfy_headless.catalog.presets import PRESETS, PresetLibrary
from comfy_headless.catalog.vram import estimate_vram, fixed_seconds
from comfy_headless.errors import ValidationError
from comfy_headless.graph.file_inputs import MODEL_INPUTS
from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.effects import Call, Deadline, Flow, Reply
from comfy_headless.protocol.output import Output
from comfy_headless.protocol.result import Result
from comfy_headless.protocol.timing import Timing
from comfy_headless.simulator import Simulator
from comfy_headless.simulator.faults import Answer
from comfy_headless.transport.sync import SyncTransport
from tests.faults.clients import Person

pytestmark = pytest.mark.slow
"""Takes its time, all together."""

CARD = "NVIDIA GeForce RTX 4090"
RTX_4090 = Device(f"cuda:0 {CARD} : cudaMallocAsync", 23.5)
NEVER_HEARD_OF = Device("cuda:0 Some Card 9000", 23.5)
SMALL: dict[str, Any] = {"preset": "sdxl_draft", "width": 768, "height": 768, "steps": 12, "allow_untested": True}
"""1.3 s on an RTX 4090: a busy machine may take ten times as long as the simulated steps, and is believed."""
STEP = 0.03
KINDS = pytest.mark.parametrize("kind", ["sync", pytest.param("async", marks=pytest.mark.slow)])


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder of this test's own."""
    monkeypatch.setenv("COMFY_HEADLESS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "pace.json"


def make(kind: str, sim: Simulator, folder: Path, seed: int, **given: Any) -> None:
    """Make a small image."""
    result = Person(kind, sim.url).call("generate_image", "a cat", out=folder, seed=seed, **{**SMALL, **given})
    assert result.status == "completed"


def runs(cache: Path) -> list[dict[str, Any]]:
    """What was learned."""
    found: list[dict[str, Any]] = json.loads(cache.read_text())["runs"] if cache.exists() else []
    return found


def compiled(name: str, **settings: Any) -> CompiledWorkflow:
    """A preset's graph."""
    return WorkflowCompiler(PRESETS).compile(name, "a cat", allow_untested=True, **settings)


def result(of: CompiledWorkflow, worked: float | None, *, cold: bool = False) -> Result:
    """The result of a graph, whose models were loaded before unless it is cold."""
    loaders = {node_class for node_class, _ in MODEL_INPUTS}
    kept = [node_id for node_id, node in of.graph.items() if node["class_type"] in loaders]
    path = Path("here", "cat.mp4")
    output = Output("video", "cat.mp4", "", "9", "http://there/cat.mp4", path)
    return Result("completed", "p1", 1.0, (output,), worked=worked, kept=() if cold else tuple(kept))


def taught(name: str, worked: float | None, device: Device = RTX_4090, *, cold: bool = False, **more: Any) -> bool:
    """Whether a run of so many seconds teaches something."""
    ran = compiled(name, **more)
    return lesson(PRESETS, ran, result(ran, worked, cold=cold), device) is not None


def computed(name: str, **settings: Any) -> float:
    """Seconds that sampling takes an RTX 4090, by what it computes."""
    seconds = estimate_vram(name, allow_untested=True, **settings).seconds
    assert seconds is not None
    return seconds - fixed_seconds(PRESETS[name])


def drive(sim: Simulator, flow: Flow[None]) -> None:
    """Perform a flow against a simulator."""
    with closing(SyncTransport(server(sim))) as transport:
        transport.drive(flow)


def server(sim: Simulator) -> Server:
    """How a simulator is talked to."""
    return Server(sim.url, "me", Timing())


@KINDS
def test_a_run_refines_the_estimate(kind: str, tmp_path: Path, cache: Path) -> None:
    """The first estimate is rough; after a run with models loaded it is what such work took there, of any size."""
    with Simulator(device_name=CARD, step_seconds=STEP) as sim:
        before = get_recommended_preset(server=sim.url, makes="image", explain=True)
        make(kind, sim, tmp_path, 1)
        assert runs(cache) == []
        make(kind, sim, tmp_path, 2)
        after = get_recommended_preset(server=sim.url, makes="image", explain=True)
        (run,) = runs(cache)
        assert (run["server"], run["network"], run["unit"]) == (sim.url, "sdxl_draft", "work")
    assert CARD in run["device"]
    first, then = (next(each for each in found.candidates if each.name == "sdxl_draft") for found in (before, after))
    assert (first.estimate.rough, then.estimate.rough) == (True, False)
    small = estimate_vram(**{**SMALL, "pace": {"sdxl_draft": run["pace"]}})
    assert small.seconds is not None and then.estimate.seconds is not None
    assert then.estimate.seconds > small.seconds > 12 * STEP


@KINDS
def test_what_teaches_nothing(kind: str, tmp_path: Path, cache: Path) -> None:
    """Not a run that the server had already, nor one of a simulated device, nor one on a CPU."""
    with Simulator(device_name=CARD, step_seconds=STEP) as sim:
        for seed in (1, 2, 2):
            make(kind, sim, tmp_path, seed)
        assert len(runs(cache)) == 1
    cache.unlink()
    for given in ({}, {"device": "cpu"}):
        with Simulator(**given, step_seconds=STEP) as sim:  # type: ignore[arg-type]
            for seed in (1, 2):
                make(kind, sim, tmp_path, seed)
    assert not cache.exists()


@KINDS
def test_nothing_of_it_is_ever_an_error(kind: str, tmp_path: Path, cache: Path) -> None:
    """A server that says nothing, or nonsense, of what it runs on, and a cache that is a file, cost no image."""
    nonsense = json.dumps({"devices": [{"name": 5, "vram_total": 10**400}, 7], "system": 5})
    for answer in (Answer("GET /system_stats", times=None), Answer("GET /system_stats", 200, nonsense, times=None)):
        with Simulator(device_name=CARD, step_seconds=STEP, faults=[answer]) as sim:
            for seed in (1, 2):
                make(kind, sim, tmp_path, seed)
    assert not cache.exists()
    shutil.rmtree(cache.parent)
    cache.parent.write_text("a file where the folder should be")
    with Simulator(device_name=CARD, step_seconds=STEP) as sim:
        for seed in (1, 2):
            make(kind, sim, tmp_path, seed)


def test_two_servers_are_two(tmp_path: Path, cache: Path) -> None:
    """What one server takes says nothing of another."""
    with Simulator(device_name=CARD, step_seconds=STEP) as sim:
        for seed in (1, 2):
            make("sync", sim, tmp_path, seed)
    assert runs(cache)
    with Simulator(device_name=CARD) as other:
        found = get_recommended_preset(server=other.url, makes="image", explain=True)
    assert all(each.estimate.rough for each in found.candidates)


@pytest.mark.parametrize(("name", "worked"), [("sdxl_draft", 4.0), ("wan_5b", 200.0), ("svd_xt", 90.0)])
def test_what_is_learned_is_told(name: str, worked: float, tmp_path: Path) -> None:
    """After a run of some seconds the same run is estimated to take as many: of an image, a counted video, another."""
    given = {"image": tmp_path / "cat.png"} if name == "svd_xt" else {}
    ran = compiled(name, **given)
    learned = lesson(PRESETS, ran, result(ran, worked), RTX_4090)
    assert learned is not None
    told = estimate_vram(name, pace={learned.name: learned.seconds / learned.amount})
    assert told.seconds == pytest.approx(worked)


def test_the_units() -> None:
    """A run counts for its network by PFLOP; where its operations are not counted, for its preset by its share."""
    wan, image = compiled("wan_5b"), compiled("sdxl_draft", images=3)
    pflop = estimate_vram("wan_5b").pflop
    assert pflop is not None
    assert lesson(PRESETS, wan, result(wan, 210.0), RTX_4090) == Lesson("wan22_5b", pflop, 200.0, "pflop")
    assert lesson(PRESETS, image, result(image, 9.0), RTX_4090) == Lesson("sdxl_draft", 3.0, 9.0, "work")


@pytest.mark.parametrize("variant", [{"upscale": 2}, {"interpolate": 2}, {"torch_compile": True}, {"easy_cache": True}])
def test_what_no_estimate_counts(variant: dict[str, Any]) -> None:
    """A run that did what no estimate counts teaches nothing; tiles and LoRAs do not matter."""
    assert taught("wan_5b", 200.0)
    assert taught("wan_5b", 200.0, tiled_decode=True)
    assert taught("wan_5b", 200.0, loras={"a.safetensors": 1.0})
    assert not taught("wan_5b", 200.0, **variant)


def test_a_short_run() -> None:
    """Sampling that is short against what every video takes teaches nothing, whether it is measured or computed."""
    least = (1 + LONG) * FIXED_SECONDS
    assert not taught("wan_5b", least - 0.1, NEVER_HEARD_OF)
    assert taught("wan_5b", least + 0.1, NEVER_HEARD_OF)
    assert computed("ltx_quick") < LONG * FIXED_SECONDS
    assert not taught("ltx_quick", FIXED_SECONDS + FAR * computed("ltx_quick") - 0.1)
    assert not any(taught("wan_5b", worked) for worked in (0.0, 5.0, None))


def test_a_time_that_no_card_takes() -> None:
    """Of a card that is known, a pace far from what it computes to teaches nothing; of another nobody knows."""
    sampling = computed("wan_5b")
    for factor in (1 / FAR, FAR):
        inside, outside = sampling * factor**0.99, sampling * factor**1.01
        assert taught("wan_5b", FIXED_SECONDS + inside)
        assert not taught("wan_5b", FIXED_SECONDS + outside)
        assert taught("wan_5b", FIXED_SECONDS + outside, NEVER_HEARD_OF)


def test_a_cold_run() -> None:
    """A run that loaded models teaches only where the card is known and computes for long."""
    assert computed("wan_5b") > COLD > computed("wan_5b", steps=5)
    assert taught("wan_5b", 200.0, cold=True)
    assert not taught("wan_5b", 200.0, NEVER_HEARD_OF, cold=True)
    assert not taught("wan_5b", 80.0, cold=True, steps=5)
    assert taught("wan_5b", 80.0, steps=5)
    assert not taught("sdxl_draft", 4.0, cold=True)


def test_a_preset_that_is_gone(tmp_path: Path) -> None:
    """A preset that was taken away while it ran teaches nothing."""
    ran = compiled("sdxl_draft")
    assert lesson(PresetLibrary([], makes="video"), ran, result(ran, 4.0), RTX_4090) is None


def test_own_data_that_is_wrong(tmp_path: Path, cache: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A networks.toml of one's own that is wrong is logged, and costs no result."""
    (tmp_path / "networks.toml").write_text("[[network]]\nname = 5\n")
    broken, ran = PresetLibrary([tmp_path]), compiled("wan_5b")
    with Simulator(device_name=CARD) as sim:
        drive(sim, learn_from(server(sim), broken, ran, result(ran, 200.0)))
    assert not cache.exists()
    (line,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert "is not learned" in line and "networks.toml" in line


def test_no_deadline_holds(cache: Path) -> None:
    """A deadline that passes when all is done is none of what is learned."""
    ran = compiled("wan_5b")

    def late(sim: Simulator) -> Flow[None]:
        yield Deadline(-1e9, 1.0)
        yield from learn_from(server(sim), PRESETS, ran, result(ran, 200.0))

    with Simulator(device_name=CARD) as sim:
        drive(sim, late(sim))
    assert [run["network"] for run in runs(cache)] == ["wan22_5b"]


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, asyncio.CancelledError])
def test_an_interrupt_says_where_the_file_is(interrupt: type[BaseException], cache: Path) -> None:
    """What ends the call while it learns passes on, with a note where the file is."""
    ran = compiled("wan_5b")
    flow = learn_from(Server("http://there", "me", Timing()), PRESETS, ran, result(ran, 200.0))
    assert next(flow) == Deadline(None)
    assert isinstance(flow.send(None), Call)
    with pytest.raises(interrupt) as caught:
        flow.throw(interrupt())
    assert caught.value.__notes__ == [
        f"prompt p1: done, {Path('here', 'cat.mp4')} is here; only what its time teaches was interrupted"
    ]


def test_what_is_not_interrupted_has_no_note() -> None:
    """An exception that is handled around a call that ends well gets no note."""
    ran = compiled("wan_5b")
    flow = learn_from(Server("http://there", "me", Timing()), PRESETS, ran, result(ran, 200.0))
    try:
        raise KeyError("before")
    except KeyError as error:
        next(flow)
        flow.send(None)
        with pytest.raises(StopIteration):
            flow.send(Reply(200, {}, b"[5]"))
        assert not hasattr(error, "__notes__")


@pytest.mark.parametrize("pace", [-5, 0, math.nan, math.inf, "4", None, True])
def test_a_pace_that_makes_no_sense(pace: Any) -> None:
    """A pace that is no number above zero is an error that names it."""
    with pytest.raises(ValidationError, match=r"pace: wan22_5b=.*expected seconds per unit of work"):
        estimate_vram("wan_5b", pace={"wan22_5b": pace})
