"""The nodes that make something of pictures, a file or a video: what they take them by, and how fast they show them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final, NamedTuple

from comfy_headless.errors import ValidationError
from comfy_headless.graph.source import Graph
from comfy_headless.graph.transforms.wires import Place, Wire, find_nodes, links, nodes_below


class Maker(NamedTuple):
    """What a class makes, and the input for how many pictures make a second; None for stills."""

    makes: str
    fps: str | None = "fps"


MAKERS: Final[Mapping[str, Maker]] = {
    "CreateVideo": Maker("video"),
    "VHS_VideoCombine": Maker("video", "frame_rate"),
    "SaveWEBM": Maker("video"),
    "SaveAnimatedWEBP": Maker("animation"),
    "SaveAnimatedPNG": Maker("animation"),
    "SaveImage": Maker("image", None),
    "SaveImageAdvanced": Maker("image", None),
}
"""Classes of ComfyUI 0.30.0, and of VideoHelperSuite 1.7.9. All take the pictures by ``images``."""

MOVING: Final = tuple(name for name, maker in MAKERS.items() if maker.fps is not None)


def find_pictures(graph: Graph, classes: Collection[str], asked: str) -> dict[Wire, set[Place]]:
    """Return the wires that pictures come by, and which inputs of nodes of these classes take each.

    What comes out of such a node again is left out: it is what went in.

    Args:
        asked: how an error names what was asked for.

    Raises:
        ValidationError: no node of these classes takes pictures from a wire.
    """
    takers = {node_id: links(graph, node_id)["images"] for node_id in _takers(graph, classes)}
    below = nodes_below(graph, takers)
    found: dict[Wire, set[Place]] = {}
    for node_id, wire in takers.items():
        if wire.node_id not in below:
            found.setdefault(wire, set()).add(Place(node_id, "images"))
    if not found:
        raise ValidationError(
            f"{asked}: no place for it; it goes between pictures and {' or '.join(classes)}, and {told_classes(graph)}"
        )
    return found


def told_classes(graph: Graph) -> str:
    """Return a part of an error: which classes the graph has."""
    names = sorted({node["class_type"] for node in graph.values()})
    more = f" and {len(names) - 30} more" if len(names) > 30 else ""
    return f"the graph has {', '.join(names[:30])}{more}"


def _takers(graph: Graph, classes: Collection[str]) -> list[str]:
    return [node_id for node_id in find_nodes(graph, classes) if "images" in links(graph, node_id)]
