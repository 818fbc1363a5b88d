"""Unpack group nodes: several nodes drawn as one, as files before subgraphs have them in ``extra.groupNodes``.

Each becomes a subgraph of its own, as ComfyUI's page makes it: the inner nodes take the next free ids, then the
subgraph; its values are dealt out to the inner nodes in their order, and it is active, whatever it was before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from comfy_headless.errors import ValidationError
from comfy_headless.graph.limits import MAX_NODES
from comfy_headless.graph.ui.canvas import INPUT_NODE, PRIMITIVE, Canvas, Drawing, Group, Input, Link, Node, Slot
from comfy_headless.graph.ui.dealing import ABSENT, deal, deal_from
from comfy_headless.graph.ui.fields import Field
from comfy_headless.graph.ui.page import Page

_KINDS: Final = ("workflow>", "workflow/")


def is_group_node(node: Node) -> bool:
    """Whether a node stands for several."""
    return node.type.startswith(_KINDS)


def unpack(drawing: Drawing, page: Page) -> None:
    """Put a subgraph in the place of each group node of a workflow whose definition the file has."""
    root = drawing.root
    instances = dict[str, Node]()
    count = len(root.nodes)
    for node in root.nodes.values():
        group = drawing.groups.get(node.type[len(_KINDS[0]) :]) if is_group_node(node) else None
        if group is None:
            continue
        count += len(group.nodes)
        if count > MAX_NODES:
            raise ValidationError(
                f"{page.name} has more than {MAX_NODES:,} nodes, those of its group nodes counted too"
            )
        if not instances:
            root.last_id = max(root.last_id, _highest_id(drawing))
        inner, outside = _as_subgraph(root, node, group, page)
        instances[node.id] = Node(str(root.last_id), inner.id, node.title, 0, outside, [], None, {})
        drawing.definitions[inner.id] = inner
    if instances:
        placed = [instances.get(node.id, node) for node in root.nodes.values()]
        root.nodes = {node.id: node for node in placed}
        for link in root.links.values():
            if link.origin in instances:
                link.origin = instances[link.origin].id


def _highest_id(drawing: Drawing) -> int:
    canvases = (drawing.root, *drawing.definitions.values())
    ids = (one for canvas in canvases for one in canvas.nodes if one.isdecimal() and len(one) < 16)
    return max(map(int, ids), default=0)


def _as_subgraph(root: Canvas, node: Node, group: Group, page: Page) -> tuple[Canvas, list[Input]]:
    """A group node as a definition, and the inputs of its instance, which takes the id after those inside."""
    first = root.last_id + 1
    root.last_id = first + len(group.nodes)
    ids = {old: str(first + place) for place, old in enumerate(group.nodes)}
    links = {key: Link(ids[link.origin], link.slot) for key, link in group.links.items()}
    canvas = Canvas(f"{node.type}:{root.last_id}", node.type, {}, links)
    given = iter(node.values if isinstance(node.values, list) else [])
    shown = dict[str, int]()
    outside = list[Input]()
    used = {(link.origin, link.slot) for link in group.links.values()} - group.exported
    for old, one in group.nodes.items():
        hidden = {name for place, name in group.hidden if place == old}
        hidden.update(each.name for each in one.inputs if each.link is not None)
        values, widgets = _dealt(one, given, hidden, page)
        inner = replace(one, id=ids[old], values=values, inputs=[replace(each) for each in one.inputs])
        canvas.nodes[inner.id] = inner
        for each in inner.inputs:
            if each.link is None and each.name not in widgets:
                name = _shown_name(inner, each.name, shown)
                each.link = f"in:{len(outside)}"
                canvas.links[each.link] = Link(INPUT_NODE, len(outside))
                canvas.inputs.append(Slot(name, each.type, [each.link]))
                outer = next((saved.link for saved in node.inputs if saved.name == name), None)
                outside.append(Input(name, each.type, outer, widget=False))
        for slot, kind in enumerate(inner.output_types if inner.type != PRIMITIVE else ()):
            if (old, slot) not in used:
                key = f"out:{len(canvas.outputs)}"
                canvas.links[key] = Link(inner.id, slot)
                canvas.outputs.append(Slot(key, kind, [key]))
    return canvas, outside


def _dealt(node: Node, given: Iterator[Any], hidden: set[str], page: Page) -> tuple[Any, set[str]]:
    """The values of an inner node out of those of the group node, and the names of its inputs that hold one."""
    if node.type == PRIMITIVE:
        value = next(given, ABSENT)
        return ([] if value is ABSENT else [value]), set()
    if not page.is_known(node):
        return node.values, set()
    fields = page.shape(node.type).fields
    own = deal(node.type, fields, node.values).values
    dealt = deal_from(node.type, fields, _Shared(given, own, hidden))
    return dealt.values, {field.name for field in dealt.fields if field.widget}


class _Shared:
    """The values of a group node, of which an inner node takes as many as it shows there."""

    def __init__(self, given: Iterator[Any], own: Mapping[str, Any], hidden: set[str]) -> None:
        self._given = given
        self._own = own
        self._hidden = hidden
        self.places = 0

    def take(self, field: Field) -> Any:
        if field.name in self._hidden:
            return self._own.get(field.name, ABSENT)
        return next(self._given, ABSENT)

    def rest(self) -> list[Any]:
        return []


def _shown_name(node: Node, name: str, shown: dict[str, int]) -> str:
    """What a group node calls an input of a node inside: by the node too where the name alone is taken."""
    key = name
    if name in shown:
        key = name = f"{node.title or node.type} {name}"
        if key in shown:
            name = f"{node.title or node.type} {shown[key]} {name.rpartition(' ')[2]}"
    shown[key] = shown.get(key, 0) + 1
    return name
