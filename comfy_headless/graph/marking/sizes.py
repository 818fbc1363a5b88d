"""Size, length and rate: equal values are one parameter; half of the size is that of a first stage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from comfy_headless.graph.marking.sight import Mark, Sight, Value
from comfy_headless.graph.marking.words import DOUBLING, LENGTHS, RATES
from comfy_headless.graph.transforms.wires import Place, nodes_below

Size = tuple[int, int]


class Derived(NamedTuple):
    """A parameter that follows from another one.

    Args:
        rule: ``half``, ``two_thirds`` (to the nearest multiple of 16), or ``handover``.
        share: for ``handover``, the part of the steps before it.
    """

    name: str
    origin: str
    rule: str
    share: float | None = None


class Sized(NamedTuple):
    """What was found of size and length.

    Args:
        size: of what is made; None if nothing tells.
        fps: of what is made; None if nothing tells.
    """

    marks: list[Mark]
    derived: list[Derived]
    notes: list[str]
    size: Size | None = None
    fps: float | None = None


def find_size(sight: Sight) -> Sized:
    """Return the marks of width and height."""
    groups: dict[Size, list[tuple[Place, Place]]] = {}
    for node_id in sight.graph:
        width, height = (sight.value(Place(node_id, name), (int,)) for name in ("width", "height"))
        makes = sight.makes(node_id, "LATENT") or sight.makes(node_id, "IMAGE")
        if width and height and makes and node_id in sight.needed:
            groups.setdefault((width.value, height.value), []).append((width.place, height.place))
    if not groups:
        return Sized([], [], ["no node with width and height before the sampler: the size is not a setting"])
    full = max(groups, key=lambda size: size[0] * size[1])
    if len(groups) == 1 and _is_doubled(sight, groups[full]):
        full = (full[0] * 2, full[1] * 2)
    marks: list[Mark] = []
    derived: list[Derived] = []
    notes: list[str] = []
    for size, places in groups.items():
        rule = _rule(size, full)
        if size != full and rule is None:
            where = ", ".join(f"node {wide.node_id}" for wide, _ in places)
            notes.append(f"{where}: {size[0]}x{size[1]} is no known part of {full[0]}x{full[1]}: left as it is")
            continue
        first = "" if size == full else "first_"
        for wide, high in places:
            marks += [Mark(*wide, f"{first}width"), Mark(*high, f"{first}height")]
        if rule is not None:
            derived += [Derived(f"first_{side}", side, rule) for side in ("width", "height")]
    return Sized(marks, derived, notes, full)


def _is_doubled(sight: Sight, places: list[tuple[Place, Place]]) -> bool:
    below = nodes_below(sight.graph, [width.node_id for width, _ in places])
    return any(sight.class_of(node_id) in DOUBLING for node_id in below & sight.needed)


def _rule(size: Size, full: Size) -> str | None:
    if all(side * 2 == whole for side, whole in zip(size, full, strict=True)):
        return "half"
    if all(side == round(whole * 2 / 3 / 16) * 16 for side, whole in zip(size, full, strict=True)):
        return "two_thirds"
    return None


def find_frames(sight: Sight) -> Sized:
    """Return the marks of the length; where no node has one, that of the batch of empty latents."""
    found = [
        value
        for place, value in sight.values(LENGTHS, (int,))
        if place.node_id in sight.needed and sight.makes(place.node_id, "LATENT")
    ]
    if not found:
        found = list(_batches(sight))
    value, notes = _most(found, "frames")
    cut = [
        each for place, each in sight.values(("length",), (int,)) if sight.class_of(place.node_id) == "ImageFromBatch"
    ]
    places = [each.place for each in (*found, *cut) if each.value == value]
    return Sized([Mark(*place, "frames") for place in dict.fromkeys(places)], [], notes)


def find_count(sight: Sight) -> Sized:
    """Return the marks of how many pictures are made at once."""
    return Sized([Mark(*each.place, "images") for each in dict.fromkeys(_batches(sight))], [], [])


def _batches(sight: Sight) -> Iterator[Value]:
    """The batches of empty latents."""
    for place, value in sight.values(("batch_size",), (int,)):
        if place.node_id in sight.needed and sight.class_of(place.node_id).startswith("Empty"):
            yield value


def find_rate(sight: Sight) -> Sized:
    """Return the marks of the frame rate: of the file and of what the model is told, one parameter.

    The file's own comes first. A file with a multiple of the model's rate (frames were made between) keeps it.
    """
    found = list(dict.fromkeys(each for _, each in sight.values(RATES, (int, float))))
    written = [each for each in found if each.place.node_id not in sight.needed or not sight.samplers]
    told = [each for each in found if each not in written]
    if not found:
        return Sized([], [], ["no input that would be 'fps'"])
    first = (written or told)[0]
    if told and written and 0 < told[0].value < first.value and first.value % told[0].value == 0:
        first = told[0]
        found = [each for each in found if each in told or each.value == first.value]
    notes = list(_others(found, first.value, "fps", "set to it"))
    notes += _others((each for each in written if each not in found), first.value, "fps", "left as it is")
    return Sized([Mark(*each.place, "fps") for each in (first, *found)], [], notes, fps=first.value)


def _most(found: Iterable[Value], name: str) -> tuple[Any, list[str]]:
    """The value that most inputs have, and lines on those that have another."""
    counted = Counter(each.value for each in found)
    if not counted:
        return None, [f"no input that would be {name!r}"]
    value = counted.most_common(1)[0][0]
    return value, list(_others(found, value, name, "left as it is"))


def _others(found: Iterable[Value], value: Any, name: str, done: str) -> Iterator[str]:
    for each in dict.fromkeys(found):
        if each.value != value:
            yield f"node {each.place.node_id}: {each.place.input} = {each.value:g}, where {name} is {value:g}: {done}"
