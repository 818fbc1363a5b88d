"""The order of nodes, and what counts as unchanged."""

from __future__ import annotations

from comfy_headless.simulator.order import Agenda, Graph, is_link, signatures
from tests.simulator.talk import node, sampler_graph, video_graph


def walk(graph: Graph, outputs: list[str], done: frozenset[str] = frozenset()) -> list[str]:
    """Return the nodes in the order in which they run."""
    agenda = Agenda(graph, outputs, done, lambda name: name.startswith("Save"))
    order = []
    while (node_id := agenda.pick()) is not None:
        order.append(node_id)
    return order


def test_nodes_run_after_what_they_need_and_outputs_as_soon_as_they_can() -> None:
    """A node that feeds an output goes before one that does not; unneeded nodes do not run."""
    graph = {
        **video_graph(),
        "4": node("SaveImage", images=["1", 0]),
        "5": node("EmptyImage"),
    }
    assert walk(graph, ["3", "4"]) == ["1", "4", "2", "3"]
    assert walk(graph, ["3"]) == ["1", "2", "3"]
    full = walk(sampler_graph(), ["8"])
    assert sorted(full) == [str(number) for number in range(1, 9)]
    assert full[0] in ("1", "4")
    assert full[-4:] == ["5", "6", "7", "8"]


def test_what_is_done_is_not_run_again() -> None:
    """Only the part behind the last known result runs; an output that is known is still picked."""
    assert walk(video_graph(), ["3"], frozenset({"1", "2"})) == ["3"]
    assert walk(video_graph(), ["3"], frozenset({"1", "2", "3"})) == ["3"]


def test_two_wires_between_two_nodes_count_once() -> None:
    """A node that uses two outputs of another waits for it once."""
    graph = {"1": node("Two"), "2": node("SaveImage", images=["1", 0], mask=["1", 1])}
    assert walk(graph, ["2"]) == ["1", "2"]


def test_a_signature_covers_all_that_a_node_depends_on() -> None:
    """Another value upstream changes every node below it, another id or title none."""
    first = signatures(video_graph(), lambda *_: None)
    assert signatures(video_graph(), lambda *_: None) == first
    other = signatures(video_graph(color=1), lambda *_: None)
    assert [name for name in first if first[name] == other[name]] == []
    later = signatures(video_graph(fps=9.0), lambda *_: None)
    assert [name for name in first if first[name] == later[name]] == ["1"]
    renamed = {f"n{name}": {**part, "_meta": {"title": "x"}} for name, part in video_graph().items()}
    renamed["n2"]["inputs"] = {**renamed["n2"]["inputs"], "images": ["n1", 0]}
    assert signatures(renamed, lambda *_: None)["n2"] == first["2"]
    assert signatures(video_graph(), lambda node_id, _: node_id)["1"] != first["1"]


def test_a_link_is_a_list_of_id_and_slot() -> None:
    """What the server follows as a link, and what it takes as a value."""
    assert [is_link(value) for value in (["1", 0], ["1", 0.0], [1, 0], ["1"], ["1", "0"], ["1", True], "1", None)] == [
        *[True] * 2,
        *[False] * 6,
    ]
