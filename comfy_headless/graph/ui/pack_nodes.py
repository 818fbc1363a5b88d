"""Nodes of packs that live in the browser alone: no server has such a class, and the packs' own code keeps them there.

Set and Get of ComfyUI-KJNodes (web/js/setgetnodes.js): a Get gives what the Set of its name takes, one of its own
canvas first, then of those around it. rgthree-comfy (src_web/comfyui): a Reroute of its own, and tools that mute, jump
or label; and what two packs do to nodes that the server has.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from comfy_headless.graph.ui.canvas import REROUTE, Node

GETTER: Final = "GetNode"
SETTER: Final = "SetNode"
PASSING: Final = frozenset({REROUTE, SETTER, "Reroute (rgthree)"})
"""Nodes that give what they take."""

_TOOLS: Final = frozenset(
    f"{name} (rgthree)"
    for name in (
        *("Bookmark", "Label", "Fast Actions Button", "Fast Bypasser", "Fast Groups Bypasser", "Fast Groups Muter"),
        *("Fast Muter", "Mute / Bypass Relay", "Mute / Bypass Repeater", "Random Unmuter"),
    )
)
IN_THE_BROWSER: Final = PASSING | _TOOLS | {GETTER}


POWER_LORAS: Final = "Power Lora Loader (rgthree)"
_EVERYWHERE: Final = ("Anything Everywhere", "Seed Everywhere", "Prompts Everywhere")


def more_values(node: Node) -> dict[str, Any]:
    """Return values that a pack's own code adds to a node: the rows of rgthree's LoRA loader (power_lora_loader.ts)."""
    if node.type != POWER_LORAS or not isinstance(node.values, list):
        return {}
    rows = [value for value in node.values if isinstance(value, Mapping) and "lora" in value]
    return {f"lora_{number}": row for number, row in enumerate(rows, start=1)}


def links_by_itself(node: Node) -> bool:
    """Whether a node links inputs that are open in the browser, by rules of its pack (cg-use-everywhere)."""
    return node.type.startswith(_EVERYWHERE)


def name_of(node: Node) -> str | None:
    """Return the name by which a Set and its Gets find each other."""
    first = node.values[0] if isinstance(node.values, list) and node.values else None
    return first if isinstance(first, str) and first else None
