"""The table of cases is whole, and each case is run by the one module that it names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.dsl import table

TESTS = Path(__file__).parents[1]
MODULES = sorted({case.module for case in table().values()})
ALL = 'parametrize("case", CASES)'
"""What a module says that runs every case of its own."""


def named(text: str) -> set[str]:
    """The ids that a text names."""
    return set(re.findall(r"\b[a-z]\d\d\b", text)) & set(table())


def test_every_case_has_an_outcome() -> None:
    """197 cases, each with what ComfyKit did and what is done here."""
    assert len(table()) == 197
    assert all(case.ours and case.given for case in table().values())


@pytest.mark.parametrize("module", MODULES)
def test_each_case_is_run_by_its_module(module: str) -> None:
    """A module names each of its cases, or runs them all."""
    text = (TESTS.parent / module).read_text(encoding="utf-8")
    own = {case.id for case in table().values() if case.module == module}
    assert "cases_of" in text
    assert ALL in text or own <= named(text), f"not named: {sorted(own - named(text))}"


def test_no_case_is_run_twice() -> None:
    """No other module of cases names one as its own."""
    assert sorted(path.relative_to(TESTS.parent).as_posix() for path in TESTS.rglob("test_dsl*.py")) == MODULES
    for path in MODULES:
        own = {case.id for case in table().values() if case.module == path}
        strings = set(re.findall(r'"([a-z]\d\d)"', (TESTS.parent / path).read_text(encoding="utf-8")))
        assert strings & set(table()) <= own
