"""What ComfyKit 0.1.12 does with titles, parameters, files, results and clouds, case by case, and what is done here.

``cases.json`` is one table: each line is a case that was run with ComfyKit against a fake server (``comfykit``: its
result or error), with the outcome here (``ours``): the same, or a better one. ``module`` is the test module that runs
it. ``SERVER`` stands for the address of the fake server, ``<random63>`` for a drawn number, ``<cwd>`` for the current
folder.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

_TABLE = Path(__file__).with_name("cases.json")


class Case(NamedTuple):
    """One case.

    Args:
        given: what it is about: graph, workflow, file, url, params, executor, kit, env, server, steps, as.
        comfykit: what ComfyKit gave: a result, or an error as text.
        ours: what is to come out here: ``says`` in words, or data that the test module reads.
    """

    id: str
    module: str
    given: dict[str, Any]
    comfykit: Any
    ours: dict[str, Any]

    @property
    def graph(self) -> Any:
        """The graph that it is about, a copy."""
        return json.loads(json.dumps(self.given["graph"]))


@cache
def table() -> dict[str, Case]:
    """All cases by id."""
    raw = json.loads(_TABLE.read_text(encoding="utf-8"))
    cases = {}
    for line in raw["cases"]:
        about = ("id", "module", "comfykit", "ours")
        given = {name: value for name, value in line.items() if name not in about}
        if isinstance(given.get("graph"), str):
            given["graph"] = raw["graphs"][given["graph"]]
        cases[line["id"]] = Case(line["id"], line["module"], given, line["comfykit"], line["ours"])
    return cases


def cases_of(file: str) -> dict[str, Case]:
    """The cases of one test module, by id.

    Args:
        file: its ``__file__``.
    """
    name = Path(file).relative_to(Path(__file__).parents[2]).as_posix()
    return {case.id: case for case in table().values() if case.module == name}
