"""Nodes joined with what their classes say: the values that they have, and their inputs in the order of the page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from comfy_headless.graph.schemas import Schemas
from comfy_headless.graph.ui.added import all_fields
from comfy_headless.graph.ui.canvas import VIRTUAL, Input, Node
from comfy_headless.graph.ui.fields import AUTOGROW, MATCH_TYPE, Field, fields_in
from comfy_headless.graph.ui.fitting import deal_fitting
from comfy_headless.graph.ui.pack_nodes import IN_THE_BROWSER, more_values
from comfy_headless.graph.ui.titles import OTHER_TITLES
from comfy_headless.graph.well_formed import DYNAMIC_COMBO


class Inlet(NamedTuple):
    """An input of a node as the page has it.

    Args:
        link: id of its link, or None.
        field: of the class, where it is an input that holds a value.
        match: the group of sockets that all take one type, whatever that is.
    """

    name: str
    type: str
    link: str | None
    field: Field | None = None
    match: str = ""


class Placed(NamedTuple):
    """A node and its class.

    Args:
        inlets: sockets in the order of the class, then inputs that hold a value, then what the class lacks.
        values: by name, as saved.
        warning: what is to be said of them.
    """

    node: Node
    inlets: list[Inlet]
    output_types: list[str]
    values: Mapping[str, Any]
    warning: str = ""


class ClassShape(NamedTuple):
    """A class as the page reads it.

    Args:
        own: whether it is one of ComfyUI's own, not of a node pack.
    """

    fields: list[Field]
    output_types: list[str]
    display_name: str
    own: bool


def shape_of(class_type: str, schemas: Schemas) -> ClassShape:
    """Read a class that the server has."""
    raw = schemas.raw(class_type)
    about: Mapping[str, Any] = raw if isinstance(raw, Mapping) else {}
    outputs = about.get("output")
    types = [_output_type(one) for one in outputs] if isinstance(outputs, list | tuple) else []
    called = about.get("display_name")
    return ClassShape(
        all_fields(class_type, about.get("input")),
        types,
        OTHER_TITLES.get(class_type) or (called if isinstance(called, str) and called else class_type),
        not str(about.get("python_module")).startswith("custom_nodes"),
    )


def place(node: Node, shape: ClassShape | None) -> Placed:
    """Join a node and its class.

    Args:
        shape: None for a class that the page alone has, or that nobody knows: as it was saved.
    """
    if shape is None:
        inlets = [Inlet(one.name, one.type, one.link) for one in node.inputs]
        return Placed(node, inlets, node.output_types, {})
    more = more_values(node)
    dealt, warning = deal_fitting(node, shape.fields, own=shape.own or bool(more))
    return Placed(node, _inlets(node, dealt.fields), shape.output_types, {**dealt.values, **more}, warning)


def _output_type(kind: object) -> str:
    if isinstance(kind, list | tuple):
        return "COMBO"
    return kind if isinstance(kind, str) and kind != MATCH_TYPE else "*"


def _inlets(node: Node, fields: list[Field]) -> list[Inlet]:
    saved: dict[str, Input] = {}
    for one in node.inputs:
        if one.name not in saved or one.link is not None:
            saved[one.name] = one
    sockets, widgets = list[Inlet](), list[Inlet]()
    for field in fields:
        if field.type == AUTOGROW:
            sockets.extend(_grown(field, saved))
        elif not field.widget:
            sockets.append(Inlet(field.name, field.type, _link(saved.pop(field.name, None)), match=field.match))
        elif field.sent and field.type != "BUTTON":
            widgets.append(Inlet(field.name, field.type, _link(saved.pop(field.name, None)), field))
        else:
            saved.pop(field.name, None)
    parents = tuple(f"{field.name}." for field in fields if field.type == DYNAMIC_COMBO)
    extra = (one for one in saved.values() if not one.widget and not (parents and one.name.startswith(parents)))
    return [*sockets, *widgets, *(Inlet(one.name, one.type, one.link) for one in extra)]


def _link(saved: Input | None) -> str | None:
    return None if saved is None else saved.link


def _grown(field: Field, saved: dict[str, Input]) -> Iterator[Inlet]:
    """The sockets of an autogrow: those that were saved, else as many as there are at least."""
    template = field.options.get("template")
    if not isinstance(template, Mapping):
        return
    names, prefix = template.get("names"), f"{field.name}.{template.get('prefix')}"
    one = next(fields_in(template.get("input")), None)
    if names:
        found = [f"{field.name}.{name}" for name in names if f"{field.name}.{name}" in saved]
    else:
        grown = [name for name in saved if name.startswith(prefix) and name[len(prefix) :].isdecimal()]
        found = sorted(grown, key=lambda name: (len(name), name))
    for name in found:
        link = saved.pop(name).link
        yield Inlet(name, "*", link) if one is None else Inlet(name, one.type, link, match=one.match)


def is_virtual(node: Node) -> bool:
    """Whether the page keeps a node to itself."""
    return node.type in VIRTUAL or node.type in IN_THE_BROWSER
