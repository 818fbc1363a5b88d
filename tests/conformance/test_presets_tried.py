"""`presets test` on a real ComfyUI: shipped rules hold there, a draft runs, and a rule that is too loose is found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from comfy_headless.api.new_preset import NewPreset, new_preset
from comfy_headless.api.trial import Trial, try_preset
from comfy_headless.catalog.audit import State
from comfy_headless.graph.source import Graph
from tests.conformance.comfyui.weights import Folders

HERE = Path(__file__).parent
WORKFLOW = Path(__file__).resolve().parents[2] / "examples" / "mochi_workflow.json"


def failed(trial: Trial) -> dict[str, str]:
    """What failed, and what was seen."""
    return {row.check: row.seen for row in trial.rows if row.state is State.FAIL}


def seen(trial: Trial, check: str) -> str:
    """What the last check of that name saw."""
    return [row.seen for row in trial.rows if row.check == check][-1]


@pytest.mark.parametrize(
    ("name", "frames"),
    [
        ("wan_5b", "4n+1: asked 9 got 9, asked 13 got 13, asked 10 got 9 (floored): rule holds"),
        ("ltx_standard", "8n+1, at least 9: asked 9 got 9, asked 17 got 17, asked 10 got 9 (floored): rule holds"),
    ],
    ids=["wan_5b", "ltx_standard"],
)
def test_shipped_rules_hold(real_server: str, name: str, frames: str) -> None:
    """Legal values come out as asked, from an image too, and the nearest illegal length is floored."""
    trial = try_preset(name, server=real_server, tasks=["image"])
    assert trial.ok, failed(trial)
    assert {row.state for row in trial.rows} == {State.OK}
    assert seen(trial, "frames") == frames


def test_a_draft_runs(real_server: str, tmp_path: Path) -> None:
    """A draft makes what is asked before anybody has edited it; with a rule too loose it does not."""
    made = new_preset("mine", WORKFLOW, folder=tmp_path)
    assert made.problem is None
    assert set(failed(try_preset(str(made.paths[0]), server=real_server))) == {"todo", "sources"}
    text = made.draft.toml.replace("step = 6\nremainder = 1", "step = 1\nremainder = 0")
    made.paths[0].write_text(text, encoding="utf-8")
    loose = failed(try_preset(str(made.paths[0]), server=real_server))
    assert "asked 9 got 7" in loose["frames"]


def drafted(graph: Graph, name: str, folder: Path) -> NewPreset:
    """The draft of a graph, beside the graph itself."""
    path = folder / f"{name}.json"
    path.write_text(json.dumps(graph), encoding="utf-8")
    return new_preset(name, path, folder=folder)


def test_a_family_that_nobody_ships(real_server: str, real_server_folders: Folders | None, tmp_path: Path) -> None:
    """Wan VACE is added by data alone: two drafts, of text and of an image, are one preset that makes what is asked.

    Its transformer refuses a width between the multiples of 16, so that this rule is more than the input field's step.
    """
    graph: Graph = json.loads((HERE / "wan_vace.json").read_text(encoding="utf-8"))
    if not real_server_folders:
        pytest.skip("a server of one's own may lack the files")
    real_server_folders.place(graph)
    from_image = drafted(graph, "vace_i2v", tmp_path)
    del graph["4"], graph["7"]["inputs"]["reference_image"]
    preset = drafted(graph, "vace", tmp_path)
    toml = preset.draft.toml.replace("[tasks]\n", f'[tasks]\nimage = "{from_image.draft.template_name}"\n')
    preset.paths[0].write_text(toml, encoding="utf-8")
    trial = try_preset(str(preset.paths[0]), server=real_server)
    assert set(failed(trial)) == {"todo", "sources", "files"}
    assert {row.task for row in trial.rows} == {None, "text", "image"}
    assert {row.state for row in trial.rows if row.task} == {State.OK}
    assert "asked 72x80: refused" in seen(trial, "size")
    assert seen(trial, "frames") == "4n+1: asked 9 got 9, asked 13 got 13, asked 10 got 9 (floored): rule holds"
