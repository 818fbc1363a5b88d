"""What a node is called that has no title of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

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
