"""The door: a workflow as a browser saves it, and node schemas, into the graph that ComfyUI's page would send.

    graph = convert(workflow, Schemas.snapshot())

The rules are ComfyUI's frontend 1.47.12 on ComfyUI 0.30.0, measured on official workflows and on cases made for each
rule. Where the page throws and the meaning is plain, this converts; where it sends nonsense, this says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

from comfy_headless.errors import ValidationError
from comfy_headless.graph.limits import MAX_NODES
from comfy_headless.graph.schemas import Schemas
from comfy_headless.graph.source import Graph
from comfy_headless.graph.ui.canvas import Node
from comfy_headless.graph.ui.carried import Titled, carry
from comfy_headless.graph.ui.entries import Writer
from comfy_headless.graph.ui.group_nodes import unpack
from comfy_headless.graph.ui.links import Scope
from comfy_headless.graph.ui.missing import missing_classes
from comfy_headless.graph.ui.numbering import renumber
from comfy_headless.graph.ui.page import Page
from comfy_headless.graph.ui.placed import is_virtual
from comfy_headless.graph.ui.reading import is_ui_format, read
from comfy_headless.graph.ui.titles import lost_marker

__all__ = ["Converted", "convert", "convert_with_warnings", "is_ui_format"]


class Converted(NamedTuple):
    """A graph, and what is to be said of it: what could not be taken over as it was."""

    graph: Graph
    warnings: tuple[str, ...]


def convert(workflow: Mapping[str, Any], schemas: Schemas, *, name: str = "workflow") -> Graph:
    """Return the API-format graph of a workflow in the browser's format; the workflow is not changed.

    Args:
        schemas: the node classes of the server that is to run it.
        name: how errors name it.

    Raises:
        ValidationError: it is no such workflow, a class is not there, or a link leads nowhere.
    """
    return convert_with_warnings(workflow, schemas, name=name).graph


def convert_with_warnings(workflow: Mapping[str, Any], schemas: Schemas, *, name: str = "workflow") -> Converted:
    """Do the same as `convert`, and say what could not be taken over as it was."""
    drawing = read(workflow, name)
    page = Page(drawing, schemas, name)
    unpack(drawing, page)
    renumber(drawing)
    writer = Writer(page)
    titled: list[Titled] = []
    sent = list(islice(_sent(page, titled), MAX_NODES + 1))
    if len(sent) > MAX_NODES:
        raise _too_large(name)
    missing = [(scope.name(node), node) for scope, node in sent if not page.is_known(node)]
    if missing:
        raise missing_classes(name, missing, schemas)
    graph: Graph = {scope.path + node.id: writer.entry(scope, node) for scope, node in sent}
    for entry in graph.values():
        entry["inputs"] = {key: value for key, value in entry["inputs"].items() if not _dangles(value, graph)}
    carry(page, writer.promotions, titled, graph)
    return Converted(graph, tuple(page.warnings))


def _sent(page: Page, titled: list[Titled]) -> Iterator[tuple[Scope, Node]]:
    """The nodes that are sent, those of subgraphs in place of their instances.

    Args:
        titled: is given the instances whose title may hold markers.
    """
    waiting = [(Scope("", page.root), iter(page.root.nodes.values()))]
    instances = 0
    while waiting:
        if instances > MAX_NODES:
            raise _too_large(page.name)
        scope, nodes = waiting[-1]
        node = next(nodes, None)
        if node is None:
            waiting.pop()
            continue
        definition = page.definition_of(node)
        if definition is not None and (scope.outer is not None or node.active):
            instances += 1  # inside another one, the page sends even what is muted
            inner = Scope(f"{scope.path}{node.id}:", definition, scope, node)
            waiting.append((inner, iter(definition.nodes.values())))
            if "$" in (node.title or ""):
                titled.append(Titled(scope, node, definition))
        elif definition is None and node.active and not is_virtual(node):
            yield scope, node
        elif lost := lost_marker(node):
            page.warn(f"{scope.name(node)}: {lost}")


def _dangles(value: Any, graph: Graph) -> bool:
    return isinstance(value, list) and value[0] not in graph


def _too_large(name: str) -> ValidationError:
    return ValidationError(f"{name} has more than {MAX_NODES:,} nodes, those of its subgraphs counted each time")
