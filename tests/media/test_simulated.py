"""The simulator makes every kind of finding on request, and nothing that is found otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import pytest

from comfy_headless.media.look import look
from comfy_headless.simulator import Simulator
from comfy_headless.simulator.faults import Spoiled, SpoilOutput
from tests.simulator.talk import Talk, node, talking

ASKED: dict[str, Any] = {"width": 128, "height": 96, "frames": 33, "fps": 24.0, "sound": False}
SAVERS = {
    "SaveVideo": node("SaveVideo", video=["2", 0], filename_prefix="v", format="mp4", codec="h264"),
    "SaveWEBM": node("SaveWEBM", images=["1", 0], filename_prefix="v", codec="vp9", fps=24.0, crf=32.0),
    "SaveWEBM av1": node("SaveWEBM", images=["1", 0], filename_prefix="v", codec="av1", fps=24.0, crf=32.0),
    "SaveAnimatedWEBP": node(
        "SaveAnimatedWEBP", images=["1", 0], filename_prefix="v", fps=24.0, lossless=False, quality=80, method="default"
    ),
}


def graph(saver: str = "SaveVideo") -> dict[str, Any]:
    return {
        "1": node("EmptyImage", width=128, height=96, batch_size=33, color=1),
        "2": node("CreateVideo", images=["1", 0], fps=24.0),
        "3": SAVERS[saver],
    }


def made(talk: Talk, folder: Path, saver: str = "SaveVideo") -> Path:
    entry = talk.run(graph(saver))["outputs"]["3"]["images"][0]
    return folder / entry["subfolder"] / entry["filename"]


@pytest.mark.parametrize("kind", get_args(Spoiled))
def test_each_kind_is_made_once_and_found(kind: str) -> None:
    """A spoiled result has the one finding of its kind; the next result has none."""
    faults = [SpoilOutput(kind)]  # type: ignore[arg-type]
    with Simulator(faults=faults) as sim, talking(sim.url) as talk:
        spoiled = look(made(talk, sim.output_folder), **ASKED)
        assert [finding.what for finding in spoiled] == [kind.removeprefix("still_")]
    with Simulator() as sim, talking(sim.url) as talk:
        assert look(made(talk, sim.output_folder), **ASKED) == ()


@pytest.mark.slow
@pytest.mark.parametrize("saver", SAVERS)
@pytest.mark.parametrize("kind", ["black", "one_colour", "frozen", "noise", None])
def test_each_kind_is_found_in_every_format(saver: str, kind: str | None) -> None:
    """What the simulator writes for each output node shows its fault, and none if none was asked for."""
    faults = [] if kind is None else [SpoilOutput(kind)]  # type: ignore[arg-type]
    with Simulator(faults=faults) as sim, talking(sim.url) as talk:
        found = look(made(talk, sim.output_folder, saver), width=128, height=96, frames=33)
    assert [finding.what for finding in found] == ([kind] if kind else [])


def test_a_fault_can_be_for_one_node_only() -> None:
    """By id or class, as with other faults; the rest of the job is as it should be."""
    still = node("SaveImage", images=["1", 0], filename_prefix="still")
    faults = [SpoilOutput("black", node="SaveImage")]
    with Simulator(faults=faults) as sim, talking(sim.url) as talk:
        outputs = talk.run({**graph(), "4": still})["outputs"]
        video, picture = (sim.output_folder / outputs[name]["images"][0]["filename"] for name in ("3", "4"))
        assert look(video) == ()
        assert [finding.what for finding in look(picture)] == ["black"]
