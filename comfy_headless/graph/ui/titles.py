"""What a node is called that has no title of its own, and titles that are lost."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from comfy_headless.graph.ui.canvas import MUTED, PRIMITIVE, Node

OTHER_TITLES: Final[Mapping[str, str]] = {
    "LTXVConcatAVLatent": "LTXVConcatAVLatent",
    "LTXVSeparateAVLatent": "LTXVSeparateAVLatent",
    "MinimaxHailuoVideoNode": "MiniMax Hailuo Video",
    "PrimitiveString": "Text String (DEPRECATED)",
    "PrimitiveStringMultiline": "Input Text",
    "RecraftImageToImageNode": "Recraft Image to Image",
    "RecraftTextToImageNode": "Recraft Text to Image",
    "RecraftTextToVectorNode": "Recraft Text to Vector",
}
"""Classes for which the page's English (frontend 1.47.12) has another name than the server."""

_MARKER: Final = re.compile(r"\$~?[^\W\d][\w-]*")


def lost_marker(node: Node) -> str:
    """Return what to say of a node that is not sent and whose title looks like a marker; else nothing."""
    if not node.title or not _MARKER.search(node.title):
        return ""
    if not node.active:
        return f"it is {'muted' if node.mode == MUTED else 'bypassed'} and not sent, so the marker in its title is none"
    feeds = " that it feeds" if node.type == PRIMITIVE else ""
    return f"only the browser knows such nodes: put the marker of its title on the node{feeds}"
