"""`check` against a real ComfyUI: the same verdict on every graph of the corpus, whole or broken in every way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from comfy_headless.catalog.compiler import compile_workflow
from comfy_headless.catalog.presets import VIDEO_PRESETS
from comfy_headless.graph.check import check
from comfy_headless.graph.file_inputs import FILE_INPUTS
from comfy_headless.graph.kinds import FATAL_KINDS
from comfy_headless.graph.schemas import Schemas

from .check_corpus import all_cases, broken_graphs, class_graphs, mixed_graphs
from .check_graphs import Graph, empty_image, node, row, save
from .check_run import Figures, blocked, compare_all, wait_for
from .check_whole import IMAGES
from .comfyui.weights import Folders

SAVER = {"SaveImage": Schemas.snapshot().raw("SaveImage")}


@pytest.fixture(scope="module")
def client(real_server: str) -> Iterator[httpx.Client]:
    """A connection to the real server."""
    with httpx.Client(base_url=real_server, timeout=60, trust_env=False) as connected:
        yield connected


@pytest.fixture(scope="module")
def live(client: httpx.Client) -> Schemas:
    """What the real server has, as it says itself."""
    return Schemas.from_object_info(client.get("/object_info").json())


@pytest.fixture(scope="module")
def shipped(live: Schemas) -> Schemas:
    """The shipped snapshot, with the files of the real server."""
    found = {key: live[key[0]].input(key[1]) for key in FILE_INPUTS if key[0] in live}
    return Schemas.snapshot().with_choices({key: item.choices or () for key, item in found.items() if item})


def preset_graphs() -> dict[str, Graph]:
    """Return the graph of every template, by the first preset that has it: others have the same nodes and wires."""
    found: dict[str, Graph] = {}
    for name, preset in VIDEO_PRESETS.items():
        for task, template in preset.tasks.items():
            if template not in found:
                found[template] = compile_workflow(name, "a lighthouse", seed=1, **IMAGES.get(task, {}))
    return found


def _assert_equal(figures: Figures, *, at_least: int) -> None:
    assert not figures.differing, f"{len(figures.differing)} differ:\n" + "\n\n".join(figures.differing[:5])
    assert figures.equal + figures.reordered >= at_least
    assert figures.reordered < figures.equal / 4


def test_corpus_is_large_and_the_same_every_time() -> None:
    """The corpus has at least 200 graphs, breaks them in every way, and does not change from run to run."""
    schemas = Schemas.snapshot()
    cases = all_cases(schemas)
    again = all_cases(schemas)
    assert len(cases) >= 200 and json.dumps(cases) == json.dumps(again)
    reports = [check(case.graph, schemas, partial_execution_targets=case.targets) for case in cases]
    kinds = {problem.kind for report in reports for problem in report.problems if problem.refused}
    assert kinds == {
        "bad_linked_input",
        "custom_validation_failed",
        "dependency_cycle",
        "exception_during_inner_validation",
        "exception_during_validation",
        "invalid_input_type",
        "missing_node_type",
        "not_a_graph",
        "prompt_no_outputs",
        "required_input_missing",
        "return_type_mismatch",
        "value_bigger_than_max",
        "value_not_in_list",
        "value_smaller_than_min",
    }


def test_server_says_the_same_by_its_own_schemas(client: httpx.Client, live: Schemas) -> None:
    """By the server's own object_info every body is equal to the letter, and so are outputs and graph of what ran."""
    _assert_equal(compare_all(all_cases(live), client, live, exact=True), at_least=700)


def test_server_says_the_same_by_the_shipped_schemas(client: httpx.Client, shipped: Schemas) -> None:
    """By the snapshot every body is equal, but for the contents of lists and the texts that are not shipped."""
    _assert_equal(compare_all(all_cases(shipped), client, shipped, exact=False, wait=False), at_least=700)


@pytest.mark.parametrize("values", ["none", "junk"])
def test_server_says_the_same_of_every_class(values: str, client: httpx.Client, live: Schemas) -> None:
    """Every class alone, without inputs and with wrong ones, is judged as the server does."""
    _assert_equal(compare_all(class_graphs(live, values=values), client, live, exact=True, wait=False), at_least=800)


def test_server_says_the_same_of_the_presets(client: httpx.Client, live: Schemas) -> None:
    """The graph of every preset, whole and broken, is judged as the server does."""
    bases = preset_graphs()
    cases = [*broken_graphs(bases, live, rounds=1), *mixed_graphs(bases, live, 40)]
    _assert_equal(compare_all(cases, client, live, exact=True, wait=False), at_least=20 * len(bases))


def test_snapshot_is_the_servers_schemas(live: Schemas, shipped: Schemas) -> None:
    """Classes, inputs, types, ranges, choices and outputs of the snapshot are the server's own."""
    # A server without OpenGL cannot import this one class.
    assert shipped.keys() - live.keys() <= {"GLSLShader"} and not _core(live) - shipped.keys()
    for name in shipped.keys() & live.keys():
        assert shipped[name].outputs == live[name].outputs, name
        assert shipped[name].output_node == live[name].output_node, name
        own = [(i.name, i.category, i.type, i.min, i.max, _sorted(i.choices)) for i in shipped[name].inputs]
        theirs = [(i.name, i.category, i.type, i.min, i.max, _sorted(i.choices)) for i in live[name].inputs]
        assert own == theirs, name


def _core(schemas: Schemas) -> set[str]:
    return {name for name in schemas if schemas[name].core}


def _sorted(choices: tuple[Any, ...] | None) -> list[str] | None:
    return None if choices is None else sorted(map(str, choices))


def _video(**codec: Any) -> Graph:
    return {
        "1": empty_image(batch_size=2),
        "2": node("CreateVideo", images=["1", 0], fps=4.0),
        "3": node("SaveVideo", video=["2", 0], filename_prefix="check", format="auto", **codec),
    }


@pytest.mark.parametrize(
    ("kind", "graph", "ends"),
    [
        ("dynamic_choice_missing", _video(), "error"),
        ("dynamic_choice_unknown", _video(codec="h265"), "error"),
        ("dynamic_choice_ignored", _video(codec="h264", codec__encoding="fast"), "success"),
        ("link_expected", {"1": save("2") | {"inputs": {"images": "a.png", "filename_prefix": "x"}}}, "error"),
        ("link_expected", {"1": node("SaveImage", images=None, filename_prefix="x")}, "error"),
        ("node_unused", {"1": empty_image(), "2": save("1"), "3": empty_image()}, "success"),
        ("unknown_input", {"1": empty_image(stpes=3), "2": save("1")}, "success"),
        ("value_changed", {"1": empty_image(width=63.7), "2": save("1")}, "success"),
    ],
)
def test_what_the_server_does_not_say_ends_as_told(
    kind: str, graph: Graph, ends: str, client: httpx.Client, live: Schemas
) -> None:
    """What `check` finds and the server takes ends as the problem's message says."""
    assert [problem.kind for problem in check(graph, live).problems] == [kind]
    answer = client.post("/prompt", json={"prompt": graph})
    assert answer.status_code == 200 and not answer.json()["node_errors"]
    entry = wait_for(answer.json()["prompt_id"], client)
    assert entry["status"]["status_str"] == ends


@pytest.mark.parametrize("length", [900, 1100])
def test_server_cannot_walk_a_thousand_nodes_in_a_row(length: int, client: httpx.Client, live: Schemas) -> None:
    """More nodes in a row than calls of Python fit into each other are refused; where it ends, Python decides."""
    report = check(row(length), live)
    with blocked(client):
        answer = client.post("/prompt", json={"prompt": row(length)})
    assert (report.status, answer.status_code) == ((200, 200) if length < 1000 else (400, 400))
    kinds = [
        [error["extra_info"]["exception_type"] for entry in found.values() for error in entry["errors"]]
        for found in (report.node_errors, answer.json()["node_errors"])
    ]
    assert kinds[0] == kinds[1] == ([] if length < 1000 else ["RecursionError"])


def test_fatal_graphs_are_kept_back(live: Schemas) -> None:
    """What would end the server's worker is known as such, so that no test sends it."""
    fatal = [
        {"1": empty_image(), "2": save("1"), "3": {"class_type": "EmptyImage"}},
        {"1": empty_image(), "2": save("1")},
    ]
    fatal[1]["2"]["inputs"]["mask"] = ["9", 0]
    for graph in fatal:
        assert FATAL_KINDS & {problem.kind for problem in check(graph, live).problems}


@pytest.mark.parametrize("name", ["picture", "h.tga", "j.qoi", "sub\\x.png"])
def test_files_that_no_list_shows_are_taken(
    name: str, client: httpx.Client, real_server_folders: Folders | None
) -> None:
    """The server takes a file that it does not list, and a check by its lists does not refuse it."""
    if real_server_folders is None:
        pytest.skip("COMFY_HEADLESS_TEST_URL: the folders of that server are not ours")
    path = real_server_folders.input / name
    path.write_bytes(b"x")
    try:
        live = Schemas.from_object_info(client.get("/object_info/LoadImage").json() | SAVER)
        item = live["LoadImage"].input("image")
        graph = {"1": node("LoadImage", image=name), "2": save("1")}
        with blocked(client):
            answer = client.post("/prompt", json={"prompt": graph})
        assert item is not None and (name in (item.choices or ())) == name.endswith(".png")
        assert answer.status_code == 200 and check(graph, live).ok
    finally:
        path.unlink()
