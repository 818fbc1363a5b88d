"""Write one node as a prompt has it: its class, its title, its values, and where its links come from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from comfy_headless.errors import ValidationError
from comfy_headless.graph.ui.added import UPLOADS
from comfy_headless.graph.ui.canvas import Node
from comfy_headless.graph.ui.links import Resolver, Scope, Value, Wire
from comfy_headless.graph.ui.names import Names
from comfy_headless.graph.ui.pack_nodes import links_by_itself
from comfy_headless.graph.ui.page import Page
from comfy_headless.graph.ui.placed import Placed
from comfy_headless.graph.ui.primitives import Primitives
from comfy_headless.graph.ui.promoted import Promotions
from comfy_headless.graph.ui.texts import PREFIX, SAVING, with_names, without_choices

_DEEPEST: Final = 32
_MOST_PARTS: Final = 1_000_000
"""Inputs of all nodes that are sent, and values inside them, those of subgraphs counted each time."""
_WEBCAM: Final = "WebcamCapture"


class Writer:
    """Writes the nodes of a page."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.promotions = Promotions(page)
        self._primitives = Primitives(page)
        self._resolver = Resolver(page, self.promotions)
        self._parts = 0
        self._names = Names(page, self._primitives, self.promotions)

    def entry(self, scope: Scope, node: Node) -> dict[str, Any]:
        """Return a node of a class that the server has, for a prompt.

        Raises:
            ValidationError: a link leads nowhere, or a value is nested too deeply.
        """
        page = self._page
        called = f"{page.name}: {scope.name(node)}"
        placed = page.placed(scope.canvas, node)
        self._count(len(placed.inlets))
        if placed.warning:
            page.warn(f"{scope.name(node)}: {placed.warning}")
        if node.type == _WEBCAM:
            page.warn(f"{scope.name(node)}: the browser takes its picture anew; here what was saved is sent")
        if links_by_itself(node):
            page.warn(f"{scope.name(node)}: what it links in the browser is not in the file; link those inputs by hand")
        values = dict(self._primitives.values(scope.canvas, node))
        linked = dict[str, Any]()
        for inlet in placed.inlets:
            found = self._resolver.source(scope, node, inlet)
            if isinstance(found, Wire):
                linked[inlet.name] = [found.node, found.slot]
            elif isinstance(found, Value):
                linked[inlet.name] = self._sendable(found.value, f"{called}: input {inlet.name!r}")
        own = {name: value for name, value in values.items() if name not in linked}
        self._write_texts(scope, placed, own)
        inputs = {**{name: self._sendable(value, f"{called}: input {name!r}") for name, value in own.items()}, **linked}
        title = node.title or page.shape(node.type).display_name
        return {"inputs": inputs, "class_type": node.type, "_meta": {"title": title}}

    def _write_texts(self, scope: Scope, placed: Placed, values: dict[str, Any]) -> None:
        """Do to a node's own texts what the page does to them before it sends them."""
        for inlet in placed.inlets:
            value = values.get(inlet.name)
            if inlet.field is None or inlet.name not in values:
                continue
            if value is None and inlet.field.type == "COMBO" and not UPLOADS.keys() & inlet.field.options.keys():
                del values[inlet.name]  # null stands for the first choice, and there is none
                continue
            if inlet.name == PREFIX and placed.node.type in SAVING and value is None:
                values[inlet.name] = inlet.field.default
                self._page.warn(f"{scope.name(placed.node)}: {PREFIX} is null; {inlet.field.default!r} is taken")
            if not isinstance(value, str):
                continue
            if inlet.field.options.get("dynamicPrompts"):
                done = without_choices(value)
            elif inlet.name == PREFIX and placed.node.type in SAVING and "%" in value:
                done = with_names(value, self._names.look_up)
            else:
                continue
            values[inlet.name] = done.text
            if done.warning:
                self._page.warn(f"{scope.name(placed.node)}: {inlet.name}: {done.warning}")

    def _sendable(self, value: Any, where: str) -> Any:
        """A copy of a value; a list would be taken for a link: it is sent inside ``__value__``."""
        copied = self._copied(value, where, 0)
        return {"__value__": copied} if isinstance(value, list) else copied

    def _copied(self, value: Any, where: str, depth: int) -> Any:
        if depth > _DEEPEST:
            raise ValidationError(f"{where} is nested deeper than {_DEEPEST} levels")
        if isinstance(value, list | Mapping):
            self._count(len(value))
        if isinstance(value, Mapping):
            return {key: self._copied(item, where, depth + 1) for key, item in value.items()}
        if isinstance(value, list):
            return [self._copied(item, where, depth + 1) for item in value]
        return value

    def _count(self, parts: int) -> None:
        self._parts += parts
        if self._parts > _MOST_PARTS:
            raise ValidationError(
                f"{self._page.name} has more than {_MOST_PARTS:,} inputs and values, those of its subgraphs counted "
                "each time"
            )
