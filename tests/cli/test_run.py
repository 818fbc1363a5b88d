"""`run`: a workflow of one's own."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from comfy_headless import ComfyClient
from comfy_headless.media.probe import image_size, probe
from comfy_headless.simulator import Simulator
from comfy_headless.simulator.faults import SpoilOutput
from tests.api.test_reading import DRAWN
from tests.cli.program import COMMAND, Program, draw, environment
from tests.media.comfy_files import png

WORKFLOW: dict[str, Any] = {
    "1": {
        "class_type": "EmptyImage",
        "inputs": {"width": 64, "height": 48, "batch_size": 1, "color": 0},
        "_meta": {"title": "Size, $width.width, $height.height!"},
    },
    "2": {
        "class_type": "SaveImage",
        "inputs": {"images": ["1", 0], "filename_prefix": "own/picture"},
        "_meta": {"title": "$output.picture"},
    },
}


@pytest.fixture
def workflow(folder: Path) -> Path:
    """A file with a workflow that has a required parameter."""
    path = folder / "workflow.json"
    path.write_text(json.dumps(WORKFLOW))
    return path


def test_a_workflow_runs(program: Program, folder: Path, server: str, workflow: Path) -> None:
    """Markers are filled by --param, fitted to their type; files keep the server's names and folders."""
    code, out, err = program(
        "run", workflow, "--param", "width=96", "-p", "height=80", "--server", server, "--out", "here/"
    )
    assert code == 0, err
    made = Path(out.strip())
    assert made.parent == Path("here/own")
    assert image_size(made) == (96, 80)


def test_a_dry_run(program: Program, folder: Path, workflow: Path) -> None:
    """It says what would be sent and where, with the values in it, and asks no server."""
    words = ("run", workflow, "-p", "height=80", "--server", "127.0.0.1:9", "--out", "here/", "--dry-run")
    code, out, err = program(*words)
    assert (code, err) == (0, "")
    assert out.startswith("dry run: nothing was sent\n") and "height = 80" in out and "here/\n" in out
    told = program(*words, "--json").json
    assert (told["graph"]["1"]["inputs"]["height"], told["out"], told["uploads"]) == (80, "here/", [])
    assert not (folder / "here").exists()
    assert program("run", workflow, "--dry-run").code == 2


def test_a_dry_run_looks_at_the_files(program: Program, folder: Path) -> None:
    """One that is to be uploaded is named; one that is not there is said."""
    graph = {"1": {"class_type": "LoadImage", "inputs": {"image": "none.png"}, "_meta": {"title": "$~image!"}}}
    (folder / "copy.json").write_text(json.dumps(graph))
    draw(folder / "first.png")
    words = ("run", "copy.json", "--server", "127.0.0.1:9", "--dry-run", "--json", "-p")
    assert program(*words, "image=first.png").json["uploads"] == [
        {"path": "first.png", "node_id": "1", "input": "image"}
    ]
    assert program(*words, "image=./second.png").code == 2


def test_a_workflow_on_the_simulator(program: Program, workflow: Path) -> None:
    """--simulate needs no server; the answer is one object."""
    told = program("run", workflow, "--param", "height=80", "--simulate", "--json", "--out", "one.png").json
    assert told["files"] == ["one.png"]
    assert (told["preset"], told["simulated"]) == (None, True)


def test_no_wait(program: Program, folder: Path, server: str, workflow: Path) -> None:
    """--no-wait queues the workflow and prints its id; the file comes by that id."""
    code, out, err = program("run", workflow, "-p", "height=80", "--server", server, "--no-wait")
    assert (code, len(out.strip())) == (0, 36), err
    assert f"comfy-headless jobs fetch {out.strip()} --server {server}" in err
    fetched = program("jobs", "fetch", out.strip(), "--server", server, "--out", "late.png")
    assert fetched.out == "late.png\n"
    assert image_size(folder / "late.png") == (64, 80)
    code, _, err = program("run", workflow, "--server", server, "--no-wait", "--timeout", "3")
    assert (code, "--no-wait and --timeout" in err) == (2, True)


@pytest.mark.slow
def test_strict(program: Program) -> None:
    """--strict makes an error of what the look finds, and the file is kept."""
    assert program("compile", "--preset", "wan_5b", "x", "--frames", "9", "--out", "graph.json").code == 0
    with Simulator(faults=[SpoilOutput("noise")]) as simulator:
        words = ("run", "graph.json", "--server", simulator.url, "--out", "clip.mp4", "--strict")
        code, out, err = program(*words)
        assert (code, out) == (1, "")
        assert "error: clip.mp4 is made and kept, but looks wrong:\n" in err
        assert probe(Path("clip.mp4")).frames == 9
        assert program(*words, "--overwrite", "-p", "seed=9").code == 0


def test_previews_are_told(program: Program, folder: Path, server: str) -> None:
    """They are not brought here; where they lie is said beside what was saved."""
    shown = {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}}
    (folder / "both.json").write_text(json.dumps({**WORKFLOW, "3": shown}))
    code, out, err = program("run", "both.json", "-p", "height=80", "--server", server)
    assert (code, len(out.splitlines())) == (0, 1)
    assert re.search(rf"^previews made beside, which are not brought here: {server}\S+$", err, re.MULTILINE), err


def test_a_folder_is_made_for_files_alone(program: Program, folder: Path, workflow: Path) -> None:
    """Where no server answers, none is left behind."""
    words = ("run", workflow, "-p", "height=80", "--server", "127.0.0.1:9", "--out", "new/deep/")
    assert program(*words).code == 3
    assert not (folder / "new").exists()


def test_an_upload(program: Program, folder: Path, server: str) -> None:
    """An upload marker takes the path of a file."""
    graph = {
        "1": {"class_type": "LoadImage", "inputs": {"image": "none.png"}, "_meta": {"title": "$~image!"}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "copy"}},
    }
    (folder / "copy.json").write_text(json.dumps(graph))
    draw(folder / "first.png")
    code, out, err = program("run", "copy.json", "--param", "image=first.png", "--server", server)
    assert code == 0, err
    assert image_size(Path(out.strip())) == (320, 192)


@pytest.mark.slow
def test_a_compiled_graph_runs(program: Program, server: str) -> None:
    """What `compile` writes, `run` runs."""
    assert program("compile", "--preset", "wan_5b", "x", "--frames", "9", "--out", "graph.json").code == 0
    words = ("run", "graph.json", "--server", server, "--out")
    code, out, err = program(*words, "clip.mp4")
    assert (code, out) == (0, "clip.mp4\n"), err
    code, out, err = program(*words, "other.mp4", "-p", "frames=13", "-p", "fps=12", "-p", "width=320", "-p", "seed=7")
    assert (code, out) == (0, "other.mp4\n"), err
    assert re.search(r"^done in \d+\.\d s: seed 7$", err, re.MULTILINE), err
    assert probe(Path("other.mp4")).frames == 13
    told = program(*words, "third.mp4", "-p", "seed=-1", "-p", "frames=5", "--json").json
    assert told["seed"] == told["settings"]["seed"] > 0
    assert told["settings"]["frames"] == 5


def test_a_workflow_of_the_server(program: Program, folder: Path, server: str) -> None:
    """What somebody saved in the browser runs by its name."""
    with ComfyClient(server) as client:
        client.store_userdata("workflows/portrait.json", json.dumps(DRAWN), overwrite=True)
    code, out, err = program("run", "server:portrait", "-p", "width=80", "--server", server)
    assert code == 0, err
    assert image_size(Path(out.strip())) == (80, 48)
    code, _, err = program("run", "server:potrait", "--server", server)
    assert code == 2 and "did you mean 'portrait'?" in err


def test_names_that_do_something_to_a_terminal(program: Program, folder: Path) -> None:
    """What a workflow of somebody else's is called is shown, and not obeyed."""
    (folder / "odd.json").write_text(json.dumps({**DRAWN, "nodes": [{"id": 1, "type": "\x1b[2JX"}]}))
    code, _, err = program("check", "odd.json", "--offline")
    assert code == 2 and r"node 1 (\x1b[2JX)" in err and "\x1b" not in err


@pytest.mark.slow
def test_a_workflow_from_stdin(folder: Path, server: str) -> None:
    """What is piped in is a workflow too, of any kind; where nothing is, that is said."""
    for piped in (json.dumps(DRAWN).encode(), png({"prompt": WORKFLOW})):
        words = [*COMMAND, "check", "-", "--server", server]
        done = subprocess.run(words, input=piped, capture_output=True, cwd=folder, env=environment(), timeout=60)
        assert (done.returncode, b"end the job" in done.stdout) == (0, False), done.stderr
    done = subprocess.run(
        [*COMMAND, "run", "-"], stdin=subprocess.DEVNULL, capture_output=True, cwd=folder, env=environment(), timeout=60
    )
    assert done.returncode == 2 and b"standard input is empty" in done.stderr


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("required and not given: 'height'", []),
        ("has no parameter 'heigth'; did you mean 'height'?", ["-p", "heigth=3"]),
        ("expected a whole number", ["-p", "height=tall"]),
        ("expected NAME=VALUE", ["-p", "height"]),
        ("is given twice", ["-p", "height=1", "-p", "height=2"]),
        ("the server will make .png, not .mp4", ["-p", "height=80", "--out", "x.mp4"]),
    ],
)
def test_wrong_use(program: Program, workflow: Path, message: str, words: list[str]) -> None:
    """What is wrong is said before anything is sent."""
    code, out, err = program("run", workflow, *words, "--server", "http://127.0.0.1:9")
    assert (code, out) == (2, "")
    assert message in err


@pytest.mark.parametrize(
    ("message", "text"),
    [("No such file", None), ("JSON", "{"), ("has no nodes", json.dumps({"nodes": [], "links": []}))],
)
def test_no_workflow(program: Program, folder: Path, message: str, text: str | None) -> None:
    """A file that is missing, not JSON, or holds nothing is told apart."""
    if text is not None:
        (folder / "odd.json").write_text(text)
    code, _, err = program("run", "odd.json", "--server", "http://127.0.0.1:9")
    assert code == 2
    assert message in err
