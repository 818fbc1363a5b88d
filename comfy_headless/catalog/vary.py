"""Apply variants to a graph, each by its transform, in the order of ``VARIANTS``."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final, NamedTuple

from comfy_headless.catalog.files import ModelFiles
from comfy_headless.catalog.variants import VARIANTS
from comfy_headless.graph.source import Graph
from comfy_headless.graph.transforms.decoding import tile_decoding
from comfy_headless.graph.transforms.frames import interpolate, upscale
from comfy_headless.graph.transforms.loras import add_loras
from comfy_headless.graph.transforms.saving import encode, mute
from comfy_headless.graph.transforms.speed import easy_cache, torch_compile
from comfy_headless.graph.transforms.weights import with_precision
from comfy_headless.graph.transforms.wires import Changed


class Workshop(NamedTuple):
    """What transforms need beside the graph.

    Args:
        files: the model files that are known: their equivalents, upscalers, frame interpolation models.
        lora_loaders: node ids of the models that LoRAs are for; None lets the graph tell.
    """

    files: ModelFiles
    lora_loaders: Collection[str] | None = None


def vary(graph: Graph, variants: Mapping[str, Any], workshop: Workshop) -> Changed:
    """Return the graph with ``variants`` (names of ``VARIANTS``) applied; the one given stays as it is.

    Raises:
        ValidationError: the graph has no place for one, or a value does not fit.
    """
    notes: list[str] = []
    for part in parts_of(variants):
        graph, said = apply(graph, part, workshop)
        notes += said
    return Changed(graph, tuple(notes))


def parts_of(variants: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what is to be applied, one by one; codec and quality are one thing, and what is False asks for nothing."""
    wanted = {name: variants[name] for name in VARIANTS if variants.get(name) not in (None, {}, _IDLE.get(name))}
    saving = {name: wanted.pop(name) for name in _SAVING if name in wanted}
    return [{name: value} for name, value in wanted.items()] + ([saving] if saving else [])


def apply(graph: Graph, part: Mapping[str, Any], workshop: Workshop) -> Changed:
    """Return the graph with one of ``parts_of`` applied; raises ValidationError."""
    return _TRANSFORMS[next(iter(part))](graph, part, workshop)


def _upscale(graph: Graph, part: Mapping[str, Any], workshop: Workshop) -> Changed:
    return upscale(graph, part["upscale"], workshop.files.upscalers())


def _interpolate(graph: Graph, part: Mapping[str, Any], workshop: Workshop) -> Changed:
    return interpolate(graph, part["interpolate"], workshop.files.interpolator())


def _encode(graph: Graph, part: Mapping[str, Any], workshop: Workshop) -> Changed:
    return encode(graph, part.get("codec"), part.get("quality"))


_SAVING: Final[tuple[str, ...]] = ("codec", "quality")

_IDLE: Final[Mapping[str, bool]] = {"easy_cache": False, "torch_compile": False, "tiled_decode": False, "sound": True}
"""What leaves a graph as it is."""

_TRANSFORMS: Final[Mapping[str, Callable[[Graph, Mapping[str, Any], Workshop], Changed]]] = {
    "precision": lambda graph, part, shop: with_precision(graph, part["precision"], shop.files.equivalents()),
    "loras": lambda graph, part, shop: add_loras(graph, part["loras"], loaders=shop.lora_loaders),
    "easy_cache": lambda graph, part, shop: easy_cache(graph),
    "torch_compile": lambda graph, part, shop: torch_compile(graph),
    "tiled_decode": lambda graph, part, shop: tile_decoding(graph),
    "upscale": _upscale,
    "interpolate": _interpolate,
    "sound": lambda graph, part, shop: mute(graph),
    "codec": _encode,
    "quality": _encode,
}
