"""In which order definitions contain each other, and whether they do so without end."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from typing import Final

from comfy_headless.errors import ValidationError
from comfy_headless.graph.ui.canvas import Canvas
from comfy_headless.graph.ui.page import Page

_DEEPEST: Final = 32


def inner_first(page: Page) -> list[Canvas]:
    """Return the definitions that are used, each after those that it contains.

    Raises:
        ValidationError: one contains itself, or they lie too deep in each other.
    """
    depths: dict[str, int] = {}
    contains: dict[str, set[str]] = {}
    waiting = [(page.root, 0)]
    while waiting:
        canvas, depth = waiting.pop()
        inner = {node.type for node in canvas.nodes.values() if node.type in page.definitions}
        contains[canvas.id] = inner
        waiting.extend((page.definitions[one], depth + 1) for one in inner if one not in contains)
    order: list[str]
    try:
        order = list(TopologicalSorter(contains).static_order())
    except CycleError as error:
        names = " in ".join(repr(page.definitions[one].name) for one in error.args[1] if one in page.definitions)
        raise ValidationError(f"{page.name}: a subgraph contains itself: {names}") from None
    for one in order:
        depths[one] = 1 + max((depths[inner] for inner in contains[one]), default=0)
        if depths[one] > _DEEPEST:
            raise ValidationError(f"{page.name}: subgraphs lie in each other deeper than {_DEEPEST} levels")
    return [page.definitions[one] for one in order if one]
