"""Find the value that ``%Node.input%`` means: by the name that the page keeps for that, or by a node's title."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from comfy_headless.graph.ui.canvas import PRIMITIVE, Canvas, Node
from comfy_headless.graph.ui.page import Page
from comfy_headless.graph.ui.placed import is_virtual
from comfy_headless.graph.ui.primitives import Primitives
from comfy_headless.graph.ui.promoted import Promotions
from comfy_headless.graph.ui.texts import SAVING

_ALIAS: Final = "Node name for S&R"


class Names:
    """The nodes of a page by what a file's name may call them; the first of each name counts."""

    def __init__(self, page: Page, primitives: Primitives, promotions: Promotions) -> None:
        self._page = page
        self._primitives = primitives
        self._promotions = promotions
        self._aliases: dict[str, tuple[Canvas, Node]] = {}
        self._titles: dict[str, tuple[Canvas, Node]] = {}
        self._read = False

    def look_up(self, node: str, name: str) -> list[Any] | None:
        """Return the value of an input, in a list; None if there is no such node or it has no such value."""
        if not self._read:
            self._read = True
            for canvas, one in self._all():
                alias = one.properties.get(_ALIAS, self._usual(one))
                if isinstance(alias, str):
                    self._aliases.setdefault(alias, (canvas, one))
                self._titles.setdefault(self._title(one), (canvas, one))
        found = self._aliases.get(node) or self._titles.get(node)
        if found is None:
            return None
        values = self._values(*found)
        return [values[name]] if name in values else None

    def _all(self) -> Iterator[tuple[Canvas, Node]]:
        """All nodes, those of a subgraph after its first instance; each definition is looked at once."""
        seen = set[str]()
        waiting = [(self._page.root, iter(self._page.root.nodes.values()))]
        while waiting:
            canvas, nodes = waiting[-1]
            node = next(nodes, None)
            if node is None:
                waiting.pop()
                continue
            yield canvas, node
            definition = self._page.definition_of(node)
            if definition is not None and definition.id not in seen:
                seen.add(definition.id)
                waiting.append((definition, iter(definition.nodes.values())))

    def _usual(self, node: Node) -> str | None:
        """The name that the page gives a node where the file has none."""
        return node.type if self._page.is_known(node) and node.type not in SAVING else None

    def _title(self, node: Node) -> str:
        return node.title or (self._page.shape(node.type).display_name if self._page.is_known(node) else node.type)

    def _values(self, canvas: Canvas, node: Node) -> dict[str, Any]:
        if is_virtual(node):
            own = node.values if isinstance(node.values, list) else []
            return dict(zip(["value" if node.type == PRIMITIVE else "text"], own, strict=False))
        definition = self._page.definition_of(node)
        if definition is None:
            return dict(self._primitives.values(canvas, node))
        values = self._promotions.values(canvas, node)
        return {self._promotions.slot_name(definition, slot): value for slot, value in values.items()}
