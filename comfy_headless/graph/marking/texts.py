"""Prompts and images: told apart by where their wires end."""

from __future__ import annotations

from collections.abc import Iterator

from comfy_headless.graph.loaders import UPLOADS
from comfy_headless.graph.marking.sight import Mark, Sight
from comfy_headless.graph.transforms.wires import Place, Wire, links

_POSITIVE = ("positive", "conditioning", "cond1", "cond2")
_TEXTS = ("text", "prompt", "positive_prompt", "negative_prompt")
"""Inputs that hold a prompt, where the node's class does not tell."""

_SAID = {"prompt": "what the {made} shows", "negative_prompt": "what it must not show"}


def find_texts(sight: Sight, made: str) -> Iterator[Mark]:
    """Yield the prompts. A text that both sides come from (through ConditioningZeroOut) is the prompt.

    Args:
        made: ``video`` or ``image``.
    """
    found: dict[Place, str] = {}
    for name, side in (("prompt", "positive"), ("negative_prompt", "negative")):
        for place in _reached(sight, side):
            own = "negative_prompt" if place.input == "negative_prompt" else name
            value = sight.value(place, (str,))
            if value is not None:
                found.setdefault(value.place, own)
    for place, name in found.items():
        said = _SAID[name].format(made="picture" if made == "image" else made)
        yield Mark(*place, name, required=name == "prompt", description=said)


def _reached(sight: Sight, side: str) -> list[Place]:
    """The text inputs that one side of the guidance comes from."""
    names = _POSITIVE if side == "positive" else (side,)
    waiting = [
        wire
        for node_id in sight.graph
        if sight.schema(node_id) is None or not sight.makes(node_id, "CONDITIONING")
        for name, wire in links(sight.graph, node_id).items()
        if name in names and node_id in sight.needed
    ]
    seen: list[Wire] = []
    places: list[Place] = []
    while waiting:
        wire = waiting.pop(0)
        if wire in seen:
            continue
        seen.append(wire)
        before = dict(sight.follow(wire, "CONDITIONING"))
        waiting += [before[side]] if {"positive", "negative"} <= before.keys() else before.values()
        places += [each for each in _texts(sight, wire.node_id) if each not in places]
    return places


def _texts(sight: Sight, node_id: str) -> Iterator[Place]:
    schema = sight.schema(node_id)
    for name in sight.graph[node_id]["inputs"]:
        item = schema.input(name) if schema else None
        if (item is not None and item.type == "STRING" and item.options.get("multiline")) or (
            schema is None and name in _TEXTS
        ):
            yield Place(node_id, name)


def find_images(sight: Sight) -> tuple[list[Mark], list[str]]:
    """Return the marks of the first and the last image, and lines on the files that a preset has no word for."""
    marks: dict[str, Mark] = {}
    notes: list[str] = []
    for node_id in sight.graph:
        field = UPLOADS.get(sight.class_of(node_id))
        if field is None or field not in sight.graph[node_id]["inputs"]:
            continue
        ends = list(_ends(sight, node_id))
        name = "last_image" if any(_is_last(sight, place) for place in ends) else "image"
        where = f"node {node_id} ({sight.class_of(node_id)})"
        if sight.class_of(node_id) != "LoadImage" or name in marks:
            notes.append(f"{where}: left as it is: a preset takes one image, and one last image")
        elif ends:
            shown = any("reference" in place.input for place in ends)
            said = "the last frame" if name == "last_image" else "what it shows" if shown else "the first frame"
            marks[name] = Mark(node_id, field, name, required=True, upload=True, description=said)
    if "last_image" in marks and "image" not in marks:
        only = marks.pop("last_image")
        marks["image"] = only._replace(name="image")
        notes.append(f"node {only.node_id}: the only image is a last one; a preset calls it 'image'")
    return list(marks.values()), notes


def _ends(sight: Sight, node_id: str) -> Iterator[Place]:
    """Where an image ends up: the inputs that take it, on past the nodes that make an image of it."""
    waiting, seen = [node_id], set[str]()
    while waiting:
        each = waiting.pop()
        for name in sight.graph:
            for field, wire in links(sight.graph, name).items():
                if wire.node_id != each or wire.slot != 0:
                    continue
                if sight.schema(name) is not None and sight.makes(name, "IMAGE") and name not in seen:
                    seen.add(name)
                    waiting.append(name)
                else:
                    yield Place(name, field)


def _is_last(sight: Sight, place: Place) -> bool:
    index = sight.graph[place.node_id]["inputs"].get("frame_idx")
    return index == -1 or any(word in place.input for word in ("end_image", "last"))


def guides_last(sight: Sight, node_id: str) -> bool:
    """Say whether a node holds the last frame."""
    return bool(sight.graph[node_id]["inputs"].get("frame_idx") == -1)
