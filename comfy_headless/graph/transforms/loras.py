"""Give the models of a graph LoRAs, in a chain directly behind the node that loads the model.

The first LoRA of the mapping stands next to the loader; those that the graph has already come after all of them. Where
a loader's own CLIP is in use, a LoRA changes that too. Of a pair for a two-expert model each half goes to its expert.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Final, NamedTuple

from comfy_headless.errors import ValidationError
from comfy_headless.graph.schemas import Schemas
from comfy_headless.graph.source import Graph, copy_json
from comfy_headless.graph.transforms.experts import Expert, find_lonely, read_experts
from comfy_headless.graph.transforms.wires import (
    Changed,
    Place,
    Wire,
    add_node,
    find_sources,
    links,
    named,
    rewire,
    set_inputs,
    splice,
    used_wires,
    wire_type,
)
from comfy_headless.graph.values import Kind, Limits, fit, shown

_MODEL_ONLY: Final = "LoraLoaderModelOnly"
_MODEL_AND_CLIP: Final = "LoraLoader"
_COGVIDEO: Final = "CogVideoLoraSelectComfy"
"""ComfyUI-CogVideoXWrapper's, of its two that for files in ``models/loras``."""

_BEFORE: Final = "prev_lora"

_FILES: Final = (".safetensors", ".sft", ".pt", ".pth", ".ckpt", ".bin")
_MODELS: Final = (*_FILES, ".gguf")
_GIVEN: Final = ("lora_name", "lora")


class _Loader(NamedTuple):
    """A node that gives a model and takes none; ``chain`` is its input for a pack's chain of LoRAs, if it has one."""

    wire: Wire
    file: str
    chain: str | None


class _Lora(NamedTuple):
    name: str
    strength: float


def add_loras(
    graph: Graph,
    loras: Mapping[str, float],
    *,
    loaders: Collection[str] | None = None,
    schemas: Schemas | None = None,
) -> Changed:
    """Return the graph with these LoRAs on its models.

    Args:
        loras: strengths by file name, in the order of the chain; without an extension ``.safetensors`` is meant, and
            a server's list of files finds the folder.
        loaders: ids of the nodes whose models take them; None: all, if there is one, if all load the same file, or
            if they are the experts of one model.
        schemas: None: those that are shipped, packs included.

    Raises:
        ValidationError: no model, several that may be meant, or a strength that the node does not take.
    """
    if schemas is None:
        schemas = Schemas.snapshot(Schemas.packs())
    if not loras:
        return Changed(copy_json(graph))
    targets = _choose(graph, _find_loaders(graph, schemas), loaders)
    given = _read_names(loras, schemas)
    experts = read_experts(loader.file for loader in targets)
    kinds = set(experts.values())
    two = kinds == {Expert.HIGH, Expert.LOW}
    halves = read_experts(given)
    notes = [*_known_notes(graph, given), *(_pair_notes(halves) if two else _single_notes(halves, kinds))]
    changed = graph
    for loader in targets:
        chosen = [
            _Lora(name, strength)
            for name, strength in given.items()
            if not two or halves[name] in (None, experts[loader.file])
        ]
        changed = _chain(changed, loader, chosen, schemas)
    return Changed(changed, tuple(notes))


def _find_loaders(graph: Graph, schemas: Schemas) -> dict[str, _Loader]:
    """Return the model loaders by node id."""
    found = {wire.node_id: _Loader(wire, _loaded(graph, wire), None) for wire in find_sources(graph, "MODEL", schemas)}
    for wire in find_sources(graph, "COGVIDEOMODEL", schemas):
        class_type = graph[wire.node_id]["class_type"]
        inputs = schemas[class_type].inputs if class_type in schemas else ()
        chain = next((item.name for item in inputs if item.type == "COGLORA"), None)
        if chain is None:
            raise ValidationError(
                f"loras: {named(graph, wire.node_id)} takes no LoRAs; another loader of its pack does"
            )
        found[wire.node_id] = _Loader(wire, _loaded(graph, wire), chain)
    return found


def _choose(graph: Graph, found: Mapping[str, _Loader], loaders: Collection[str] | None) -> list[_Loader]:
    if not found:
        classes = sorted({node["class_type"] for node in graph.values()})
        raise ValidationError(
            f"loras: no node of the graph loads a model that takes them; it has {', '.join(classes[:30])}"
        )
    there = ", ".join(f"{named(graph, node_id)}: {loader.file or 'no file named'}" for node_id, loader in found.items())
    if loaders is not None:
        wrong = next((each for each in loaders if each not in found), None)
        if wrong is not None or not loaders:
            raise ValidationError(
                f"loras: loaders={shown(list(loaders))}: expected model loaders of the graph: {there}"
            )
        return [loader for node_id, loader in found.items() if node_id in loaders]
    files = {loader.file or node_id for node_id, loader in found.items()}
    experts = read_experts(files).values()
    if len(files) > 1 and (None in experts or len(set(experts)) == 1):
        raise ValidationError(
            f"loras: the graph loads {len(files)} models, and their names do not make them high and low noise of one: "
            f"{there}. Say which take LoRAs, such as loaders={[next(iter(found))]!r}"
        )
    return list(found.values())


def _chain(graph: Graph, loader: _Loader, loras: list[_Lora], schemas: Schemas) -> Graph:
    if loader.chain is not None:
        return _chain_of_pack(graph, loader.wire.node_id, loader.chain, loras, schemas)
    model, clip = loader.wire, _find_clip(graph, loader.wire.node_id, schemas)
    for lora in loras:
        class_type = _MODEL_ONLY if clip is None else _MODEL_AND_CLIP
        values = {"lora_name": lora.name, "strength_model": _strength(lora, class_type, "strength_model", schemas)}
        if clip is not None:
            values = {
                "clip": clip,
                **values,
                "strength_clip": _strength(lora, class_type, "strength_clip", schemas),
            }
        graph, node_id = splice(graph, model, class_type, values, _title(lora), into="model")
        model = Wire(node_id, 0)
        if clip is not None:
            graph = rewire(graph, clip, Wire(node_id, 1))
            clip = Wire(node_id, 1)
    return graph


def _chain_of_pack(graph: Graph, node_id: str, name: str, loras: list[_Lora], schemas: Schemas) -> Graph:
    """Put LoRAs before those that a loader of CogVideoXWrapper takes by an input already.

    The last of the chain says whether all are fused (the pack's model_loading.py at fdb8abd), so it stays the last.
    """
    place = Place(node_id, name)
    for _ in graph:
        wire = links(graph, place.node_id).get(place.input)
        if wire is None:
            break
        place = Place(wire.node_id, _BEFORE)
    before: Wire | None = None
    for lora in loras:
        values = {"lora": lora.name, "strength": _strength(lora, _COGVIDEO, "strength", schemas)}
        if before is not None:
            values[_BEFORE] = before
        graph, lora_id = add_node(graph, _COGVIDEO, values, _title(lora))
        before = Wire(lora_id, 0)
    return graph if before is None else set_inputs(graph, place.node_id, {place.input: before})


def _find_clip(graph: Graph, node_id: str, schemas: Schemas) -> Wire | None:
    """Return the CLIP of a loader if something uses it."""
    own = (wire for wire in used_wires(graph) if wire.node_id == node_id)
    return next((wire for wire in own if wire_type(graph, wire, schemas) == "CLIP"), None)


def _strength(lora: _Lora, class_type: str, name: str, schemas: Schemas) -> float:
    item = schemas[class_type].input(name) if class_type in schemas else None
    limits = Limits(Kind.NUMBER, None if item is None else item.min, None if item is None else item.max)
    return float(fit(lora.strength, limits, f"loras: strength {shown(lora.strength)} of {lora.name}"))


def _loaded(graph: Graph, wire: Wire) -> str:
    """Return the model file that a loader names, or nothing."""
    texts = [value for value in graph[wire.node_id]["inputs"].values() if isinstance(value, str)]
    return next((text for text in texts if text.lower().endswith(_MODELS)), "")


def _read_names(loras: Mapping[str, float], schemas: Schemas) -> dict[str, float]:
    given: dict[str, float] = {}
    for name, strength in loras.items():
        file = _file_name(name, schemas)
        if file in given:
            raise ValidationError(f"loras: {file} is given twice, as {shown(name)} the second time")
        given[file] = strength
    return given


def _file_name(name: str, schemas: Schemas) -> str:
    """Return a LoRA's name as the server lists it, if its list is known, else with an extension."""
    full = name if name.lower().endswith(_FILES) else f"{name}.safetensors"
    item = schemas[_MODEL_ONLY].input("lora_name") if _MODEL_ONLY in schemas else None
    listed = [] if item is None else [str(choice) for choice in item.choices or ()]
    if name in listed or full in listed:
        return name if name in listed else full
    inside = [each for each in listed if re.split(r"[\\/]", each)[-1] == full]
    return inside[0] if len(inside) == 1 else full


def _title(lora: _Lora) -> str:
    """Return a title that no reader of markers takes for more than words."""
    return f"LoRA {re.sub(r'[$,，]', ' ', lora.name)}"


def _known_notes(graph: Graph, given: Mapping[str, float]) -> list[str]:
    there = [
        (node_id, node["inputs"].get(name))
        for node_id, node in graph.items()
        for name in _GIVEN
        if name in node["inputs"]
    ]
    return [
        f"{name} was in the graph already, at {named(graph, node_id)}; it now works twice"
        for node_id, name in there
        if isinstance(name, str) and name in given
    ]


def _pair_notes(halves: dict[str, Expert | None]) -> list[str]:
    both = [
        f"{name} names neither high nor low noise: both experts take it"
        for name, expert in halves.items()
        if expert is None
    ]
    lonely = [
        f"{name} is for the {halves[name]}-noise expert; no LoRA was given that is its other half"
        for name in find_lonely(halves)
    ]
    return [*both, *lonely]


def _single_notes(halves: Mapping[str, Expert | None], kinds: Collection[Expert | None]) -> list[str]:
    return [
        f"{name} is by its name for the {expert}-noise expert of two; it goes to a model that does not call itself so"
        for name, expert in halves.items()
        if expert is not None and expert not in kinds
    ]
