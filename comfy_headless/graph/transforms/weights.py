"""Load the diffusion models of a graph in another precision: another file, another loader, or a cast while loading.

Text encoders and VAEs stay as they are. Either every diffusion model of the graph changes or none does: the two experts
of one model must not differ, and what is asked for is less memory for the whole.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from comfy_headless.errors import ValidationError
from comfy_headless.graph.file_inputs import MODEL_INPUTS
from comfy_headless.graph.listed import file_name
from comfy_headless.graph.schemas import Schemas
from comfy_headless.graph.source import Graph, copy_json
from comfy_headless.graph.transforms.files import (
    FROM_GGUF,
    NO_CAST,
    UNET,
    WHY_NO_GGUF,
    WIDE,
    is_gguf,
    with_files,
    written_precision,
)
from comfy_headless.graph.transforms.wires import Changed, find_sources, named, set_inputs
from comfy_headless.graph.values import nearest, shown

_FROM_GGUF: Final = tuple(gguf for gguf, plain in FROM_GGUF.items() if plain == UNET)
_CAST: Final = "fp8_e4m3fn"

_FILE_INPUTS: Final[Mapping[str, str]] = {
    UNET: "unet_name",
    **dict.fromkeys(_FROM_GGUF, "unet_name"),
    "CheckpointLoaderSimple": "ckpt_name",
    "CheckpointLoader": "ckpt_name",
    "ImageOnlyCheckpointLoader": "ckpt_name",
    "unCLIPCheckpointLoader": "ckpt_name",
    "CheckpointLoaderSimpleWithNoiseSelect": "ckpt_name",
    "CogVideoXModelLoader": "model",
    "DownloadAndLoadCogVideoModel": "model",
}
"""The input that names the model, of ComfyUI 0.30.0 and of the packs whose schemas are shipped."""

_QUANTIZATION: Final = "quantization"
"""The input of CogVideoXWrapper's loaders that casts while loading, as ``weight_dtype`` does in ComfyUI's."""

_TYPES: Final = ("precision", "base_precision")
"""Theirs for the type that the weights have."""

_PREFERRED: Final[Mapping[str, tuple[str, ...]]] = {"fp8": ("fp8_scaled", _CAST)}

Equivalents = Mapping[tuple[str, str], Mapping[str, str]]
"""For a model file, as folder and name, the names of the same network's files by precision; its own may be there."""


class _Model(NamedTuple):
    """A diffusion model of the graph: its loader, the file, what precision that is, and what there is besides."""

    node_id: str
    class_type: str
    folder: str
    file: str
    own: str | None
    others: Mapping[str, str]


class _Plan(NamedTuple):
    """What becomes of one model: another file (or the same one), and whether its loader casts it."""

    file: str
    cast: bool = False


def with_precision(
    graph: Graph, precision: str, equivalents: Equivalents, *, schemas: Schemas | None = None
) -> Changed:
    """Return the graph with its diffusion models in another precision.

    Args:
        precision: such as ``fp8``, ``fp16``, ``Q4_K_M``. One that is not there itself stands for those that begin with
            it; for ``fp8`` that is ``fp8_scaled``, then ``fp8_e4m3fn``, and without such a file a cast while loading.
        equivalents: for ``(folder, name)`` of a model file the files of the same network, by precision.
        schemas: None: those that are shipped, packs included.

    Raises:
        ValidationError: no diffusion model, or one of them cannot be had so; names what there is.
    """
    if schemas is None:
        schemas = Schemas.snapshot(Schemas.packs())
    models = _find_models(graph, equivalents, schemas)
    plans = [_plan(graph, model, precision, models) for model in models]
    changed: Graph = copy_json(graph)
    notes: list[str] = []
    for model, plan in zip(models, plans, strict=True):
        changed = _load(changed, model, plan)
        notes.append(_note(changed, model, plan))
    if any(is_gguf(plan.file) for plan in plans):
        notes.append("GGUF files need the node pack ComfyUI-GGUF (https://github.com/city96/ComfyUI-GGUF)")
    return Changed(changed, tuple(dict.fromkeys(notes)))


def _find_models(graph: Graph, equivalents: Equivalents, schemas: Schemas) -> list[_Model]:
    sources = [wire.node_id for kind in ("MODEL", "COGVIDEOMODEL") for wire in find_sources(graph, kind, schemas)]
    found = [_read_model(graph, node_id, equivalents) for node_id in dict.fromkeys(sources)]
    if not found:
        classes = sorted({node["class_type"] for node in graph.values()})
        raise ValidationError(
            f"precision: no node of the graph loads a diffusion model; it has {', '.join(classes[:30])}"
        )
    return found


def _read_model(graph: Graph, node_id: str, equivalents: Equivalents) -> _Model:
    class_type, inputs = graph[node_id]["class_type"], graph[node_id]["inputs"]
    name = _FILE_INPUTS.get(class_type)
    if name is None or not isinstance(inputs.get(name), str):
        what = (
            f"only {', '.join(_FILE_INPUTS)} are known" if name is None else f"its {name} is {shown(inputs.get(name))}"
        )
        raise ValidationError(f"precision: {named(graph, node_id)} loads a model, but {what}")
    file: str = inputs[name]
    folder = MODEL_INPUTS.get((class_type, name), "checkpoints" if name == "ckpt_name" else "diffusion_models")
    others = _find_others(equivalents, folder, file)
    own = next((precision for precision, other in others.items() if other == file), None) or written_precision(file)
    if own is None and _QUANTIZATION in inputs:
        own = next((value for name, value in inputs.items() if name in _TYPES and isinstance(value, str)), None)
    return _Model(node_id, class_type, folder, file, own, others)


def _find_others(equivalents: Equivalents, folder: str, file: str) -> dict[str, str]:
    """Return the files of the same network by precision; the file itself as the graph names it, with its sub-folder."""
    own = file_name(file)
    found = equivalents.get((folder, file)) or equivalents.get((folder, own), {})
    return {precision: file if name == own else name for precision, name in found.items()}


def _plan(graph: Graph, model: _Model, precision: str, models: list[_Model]) -> _Plan:
    file = _find_file(model, precision)
    if file is None and precision.lower() in ("fp8", _CAST) and _can_cast(graph, model):
        return _Plan(model.file, cast=True)
    if file is None:
        raise ValidationError(_refusal(graph, model, precision, models))
    if is_gguf(file) and model.class_type not in (UNET, *_FROM_GGUF):
        raise ValidationError(
            f"precision={precision!r}: {file} is a GGUF file, and nothing that loads those can take the place of "
            f"{named(graph, model.node_id)}: {WHY_NO_GGUF}"
        )
    return _Plan(file)


def _find_file(model: _Model, precision: str) -> str | None:
    """Return the file of that precision, or None. Exact first, then those that begin with it."""
    there = {name.lower(): file for name, file in model.others.items()}
    if model.own is not None:
        there.setdefault(model.own.lower(), model.file)
    asked = precision.lower()
    wanted = [asked, *_PREFERRED.get(asked, ()), *(name for name in there if name.startswith(f"{asked}_"))]
    return next((there[name] for name in wanted if name in there), None)


def _can_cast(graph: Graph, model: _Model) -> bool:
    inputs = graph[model.node_id]["inputs"]
    casts = model.class_type == UNET or _QUANTIZATION in inputs
    return casts and _is_wide(model)


def _load(graph: Graph, model: _Model, plan: _Plan) -> Graph:
    if plan == _Plan(model.file) and not _is_wide(model):
        return graph
    places = {(model.node_id, _FILE_INPUTS[model.class_type]), *_also_named(graph, model)}
    changed = with_files(graph, dict.fromkeys(sorted(places), plan.file)).graph
    casts = {name: no_cast for name, no_cast in NO_CAST.items() if name in changed[model.node_id]["inputs"]}
    return set_inputs(changed, model.node_id, dict.fromkeys(casts, _CAST) if plan.cast else casts)


def _also_named(graph: Graph, model: _Model) -> list[tuple[str, str]]:
    """Return the other inputs that name the same file: LTX-2's checkpoint also holds its sound and part of its text."""
    return [
        (node_id, name)
        for node_id, node in graph.items()
        for name, value in node["inputs"].items()
        if value == model.file and MODEL_INPUTS.get((node["class_type"], name)) == model.folder
    ]


def _note(graph: Graph, model: _Model, plan: _Plan) -> str:
    if plan.cast:
        return (
            f"no fp8 file of {model.file} is known: {named(graph, model.node_id)} casts it to {_CAST} while it loads, "
            "which halves the memory, not the download"
        )
    if plan.file == model.file:
        return f"{model.file} is {model.own} already"
    return f"{named(graph, model.node_id)} loads {plan.file} instead of {model.file}"


def _refusal(graph: Graph, model: _Model, precision: str, models: list[_Model]) -> str:
    there = {each.node_id: sorted({*each.others, *([each.own] if each.own else [])}) for each in models}
    known = {name for names in there.values() for name in names}
    listed = "; ".join(
        f"{named(graph, each.node_id)}: {each.file} as {', '.join(there[each.node_id]) or 'it is'}"
        f"{', or as fp8 by a cast' if _can_cast(graph, each) else ''}"
        for each in models
    )
    reason = f" {WHY_NO_GGUF}." if re.match(r"i?q\d", precision, re.I) and model.folder == "checkpoints" else ""
    hint = f"{nearest(precision, known)}{reason}"
    return f"precision={precision!r} is not to be had for {model.file}{hint} There is {listed}"


def _is_wide(model: _Model) -> bool:
    return model.own is None or model.own.lower() in WIDE
