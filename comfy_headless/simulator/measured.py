"""What a thing on a wire measures, and one node as the rules that measure it see it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from comfy_headless.simulator.order import links

# Wires are followed through these inputs first; the rest in the graph's own order.
_MAIN_INPUTS = ("samples", "latent_image", "latent", "video_latent", "av_latent", "images", "image", "video", "pixels")


@dataclass(frozen=True, slots=True)
class Shape:
    """What a picture, video, latent or sound measures.

    Args:
        width: pixels.
        height: pixels.
        frames: pictures, as decoded.
        fps: known from CreateVideo or a file on.
        seconds: length of the sound; None for silence.
        rate: samples a second of the sound.
        cell: of a latent, pixels a column.
        step: of a latent, frames a further one stands for.
    """

    width: int = 512
    height: int = 512
    frames: int = 1
    fps: float | None = None
    seconds: float | None = None
    rate: int = 48000
    cell: int = field(default=8, compare=False)
    step: int = field(default=1, compare=False)


class Way(Protocol):
    """The rest of the graph, as a node needs it."""

    def shape(self, node_id: str) -> Shape | None:
        """Return what a node makes."""

    def value(self, value: object) -> object:
        """Return a literal, or what a wire carries."""

    def file(self, name: object) -> Path | None:
        """Return an input file."""

    def node(self, node_id: str) -> Node | None:
        """Return a node of the graph."""


@dataclass(frozen=True, slots=True)
class Node:
    """One node as the rules see it."""

    node: Mapping[str, Any]
    way: Way

    @property
    def class_type(self) -> str:
        """Its class."""
        return str(self.node["class_type"])

    @property
    def inputs(self) -> Mapping[str, Any]:
        """The node's inputs as they stand in the graph."""
        found: Mapping[str, Any] = self.node.get("inputs", {})
        return found

    def number(self, name: str) -> float | None:
        """Return a number, also one given as text or by another node."""
        value = self.way.value(self.inputs.get(name))
        try:
            return None if value is None or isinstance(value, bool) else float(str(value))
        except ValueError:
            return None

    def whole(self, name: str) -> int | None:
        """Return a whole number."""
        value = self.number(name)
        return None if value is None else int(value)

    def source(self, name: str) -> Node | None:
        """Return the node that an input is wired to."""
        found = next((source for input_name, source, _ in links(self.node) if input_name == name), None)
        return None if found is None else self.way.node(found)

    def shape(self, *names: str) -> Shape | None:
        """Return the first measurable shape on the named inputs."""
        return next(self._shapes(names), None)

    def any_shape(self) -> Shape | None:
        """Return the shape of the main input, or of any."""
        others = [name for name in self.inputs if name not in _MAIN_INPUTS]
        return self.shape(*_MAIN_INPUTS, *others)

    def _shapes(self, names: tuple[str, ...]) -> Iterator[Shape]:
        for name, source, _ in sorted(links(self.node), key=lambda link: _rank(link[0], names)):
            found = self.way.shape(source) if name in names else None
            if found is not None:
                yield found


def _rank(name: str, names: tuple[str, ...]) -> int:
    return names.index(name) if name in names else len(names)
