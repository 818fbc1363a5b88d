"""What is larger or deeper than any workflow is refused at once, with what it has and what is read."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import pytest

from comfy_headless.errors import ValidationError
from comfy_headless.graph.source import read_graph, read_text

NODE: Final = {"class_type": "KSampler", "inputs": {"seed": 5, "model": ["1", 0]}, "_meta": {"title": "Sampler"}}


def nested(depth: int) -> dict[str, Any]:
    """A graph of one node, whose input lies so deep."""
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return {"1": {"class_type": "X", "inputs": {"a": value}}}


HOSTILE: Final[Mapping[str, tuple[Callable[[], Any], str]]] = {
    "lists 10,000 deep": (lambda: "[" * 10_000 + "]" * 10_000, "nested too deeply"),
    "objects 10,000 deep": (lambda: '{"a":' * 10_000 + "1" + "}" * 10_000, "nested too deeply"),
    "a dict 10,000 deep": (lambda: nested(10_000), "nested deeper than 32 levels"),
    "much text": (lambda: b" " * 20_000_000, "19.1 MiB, more than any workflow: at most 16 MiB"),
    "5 million lists": (lambda: b"[" + b"[]," * 5_000_000 + b"[]]", "5,000,002 objects and lists"),
    "8 million numbers": (lambda: '{"1": [' + "1," * 8_000_000 + "1]}", "8,000,000 commas, more than any workflow"),
    "100,000 nodes": (lambda: {str(n): NODE for n in range(100_000)}, "100,000 nodes, more than any workflow"),
    "100,000 nodes as text": (
        lambda: "{" + ",".join(f'"{n}":{{"class_type":"A","inputs":{{}}}}' for n in range(100_000)) + "}",
        "100,000 nodes",
    ),
    "a number of a million digits": (lambda: '{"a": ' + "9" * 1_000_000 + "}", "not JSON"),
    "a number beyond all": (lambda: '{"1": {"class_type": "X", "inputs": {"a": 1e999}}}', "inf, which JSON cannot"),
    "a node id that clears the screen": (lambda: {"\x1b[2J": NODE}, r"the node id '\x1b[2J'"),
    "a class that clears the screen": (lambda: {"1": {**NODE, "class_type": "\x1b[2J"}}, r"the class_type '\x1b[2J'"),
    "a node id without end": (lambda: {"x" * 10**6: NODE}, "at most 200 characters"),
    "a class without end": (lambda: {"1": {**NODE, "class_type": "x" * 10**6}}, "at most 200 characters"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_workflow_is_refused_at_once(name: str) -> None:
    """The error is short and says what is too much, and it comes without reading it all."""
    make, says = HOSTILE[name]
    given = make()
    started = time.process_time()
    with pytest.raises(ValidationError) as caught:
        read_graph(given, name="w.json")
    assert time.process_time() - started < 1
    assert says in str(caught.value) and "w.json" in str(caught.value)
    assert len(str(caught.value)) < 400


def test_a_large_workflow_is_read() -> None:
    """2,000 nodes are none too many."""
    assert len(read_graph({str(n): NODE for n in range(2000)})) == 2000


def test_what_python_writes_for_no_number() -> None:
    """NaN and the infinities are an error of JSON, or null where that is asked for."""
    text = '{"a": NaN, "b": [Infinity, -Infinity]}'
    with pytest.raises(ValidationError, match="NaN is no JSON number"):
        read_text(text)
    assert read_text(text, nan=True) == {"a": None, "b": [None, None]}
