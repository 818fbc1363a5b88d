"""Find the markers that a graph should have, and write them into its titles.

Markers that are there already stay, and what they fill is left to them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from comfy_headless.graph.marking.files import Named, find_files
from comfy_headless.graph.marking.settings import find_handover, find_settings
from comfy_headless.graph.marking.sight import Mark, Sight
from comfy_headless.graph.marking.sizes import Derived, Sized, find_count, find_frames, find_rate, find_size
from comfy_headless.graph.marking.texts import find_images, find_texts
from comfy_headless.graph.marking.words import OUTPUTS
from comfy_headless.graph.schemas import Schemas
from comfy_headless.graph.source import Graph, copy_json
from comfy_headless.graph.template import Template
from comfy_headless.graph.transforms.wires import Place


class Found(NamedTuple):
    """What was found in a graph.

    Args:
        marks: of all inputs that a caller gives, those that had a marker already too.
        titles: of the nodes that get a marker, with what they had before.
        roles: the model files, by role.
        derived: parameters that follow from others.
        descriptions: of parameters, for people, where their name does not say it.
        made: ``video`` or ``image``.
        size: of what is made; None if nothing tells.
        fps: of what is made; None if nothing tells, or it is a picture.
        notes: what was left as it is, and why.
    """

    marks: tuple[Mark, ...]
    titles: Mapping[str, str]
    roles: Mapping[str, Named]
    derived: tuple[Derived, ...]
    descriptions: Mapping[str, str]
    made: str
    size: tuple[int, int] | None
    fps: float | None
    notes: tuple[str, ...]


def find_marks(graph: Graph, schemas: Schemas) -> Found:
    """Return the markers that ``graph`` should have, with those that it has.

    Raises:
        ValidationError: a marker that is there already does not fit.
    """
    sight, there = Sight(graph, schemas), Template.read(graph, schemas=schemas)
    kept = {
        Place(slot.node_id, slot.field): Mark(
            slot.node_id, slot.field, each.name, each.required, each.upload, each.description
        )
        for each in there.parameters.values()
        for slot in each.slots
    }
    outputs = dict(_outputs(sight))
    made = "image" if "images" in outputs.values() and "video" not in outputs.values() else "video"
    images, notes = find_images(sight)
    settings, descriptions = find_settings(sight)
    handover, shared = find_handover(sight)
    sized = [find_size(sight), *([find_frames(sight), find_rate(sight)] if made == "video" else [find_count(sight)])]
    files, roles = find_files(sight)
    marks = [
        *find_texts(sight, made),
        *images,
        *(mark for each in sized for mark in each.marks),
        *(Mark(*value.place, "seed") for value in sight.seeds()),
        *settings,
        *handover,
        *files,
        *(Mark(each, "filename_prefix", "filename_prefix") for each in outputs if _is_named(graph, each)),
    ]
    fresh = list({Place(mark.node_id, mark.input): mark for mark in reversed(marks)}.items())[::-1]
    new = [mark for place, mark in fresh if place not in kept]
    said = {node_id for name, nodes in there.outputs.items() if nodes != (name,) for node_id in nodes}
    named = {node_id: name for node_id, name in outputs.items() if node_id not in said}
    used = {mark.name for mark in (*kept.values(), *new)}
    return Found(
        (*kept.values(), *new),
        _titles(graph, new, named),
        {kept[file.place].name if file.place in kept else role: file for role, file in roles.items()},
        tuple(each for each in (*_derived(sized), *shared) if each.name in used),
        {
            **descriptions,
            "images": "how many at once, each another one",
            **{mark.name: mark.description for mark in kept.values() if mark.description},
        },
        made,
        sized[0].size,
        sized[-1].fps,
        (*notes, *(line for each in sized for line in each.notes)),
    )


def with_titles(graph: Graph, found: Found) -> Graph:
    """Return the graph with what was found in its titles."""
    changed: Graph = {}
    for node_id, node in graph.items():
        meta = dict(node.get("_meta") or {})
        if node_id in found.titles:
            meta["title"] = found.titles[node_id]
        changed[node_id] = {"_meta": meta, **copy_json({key: node[key] for key in node if key != "_meta"})}
    return changed


def _titles(graph: Graph, marks: list[Mark], outputs: Mapping[str, str]) -> dict[str, str]:
    parts: dict[str, list[str]] = {}
    said: set[str] = set()
    for node_id, name in outputs.items():
        parts.setdefault(node_id, []).append(f"$output.{name}")
    for mark in marks:
        parts.setdefault(mark.node_id, []).append(str(mark._replace(description="") if mark.name in said else mark))
        said.add(mark.name)
    before = {node_id: str((graph[node_id].get("_meta") or {}).get("title") or "").strip() for node_id in parts}
    return {node_id: ", ".join(filter(None, (before[node_id], *each))) for node_id, each in parts.items()}


def _outputs(sight: Sight) -> Iterator[tuple[str, str]]:
    """The output nodes that save something, and what their output is called."""
    seen: dict[str, int] = {}
    for node_id in sight.graph:
        kind = OUTPUTS.get(sight.class_of(node_id))
        if kind is not None:
            seen[kind] = seen.get(kind, 0) + 1
            yield node_id, kind if seen[kind] == 1 else f"{kind}_{seen[kind]}"


def _is_named(graph: Graph, node_id: str) -> bool:
    return isinstance(graph[node_id]["inputs"].get("filename_prefix"), str)


def _derived(sized: list[Sized]) -> Iterator[Derived]:
    for each in sized:
        yield from each.derived
