"""Rules of the verdict on a graph. tests/conformance/test_check_verdict.py compares it with the server's own."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from comfy_headless.graph.check import Problem, Report, check
from comfy_headless.graph.schemas import Schemas

Graph = dict[str, Any]

PICTURE: Graph = {
    "1": {"class_type": "EmptyImage", "inputs": {"width": 16, "height": 16, "batch_size": 1, "color": 0}},
    "2": {
        "class_type": "ImageScale",
        "inputs": {"image": ["1", 0], "upscale_method": "area", "width": 8, "height": 8, "crop": "disabled"},
        "_meta": {"title": "Shrink"},
    },
    "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "x"}},
}


def _picture(node_id: str, **inputs: Any) -> Graph:
    graph = copy.deepcopy(PICTURE)
    graph[node_id]["inputs"].update(inputs)
    return graph


def _only(report: Report) -> Problem:
    assert len(report.problems) == 1, str(report)
    return report.problems[0]


def test_whole_graph_is_ok() -> None:
    """A graph that the server runs without loss has no problem, and its outputs are accepted."""
    report = check(PICTURE)
    assert report.ok and not report.refused and report.status == 200
    assert report.accepted == ("3",) and report.error is None and report.node_errors == {}
    assert str(report) == "no problem"


def test_graph_is_left_alone_and_the_cast_one_returned() -> None:
    """Checking changes nothing in the caller's graph; ``report.graph`` has the values as the node gets them."""
    graph = _picture("1", width="12", color={"__value__": 3})
    before = json.dumps(graph)
    report = check(graph)
    assert json.dumps(graph) == before and report.ok
    assert report.graph["1"]["inputs"] == {"width": 12, "height": 16, "batch_size": 1, "color": 3}


def test_missing_class_names_every_node() -> None:
    """The server's error is about the first missing class; the problems name all of them."""
    graph = {
        **_picture("1"),
        "8": {"class_type": "Gone", "inputs": {}, "_meta": {"title": "Mine"}},
        "9": {"inputs": {}},
    }
    report = check(graph)
    assert report.status == 400 and report.error == {
        "type": "missing_node_type",
        "message": "Node 'Mine' not found. The custom node may not be installed.",
        "details": "Node ID '#8'",
        "extra_info": {"node_id": "8", "class_type": "Gone", "node_title": "Mine"},
    }
    assert [(p.node_id, p.class_type, p.kind) for p in report.problems] == [
        ("8", "Gone", "missing_node_type"),
        ("9", None, "missing_node_type"),
    ]
    assert "Node 'ID #9' has no class_type." in report.problems[1].message


@pytest.mark.parametrize("graph", [{}, {"1": PICTURE["1"]}])
def test_no_outputs(graph: Graph) -> None:
    """A graph in which nothing saves or shows is refused as a whole."""
    report = check(graph)
    assert report.error is not None and report.error["type"] == "prompt_no_outputs"
    assert report.problems[0].kind == "prompt_no_outputs" and report.problems[0].node_id is None


@pytest.mark.parametrize(
    ("node_id", "inputs", "kind", "message", "details"),
    [
        (
            "2",
            {"crop": "corner"},
            "value_not_in_list",
            "Value not in list",
            "crop: 'corner' not in ['disabled', 'center']",
        ),
        ("1", {"width": 0}, "value_smaller_than_min", "Value 0 smaller than min of 1", "width"),
        ("1", {"width": 16385}, "value_bigger_than_max", "Value 16385 bigger than max of 16384", "width"),
        (
            "1",
            {"width": "wide"},
            "invalid_input_type",
            "Failed to convert an input value to a INT value",
            "width, wide, invalid literal for int() with base 10: 'wide'",
        ),
        (
            "2",
            {"image": ["1"]},
            "bad_linked_input",
            "Bad linked input, must be a length-2 list of [node_id, slot_index]",
            "image",
        ),
        (
            "2",
            {"width": ["1", 0]},
            "return_type_mismatch",
            "Return type mismatch between linked nodes",
            "width, received_type(IMAGE) mismatch input_type(INT)",
        ),
        ("3", {"images": ["9", 0]}, "exception_during_validation", "Exception when validating node", "'9'"),
        (
            "3",
            {"images": ["2", 4]},
            "exception_during_validation",
            "Exception when validating node",
            "tuple index out of range",
        ),
        ("2", {"image": ["9", 0]}, "exception_during_inner_validation", "Exception when validating inner node", "'9'"),
        ("2", {"image": ["2", 0]}, "dependency_cycle", "Dependency cycle detected", "2 (ImageScale) -> 2 (ImageScale)"),
    ],
)
def test_refusals_are_in_the_servers_words(node_id: str, inputs: Graph, kind: str, message: str, details: str) -> None:
    """Every refusal has the server's type, message and details, on the node that it is about."""
    report = check(_picture(node_id, **inputs))
    assert report.refused and report.error is not None
    assert report.error["type"] == "prompt_outputs_failed_validation"
    problem = _only(report)
    assert (problem.node_id, problem.kind, problem.message, problem.details) == (node_id, kind, message, details)
    assert problem.refused and report.node_errors[node_id]["dependent_outputs"] == ["3"]
    assert report.error["details"] == (f"{message}: {details}" if node_id == "3" else "")


def test_required_input_missing_in_full() -> None:
    """The body of a refusal has the server's shape to the last key."""
    graph = _picture("2")
    del graph["2"]["inputs"]["crop"]
    report = check(graph)
    assert report.node_errors == {
        "2": {
            "errors": [
                {
                    "type": "required_input_missing",
                    "message": "Required input is missing",
                    "details": "crop",
                    "extra_info": {"input_name": "crop"},
                }
            ],
            "dependent_outputs": ["3"],
            "class_type": "ImageScale",
        }
    }
    problem = _only(report)
    assert problem.input == "crop" and str(problem) == "node 2 (ImageScale): Required input is missing: crop"


def test_long_lists_are_not_repeated() -> None:
    """A list of more than 20 choices is counted, and the input's schema left out, as the server does."""
    schemas = Schemas.snapshot().with_files({"vae": [f"{n}.safetensors" for n in range(30)]})
    graph = {
        "1": {"class_type": "VAELoader", "inputs": {"vae_name": "x.safetensors"}},
        "2": {"class_type": "PreviewAny", "inputs": {"source": ["1", 0]}},
    }
    problem = _only(check(graph, schemas))
    assert problem.details == "vae_name: 'x.safetensors' not in (list of length 31)"
    assert problem.extra_info["input_config"] is None
    assert check(graph).ok


def test_one_bad_output_of_two_is_dropped() -> None:
    """One good output is enough for a 200; what the bad one lacks stands in node_errors, and is refused."""
    graph = {**_picture("1"), "4": {"class_type": "PreviewImage", "inputs": {}}}
    report = check(graph)
    assert report.status == 200 and report.error is None and not report.refused and not report.ok
    assert report.accepted == ("3",) and list(report.node_errors) == ["4"]
    assert _only(report).refused


def test_partial_execution_targets() -> None:
    """Only the outputs that the request keeps are judged; none left is no output."""
    graph = {**_picture("1"), "4": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}}}
    assert check(graph, partial_execution_targets=["4"]).accepted == ("4",)
    error = check(graph, partial_execution_targets=["2"]).error
    assert error is not None and error["type"] == "prompt_no_outputs"


def test_errors_of_shared_nodes_list_every_output() -> None:
    """A bad node above two outputs is reported once, with both."""
    graph = {**_picture("1", width=0), "4": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}}}
    report = check(graph)
    assert report.node_errors["1"]["dependent_outputs"] == ["3", "4"] and len(report.problems) == 1


@pytest.mark.parametrize(
    "graph",
    [[], None, 3, "text", {"1": 3}, {"nodes": [], "version": 0.4}, {"1": {"class_type": "SaveImage", "inputs": []}}],
)
def test_what_is_no_graph(graph: Any) -> None:
    """What is no API-format graph at all is a problem, not an exception; the server answers 500."""
    report = check(graph)
    assert report.status == 500 and report.refused and report.accepted == ()
    assert _only(report).kind == "not_a_graph"


def test_node_ids_and_links_of_python() -> None:
    """Integer node ids and tuple links are read as JSON would carry them."""
    graph = {
        1: PICTURE["1"],
        3: {"class_type": "SaveImage", "inputs": {"images": ("1", 0), "filename_prefix": "x"}},
    }
    assert check(graph).accepted == ("3",)  # type: ignore[arg-type]
    graph_of_text = {"1": PICTURE["1"], "3": graph[3]}
    assert check(graph_of_text).ok


def test_live_object_info_is_taken_as_it_is() -> None:
    """A server's own schemas decide: a class, a choice or an input that it does not have is refused."""
    info = {name: Schemas.snapshot().raw(name) for name in ("EmptyImage", "SaveImage")}
    report = check(PICTURE, info)
    assert _only(report).class_type == "ImageScale" and _only(report).kind == "missing_node_type"


def test_types_of_a_union_fit_by_one_member() -> None:
    """A wire fits if one member of a union is common, and ``*`` fits all."""
    info = {
        "Source": {"input": {}, "output": ["INT,FLOAT", "*", "MASK", ["a", "b"]], "python_module": "custom_nodes.x"},
        "Sink": {
            "input": {"required": {"value": ["FLOAT,STRING", {}]}},
            "output": [],
            "output_node": True,
            "python_module": "custom_nodes.x",
        },
    }

    def kinds(slot: int) -> list[str]:
        nodes = {
            "1": {"class_type": "Source", "inputs": {}},
            "2": {"class_type": "Sink", "inputs": {"value": ["1", slot]}},
        }
        return [problem.kind for problem in check(nodes, info).problems]

    assert [kinds(slot) for slot in range(4)] == [[], [], ["return_type_mismatch"], ["return_type_mismatch"]]


def test_a_thousand_nodes_in_a_row_are_too_many() -> None:
    """The server calls itself for each node of a row, and Python ends that; a wide graph may have as many nodes."""
    save = {"class_type": "SaveImage", "inputs": {"images": ["0", 0], "filename_prefix": "x"}}
    image = PICTURE["1"]
    row = {str(n): {"class_type": "ImageInvert", "inputs": {"image": [str(n + 1), 0]}} for n in range(1100)}
    long = _only(check({"save": save, **row, "1100": image}))
    assert long.refused and long.extra_info["exception_type"] == "RecursionError"
    assert check({"save": save, **{str(n): row[str(n)] for n in range(900)}, "900": image}).ok
    wide = {f"{n} saved": {**save, "inputs": {**save["inputs"], "images": [str(n), 0]}} for n in range(1100)}
    assert check({**wide, **{str(n): image for n in range(1100)}}).ok
