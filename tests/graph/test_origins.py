"""What people give for a workflow, told apart by its spelling alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from comfy_headless.errors import ValidationError
from comfy_headless.graph.origins import WorkflowUrl, origin_of
from comfy_headless.graph.template import Template

GRAPH: dict[str, Any] = {"1": {"class_type": "X", "inputs": {}}}
HERE = {"w.json", "12345", "server:mine", "a b.png"}
KINDS: list[tuple[Any, str, Any, str]] = [
    (GRAPH, "graph", GRAPH, "workflow"),
    (Template.read(GRAPH, name="mine"), "graph", GRAPH, "mine"),
    ('\ufeff \n{"1": {}}', "text", '\ufeff \n{"1": {}}', "workflow"),
    ("[]", "text", "[]", "workflow"),
    (b"\x89PNG", "text", b"\x89PNG", "workflow"),
    ("w.json", "file", Path("w.json"), "w.json"),
    (Path("deep/w.json"), "file", Path("deep/w.json"), "w.json"),
    (Path("777"), "file", Path("777"), "777"),
    ("12345", "file", Path("12345"), "12345"),
    ("server:mine", "file", Path("server:mine"), "server:mine"),
    ("C:\\w.json", "file", Path("C:\\w.json"), Path("C:\\w.json").name),
    ("mine:w.json", "file", Path("mine:w.json"), "mine:w.json"),
    (" 777", "file", Path(" 777"), " 777"),
    ("７７７", "file", Path("７７７"), "７７７"),
    ("²", "file", Path("²"), "²"),
    ("1980283463459377154", "runninghub", "1980283463459377154", "RunningHub workflow 1980283463459377154"),
    (777, "runninghub", "777", "RunningHub workflow 777"),
    ("runninghub:12345", "runninghub", "12345", "runninghub:12345"),
    ("https://a.b/w.json?key=5", "url", WorkflowUrl("https://a.b/w.json?key=5"), "https://a.b/w.json"),
    ("https://u:hunter2@a/w#key=5", "url", WorkflowUrl("https://u:hunter2@a/w#key=5"), "https://***@a/w"),
    (f"https://a/proxy/{'5' * 20}/w", "url", WorkflowUrl(f"https://a/proxy/{'5' * 20}/w"), "https://a/proxy/***/w"),
    ("HTTPS://a.b/w.json", "url", WorkflowUrl("HTTPS://a.b/w.json"), "HTTPS://a.b/w.json"),
    (WorkflowUrl("http://a/w", http=True), "url", WorkflowUrl("http://a/w", http=True), "http://a/w"),
    ("server:portrait", "saved", "portrait", "server:portrait"),
    ("Server: folder/portrait.json", "saved", "folder/portrait.json", "Server: folder/portrait.json"),
    ("template:video_wan2_2_5B_ti2v", "template", "video_wan2_2_5B_ti2v", "template:video_wan2_2_5B_ti2v"),
    ("template:Some Pack/an example", "template", "Some Pack/an example", "template:Some Pack/an example"),
    ("nope\x1b[2J.json", "file", Path("nope\x1b[2J.json"), r"nope\x1b[2J.json"),
]


@pytest.mark.parametrize(("given", "kind", "place", "name"), KINDS, ids=[repr(each[0])[:40] for each in KINDS])
def test_what_it_is(given: Any, kind: str, place: Any, name: str) -> None:
    """Each spelling means one thing; what is a file here is that file."""
    assert origin_of(given, is_file=HERE.__contains__) == (kind, place, name)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (None, "workflow=None: expected a path, the workflow itself"),
        (True, "workflow=True: expected"),
        (-5, "workflow=-5: expected"),
        ("", "workflow='': expected"),
        (" \n", "expected a path"),
        (5.5, r"workflow=5\.5"),
        (WorkflowUrl(5), "expected"),  # type: ignore[arg-type]
        ("ftp://a/w.json", "nothing is read from ftp://. There are: https://, server:, template:, runninghub:"),
        ("file:///etc/passwd", "nothing is read from file://"),
        ("server:", "'server:' names none; expected such as server:NAME"),
        ("template: ", "names none"),
        ("runninghub:mine", "the id of a RunningHub workflow is a number"),
        ("runninghub:７", "is a number"),
    ],
)
def test_what_it_is_not(given: Any, words: str) -> None:
    """What is nothing that a workflow can be given as is an error that says what is."""
    with pytest.raises(ValidationError, match=words):
        origin_of(given, is_file=HERE.__contains__)
