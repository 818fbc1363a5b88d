"""Put other model files into the loaders of a graph, with the loader that goes with each, as a server lists them.

Only loaders of ComfyUI-GGUF read ``.gguf`` files, and that pack has none for checkpoints, VAEs and LoRAs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from comfy_headless.errors import ValidationError
from comfy_headless.graph.file_inputs import MODEL_INPUTS, constant_choices
from comfy_headless.graph.listed import Found, file_name, find_listed, lists_backslashes
from comfy_headless.graph.source import Graph, copy_json, is_link
from comfy_headless.graph.transforms.wires import Changed, named, replace_class, set_inputs
from comfy_headless.graph.values import shown

UNET: Final = "UNETLoader"
UNET_GGUF: Final = "UnetLoaderGGUF"
GGUF_LOADERS: Final[Mapping[str, str]] = {
    UNET: UNET_GGUF,
    "CLIPLoader": "CLIPLoaderGGUF",
    "DualCLIPLoader": "DualCLIPLoaderGGUF",
    "TripleCLIPLoader": "TripleCLIPLoaderGGUF",
    "QuadrupleCLIPLoader": "QuadrupleCLIPLoaderGGUF",
}
"""For a loader the one of ComfyUI-GGUF that takes its place; the inputs that name files are the same."""

FROM_GGUF: Final[Mapping[str, str]] = {
    **{gguf: plain for plain, gguf in GGUF_LOADERS.items()},
    "UnetLoaderGGUFAdvanced": UNET,
}
"""The way back."""

NO_CAST: Final[Mapping[str, str]] = {"weight_dtype": "default", "quantization": "disabled"}
"""The inputs by which loaders cast while they load (ComfyUI's, CogVideoXWrapper's), and their word for not at all."""

WIDE: Final = frozenset({"fp32", "fp16", "bf16"})
"""Precisions that a cast while loading makes smaller."""

WHY_NO_GGUF: Final = (
    "ComfyUI-GGUF loads diffusion models by themselves, not checkpoints that hold text encoder and VAE too"
)

_OWN_LOADERS: Final[Mapping[str, str]] = {
    "svdq": "Nunchaku's own loaders (node pack ComfyUI-nunchaku)",
    "nf4": "the loaders of a node pack for bitsandbytes (ComfyUI_bitsandbytes_NF4)",
}
"""Words in names of files whose weights ComfyUI's loaders do not know, and what reads them (the packs' READMEs)."""

_WRITTEN: Final = re.compile(
    r"(?<![a-z0-9])(?:fp32|fp16|bf16|fp8(?:_scaled|_e4m3fn|_e5m2)?|fp4(?:_mixed)?|nvfp4|nf4|int[48]|i?q\d(?:_[0-9a-z]+)*)"
    r"(?![a-z0-9])",
    re.I,
)


def with_files(graph: Graph, files: Mapping[tuple[str, str], str]) -> Changed:
    """Return the graph with these model files in place, each under a loader that reads it.

    A cast while loading stays for a file of 16 or 32 bits, and ends with one of fewer.

    Args:
        files: names as a server lists them, for node id and input.

    Raises:
        ValidationError: there is no such input, or nothing that could stand there loads such a file.
    """
    changed: Graph = copy_json(graph)
    given: dict[str, dict[str, str]] = {}
    for (node_id, name), file in files.items():
        _check_place(graph, node_id, name)
        given.setdefault(node_id, {})[name] = file
    notes: list[str] = []
    for node_id, names in given.items():
        changed, said = _load(changed, node_id, names)
        notes += said
    return Changed(changed, tuple(notes))


def as_listed(
    graph: Graph,
    files: Mapping[str, Iterable[str]],
    *,
    other_names: Mapping[tuple[str, str], Iterable[str]] | None = None,
) -> Changed:
    """Return the graph with each model file named exactly as a server lists it; what it does not list stays.

    Args:
        files: the names that the server lists, by model folder; a folder that is not there is not looked into.
        other_names: for ``(folder, name)`` of a file the names under which the same one is had.
    """
    others = other_names or {}
    changed: Graph = copy_json(graph)
    notes: list[str] = []
    any_case = lists_backslashes(files)
    listed = {folder: frozenset(names) for folder, names in files.items()}
    for node in changed.values():
        for name, value in node["inputs"].items():
            key = node["class_type"], name
            folder = MODEL_INPUTS.get(key, "")
            if folder not in listed or not isinstance(value, str) or value in constant_choices(key):
                continue
            for wanted in (value, *others.get((folder, file_name(value)), ())):
                found = find_listed(wanted, listed[folder], any_case=any_case)
                if found is not None:
                    node["inputs"][name] = found.name
                    notes += places_note(wanted, found, folder)
                    notes += [f"{value} goes by the name {found.name} there"] if wanted != value else []
                    break
    return Changed(changed, tuple(dict.fromkeys(notes)))


def places_note(name: str, found: Found, folder: str) -> list[str]:
    """Return what there is to say of a file that was found, if it may be another one of the same name."""
    if found.others:
        return [f"{name} lies in {folder}/ as {found.name} and as {', '.join(found.others)}; the first was taken"]
    asked, taken = (f"/{each.replace(chr(92), '/')}".casefold() for each in (name, found.name))
    if asked.endswith(taken) or taken.endswith(asked):
        return []
    return [f"{name} is not in {folder}/; {found.name}, of the same name, was taken"]


def is_gguf(file: str) -> bool:
    """Return whether a name is that of a GGUF file."""
    return file.lower().endswith(".gguf")


def written_precision(file: str) -> str | None:
    """Return the precision that a file's name says, or None."""
    found = _WRITTEN.findall(file_name(file))
    return found[-1] if found else None


def is_scaled_fp8(file: str) -> bool:
    """Return whether a name says fp8 with scales: ComfyUI-GGUF's loaders refuse it beside a GGUF file."""
    base = file_name(file).lower()
    return not is_gguf(base) and "fp8" in base and "scaled" in base


def _check_place(graph: Graph, node_id: str, name: str) -> None:
    if node_id not in graph:
        raise ValidationError(f"files: the graph has no node {node_id!r}; it has {', '.join(graph)}")
    inputs = graph[node_id]["inputs"]
    if name not in inputs or is_link(inputs[name], graph):
        there = ", ".join(each for each, value in inputs.items() if isinstance(value, str)) or "none"
        state = "is a wire" if name in inputs else "is not there"
        raise ValidationError(f"files: {named(graph, node_id)}: input {name!r} {state}; inputs with text: {there}")


def _load(graph: Graph, node_id: str, names: Mapping[str, str]) -> Changed:
    class_type: str = graph[node_id]["class_type"]
    inputs = {**graph[node_id]["inputs"], **names}
    there = {name: value for name, value in inputs.items() if (class_type, name) in MODEL_INPUTS or name in names}
    _check_files(graph, node_id, there, names)
    quantised = any(not _is_wide(file) for file in names.values())
    values: dict[str, Any] = {**names}
    if quantised:
        values |= {name: no_cast for name, no_cast in NO_CAST.items() if name in inputs}
    wanted = _loader_for(class_type, there)
    if wanted == class_type:
        return Changed(set_inputs(graph, node_id, values))
    kept = {name: inputs[name] for name in (*there, "type") if name in inputs}
    if wanted == UNET:
        kept["weight_dtype"] = NO_CAST["weight_dtype"]
    return Changed(replace_class(graph, node_id, wanted, kept), _lost(graph, node_id, wanted))


def _loader_for(class_type: str, there: Mapping[str, Any]) -> str:
    """Return the class that reads all of these files."""
    if any(is_gguf(str(file)) for file in there.values()):
        return GGUF_LOADERS.get(class_type, class_type)
    return FROM_GGUF.get(class_type, class_type)


def _check_files(graph: Graph, node_id: str, there: Mapping[str, Any], names: Mapping[str, str]) -> None:
    class_type = graph[node_id]["class_type"]
    known = any((class_type, name) in MODEL_INPUTS for name in there)
    for name, file in names.items():
        where = f"files: {named(graph, node_id)}: {name}={shown(file)}"
        if is_gguf(file) and known and class_type not in {*GGUF_LOADERS, *FROM_GGUF}:
            folder = MODEL_INPUTS.get((class_type, name))
            why = f": {WHY_NO_GGUF}" if folder == "checkpoints" else ""
            raise ValidationError(f"{where}: a GGUF file, and nothing that loads those can take the node's place{why}")
        other = next((loader for word, loader in _OWN_LOADERS.items() if known and _has_word(file, word)), None)
        if other is not None:
            raise ValidationError(f"{where}: such weights are read by {other} only")
    scaled = next((file for file in there.values() if is_scaled_fp8(str(file))), None)
    gguf = next((file for file in there.values() if is_gguf(str(file))), None)
    if scaled is not None and gguf is not None:
        raise ValidationError(
            f"files: {named(graph, node_id)}: {gguf} and {scaled} do not go together: ComfyUI-GGUF loads no scaled "
            "fp8 beside a GGUF file; take another precision of one of them"
        )


def _lost(graph: Graph, node_id: str, wanted: str) -> tuple[str, ...]:
    """Say what the other loader has no input for."""
    if graph[node_id]["inputs"].get("device", "default") == "default":
        return ()
    return (f"{named(graph, node_id)} held its model on the CPU; {wanted} cannot",)


def _has_word(file: str, word: str) -> bool:
    return re.search(rf"(?<![a-z0-9]){word}(?![a-z0-9])", file_name(file), re.I) is not None


def _is_wide(file: str) -> bool:
    precision = written_precision(file)
    return precision is None or precision.lower() in WIDE
