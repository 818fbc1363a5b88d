"""Speed-ups that cost a little quality or a long first run: set on the model, right before what samples with it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from comfy_headless.errors import ValidationError
from comfy_headless.graph.schemas import Schemas
from comfy_headless.graph.source import Graph, copy_json, is_link
from comfy_headless.graph.transforms.makers import told_classes
from comfy_headless.graph.transforms.wires import Changed, Place, Wire, links, named, nodes_above, splice, users

EASY_CACHE: Final[Mapping[str, Any]] = {
    "reuse_threshold": 0.2,
    "start_percent": 0.15,
    "end_percent": 0.95,
    "verbose": False,
}
"""The defaults of EasyCache; comfyui-workflow-templates 0.11.97 has them too (video_hunyuan_video_1.5_720p_t2v)."""

DEAF: Final[Mapping[str, str]] = {
    "mochi": "Mochi",
    "omnigen2": "OmniGen 2",
    "pixart": "PixArt",
    "sd3": "Stable Diffusion 3",
    "stable_cascade": "Stable Cascade",
}
"""Models, by the type of their text encoder, that never ask a wrapper such as EasyCache whether to skip a step.

ComfyUI 0.30.0, comfy/ldm: WrappersMP.DIFFUSION_MODEL, which EasyCache needs, is not around their forward.
"""

FEW_STEPS: Final = 8
"""With so few steps each changes much, and the cache may begin only at the third (judged from nodes_easycache.py)."""


def easy_cache(graph: Graph, *, schemas: Schemas | None = None) -> Changed:
    """Let the model skip steps that would change little: such a step adds what the one before it added.

    Notes say where there is little to skip, and what it is reported not to get along with.

    Args:
        schemas: None: those that are shipped, packs included.

    Raises:
        ValidationError: nothing samples, or with something that EasyCache does not work with.
    """
    models = _find_models(graph, "easy_cache", schemas or Schemas.snapshot(Schemas.packs()))
    takers = [place for places in models.values() for place in sorted(places)]
    for node_id in nodes_above(graph, [place.node_id for place in takers]):
        class_type, kind = graph[node_id]["class_type"], graph[node_id]["inputs"].get("type")
        if "CLIPLoader" in class_type and kind in DEAF:
            raise ValidationError(f"easy_cache: {DEAF[kind]} skips no step: its model never asks (ComfyUI 0.30.0)")
        if "ContextWindows" in class_type or "ContextOptions" in class_type:
            raise ValidationError(
                f"easy_cache: {named(graph, node_id)} makes a video in windows, and EasyCache keeps one difference "
                "for all of them, so that one window would be given another's"
            )
    changed, notes = _set_before(graph, models, "EasyCache", EASY_CACHE, "Skip steps that change little")
    return Changed(changed, (*notes, *_few_steps_note(graph, takers), *_both_note(graph, models, "TorchCompileModel")))


def torch_compile(graph: Graph, *, schemas: Schemas | None = None) -> Changed:
    """Compile the model before it samples; notes say what that takes, and what it is reported not to get along with.

    Args:
        schemas: None: those that are shipped, packs included.

    Raises:
        ValidationError: nothing samples.
    """
    models = _find_models(graph, "torch_compile", schemas or Schemas.snapshot(Schemas.packs()))
    changed, notes = _set_before(graph, models, "TorchCompileModel", {"backend": "inductor"}, "Compile the model")
    needs = "torch_compile: the server needs Triton and a C compiler; the first run, and each new size, compiles first"
    return Changed(changed, (*notes, needs, *_both_note(graph, models, "EasyCache")))


def _find_models(graph: Graph, asked: str, schemas: Schemas) -> dict[Wire, set[Place]]:
    """Return the wires that samplers and guiders take a model from, and the inputs that take each."""
    found: dict[Wire, set[Place]] = {}
    for node_id, node in graph.items():
        if _samples(node["class_type"], schemas):
            schema = schemas[node["class_type"]]
            for name, wire in links(graph, node_id).items():
                item = schema.input(name)
                if item is not None and item.type == "MODEL":
                    found.setdefault(wire, set()).add(Place(node_id, name))
    if not found:
        raise ValidationError(
            f"{asked}: no place for it; it goes between a model and a sampler or guider of ComfyUI's own, such as "
            f"KSampler, SamplerCustom or CFGGuider, and {told_classes(graph)}"
        )
    return found


def _samples(class_type: str, schemas: Schemas) -> bool:
    """Return whether nodes of that class sample, or are what a sampler is guided by."""
    if class_type not in schemas:
        return False
    given = {output.type for output in schemas[class_type].outputs if isinstance(output.type, str)}
    taken = {item.type for item in schemas[class_type].inputs}
    return {"MODEL", "CONDITIONING"} <= taken and "MODEL" not in given and bool({"LATENT", "GUIDER"} & given)


def _set_before(
    graph: Graph, models: Mapping[Wire, set[Place]], class_type: str, inputs: Mapping[str, Any], title: str
) -> tuple[Graph, tuple[str, ...]]:
    """Return the graph with such a node in each of the wires that come from none, and notes on those that do."""
    changed: Graph = copy_json(graph)
    notes: dict[str, None] = {}
    for wire, places in models.items():
        there = _find_above(graph, wire, class_type)
        if there is not None:
            notes[f"{named(graph, there)} is there already"] = None
        else:
            changed, _ = splice(changed, wire, class_type, inputs, title, into="model", only=places.__contains__)
    return changed, tuple(notes)


def _find_above(graph: Graph, wire: Wire, class_type: str) -> str | None:
    """Return a node of that class that the wire comes from, or None."""
    above = nodes_above(graph, [wire.node_id])
    return next((node_id for node_id in graph if node_id in above and graph[node_id]["class_type"] == class_type), None)


def _both_note(graph: Graph, models: Collection[Wire], other: str) -> tuple[str, ...]:
    """Return a note where the other speed-up is there as well.

    Measured on a CPU with a miniature Wan 2.1, 12 steps: 3 are skipped, compiled or not.
    """
    if all(_find_above(graph, wire, other) is None for wire in models):
        return ()
    return ("easy_cache and torch_compile together are reported to skip nothing, or to compile again and again "
            "(ComfyUI, issue 14795)",)  # fmt: skip


def _few_steps_note(graph: Graph, takers: Collection[Place]) -> tuple[str, ...]:
    """Return a note where no sampler is known to take more than a few steps."""
    counts = [_find_steps(graph, place.node_id) for place in takers]
    known = [count for count in counts if count is not None]
    if not known or len(known) < len(counts) or max(known) > FEW_STEPS:
        return ()
    return (f"easy_cache: {max(known)} steps leave little to skip; it pays where 20 or more are taken",)


def _find_steps(graph: Graph, node_id: str) -> int | None:
    """Return how many steps are taken with what that node takes; None where the graph does not say it in numbers."""
    guided = [place.node_id for place in users(graph, Wire(node_id, 0))]
    for each in (node_id, *guided):
        inputs = graph[each]["inputs"]
        if isinstance(inputs.get("steps"), int):
            first, last = inputs.get("start_at_step", 0), inputs.get("end_at_step", inputs["steps"])
            return (
                max(0, min(last, inputs["steps"]) - first) if isinstance(first, int) and isinstance(last, int) else None
            )
        if "sigmas" in inputs:
            return _count_sigmas(graph, inputs["sigmas"])
    return None


def _count_sigmas(graph: Graph, sigmas: object) -> int | None:
    seen = set[str]()
    while is_link(sigmas, graph) and isinstance(sigmas, list) and sigmas[0] not in seen:
        seen.add(sigmas[0])
        inputs = graph[sigmas[0]]["inputs"]
        if isinstance(inputs.get("steps"), int):
            return int(inputs["steps"])
        sigmas = inputs.get("sigmas")
    return len(sigmas.replace(",", " ").split()) - 1 if isinstance(sigmas, str) else None
