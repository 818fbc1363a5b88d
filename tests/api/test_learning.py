"""A finished run refines the estimate: how long such work takes on that device of that server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from comfy_headless import get_recommended_preset
from comfy_headless.catalog.vram import estimate_vram
from comfy_headless.simulator import Simulator
from comfy_headless.simulator.faults import Answer
from tests.faults.clients import Person

CARD = "NVIDIA GeForce RTX 4090"
SMALL: dict[str, Any] = {
    "preset": "wan_5b",
    "width": 128,
    "height": 192,
    "frames": 9,
    "steps": 4,
    "allow_untested": True,
}
KINDS = pytest.mark.parametrize("kind", ["sync", pytest.param("async", marks=pytest.mark.slow)])


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder of this test's own."""
    monkeypatch.setenv("COMFY_HEADLESS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "pace.json"


def make(kind: str, sim: Simulator, folder: Path, seed: int, **given: Any) -> None:
    """Make a small video."""
    result = Person(kind, sim.url).call("generate_video", "a cat", out=folder, seed=seed, **{**SMALL, **given})
    assert result.status == "completed"


@KINDS
def test_a_run_refines_the_estimate(kind: str, tmp_path: Path, cache: Path) -> None:
    """The first estimate is rough; after a run it is what such work took there, for other sizes and presets too."""
    with Simulator(device_name=CARD, step_seconds=0.05) as sim:
        before = get_recommended_preset(server=sim.url, explain=True)
        make(kind, sim, tmp_path, 1)
        after = get_recommended_preset(server=sim.url, explain=True)
        runs = json.loads(cache.read_text())["runs"]
        assert [(run["server"], run["network"], run["unit"]) for run in runs] == [(sim.url, "wan22_5b", "pflop")]
    assert CARD in runs[0]["device"]
    first, then = (next(each for each in found.candidates if each.name == "wan_5b") for found in (before, after))
    assert (first.estimate.rough, then.estimate.rough) == (True, False)
    small = estimate_vram(**{**SMALL, "pace": {"wan22_5b": runs[0]["pace"]}})
    assert small.seconds is not None and then.estimate.seconds is not None
    assert then.estimate.seconds > small.seconds > 10


@KINDS
def test_a_run_without_operations_counts_by_its_preset(kind: str, tmp_path: Path, cache: Path) -> None:
    """Where the operations of a network are not counted, a run counts for its preset."""
    small = {"preset": "animatediff_quick", "width": 128, "height": 128, "frames": 8}
    with Simulator(device_name=CARD, step_seconds=0.05) as sim:
        make(kind, sim, tmp_path, 1, **small)
    run = json.loads(cache.read_text())["runs"][0]
    assert (run["network"], run["unit"]) == ("animatediff_quick", "work")


@KINDS
def test_what_teaches_nothing(kind: str, tmp_path: Path, cache: Path) -> None:
    """Not a run that the server had already, nor one of a simulated device, nor one on a CPU."""
    with Simulator(device_name=CARD, step_seconds=0.01) as sim:
        make(kind, sim, tmp_path, 1)
        make(kind, sim, tmp_path, 1)
        assert len(json.loads(cache.read_text())["runs"]) == 1
    cache.unlink()
    for given in ({}, {"device": "cpu"}):
        with Simulator(**given, step_seconds=0.01) as sim:  # type: ignore[arg-type]
            make(kind, sim, tmp_path, 1)
    assert not cache.exists()


@KINDS
def test_nothing_of_it_is_ever_an_error(kind: str, tmp_path: Path, cache: Path) -> None:
    """A server that does not say what it runs on, and a cache that cannot be written, cost no video."""
    with Simulator(device_name=CARD, faults=[Answer("GET /system_stats", times=None)]) as sim:
        make(kind, sim, tmp_path, 1)
    assert not cache.exists()
    cache.parent.write_text("a file where the folder should be")
    with Simulator(device_name=CARD) as sim:
        make(kind, sim, tmp_path, 1)


def test_two_servers_are_two(tmp_path: Path, cache: Path) -> None:
    """What one server takes says nothing of another."""
    with Simulator(device_name=CARD, step_seconds=0.05) as sim:
        make("sync", sim, tmp_path, 1)
    with Simulator(device_name=CARD) as other:
        found = get_recommended_preset(server=other.url, explain=True)
    assert all(each.estimate.rough for each in found.candidates)
