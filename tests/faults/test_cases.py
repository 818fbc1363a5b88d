"""Each fault ends in the file or in the right error, on both clients, with the socket and by polling."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from comfy_headless.simulator import Simulator
from tests.faults.cases import CASES
from tests.faults.clients import FAST, WAYS, Person, within

ROWS = [
    pytest.param(name, *way.values, marks=[*way.marks, *([pytest.mark.slow] * (number % 3 != place))])
    for number, name in enumerate(CASES)
    for place, way in enumerate(each for each in WAYS if not each.marks)
] + [pytest.param(name, *way.values, marks=way.marks) for name in CASES for way in WAYS if way.marks]
"""Of three faults one is met by the first of the quick ways and one by the second; the rest with the slow tests."""


@pytest.mark.parametrize(("name", "kind", "transport"), ROWS)
def test_fault(kind: str, transport: str, name: str, tmp_path: Path) -> None:
    """The bytes where they can be had, else an error with the server's words; one run at most; nothing half-written."""
    case = CASES[name]
    out = tmp_path / "deep" / "out"
    with Simulator(faults=case.faults) as sim, within(20):
        person = Person(kind, sim.url, transport=transport, timing=FAST)
        if case.error is None:
            result = person.run(case.graph, out=f"{out}/", check=True)
            assert result.status == "completed"
            assert len(set(result.files)) == case.files
            assert all(path.stat().st_size > 0 for path in result.files)
            made = sorted(path.read_bytes() for path in sim.output_folder.rglob("*.*"))
            assert sorted(path.read_bytes() for path in result.files) == made
            assert case.check(result, out)
        else:
            with pytest.raises(case.error) as caught:
                person.run(case.graph, out=f"{out}/", check=True)
            assert type(caught.value) is case.error
            assert re.search(case.says, str(caught.value), re.DOTALL), str(caught.value)
        assert all(runs == 1 for runs in sim.jobs_run.values())
        assert len(sim.jobs_run) <= 1
    here = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(here) == (case.files if case.error is None else 0), here
