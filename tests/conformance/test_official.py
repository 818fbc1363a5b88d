"""ComfyUI's official workflows, converted, against what its own page makes of them.

They are other people's texts, so they come from their package and are compared by digests: see `official.json`.
"""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

import httpx
import pytest

from comfy_headless.errors import ValidationError
from comfy_headless.graph.schemas import Schemas
from comfy_headless.graph.ui.convert import convert
from tests.graph.ui.canonical import differences, digest
from tests.graph.ui.test_cases import KINDER

from .comfyui.templates import official_workflows

pytestmark = pytest.mark.real_server  # a package index, and in the second test a server

OFFICIAL: dict[str, Any] = json.loads(Path(__file__).with_name("official.json").read_text(encoding="utf-8"))
LONG_DEFAULTS = {"template-multistyle-magazine-cover-nanobananapro", "templates-textured_logotype-v2.1"}
"""Saved without values whose default is a long text, which the shipped classes leave out."""


def test_every_official_workflow_by_the_shipped_classes() -> None:
    """Each becomes what the page makes of it: nodes, classes, inputs, links, titles."""
    assert _different(Schemas.snapshot()) == LONG_DEFAULTS


def test_every_official_workflow_by_the_classes_of_a_server(real_server: str) -> None:
    """With the server's own object_info no default is missing."""
    answer = httpx.get(f"{real_server}/object_info", timeout=60, trust_env=False)
    assert _different(Schemas.from_object_info(answer.json())) == set()


def _different(schemas: Schemas) -> set[str]:
    workflows = official_workflows()
    assert workflows.keys() == OFFICIAL["digests"].keys() | OFFICIAL["lacking"].keys()
    made = {name: convert(workflows[name], schemas) for name in OFFICIAL["digests"]}
    volatile = OFFICIAL["volatile"]
    return {name for name, graph in made.items() if digest(graph, volatile.get(name, ())) != OFFICIAL["digests"][name]}


@pytest.mark.parametrize("name", OFFICIAL["lacking"])
def test_official_workflow_with_a_class_that_is_not_there(name: str) -> None:
    """What the server lacks is named: the workflow cannot run, and the page would send half of it."""
    with pytest.raises(ValidationError, match=OFFICIAL["lacking"][name].replace("+", r"\+")):
        convert(official_workflows()[name], Schemas.snapshot())


@pytest.mark.skipif("COMFY_HEADLESS_TEST_UI_TRUTH" not in os.environ, reason="needs a file of conversions by the page")
def test_conversions_in_a_file() -> None:
    """Each workflow of ``{name: {workflow, api, volatile?}}`` (.json or .json.gz) becomes the graph beside it.

    So were compared the official workflows with subgraphs, saved once more by the page, in its newest format.
    """
    data = Path(os.environ["COMFY_HEADLESS_TEST_UI_TRUTH"]).read_bytes()
    cases = json.loads(gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data)
    wrong = {}
    for name, case in cases.items():
        if name in LONG_DEFAULTS or name.removeprefix("case_") in KINDER:
            continue
        if case.get("api") and all("class_type" in node for node in case["api"].values()):
            made = convert(case["workflow"], Schemas.snapshot(), name=name)
            found = differences(made, case["api"], case.get("volatile", ()))
            wrong |= {name: found} if found else {}
    assert not wrong, json.dumps(wrong, indent=1)
