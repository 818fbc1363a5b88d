"""Say which nodes are of classes that are not there, and what brings each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from comfy_headless.errors import ValidationError
from comfy_headless.graph import snapshot
from comfy_headless.graph.near import find_near
from comfy_headless.graph.packs import pack_with
from comfy_headless.graph.schemas import Schemas
from comfy_headless.graph.ui.canvas import Node
from comfy_headless.graph.ui.group_nodes import is_group_node

_DEFINITION: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.I)
_MOST: Final = 20
_LIKE: Final = 0.75
"""How alike a misspelt class and the right one are (judged: below it they are others)."""


def missing_classes(name: str, missing: Sequence[tuple[str, Node]], schemas: Schemas) -> ValidationError:
    """Return the error for nodes whose classes are not there.

    Args:
        name: of the workflow.
        missing: each node, and how a message names it.
    """
    lines = [f"{called}: {_remedy(node, schemas)}" for called, node in missing[:_MOST]]
    if len(missing) == 1:
        return ValidationError(f"{name}: {lines[0]}")
    more = [f"and {len(missing) - _MOST} more"] if len(missing) > _MOST else []
    listed = "\n  ".join([*lines, *more])
    return ValidationError(f"{name}: {len(missing)} nodes are of classes that are not there:\n  {listed}")


def _remedy(node: Node, schemas: Schemas) -> str:
    if is_group_node(node):
        return (
            "a group node that the file does not define, or that lies inside another one or a subgraph; "
            "ungroup it in the browser and save again"
        )
    if _DEFINITION.fullmatch(node.type):
        return "a subgraph that the file does not define; save the workflow again where it opens"
    shipped = schemas.version is not None
    where = f"ComfyUI {schemas.version} and the packs that are known here" if shipped else "the server's object_info"
    lacks = f"there is no such class in {where}"
    told = "; a server that has it tells of it: --server URL (object_info=)" if shipped else ""
    pack = pack_with(node.type)
    if pack is not None:
        return f"{lacks}; node pack {pack.name} brings it: {pack.install}{told}"
    if node.type in snapshot.core().texts:
        return f"{lacks}; ComfyUI {snapshot.core().comfyui} has it: update the server"
    near = find_near(node.type, schemas, cutoff=_LIKE)
    meant = f"; did you mean {near[0]}?" if near else ""
    return f"{lacks}, and no node pack that is known brings it{meant}{told if not near else ''}"
