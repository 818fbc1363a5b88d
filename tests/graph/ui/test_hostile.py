"""graph/ui: a small file that means very much work is converted at once, or refused at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import pytest

from comfy_headless.errors import ValidationError
from comfy_headless.graph.schemas import Schemas
from comfy_headless.graph.ui.convert import convert

SCHEMAS: Final = Schemas.snapshot()
ENOUGH: Final = 3
"""Seconds of the processor; all take less than half a second."""


def box(nodes: list[dict[str, Any]], inputs: list[dict[str, Any]] | None = None, **more: Any) -> dict[str, Any]:
    """A definition whose inputs are linked as they say."""
    slots = inputs or []
    links = [[link, -10, slot, 0, 0, "INT"] for slot, one in enumerate(slots) for link in one["linkIds"]]
    return {"id": "box", "name": "box", "nodes": nodes, "links": links, "inputs": slots, "outputs": [], **more}


def image(node_id: int, link: int | None = None, **more: Any) -> dict[str, Any]:
    """A node with one width."""
    width = {"name": "width", "type": "INT", "link": link, "widget": {"name": "width"}}
    return {"id": node_id, "type": "EmptyImage", "inputs": [width], "widgets_values": [64, 64, 1, 0], **more}


def widths(count: int) -> dict[str, Any]:
    """A definition that shows the width of each of its nodes."""
    slots = [{"name": f"w{number}", "type": "INT", "linkIds": [number]} for number in range(1, count + 1)]
    return box([image(number, number) for number in range(1, count + 1)], slots)


def page(definitions: list[dict[str, Any]], count: int = 1, **more: Any) -> dict[str, Any]:
    """A workflow of so many instances of the last definition."""
    kind = definitions[-1]["id"]
    nodes = [{"id": 90_000 + number, "type": kind, **more} for number in range(count)]
    return {"nodes": nodes, "links": [], "definitions": {"subgraphs": definitions}}


def proxied(name: str, count: int) -> dict[str, Any]:
    """An instance that shows so many widgets of a nested one."""
    outer = {**box([{"id": 7, "type": "box", "widgets_values": [8] * 1000}]), "id": "outer"}
    return page([widths(1000), outer], properties={"proxyWidgets": [["7", name]] * count})


def crossed(count: int) -> dict[str, Any]:
    """An instance whose inputs were saved in the other order."""
    slots = [{"name": f"w{number}", "type": "INT", "linkIds": [1] * (number == 0)} for number in range(count)]
    saved = [{"name": one["name"], "type": "INT", "link": None} for one in reversed(slots)]
    return page([box([image(1, 1)], slots)], inputs=saved)


READ: Final[Mapping[str, tuple[Callable[[], Any], int]]] = {
    "proxies of nothing": (lambda: proxied("none", 10_000), 1000),
    "proxies of one": (lambda: proxied("w999", 10_000), 1000),
    "titles of outputs": (
        lambda: page([box([{"id": 1, "type": "SaveImage", "widgets_values": ["x"]}])], 8000, title="$output.a"),
        8000,
    ),
    "inputs in another order": (lambda: crossed(15_000), 1),
}
REFUSED: Final[Mapping[str, tuple[Callable[[], Any], str]]] = {
    "proxies": (lambda: proxied("w1", 210_000), "more than 200,000 nodes, links and inputs"),
    "a proxy without end": (lambda: proxied("1: " * 100_000, 1), "a name of more than 200 characters"),
    "values of instances": (
        lambda: page([box([image(1, 1)], [{"name": "w", "type": "INT", "linkIds": [1]}] * 2000)], 2000),
        "more than 200,000 values of subgraphs",
    ),
    "inputs of instances": (
        lambda: page([box([image(1) | {"inputs": [{"name": f"x{n}", "type": "INT"} for n in range(4000)]}])], 4000),
        "more than 1,000,000 inputs and values",
    ),
    "values inside values": (
        lambda: page([box([image(1, widgets_values=[64, 64, [1] * 300_000, 0])])], 100),
        "more than 1,000,000 inputs and values",
    ),
    "markers": (
        lambda: page(
            [box([image(n, n) for n in range(1, 5000)], [{"name": "w", "type": "INT", "linkIds": list(range(5000))}])],
            title=", ".join(f"$m{number}.w" for number in range(900)),
        ),
        "more markers in titles of subgraphs",
    ),
}


@pytest.mark.parametrize("name", READ)
def test_what_is_read_at_once(name: str) -> None:
    """The time grows with the file, not with its square."""
    make, count = READ[name]
    drawn = make()
    started = time.process_time()
    assert len(convert(drawn, SCHEMAS)) == count
    assert time.process_time() - started < ENOUGH


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_at_once(name: str) -> None:
    """What a file means all in all is counted, and too much of it is an error that says so."""
    make, says = REFUSED[name]
    drawn = make()
    started = time.process_time()
    with pytest.raises(ValidationError, match=says):
        convert(drawn, SCHEMAS)
    assert time.process_time() - started < ENOUGH
