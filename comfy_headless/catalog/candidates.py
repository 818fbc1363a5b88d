"""What a preset is on a machine: whether it fits, how long it takes, what is missing there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple, get_args

from comfy_headless.catalog.ages import too_old
from comfy_headless.catalog.compiler import WorkflowCompiler
from comfy_headless.catalog.facts import ServerFacts
from comfy_headless.catalog.intents import Intent
from comfy_headless.catalog.preset import Preset
from comfy_headless.catalog.preset_file import ModelFile, Task
from comfy_headless.catalog.presets import PresetLibrary
from comfy_headless.catalog.roles import Filling, Missing, fill, place_file
from comfy_headless.catalog.selection import Tier, has_ram, is_recommended
from comfy_headless.catalog.variants import parted
from comfy_headless.catalog.vram import VramEstimate, check_gb, estimate
from comfy_headless.errors import ValidationError
from comfy_headless.graph.ages import since
from comfy_headless.graph.file_inputs import model_files
from comfy_headless.graph.source import Graph
from comfy_headless.graph.transforms.files import as_listed
from comfy_headless.graph.values import shown

NO_CARD: Final = "cpu"
"""A device of which no time is known."""
_FOREVER: Final = 1e9
"""Seconds that nobody waits for."""
_COMPUTED: Final = frozenset({"sampling", "decoding"})
"""Parts of an estimate that are no weights."""


class Machine(NamedTuple):
    """What a preset is to run on.

    Args:
        vram_gb: GiB; None if there is no GPU, or none that tells.
        source: how that is known, in words.
        card: name of the GPU, None if unknown.
        ram_gb: GiB of main memory, None if unknown.
        pace: seconds per unit of an estimate's ``work`` that finished runs showed there, by its name.
        facts: what the server has; None if no server is asked.
    """

    vram_gb: float | None
    source: str
    card: str | None = None
    ram_gb: float | None = None
    pace: Mapping[str, float] = {}
    facts: ServerFacts | None = None


class Wishes(NamedTuple):
    """What is asked for; None asks for nothing.

    Args:
        task: what it is made from; None is text.
        intent: what is to be seen. Noted, and no more: no measurement is known by which one family is better at it.
        quality: draft, standard or quality.
        region: where it is to be used, an ISO 3166 code, or EU: those go whose licence excludes it.
        commercial: True leaves those that may serve a business without limits.
        within: seconds that it may take.
        settings: of the preset, and variants, by name: those go that cannot take them.
    """

    task: Task | None = None
    intent: Intent | None = None
    quality: Tier | None = None
    region: str | None = None
    commercial: bool | None = None
    within: float | None = None
    settings: Mapping[str, Any] = {}


class Candidate(NamedTuple):
    """A preset that was looked at.

    Args:
        estimate: what it takes there, with the files that would be used.
        enough_ram: whether its RAM is there, or nobody knows how much there is.
        recommended: whether it is recommended for so much VRAM, and the RAM is there.
        fits: whether it runs there at all.
        lacks: a line for each thing that the server does not have.
        within: whether its time is within what was asked for; one that nobody knows is not.
        filling: which file of the server fills which role; None if no server is asked.
        refuses: why it cannot take the settings that are asked for; empty if it can.
        why_not: why it was not taken; empty for the one that was.
    """

    preset: Preset
    estimate: VramEstimate
    enough_ram: bool
    recommended: bool
    fits: bool
    lacks: tuple[str, ...]
    within: bool
    filling: Filling | None = None
    refuses: str = ""
    why_not: str = ""

    @property
    def name(self) -> str:
        """Of the preset."""
        return self.preset.name

    @property
    def rank(self) -> int:
        """Higher is better."""
        return self.preset.needs.rank.value


def check_wishes(machine: Machine, wishes: Wishes) -> None:
    """Raise ValidationError where a machine or a wish is none."""
    check_gb("vram_gb", machine.vram_gb)
    check_gb("ram_gb", machine.ram_gb)
    for name, value, known in (
        ("task", wishes.task, get_args(Task)),
        ("intent", wishes.intent, get_args(Intent)),
        ("quality", wishes.quality, get_args(Tier)),
    ):
        if value is not None and value not in known:
            raise ValidationError(f"{name}={shown(value)}: expected {', '.join(known)}")
    if wishes.commercial is not None and not isinstance(wishes.commercial, bool):
        raise ValidationError(f"commercial={shown(wishes.commercial)}: expected True or False")
    if wishes.region is not None and not isinstance(wishes.region, str):
        raise ValidationError(f"region={shown(wishes.region)}: expected an ISO 3166 code such as DE, or EU")
    within = wishes.within
    if within is None:
        return
    if isinstance(within, bool) or not isinstance(within, int | float) or not 0 < within < _FOREVER:
        raise ValidationError(f"within={shown(within)}: expected seconds, more than 0 and less than {_FOREVER:.0e}")


def look_at(preset: Preset, presets: PresetLibrary, task: Task, machine: Machine, wishes: Wishes) -> Candidate:
    """Return what a preset is on a machine, with the settings that are asked for if it can take them."""
    refuses, graph = "", preset.template(task).graph
    try:
        told, filling = estimate_there(preset, presets, task, machine, wishes.settings)
        if parted(wishes.settings)[0]:
            graph, filling = _varied(preset, presets, task, machine.facts, wishes.settings, filling)
    except ValidationError as error:
        if not wishes.settings:
            raise
        refuses = str(error)
        told, filling = estimate_there(preset, presets, task, machine, {})
    enough_ram = has_ram(preset, machine.ram_gb)
    recommended = is_recommended(preset, machine.vram_gb)
    enough = machine.vram_gb is None or recommended or told.fits(machine.vram_gb)
    return Candidate(
        preset=preset,
        estimate=told,
        enough_ram=enough_ram,
        recommended=enough_ram and recommended,
        fits=enough_ram and enough,
        lacks=_lacks(preset, task, graph, machine.facts, filling) if machine.facts and filling else (),
        within=wishes.within is None or (told.seconds is not None and told.seconds <= wishes.within),
        filling=filling,
        refuses=refuses,
    )


def estimate_there(
    preset: Preset,
    presets: PresetLibrary,
    task: Task,
    machine: Machine,
    settings: Mapping[str, Any],
    given: Mapping[str, str] | None = None,
) -> tuple[VramEstimate, Filling | None]:
    """Return what a preset takes with the files that the server has for it, and which file fills which role.

    Args:
        settings: of the preset, and variants, by name.
        given: names by role that the caller wants.

    Raises:
        ValidationError: the preset cannot take the settings, or ``given`` names what is not there.
    """
    card = NO_CARD if machine.vram_gb is None and machine.card is None else machine.card

    def estimated(files: Mapping[str, ModelFile]) -> VramEstimate:
        return estimate(
            preset,
            settings,
            task=task,
            vram_gb=machine.vram_gb,
            card=card,
            files=files,
            pace=machine.pace,
            presets=presets,
        )

    told = estimated({})
    if machine.facts is None:
        return told, None
    room = max((part.gb for part in told.parts if part.name in _COMPUTED), default=0.0)
    view = preset.at(task)
    filling = fill(view, presets.files, machine.facts, given=given, vram_gb=machine.vram_gb, room_gb=room)
    others = {role: filled.file for role, filled in filling.roles.items() if filled.how == "equivalent" and filled.file}
    return estimated(others) if others else told, filling


def _varied(
    preset: Preset,
    presets: PresetLibrary,
    task: Task,
    facts: ServerFacts | None,
    settings: Mapping[str, Any],
    filling: Filling | None,
) -> tuple[Graph, Filling | None]:
    """Return the graph with the variants that are asked for, and what the server lacks of its files.

    Raises:
        ValidationError: the preset has no place for one of them.
    """
    own = preset.at(task).files
    roles = filling.roles if filling else {}
    about = {
        "files": {role: each.listed for role, each in roles.items() if each.listed != own[role].name},
        "image": None if task == "text" else "image.png",
        "last_image": "last.png" if task == "first_last" else None,
        "allow_untested": settings.get("allow_untested") is not False,
    }
    graph = WorkflowCompiler(presets, hints=False).compile(preset, "", **{**settings, **about}).graph
    if facts is None or filling is None:
        return graph, filling
    graph = as_listed(graph, facts.files, other_names=presets.files.other_names()).graph
    written = {value for node in graph.values() for value in node["inputs"].values() if isinstance(value, str)}
    missing = [each for each in filling.missing if each.file.name in written]
    known = {each.file.key for each in missing}
    brought = [
        presets.files[f"{folder}/{name}"]
        for folder, name in dict.fromkeys(model_files(graph).values())
        if name not in facts.files.get(folder, ()) and f"{folder}/{name}" in presets.files.keys() - known
    ]
    also = [Missing("", file, place_file(file)) for file in brought]
    return graph, filling._replace(missing=(*missing, *also))


def _lacks(preset: Preset, task: Task, graph: Graph, facts: ServerFacts, filling: Filling) -> tuple[str, ...]:
    """Return a line for ComfyUI's age, each other node class, the preset's pack, and each file that a server lacks."""
    own, classes = (
        {node["class_type"]: None for node in each.values()} for each in (preset.template(task).graph, graph)
    )
    absent = [name for name in classes if name not in facts.node_classes]
    age = too_old(preset, absent, facts.version)
    lines = [] if age is None else [age]
    lines += [f"node class {name}: this server does not know it" for name in absent if since(name) is None]
    if preset.packs and not own.keys().isdisjoint(absent):
        packs = ", ".join(f"{pack.name} (GitHub {pack.repository})" for pack in preset.packs)
        lines.append(f"node pack {packs}: into ComfyUI/custom_nodes/, then restart ComfyUI")
    return (*lines, *(each.line for each in filling.missing))
