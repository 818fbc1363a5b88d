"""Rules of what a server takes and then fails over, changes or drops. Measured on a real one in tests/conformance."""

from __future__ import annotations

from typing import Any

import pytest

from comfy_headless.graph.check import Report, check
from comfy_headless.graph.kinds import FATAL_KINDS, KINDS

Graph = dict[str, Any]

IMAGE = {"class_type": "EmptyImage", "inputs": {"width": 16, "height": 16, "batch_size": 1, "color": 0}}
SAVE = {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}}


def _with(node: Graph, **inputs: Any) -> Graph:
    return {**node, "inputs": {**node["inputs"], **inputs}}


def _codec(**inputs: Any) -> Graph:
    video = {"class_type": "CreateVideo", "inputs": {"images": ["1", 0], "fps": 4.0}}
    save = {
        "class_type": "SaveVideo",
        "inputs": {"video": ["2", 0], "filename_prefix": "x", "format": "auto", **inputs},
    }
    return {"1": IMAGE, "2": video, "3": save}


def _found(report: Report) -> list[tuple[str | None, str, str | None]]:
    assert report.status == 200 and report.accepted and not any(problem.refused for problem in report.problems)
    assert all(problem.kind in KINDS and problem.message == KINDS[problem.kind].meaning for problem in report.problems)
    return [(problem.node_id, problem.kind, problem.input) for problem in report.problems]


@pytest.mark.parametrize(
    ("graph", "found"),
    [
        (_codec(), [("3", "dynamic_choice_missing", "codec")]),
        (_codec(codec="h265"), [("3", "dynamic_choice_unknown", "codec")]),
        (_codec(codec=["1", 0]), [("3", "dynamic_choice_unknown", "codec")]),
        (_codec(**{"codec": "h264", "codec.encoding": "fast"}), [("3", "dynamic_choice_ignored", "codec.encoding")]),
        (_codec(codec="h264"), []),
        ({"1": _with(IMAGE, seed=3), "3": SAVE}, [("1", "unknown_input", "seed")]),
        ({"1": IMAGE, "3": _with(SAVE, prompt="x")}, []),
        ({"1": _with(IMAGE, upload="image"), "3": SAVE}, []),
        ({"1": IMAGE, "2": IMAGE, "3": SAVE}, [("2", "node_unused", None)]),
        ({"1": IMAGE, "2": IMAGE, "3": _with(SAVE, mask=["2", 0])}, [("3", "unknown_input", "mask")]),
        ({"1": _with(IMAGE, width=63.7), "3": SAVE}, [("1", "value_changed", "width")]),
        ({"1": _with(IMAGE, width=64.0), "3": SAVE}, []),
        ({"1": IMAGE, "3": _with(SAVE, filename_prefix=None)}, [("3", "value_changed", "filename_prefix")]),
        ({"1": IMAGE, "3": _with(SAVE, filename_prefix=7)}, []),
        ({"3": _with(SAVE, images="a.png")}, [("3", "link_expected", "images")]),
        ({"1": IMAGE, "3": SAVE, "4": _with(SAVE, images=None)}, [("4", "link_expected", "images")]),
        ({"1": IMAGE, "3": _with(SAVE, mask=["9", 0])}, [("3", "link_to_absent_node", "mask")]),
        ({"1": IMAGE, "3": SAVE, "4": {"class_type": "EmptyImage"}}, [("4", "node_without_inputs", None)]),
    ],
)
def test_what_the_server_does_not_say(graph: Graph, found: list[tuple[str | None, str, str | None]]) -> None:
    """Each is found on its node and input, and leaves the server's verdict alone."""
    assert _found(check(graph)) == found


def test_text_for_a_switch_is_always_true() -> None:
    """A switch given as text is on, also for "false": that is said."""
    graph = {
        "1": {"class_type": "PrimitiveBoolean", "inputs": {"value": "false"}},
        "2": {"class_type": "PreviewAny", "inputs": {"source": ["1", 0]}},
    }
    report = check(graph)
    assert _found(report) == [("1", "value_changed", "value")]
    assert report.problems[0].details == "value: 'false' becomes True"


def test_a_misspelt_input_is_named_with_the_right_one() -> None:
    """An unknown input that resembles a known one says which."""
    report = check({"1": _with(IMAGE, widht=8), "3": SAVE})
    assert report.problems[0].details == "widht; did you mean 'width'?"
    assert (
        str(report.problems[0])
        == "node 1 (EmptyImage): The node has no such input; the server ignores it: widht; did you mean 'width'?"
    )


def test_unknown_inputs_of_packs_are_not_judged() -> None:
    """A custom class may take inputs that its schema does not list, so nothing is said of them."""
    info = {"Own": {"input": {}, "output": [], "output_node": True, "python_module": "custom_nodes.own"}}
    assert check({"1": {"class_type": "Own", "inputs": {"anything": 1}}}, info).ok


def test_refusals_come_with_what_is_unnoticed() -> None:
    """A refused graph is looked through as well, so that all is mended at once."""
    kinds = [
        (problem.kind, problem.refused) for problem in check({"1": _with(IMAGE, width=0, seed=1), "3": SAVE}).problems
    ]
    assert kinds == [("value_smaller_than_min", True), ("unknown_input", False)]


def test_fatal_kinds_are_kinds() -> None:
    """What ends the server's worker is among the kinds."""
    assert KINDS.keys() >= FATAL_KINDS
