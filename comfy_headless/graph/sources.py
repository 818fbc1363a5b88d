"""Which nodes of a graph give a type: where a link can come from that is missing, or is of another type."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from comfy_headless.graph.input_values import fits
from comfy_headless.graph.own_checks import looks_like_link
from comfy_headless.graph.schemas import Schemas

GIVERS: Final[Mapping[str, tuple[str, ...]]] = {
    "AUDIO": ("LoadAudio", "VAEDecodeAudio"),
    "CLIP": ("CLIPLoader", "CheckpointLoaderSimple"),
    "CLIP_VISION": ("CLIPVisionLoader",),
    "CLIP_VISION_OUTPUT": ("CLIPVisionEncode",),
    "CONDITIONING": ("CLIPTextEncode",),
    "CONTROL_NET": ("ControlNetLoader",),
    "GUIDER": ("CFGGuider", "BasicGuider"),
    "IMAGE": ("LoadImage", "VAEDecode"),
    "LATENT": ("EmptyLatentImage", "VAEEncode", "KSampler"),
    "MASK": ("LoadImageMask",),
    "MODEL": ("UNETLoader", "CheckpointLoaderSimple"),
    "NOISE": ("RandomNoise",),
    "SAMPLER": ("KSamplerSelect",),
    "SIGMAS": ("BasicScheduler",),
    "UPSCALE_MODEL": ("UpscaleModelLoader",),
    "VAE": ("VAELoader", "CheckpointLoaderSimple"),
    "VIDEO": ("CreateVideo", "LoadVideo"),
}
"""The usual classes that give a type, where no node of a graph does (ComfyUI 0.30.0)."""


class Source(NamedTuple):
    """One output of one node."""

    node_id: str
    slot: int
    class_type: str

    @property
    def link(self) -> list[Any]:
        """As an input names it."""
        return [self.node_id, self.slot]

    def __str__(self) -> str:
        return f"node {self.node_id} ({self.class_type})"


def find_sources(graph: Mapping[str, Any], schemas: Schemas, node_id: str, wanted: Any) -> list[Source]:
    """Return the outputs that may go into an input of a node, the likeliest first: what nothing else takes.

    Args:
        wanted: the input's type; what is behind the node is left out, since that would close a ring.
    """
    behind = _behind(graph, node_id)
    taken = {(value[0], value[1]) for _, value in _links(graph, but=node_id)}
    found = [
        Source(other, slot, class_type)
        for other, class_type in _known(graph, schemas)
        if other not in behind
        for slot, given in enumerate(schemas[class_type].returns)
        if given != "*" and fits(given, wanted)
    ]
    order = {each: place for place, each in enumerate(found)}
    return sorted(found, key=lambda each: ((each.node_id, each.slot) in taken, -order[each]))


def usual_givers(schemas: Schemas, wanted: Any) -> list[str]:
    """Return classes of the server that give a type."""
    types = [part.strip() for part in wanted.split(",")] if isinstance(wanted, str) else []
    return [each for kind in types for each in GIVERS.get(kind, ()) if each in schemas]


def _known(graph: Mapping[str, Any], schemas: Schemas) -> Iterator[tuple[str, str]]:
    for node_id, node in graph.items():
        class_type = node.get("class_type")
        if isinstance(class_type, str) and class_type in schemas:
            yield node_id, class_type


def _links(graph: Mapping[str, Any], but: str | None = None) -> Iterator[tuple[str, list[Any]]]:
    for node_id, node in graph.items():
        if node_id != but:
            yield from ((node_id, value) for value in (node.get("inputs") or {}).values() if looks_like_link(value))


def _behind(graph: Mapping[str, Any], node_id: str) -> set[str]:
    """Return a node and all that depends on it."""
    users: dict[str, list[str]] = {}
    for user, link in _links(graph):
        users.setdefault(link[0], []).append(user)
    found: set[str] = set()
    waiting = [node_id]
    while waiting:
        current = waiting.pop()
        if current not in found:
            found.add(current)
            waiting += users.get(current, ())
    return found
