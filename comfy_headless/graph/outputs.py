"""What the saving nodes of a graph will make, as far as their class tells: file extensions, and whether with sound.

And what their titles call it.

Classes and formats of ComfyUI 0.30.0 (object_info) and VideoHelperSuite 1.7.9.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from comfy_headless.graph.markers import parse_title

EXTENSIONS: Final[Mapping[str, str]] = {
    "SaveVideo": ".mp4",
    "SaveWEBM": ".webm",
    "SaveAnimatedWEBP": ".webp",
    "SaveAnimatedPNG": ".png",
    "SaveImage": ".png",
    "SaveAudio": ".flac",
    "SaveAudioMP3": ".mp3",
    "SaveAudioOpus": ".opus",
}

_VHS: Final = {"mp4": ".mp4", "webm": ".webm", "gif": ".gif", "webp": ".webp", "mov": ".mov", "mkv": ".mkv"}

_VIDEO_MAKERS: Final = ("CreateVideo", "VHS_VideoCombine", "SaveWEBM")


def extensions_made(graph: Mapping[str, Any]) -> frozenset[str] | None:
    """Return the extensions that ``graph`` will make; None if a saving node's class does not tell."""
    made: set[str] = set()
    for node in graph.values():
        name = str(node.get("class_type"))
        if name in EXTENSIONS:
            made.add(EXTENSIONS[name])
        elif name == "VHS_VideoCombine":
            container = str((node.get("inputs") or {}).get("format")).replace("/", "-").rsplit("-", 1)[-1]
            if container not in _VHS:
                return None
            made.add(_VHS[container])
        elif name.startswith("Save") or name.endswith("Save"):
            return None
    return frozenset(made) if made else None


def sound_made(graph: Mapping[str, Any]) -> bool | None:
    """Tell whether the videos of ``graph`` will have sound; None if its classes do not tell, or tell both."""
    makers = [node for node in graph.values() if node.get("class_type") in _VIDEO_MAKERS]
    linked = {"audio" in (node.get("inputs") or {}) for node in makers}
    return linked.pop() if len(linked) == 1 else None


def named_outputs(graph: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Return the names that titles give to outputs, each with its nodes in order.

    Raises:
        ValidationError: a title holds what is no marker.
    """
    found: dict[str, tuple[str, ...]] = {}
    for node_id, node in graph.items():
        title = (node.get("_meta") or {}).get("title")
        if isinstance(title, str) and "$" in title:
            for marker in parse_title(title, where=f"node {node_id}").markers:
                if marker.output and marker.name:
                    found[marker.name] = (*found.get(marker.name, ()), node_id)
    return found
