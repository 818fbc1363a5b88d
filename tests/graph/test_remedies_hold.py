"""Whatever is wrong with a graph, and however it came about: what the remedies say mends it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from comfy_headless.graph.check import check
from comfy_headless.graph.schemas import Schemas
from tests.conformance.check_breaks import BREAKS
from tests.conformance.check_corpus import broken_graphs
from tests.conformance.check_graphs import base_graphs
from tests.graph.test_remedies import pasted

ROUNDS = 6
"""So often a mended graph is looked at again: a class that is put in may lack inputs, and these their links."""


@pytest.mark.slow
@pytest.mark.parametrize("way", BREAKS)
def test_pasting_what_is_said_mends_a_graph(way: str) -> None:
    """Each line is Python that runs; in the end no job fails, or what is left says in words what must be brought."""
    schemas = Schemas.snapshot()
    for case in broken_graphs(base_graphs(), schemas):
        if case.way != way:
            continue
        graph: Any = case.graph
        report = check(graph, schemas)
        for _ in range(ROUNDS):
            if not report.fails or json.dumps(pasted(graph, report)) == json.dumps(graph):
                break
            graph = pasted(graph, report)
            report = check(graph, schemas)
        left = report.of("refused", "fails")
        assert all(each.remedy and not each.remedy.startswith(("graph[", "del ")) for each in left), (
            f"{case.name}: {report}"
        )
