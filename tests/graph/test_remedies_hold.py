"""Whatever is wrong with a graph, and however it came about: what the remedies say mends it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from comfy_headless.graph.check import check
from comfy_headless.graph.schemas import Schemas
from tests.conformance.check_breaks import BREAKS
from tests.conformance.check_corpus import Case, broken_graphs, class_graphs
from tests.conformance.check_graphs import base_graphs
from tests.graph.test_remedies import pasted

ROUNDS = 6
"""So often a mended graph is looked at again: a class that is put in may lack inputs, and these their links."""


@pytest.mark.slow
@pytest.mark.parametrize("way", BREAKS)
def test_pasting_what_is_said_mends_a_graph(way: str) -> None:
    """Each line is Python that runs; in the end no job fails, or what is left says in words what must be brought."""
    for case in broken_graphs(base_graphs(), Schemas.snapshot()):
        if case.way == way:
            _holds(case)


@pytest.mark.slow
@pytest.mark.parametrize("values", ["none", "junk"])
def test_every_class_is_mended(values: str) -> None:
    """The same for each class of ComfyUI alone, with nothing in its inputs, and with what fits no type."""
    for case in class_graphs(Schemas.snapshot(), values=values):
        _holds(case)


def _holds(case: Case) -> None:
    graph: Any = case.graph
    report = check(graph)
    for _ in range(ROUNDS):
        if not report.fails or json.dumps(pasted(graph, report)) == json.dumps(graph):
            break
        graph = pasted(graph, report)
        report = check(graph)
    left = report.of("refused", "fails")
    lines = [each for each in left if not each.remedy or each.remedy.startswith(("graph[", "del "))]
    assert lines == [], f"{case.name}: {report}"
