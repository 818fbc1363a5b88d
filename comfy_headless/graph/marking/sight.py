"""A graph as the finders look at it: its values behind primitives, its samplers, and the stages of sampling.

A sampler that adds noise begins a stage; one that adds none (the second of two experts) continues that of the sampler
before it. A node belongs to the first stage that needs it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import cached_property
from typing import Any, NamedTuple

from comfy_headless.graph.marking.words import SEEDS
from comfy_headless.graph.schemas import NodeSchema, Schemas
from comfy_headless.graph.source import Graph
from comfy_headless.graph.transforms.wires import Place, Wire, links, nodes_above

_STEERS = ("positive", "negative", "guider", "conditioning", "cond1")


class Mark(NamedTuple):
    """A marker to be: ``$name.input`` in the title of a node.

    Args:
        required: a value must be given.
        upload: the value is a file to upload.
        description: for people.
    """

    node_id: str
    input: str
    name: str
    required: bool = False
    upload: bool = False
    description: str = ""

    def __str__(self) -> str:
        told = f": {self.description}" if self.description else ""
        return f"${'~' if self.upload else ''}{self.name}.{self.input}{'!' if self.required else ''}{told}"


class Value(NamedTuple):
    """A value that the graph holds, and where."""

    place: Place
    value: Any


class Sight:
    """A graph and what can be seen in it; never changed."""

    def __init__(self, graph: Graph, schemas: Schemas) -> None:
        self.graph, self.schemas = graph, schemas

    def class_of(self, node_id: str) -> str:
        """Return the class of a node."""
        return str(self.graph[node_id]["class_type"])

    def schema(self, node_id: str) -> NodeSchema | None:
        """Return the schema of a node; None for a class that nobody knows."""
        class_type = self.class_of(node_id)
        known = class_type in self.schemas
        return self.schemas[class_type] if known else None

    def makes(self, node_id: str, kind: str) -> bool:
        """Say whether a node gives a wire of that type; a node that nobody knows may."""
        schema = self.schema(node_id)
        return schema is None or any(output.type == kind for output in schema.outputs)

    def values(self, names: Collection[str], kinds: tuple[type, ...]) -> Iterator[tuple[Place, Value]]:
        """Yield each input of these names, and the value that it comes to."""
        for node_id, node in self.graph.items():
            for name in node["inputs"]:
                place = Place(node_id, name)
                found = self.value(place, kinds) if name in names else None
                if found is not None:
                    yield place, found

    def value(self, place: Place, kinds: tuple[type, ...]) -> Value | None:
        """Return the value of an input: its own, or the only one of these kinds that its wire comes from."""
        seen: set[Place] = set()
        while place not in seen:
            seen.add(place)
            wire = links(self.graph, place.node_id).get(place.input)
            if wire is None:
                found = self.graph[place.node_id]["inputs"].get(place.input)
                return Value(place, found) if _is(found, kinds) else None
            inputs = self.graph[wire.node_id]["inputs"]
            wired = links(self.graph, wire.node_id)
            own = [name for name, value in inputs.items() if name not in wired and _is(value, kinds)]
            names = own or list(wired)
            if len(names) != 1:
                return None
            place = Place(wire.node_id, names[0])
        return None

    @cached_property
    def samplers(self) -> tuple[str, ...]:
        """The nodes that sample: they take what steers them, and give a latent and no conditioning."""
        return tuple(
            node_id
            for node_id, node in self.graph.items()
            if any(name in node["inputs"] for name in _STEERS)
            and self.makes(node_id, "LATENT")
            and (self.schema(node_id) is None or not self.makes(node_id, "CONDITIONING"))
        )

    @cached_property
    def needed(self) -> frozenset[str]:
        """What the samplers need, themselves included; all nodes, where no sampler is known."""
        return frozenset(nodes_above(self.graph, self.samplers) if self.samplers else self.graph)

    @cached_property
    def stages(self) -> dict[str, int]:
        """The stage of each node that sampling needs, from 1."""
        above = {sampler: nodes_above(self.graph, [sampler]) - {sampler} for sampler in self.samplers}
        stage: dict[str, int] = {}
        for sampler in sorted(self.samplers, key=lambda each: len(above[each] & set(self.samplers))):
            before = max((stage.get(each, 0) for each in above[sampler] & set(self.samplers)), default=0)
            own = max(before + self.adds_noise(sampler), 1)
            for node_id in (sampler, *above[sampler]):
                stage.setdefault(node_id, own)
        return stage

    @cached_property
    def continuing(self) -> frozenset[str]:
        """What only samplers need that add no noise."""
        adding = [sampler for sampler in self.samplers if self.adds_noise(sampler)]
        others = [sampler for sampler in self.samplers if sampler not in adding]
        return frozenset(
            each
            for sampler in others
            for each in nodes_above(self.graph, [sampler])
            if each not in nodes_above(self.graph, adding)
        )

    def adds_noise(self, node_id: str) -> bool:
        """Say whether a sampler begins with noise of its own."""
        inputs = self.graph[node_id]["inputs"]
        noise = links(self.graph, node_id).get("noise")
        if noise is not None:
            return self.class_of(noise.node_id) != "DisableNoise"
        return inputs.get("add_noise", True) not in ("disable", False)

    def seeds(self) -> Iterator[Value]:
        """Yield the seeds that change what is made."""
        for place, found in self.values(SEEDS, (int,)):
            if place.node_id in self.needed and self.adds_noise(place.node_id):
                yield found

    def follow(self, wire: Wire, kind: str) -> Iterator[tuple[str, Wire]]:
        """Yield the inputs of the node that gives ``wire`` which take that type themselves."""
        for name, before in links(self.graph, wire.node_id).items():
            schema = self.schema(before.node_id)
            outputs = schema.outputs if schema else ()
            if schema is None or (before.slot < len(outputs) and outputs[before.slot].type == kind):
                yield name, before


def _is(value: Any, kinds: tuple[type, ...]) -> bool:
    return isinstance(value, kinds) and (not isinstance(value, bool) or bool in kinds)
