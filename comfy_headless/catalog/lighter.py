"""The way down when memory runs out: what to change, the least loss first, and what it takes then.

A pure function of the request, of where it failed, and of what the server has. A step is told only if its graph can be
made, if nothing in it is new that the server lacks, and if it takes less at the place that failed.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

from comfy_headless.catalog.compiled import CompiledWorkflow
from comfy_headless.catalog.facts import ServerFacts
from comfy_headless.catalog.models import COMMON
from comfy_headless.catalog.preset import Preset
from comfy_headless.catalog.preset_file import Task
from comfy_headless.catalog.presets import PRESETS, PresetLibrary
from comfy_headless.catalog.variants import VARIANTS
from comfy_headless.catalog.vary import Workshop, vary
from comfy_headless.catalog.vram import VramEstimate
from comfy_headless.catalog.vram import estimate as estimate_settings
from comfy_headless.catalog.ways_down import (
    ABOUT,
    Changes,
    Failed,
    described,
    fewer_frames,
    lighter_presets,
    merged,
    smaller_precisions,
    smaller_sizes,
    smaller_tiles,
)
from comfy_headless.errors import ValidationError
from comfy_headless.graph.file_inputs import MODEL_INPUTS, model_files
from comfy_headless.graph.source import Graph

Place = Literal["loading", "encoding", "sampling", "decoding"]

_WEIGHING: Final[Mapping[Place, tuple[str, ...]]] = {
    "loading": ("model", "text encoder", "vae", "loras", "other"),
    "encoding": ("encoding",),
    "sampling": ("model", "loras", "sampling"),
    "decoding": ("decoding",),
}
"""The parts of an estimate that count at each place; ComfyUI unloads the others to make room."""

_LESS: Final = 0.95
"""A step makes some part that counts smaller than this share of what it was (judged: else it is no help)."""

_FLAGS: Final[Mapping[str, str]] = {"allow_untested": "--untested", "loras": "--lora", "sound": "--no-sound"}
"""Options that are not called as their arguments are."""

_ENCODERS: Final = ("VAEEncode", "ImageToVideo", "ImgToVideo", "img2vid", "FirstLastFrame", "CogVideoImageEncode")
"""What the names of nodes have in common that encode a picture."""

_BESIDE: Final = ("preset", "files", *ABOUT)
"""Arguments that no estimate depends on."""


@dataclass(frozen=True, slots=True)
class StepDown:
    """One step down.

    Args:
        argument: as it is typed in Python, such as ``tiled_decode=True``; None takes back what was given.
        option: as it is typed at the command line, such as ``--tiled-decode``.
        changes: the same by name, to be merged into the request.
        estimate: what the request takes with it.
    """

    argument: str
    option: str
    changes: Mapping[str, Any]
    estimate: VramEstimate


class _Kind(NamedTuple):
    """One kind of step.

    Args:
        useless: places where it does not help; they count where nothing is computed.
    """

    ways: Callable[[Failed], Iterator[Changes]]
    useless: tuple[Place, ...] = ()


_KINDS: Final = (
    _Kind(smaller_tiles, ("loading", "encoding", "sampling")),
    _Kind(smaller_precisions, ("encoding", "decoding")),
    _Kind(fewer_frames, ("loading",)),
    _Kind(smaller_sizes, ("loading",)),
    _Kind(lighter_presets),
)


class _Known(NamedTuple):
    """What estimates are made with."""

    vram_gb: float | None
    card: str | None
    pace: Mapping[str, float] | None
    presets: PresetLibrary


def steps_down(
    preset: Preset,
    task: Task,
    asked: Mapping[str, Any],
    *,
    failed_at: str | None = None,
    files: Mapping[str, str] | None = None,
    facts: ServerFacts | None = None,
    vram_gb: float | None = None,
    card: str | None = None,
    pace: Mapping[str, float] | None = None,
    presets: PresetLibrary | None = None,
) -> tuple[StepDown, ...]:
    """Return what can be changed, each step alone, in the order in which to try them.

    Decode in tiles or in smaller ones, a smaller precision that the server has, fewer frames, a smaller size, a lighter
    preset that the server can run: of each the first that helps.

    Args:
        asked: the request, as ``generate_video`` takes it.
        failed_at: class of the node that failed; None if nobody knows.
        files: the model files that were loaded, by role, as the server lists them; None is the preset's own.
        facts: what the server has; None, unknown: no step needs a file that was not loaded.
        vram_gb: GiB of the card.
        card: its name.
        pace: seconds per PFLOP that finished runs showed, by network.
        presets: where a lighter one is looked for; None is all that there are.

    Raises:
        ValidationError: the request cannot be compiled even as it is.
    """
    library = PRESETS if presets is None else presets
    known = _Known(vram_gb, card, pace, library)
    own = merged(asked, {"preset": None})
    failed = Failed(preset, task, own, files or {}, facts, vram_gb, library)
    place = place_of(failed_at)
    before = failed.compiled()
    estimate = _estimate(preset, task, own, before, known)
    found = []
    for kind in _KINDS:
        for changes in kind.ways(failed):
            step = _step(failed, changes, before, known)
            if step is not None and _helps(kind, place, estimate, step.estimate, vram_gb):
                found.append(step)
                break
    return tuple(found)


def estimate_request(
    preset: Preset,
    task: Task,
    asked: Mapping[str, Any],
    *,
    files: Mapping[str, str] | None = None,
    vram_gb: float | None = None,
    card: str | None = None,
    pace: Mapping[str, float] | None = None,
    presets: PresetLibrary | None = None,
) -> VramEstimate:
    """Return what a request takes as it is; arguments and errors are those of ``steps_down``."""
    known = _Known(vram_gb, card, pace, PRESETS if presets is None else presets)
    own = merged(asked, {"preset": None})
    compiled = Failed(preset, task, own, files or {}, None, vram_gb, known.presets).compiled()
    return _estimate(preset, task, own, compiled, known)


def graph_steps(graph: Graph, failed_at: str | None = None) -> tuple[tuple[str, str], ...]:
    """Return what can be changed about a graph of one's own, of which nobody knows what it takes.

    Each is the argument as typed in Python, and the option. None needs a model file that the graph does not name.
    """
    place, shop = place_of(failed_at), Workshop(PRESETS.files)
    found = []
    for kind, ways in (
        (_KINDS[0], ({"tiled_decode": True},)),
        (_KINDS[1], ({"precision": "fp8"}, {"precision": "fp8_e4m3fn"})),
    ):
        for changes in ways if place not in kind.useless else ():
            try:
                changed = vary(graph, changes, shop).graph
            except ValidationError:
                continue
            if changed != graph and _has(None, changed, graph):
                found.append((_argument(changes), _option(changes)))
                break
    return tuple(found)


def place_of(node_class: str | None) -> Place | None:
    """Return what a node does that takes memory, by its class; None for one that does something else."""
    if node_class is None:
        return None
    if node_class.startswith(("VAEDecode", "CogVideoDecode")) and "Audio" not in node_class:
        return "decoding"
    if "Sampler" in node_class and "Select" not in node_class:
        return "sampling"
    if any(each in node_class for each in _ENCODERS):
        return "encoding"
    return "loading" if any(loader == node_class for loader, _ in MODEL_INPUTS) else None


def memory_at(place: Place | None, estimate: VramEstimate) -> float | None:
    """Return the GiB that count at a place; None where that is not known, or not told apart."""
    counted = [part.gb for part in estimate.parts if place is not None and part.name in _WEIGHING[place]]
    return sum(counted) if counted else None


def _step(failed: Failed, changes: Changes, before: CompiledWorkflow, known: _Known) -> StepDown | None:
    """Return a change as a step; None if no graph can be made of it, or the server could not run that."""
    preset = failed.presets[changes.get("preset", failed.preset.name)]
    try:
        compiled = failed.compiled(changes)
        estimate = _estimate(preset, failed.task, merged(failed.asked, changes), compiled, known)
    except ValidationError:
        return None
    if "preset" not in changes and not _has(failed.facts, compiled.graph, before.graph):
        return None
    return StepDown(_argument(changes), _option(changes), changes, estimate)


def _estimate(
    preset: Preset, task: Task, asked: Mapping[str, Any], compiled: CompiledWorkflow, known: _Known
) -> VramEstimate:
    return estimate_settings(
        preset,
        {name: value for name, value in asked.items() if name not in _BESIDE},
        task=task,
        vram_gb=known.vram_gb,
        card=known.card,
        files=described(preset.at(task), compiled.files, known.presets),
        pace=known.pace,
        presets=known.presets,
    )


def _helps(kind: _Kind, place: Place | None, before: VramEstimate, after: VramEstimate, vram_gb: float | None) -> bool:
    """Return whether a step takes less where it failed; by its nature, where that is not computed."""
    if before.preset == after.preset and not before.parts:
        return place not in kind.useless
    there, then = memory_at(place, before), memory_at(place, after)
    if there is None or then is None:
        there, then = before.peak_gb, after.peak_gb
    if before.preset == after.preset:
        smaller = {part.name: part.gb for part in after.parts}
        counted = [part for part in before.parts if place is None or part.name in _WEIGHING[place]]
        return then < there and any(smaller.get(part.name, 0.0) < part.gb * _LESS for part in counted)
    lighter = after.needed_gb < before.needed_gb and after.peak_gb < before.peak_gb
    return then < there and lighter and (vram_gb is None or after.fits(vram_gb))


def _has(facts: ServerFacts | None, graph: Graph, before: Graph) -> bool:
    """Return whether the server has each node class and model file that is new in a graph."""
    classes = {node["class_type"] for node in graph.values()} - {node["class_type"] for node in before.values()}
    new = {*model_files(graph).values()} - {*model_files(before).values()}
    if facts is None:
        return not new
    return classes <= facts.node_classes and all(name in facts.files.get(folder, ()) for folder, name in new)


def _argument(changes: Changes) -> str:
    ordered = sorted(changes.items(), key=lambda item: item[1] is None)
    return ", ".join(f"{name}={_written(value)}" for name, value in ordered)


def _written(value: Any) -> str:
    """Return a value as Python has it, with the quotes that people type."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str | dict) else repr(value)


def _option(changes: Changes) -> str:
    given = [_typed(name, value) for name, value in changes.items() if value is not None]
    back = [_flag(name) for name, value in changes.items() if value is None]
    return " ".join([*given, *(["without", *back] if back else [])])


def _typed(name: str, value: Any) -> str:
    """Return an option with its value as it is typed."""
    if name == "files":
        return " ".join(f"--file {shlex.quote(f'{role}={file}')}" for role, file in value.items())
    if value is True:
        return _flag(name)
    flag = _flag(name)
    return f"{flag}={value}" if flag.startswith("--set ") else f"{flag} {shlex.quote(str(value))}"


def _flag(name: str) -> str:
    """Return how the command line calls an argument."""
    own = name in COMMON or name in VARIANTS or name in ("preset", "files", *_FLAGS)
    return _FLAGS.get(name, f"--{name.replace('_', '-')}") if own else f"--set {name}"
