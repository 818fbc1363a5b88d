"""What to do about a node whose class a server does not have: newer, renamed, of a pack, misspelt, or the editor's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from comfy_headless.graph import snapshot
from comfy_headless.graph.lines import remarked, take_out, written
from comfy_headless.graph.near import find_near
from comfy_headless.graph.packs import pack_with, packs
from comfy_headless.graph.replacements import REPLACEMENTS
from comfy_headless.graph.schemas import Schemas

UPDATE: Final = "git -C ComfyUI pull && python -m pip install -r ComfyUI/requirements.txt"
"""As ComfyUI's README updates a copy from GitHub."""

PARTNERS: Final = "comfy_api_nodes"
"""Where ComfyUI keeps the nodes of its partners, which ``--disable-api-nodes`` leaves out (nodes.py)."""

NOTES: Final = frozenset({"MarkdownNote", "Note"})
"""Texts on the editor's canvas; its own export leaves them out."""

WIRING: Final = frozenset({"PrimitiveNode", "Reroute"})
"""What the editor alone knows; its own export puts the value or the link in their place."""

RENAMED: Final[Mapping[str, str]] = {
    "LoadImageSetFromFolderNode": "LoadImageDataSetFromFolder",
    "LoadImageTextSetFromFolderNode": "LoadImageTextDataSetFromFolder",
    "SaveLoRANode": "SaveLoRA",
}
"""Classes that ComfyUI has under another name now, and puts none in their place by itself (its history up to 0.30.0,
nodes.py and comfy_extras at every 70th commit: what was registered once and is not any more)."""

_EXPORT: Final = "open the workflow in ComfyUI and export it anew: Workflow > Export (API)"
_LIKE: Final = 0.75
"""How alike a misspelt class and the right one are (judged: below it they are others)."""


def class_remedy(
    node_id: str, node: Mapping[str, Any], schemas: Schemas, *, linked: bool, came_in: Mapping[str, str]
) -> str:
    """Return what to do about a node of a class that the server lacks.

    Args:
        linked: whether another node takes something from it.
        came_in: the version of ComfyUI that first had a class of its own, where that is known.
    """
    class_type = node.get("class_type")
    if not isinstance(class_type, str) or class_type in NOTES | WIRING:
        spare = not linked and (class_type is None or class_type in NOTES)
        return take_out(node_id, why="it does nothing") if spare else _EXPORT
    return (
        _same(node_id, class_type, schemas)
        or _moved(node_id, class_type, schemas)
        or _older(node_id, node, class_type, schemas)
        or _newer(class_type, came_in)
        or _packed(class_type)
        or _near(node_id, class_type, schemas)
        or f"no pack that is known brings {class_type!r}: ComfyUI-Manager may, Install Missing Custom Nodes"
    )


def _same(node_id: str, class_type: str, schemas: Schemas) -> str:
    """A class in other letters, or with blanks around it."""
    wanted = _plain(class_type)
    return next((_renamed(node_id, name) for name in schemas if _plain(name) == wanted), "")


def _moved(node_id: str, class_type: str, schemas: Schemas) -> str:
    """The name that a class has now, or had before, on a server that has it under that one."""
    others = [new if old == class_type else old for old, new in RENAMED.items() if class_type in (old, new)]
    found = next((name for name in others if name in schemas), None)
    line = f'graph[{written(node_id)}]["class_type"] = {written(found)}'
    return remarked(line, "it is called so there") if found else ""


def _older(node_id: str, node: Mapping[str, Any], class_type: str, schemas: Schemas) -> str:
    """The class that a newer one has replaced, on a server that has only that."""
    for old, new in REPLACEMENTS.items():
        if new.new_class != class_type or old not in schemas:
            continue
        given = node.get("inputs") or {}
        back = {new.inputs.get(name, None if new.inputs else name): value for name, value in given.items()}
        if None not in back or all(name in new.inputs or name in new.values for name in given):
            inputs = {name: value for name, value in back.items() if name is not None}
            change = f"graph[{written(node_id)}].update(class_type={written(old)}, inputs={written(inputs)})"
            return remarked(change, f"the server is older and has {old} instead")
    return ""


def _newer(class_type: str, came_in: Mapping[str, str]) -> str:
    """A class of ComfyUI's own that this server is too old for."""
    version = came_in.get(class_type)
    if version is not None:
        return remarked(UPDATE, f"ComfyUI has {class_type} since {version}")
    if class_type not in snapshot.core().texts:
        return ""
    if snapshot.core().load(class_type)["python_module"].startswith(PARTNERS):
        return f"a partner's node: start ComfyUI without --disable-api-nodes, or update it: {UPDATE}"
    return remarked(UPDATE, f"ComfyUI {snapshot.core().comfyui} has {class_type}: the server is older")


def _packed(class_type: str) -> str:
    pack = pack_with(class_type)
    return "" if pack is None else remarked(pack.install, f"node pack {pack.name}; then restart ComfyUI")


def _near(node_id: str, class_type: str, schemas: Schemas) -> str:
    """A class that is called nearly so, on the server or in a pack."""
    close = _closest(class_type, schemas)
    if close is not None:
        return _renamed(node_id, close)
    close = _closest(class_type, (name for pack in packs().values() for name in pack.classes))
    pack = pack_with(close) if close is not None else None
    return "" if pack is None else f"did you mean {close}? {remarked(pack.install, f'node pack {pack.name}')}"


def _closest(name: str, known: Iterable[str]) -> str | None:
    return next(iter(find_near(name.strip(), known, cutoff=_LIKE)), None)


def _renamed(node_id: str, name: str) -> str:
    return remarked(f'graph[{written(node_id)}]["class_type"] = {written(name)}', "as the server spells it")


def _plain(name: str) -> str:
    return name.strip().casefold()
