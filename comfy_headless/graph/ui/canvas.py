"""What a browser saves, read: nodes, their inputs, the links between them, and definitions of subgraphs.

All ids are text here, as a prompt writes them. These are copies of our own: reading a file a second way (group nodes
unpacked, inner nodes renumbered) changes them in place, nothing of the caller's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

MUTED: Final = 2
BYPASSED: Final = 4
INPUT_NODE: Final = "-10"
"""What the links inside a definition name as their origin where they come in from outside."""

REROUTE: Final = "Reroute"
PRIMITIVE: Final = "PrimitiveNode"
NOTES: Final = frozenset({"Note", "MarkdownNote"})
VIRTUAL: Final = NOTES | {REROUTE, PRIMITIVE}
"""Classes that the page alone knows; none is ever sent."""


@dataclass(slots=True)
class Link:
    """A link: the output that it comes from."""

    origin: str
    slot: int


@dataclass(slots=True)
class Input:
    """An input as it was saved.

    Args:
        link: id of its link, or None.
        widget: whether it belongs to a widget.
    """

    name: str
    type: str
    link: str | None
    widget: bool


@dataclass(slots=True)
class Node:
    """A node as it was saved.

    Args:
        title: None where it has none of its own.
        values: ``widgets_values``: a list, or by name; None where there are none.
        proxies: ``proxyWidgets`` of its properties: the id of an inner node, the name of a widget, maybe a deeper id.
    """

    id: str
    type: str
    title: str | None
    mode: int
    inputs: list[Input]
    output_types: list[str]
    values: list[Any] | Mapping[str, Any] | None
    properties: Mapping[str, Any]
    proxies: list[tuple[str, ...]] = field(default_factory=list)

    @property
    def active(self) -> bool:
        """Whether it is neither muted nor bypassed."""
        return self.mode not in (MUTED, BYPASSED)

    @property
    def known_as(self) -> str:
        """Id, class and title, for a message."""
        title = f", {self.title!r}" if self.title and self.title != self.type else ""
        return f"node {self.id} ({self.type}{title})"


@dataclass(slots=True)
class Slot:
    """An input or output of a definition, and the links inside that belong to it.

    Args:
        label: what people have called it; empty where they have not.
    """

    name: str
    type: str
    links: list[str]
    label: str = ""


@dataclass(slots=True)
class Canvas:
    """Nodes and links that belong together: the workflow itself, or a definition.

    Args:
        id: of the definition; empty for the workflow itself.
        name: as people call the definition.
        last_id: the highest node id that the file says it gave.
        nested: a definition that lies inside another one in the file.
    """

    id: str
    name: str
    nodes: dict[str, Node]
    links: dict[str, Link]
    inputs: list[Slot] = field(default_factory=list)
    outputs: list[Slot] = field(default_factory=list)
    last_id: int = 0
    nested: bool = False


@dataclass(slots=True)
class Group:
    """The definition of a group node: several nodes drawn as one.

    Args:
        nodes: by their place, as text.
        exported: outputs that are offered outside though they are used inside: a node, and their number.
        hidden: inputs that the group node does not show: a node, and a name.
    """

    nodes: dict[str, Node]
    links: dict[str, Link]
    exported: frozenset[tuple[str, int]]
    hidden: frozenset[tuple[str, str]]


@dataclass(slots=True)
class Drawing:
    """A whole file.

    Args:
        definitions: by id, in the order of the file.
        groups: by name.
    """

    root: Canvas
    definitions: dict[str, Canvas]
    groups: Mapping[str, Group]
