"""Model files: which input names one, of which folder, and what a preset calls it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from comfy_headless.graph.file_inputs import MODEL_INPUTS
from comfy_headless.graph.marking.sight import Mark, Sight
from comfy_headless.graph.marking.words import ORDINALS, ROLES, SMALL_ENCODERS
from comfy_headless.graph.transforms.wires import Place

_EXPERTS = ("high", "low")


class Named(NamedTuple):
    """A model file that a graph names."""

    place: Place
    folder: str
    name: str


def find_files(sight: Sight) -> tuple[list[Mark], dict[str, Named]]:
    """Return the marks of the model files, and the files by role; one file in several loaders is one role."""
    roles: dict[str, Named] = {}
    taken: dict[tuple[str, str], str] = {}
    marks: list[Mark] = []
    for file in sorted(_named(sight), key=lambda each: _order(sight, each)):
        role = taken.get((file.folder, file.name))
        if role is None:
            role = _role(file, roles)
            taken[file.folder, file.name] = role
            roles[role] = file
        marks.append(Mark(*file.place, role))
    return marks, roles


def _named(sight: Sight) -> Iterator[Named]:
    for node_id, node in sight.graph.items():
        for field in node["inputs"]:
            folder = MODEL_INPUTS.get((sight.class_of(node_id), field))
            found = sight.value(Place(node_id, field), (str,)) if folder else None
            if folder and found and "." in found.value:
                yield Named(found.place, folder, found.value)


def _order(sight: Sight, file: Named) -> tuple[int, bool]:
    """The first stage comes first, and a great text encoder before the small one beside it."""
    small = file.folder == "text_encoders" and any(part in file.name.lower() for part in SMALL_ENCODERS)
    return sight.stages.get(file.place.node_id, 1), small


def _role(file: Named, roles: dict[str, Named]) -> str:
    base = ROLES.get(file.folder, file.folder.removesuffix("s"))
    if file.folder == "vae" and "audio" in file.name.lower():
        base = "audio_vae"
    if file.folder in ("diffusion_models", "loras"):
        letters = re.sub(r"[^a-z]", "", file.name.lower())
        expert = next((each for each in _EXPERTS if f"{each}noise" in letters), None)
        base = f"{expert}_{base}" if expert else base
    number = 1
    while (role := f"{ORDINALS[number] if number < len(ORDINALS) else f'number_{number}_'}{base}") in roles:
        number += 1
    return role
