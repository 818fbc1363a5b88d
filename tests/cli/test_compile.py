"""`compile` and `generate --dry-run`: what would be sent, without sending it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from comfy_headless.catalog.compiler import compile_workflow
from comfy_headless.simulator import Simulator
from tests.cli.program import Program, draw


def test_the_graph(program: Program) -> None:
    """The graph on stdout is the one that Python gets."""
    code, out, err = program("compile", "--preset", "wan_5b", "a red kite", "--seed", "7", "--steps", "9")
    assert (code, err) == (0, "")
    assert json.loads(out) == compile_workflow("wan_5b", "a red kite", seed=7, steps=9)


def test_the_graph_with_what_went_into_it(program: Program) -> None:
    """--json adds seed, settings, uploads and notes."""
    told = program("compile", "--preset", "wan_5b", "x", "--seconds", "2", "--image", "a/b.png", "--json").json
    assert told["settings"]["frames"] == 49
    assert (told["preset"], told["task"]) == ("wan_5b", "image")
    assert [one["path"] for one in told["uploads"]] == ["a/b.png"]
    assert any("49 frames" in note for note in told["notes"])
    assert told["graph"][told["uploads"][0]["node_id"]]["inputs"]["image"] == "b.png"


def test_a_setting_of_the_family(program: Program) -> None:
    """--set gives what a family adds, fitted to its type."""
    told = program("compile", "--preset", "wan_5b", "x", "--set", "tile_size=256", "--json").json
    assert told["settings"]["tile_size"] == 256


def test_model_files_of_ones_own(program: Program) -> None:
    """--file puts a model file into a role, with the loader that goes with it; it is what Python does with files=."""
    words = ["--file", r"model=wan\x-Q4_K_M.gguf", "--file", "vae=mine.safetensors"]
    code, out, err = program("compile", "--preset", "wan_5b", "a red kite", "--seed", "7", *words)
    assert (code, err) == (0, "")
    files = {"model": r"wan\x-Q4_K_M.gguf", "vae": "mine.safetensors"}
    assert json.loads(out) == compile_workflow("wan_5b", "a red kite", seed=7, files=files)
    assert "UnetLoaderGGUF" in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["--file", "modle=x"],
            "files: wan_5b has no role 'modle'; did you mean 'model'? It has: text_encoder, vae, model",
        ),
        (["--file", "model"], "--file 'model': expected NAME=VALUE, such as --file model=wan/mine.safetensors"),
        (["--file", "model="], "files: model='': expected a file's name, as the server lists it"),
        (["--file", "vae=x.gguf"], "a GGUF file, and nothing that loads those can take the node's place"),
        (["--file", "model=a", "--file", "model=b"], "--file model is given twice: 'a' and 'b'"),
        (["--set", "files=x"], "--set files=x: that is no setting; use --file ROLE=NAME"),
    ],
)
def test_a_wrong_model_file(program: Program, words: list[str], said: str) -> None:
    """A role that there is not, no name, a file that nothing could load there: wrong use, and told."""
    code, _, err = program("compile", "--preset", "wan_5b", "x", *words)
    assert code == 2
    assert said in err


def test_a_file(program: Program, folder: Path) -> None:
    """--out writes the graph and prints the path; a file is replaced only when asked."""
    words = ("compile", "--preset", "ltx_standard", "ein Drache über dem Meer", "--seed", "7", "--out", "graph.json")
    assert program(*words)[:2] == (0, "graph.json\n")
    text = (folder / "graph.json").read_text(encoding="utf-8")
    assert "über dem Meer" in text
    assert json.loads(text) == compile_workflow("ltx_standard", "ein Drache über dem Meer", seed=7)
    assert "exists" in program(*words).err
    assert program(*words, "--overwrite").code == 0
    assert [path.name for path in folder.iterdir()] == ["graph.json"]


@pytest.mark.parametrize("out", ["missing/graph.json", "."])
def test_a_file_that_cannot_be_written(program: Program, folder: Path, out: str) -> None:
    """A place that cannot be written is wrong use."""
    code, _, err = program("compile", "--preset", "wan_5b", "x", "--out", out)
    assert code == 2
    assert err.startswith("error: out=")


def test_the_preset_must_be_named(program: Program) -> None:
    """Nothing is asked of a server, so nothing can choose the preset."""
    code, _, err = program("compile", "x")
    assert code == 2
    assert "--preset" in err


def test_a_dry_run_needs_no_server(program: Program, folder: Path) -> None:
    """With a preset named, a dry run says what would be sent and where, and touches nothing."""
    words = ("generate", "a kite", "--preset", "wan_5b", "--seed", "7", "--server", "nowhere:1", "--out", "clips/")
    code, out, err = program(*words, "--dry-run")
    assert (code, err) == (0, "")
    for text in ("nothing was sent", "http://nowhere:1", "wan_5b (text)", '"a kite"', "clips/wan_5b_7.mp4"):
        assert text in out
    told = program(*words, "--dry-run", "--json").json
    assert told["dry_run"] is True
    assert told["graph"] == compile_workflow("wan_5b", "a kite", seed=7)
    assert list(folder.iterdir()) == []


def test_a_dry_run_asks_for_the_best_preset(program: Program) -> None:
    """Without a preset the server is asked what it has, and nothing else."""
    with Simulator(vram_gb=10) as simulator:
        told = program("generate", "x", "--server", simulator.url, "--dry-run", "--json").json
        assert f"preset {told['preset']!r}: the best for a video from text" in told["notes"][0]
        assert {request.method for request in simulator.requests} == {"GET"}
        assert simulator.jobs == ()
    assert program("generate", "x", "--server", "127.0.0.1:9", "--dry-run").code == 3


def test_a_dry_run_looks_at_the_image(program: Program, folder: Path) -> None:
    """An image that is missing is found, one that is there is named with its node."""
    words = ("generate", "x", "--preset", "wan_5b", "--dry-run", "--image")
    assert program(*words, "first.png").code == 2
    draw(folder / "first.png")
    assert "first.png (for image of node" in program(*words, "first.png").out
