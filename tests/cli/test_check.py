"""`check`: what would go wrong, a line for each problem, its remedy below, and the exit code."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from comfy_headless.graph.kinds import KINDS
from comfy_headless.simulator import Simulator
from tests.cli.program import ROOT, Program, draw
from tests.cli.schemas import checked

GRAPH: dict[str, Any] = {
    "1": {"class_type": "EmptyImage", "inputs": {"width": 16, "height": 16, "batch_size": 1, "color": 0}},
    "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}},
}

LOADS: dict[str, Any] = {
    "1": {"class_type": "LoadImage", "inputs": {"image": "x.png"}, "_meta": {"title": "$~image"}},
    "2": GRAPH["2"],
}


def written(folder: Path, **inputs: Any) -> str:
    """The name of a file with the graph, changed."""
    graph = copy.deepcopy(GRAPH)
    graph["1"]["inputs"].update(inputs)
    (folder / "graph.json").write_text(json.dumps(graph))
    return "graph.json"


def test_nothing_is_wrong(program: Program, folder: Path, server: str) -> None:
    """A whole workflow, or preset, is exit code 0, and the line says what was asked."""
    assert program("check", written(folder), "--server", server) == (0, f"no problem (for {server})\n", "")
    assert program("check", "--preset", "wan_5b", "--server", server).out == f"no problem (for {server})\n"
    offline = program("check", "--preset", "wan_5b", "--offline")
    assert (offline.code, offline.out) == (0, "no problem (by ComfyUI 0.30.0's own nodes, no server asked)\n")


def test_a_warning_is_no_failure(program: Program, folder: Path) -> None:
    """What only may go wrong, or does no harm, leaves the exit code 0."""
    ran = program("check", written(folder, seed=3), "--offline")
    assert ran.code == 0 and ran.out.splitlines() == [
        "warning: node 1 (EmptyImage): The node has no such input; the server ignores it: seed",
        '    del graph["1"]["inputs"]["seed"]',
        "1 warning (by ComfyUI 0.30.0's own nodes, no server asked)",
    ]


def test_what_ends_a_job(program: Program, folder: Path) -> None:
    """What the server refuses is exit code 1, each problem with what to do below it."""
    ran = program("check", written(folder, width=0, height=-4), "--offline")
    assert ran.code == 1 and ran.err == ""
    assert ran.out.splitlines() == [
        "refused: node 1 (EmptyImage): Value 0 smaller than min of 1: width",
        '    graph["1"]["inputs"]["width"] = 1  # the least that it takes; the most is 16384',
        "refused: node 1 (EmptyImage): Value -4 smaller than min of 1: height",
        '    graph["1"]["inputs"]["height"] = 1  # the least that it takes; the most is 16384',
        "2 problems would end the job (by ComfyUI 0.30.0's own nodes, no server asked)",
        "A server stops at such a thing and looks at nothing behind it: check again once it is mended.",
    ]


def test_it_asks_what_generate_takes(program: Program, folder: Path) -> None:
    """Images, prompt and seed are options here too, --untested helps as its error says, and files are looked at."""
    (folder / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    asked = ("check", "--preset", "wan_5b", "--offline", "--negative-prompt", "fog", "--seed", "7", "--frames", "601")
    assert "(--untested)" in program(*asked).err
    assert program(*asked, "--untested", "--image", "a.png").code == 0
    flf2v = ("check", "--preset", "wan_flf2v", "--offline")
    assert "last_image='b.png': No such file" in program(*flf2v, "--last-image", "b.png").err
    assert "--untested: that is for a preset" in program("check", written(folder), "--untested", "--offline").err
    assert "seed=7: that is no argument" in program("check", written(folder), "--seed", "7", "--offline").err
    (folder / "loads.json").write_text(json.dumps(LOADS))
    loads = ("check", "loads.json", "--offline", "--image")
    assert program(*loads, "a.png").code == 0
    assert "image='b.png': No such file" in program(*loads, "b.png").err


def test_a_remedy_is_said_once(program: Program) -> None:
    """Several nodes of one missing pack are told one by one, and the pack once."""
    with Simulator(packs=()) as simulator:
        ran = program("check", "--preset", "cogvideo", "--server", simulator.url)
    assert ran.code == 1 and ran.out.count("git clone") == 1 and ran.out.count("\nrefused: ") > 2


def test_as_json(program: Program, folder: Path) -> None:
    """--json gives the report as one object, with the exit code of the report."""
    ran = program("check", written(folder, width=0), "--offline", "--json")
    told = checked("check.schema.json", ran.out)
    assert (ran.code, told["server"], told["workflow"], told["fails"]) == (1, None, "graph.json", True)
    assert told["problems"][0]["remedy"].startswith('graph["1"]["inputs"]["width"] = 1')


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["check"], 2, "nothing to check"),
        (["check", "none.json"], 2, "none.json"),
        (["check", "--preset", "wan5b", "--offline"], 2, "did you mean"),
        (["check", "--preset", "wan_5b", "--frames", "3.5"], 2, "3.5"),
        (["check", "--preset", "wan_5b", "--offline", "--simulate"], 2, "--offline and --simulate: give one of them"),
        (
            ["check", "--preset", "wan_5b", "--offline", "--server", "http://x:p@h"],
            2,
            "--offline and --server http://***@h",
        ),
        (["check", "--preset", "wan_5b", "--server", "http://127.0.0.1:9"], 3, "no ComfyUI answers"),
    ],
)
def test_what_cannot_be_checked(words: list[str], code: int, said: str, program: Program) -> None:
    """Wrong use is exit code 2, a server that is not there 3, each in words."""
    ran = program(*words)
    assert ran.code == code and said in ran.err


def test_values_for_markers(program: Program, folder: Path) -> None:
    """--param fills a marker before the workflow is checked."""
    graph = copy.deepcopy(GRAPH)
    graph["1"]["_meta"] = {"title": "$width.width"}
    (folder / "marked.json").write_text(json.dumps(graph))
    assert program("check", "marked.json", "--param", "width=64", "--offline").code == 0
    assert program("check", "marked.json", "--param", "width=0", "--offline").code == 2


def test_the_kinds_are_documented() -> None:
    """docs/check.md lists every kind that the server accepts, with its severity and meaning."""
    page = (ROOT / "docs" / "check.md").read_text(encoding="utf-8")
    rows = [f"| `{name}` | `{kind.severity}` | {kind.meaning} |" for name, kind in KINDS.items()]
    table = [line for line in page.splitlines() if line.startswith("| `") and line.count("|") == 4]
    assert [line for line in table if line.split("`")[1] not in ("refused", "fails", "warning", "note")] == rows


def test_a_parameter_is_named(program: Program, folder: Path, server: str) -> None:
    """What a marker fills is mended by its parameter; one that must be given is said, and does no harm by itself."""
    graph = {
        "1": {"class_type": "LoadImage", "inputs": {"image": "none.png"}, "_meta": {"title": "$~photo"}},
        "2": {"class_type": "ImageScale", "_meta": {"title": "$width!"}},
        "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "x"}},
    }
    scaled = {"image": ["1", 0], "upscale_method": "area", "width": 64, "height": 64, "crop": "disabled"}
    (folder / "sub.json").write_text(json.dumps({**graph, "2": {**graph["2"], "inputs": scaled}}))
    code, out, _ = program("check", "sub.json", "--server", server)
    assert code == 1
    assert "\n    give a file as the parameter photo: --param photo=FILE, or photo=..." in out
    assert "note: The workflow does not run without a value for this parameter: width\n" in out
    draw(folder / "first.png")
    assert program("check", "sub.json", "--server", server, "-p", "photo=first.png", "-p", "width=96").code == 0
    code, _, err = program("run", "sub.json", "--server", server, "-p", "width=96")
    assert (code, "--param photo=FILE" in err) == (4, True)
