"""Where workflows come from, as ComfyKit tells it, case by case: the same or better here."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from comfy_headless import ValidationError
from comfy_headless.api.reading import read_here, read_source, read_template
from comfy_headless.graph.origins import WorkflowUrl, origin_of
from tests.dsl import cases_of
from tests.transport.files import serving

CASES = cases_of(__file__)


def place(case: str, folder: Path) -> str:
    """The workflow of a case; its file is laid into the folder."""
    workflow: str = CASES[case].given["workflow"]
    content = CASES[case].given.get("file")
    if content is not None:
        (folder / workflow).write_text(content if isinstance(content, str) else json.dumps(content))
    return workflow


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("r03", "No such file"),
        ("r04", "node a is a number"),
        ("r05", "No such file"),
        ("r06", "No such file"),
        ("r07", "No such file"),
        ("r08", "No such file"),
        ("r10", "expected a path"),
        ("r13", "nothing is read from file://"),
        ("r16", "No such file"),
        ("r17", "No such file"),
        ("r44", "not JSON: .* at line 1, column 2"),
        ("r46", "is a list"),
    ],
)
def test_what_is_no_workflow_is_said(case: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path is a path: only ASCII digits that name no file are an id, and a file that is no workflow is told so."""
    monkeypatch.chdir(tmp_path)
    workflow = place(case, tmp_path)
    given = Path(workflow) if CASES[case].given.get("as") == "Path" else workflow
    with pytest.raises(ValidationError, match=words):
        read_here(read_template(None, given))


def test_a_scheme_counts_in_any_case() -> None:
    """HTTPS:// is an address (r12)."""
    origin = origin_of(CASES["r12"].given["workflow"], is_file=lambda text: False)
    assert (origin.kind, origin.place) == ("url", WorkflowUrl("HTTPS://example.com/wf.json"))


def test_an_address_is_fetched() -> None:
    """Plain http is, where it is allowed (r11); what is not there is one error with its address and 404 (r40)."""
    graph = {"1": {"class_type": "SaveImage", "inputs": {"filename_prefix": "x"}}}
    with serving({"/files/wf.json": ("application/json", json.dumps(graph).encode())}, tls=False) as host:
        url, missing = (f"http://127.0.0.1:{host.port}/{path}" for path in ("files/wf.json", "missing"))
        with pytest.raises(ValidationError, match="expected https"):
            read_here(read_source(None, url))
        assert read_here(read_source(None, WorkflowUrl(url, http=True, internal=True))).raw == graph
        with pytest.raises(ValidationError, match=rf"{missing}.*404"):
            read_here(read_source(None, WorkflowUrl(missing, http=True, internal=True)))


def test_a_dict_is_a_workflow() -> None:
    """It is taken as it is (r21); what is no graph is refused (r22)."""
    assert read_here(read_template(None, CASES["r21"].graph)).graph == CASES["r21"].graph
    with pytest.raises(ValidationError, match="node 9 has no class_type"):
        read_here(read_template(None, CASES["r22"].graph))
