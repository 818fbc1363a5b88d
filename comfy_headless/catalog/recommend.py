"""Which preset to take: a pure function of what there is, what it takes, and what is asked for.

Of the presets that fit all wishes the highest rank wins among those that are recommended for the VRAM; only if none of
those remains, among those that run there at all, which is called tight. With a server, what it can run now comes first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, get_args

from comfy_headless.catalog.facts import TOLERANCE, ServerFacts
from comfy_headless.catalog.preset import TASKS, Preset
from comfy_headless.catalog.preset_file import Task
from comfy_headless.catalog.presets import PresetLibrary
from comfy_headless.catalog.choose import place_file
from comfy_headless.catalog.selection import Tier, Wanted, select_presets
from comfy_headless.catalog.vram import VramEstimate, check_gb, duration, estimate_vram
from comfy_headless.errors import GenerationRejectedError, ValidationError
from comfy_headless.graph.values import shown

Intent = Literal["portrait", "animal", "object", "scene", "action", "abstract"]

DEFAULT_VRAM_GB: Final = 8.0
"""GiB that are assumed where nothing tells: the smallest card that most video models name."""

_LEAST_GB: Final = 4.0
"""Where the table of recommendations begins, in GiB."""

_A: Final = {"video": "a video", "image": "an image", None: "anything"}


class Machine(NamedTuple):
    """What a preset is to run on.

    Args:
        vram_gb: GiB; None if there is no GPU, or none that tells.
        source: how that is known, in words.
        card: name of the GPU, None if unknown.
        ram_gb: GiB of main memory, None if unknown.
        pace: seconds per PFLOP that finished runs showed there, by network.
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
    """

    task: Task | None = None
    intent: Intent | None = None
    quality: Tier | None = None
    region: str | None = None
    commercial: bool | None = None
    within: float | None = None


class Candidate(NamedTuple):
    """A preset that was looked at.

    Args:
        comfortable: whether it is recommended for so much VRAM.
        fits: whether it runs there at all.
        lacks: a line for each thing that the server does not have.
        within: whether its time is within what was asked for.
        why_not: why it was not taken; empty for the one that was.
    """

    preset: Preset
    estimate: VramEstimate
    comfortable: bool
    fits: bool
    lacks: tuple[str, ...]
    within: bool
    why_not: str = ""

    @property
    def rank(self) -> int:
        """Higher is better."""
        return self.preset.needs.rank.value


@dataclass(frozen=True, slots=True)
class Recommendation:
    """The preset to take, and why.

    Args:
        name: of the preset.
        reason: why this one, in a sentence.
        vram_gb: GiB that it was chosen for; None: unknown.
        vram_source: how they are known.
        estimate: what it takes in memory and time.
        tight: whether it runs on less than it is recommended for.
        better: those that would be better, with why not, a sentence each.
        warnings: what to expect.
        candidates: all that fit the wishes, the best first.
    """

    name: str
    reason: str
    vram_gb: float | None
    vram_source: str
    estimate: VramEstimate
    tight: bool
    better: tuple[str, ...]
    warnings: tuple[str, ...]
    candidates: tuple[Candidate, ...]

    @property
    def notes(self) -> tuple[str, ...]:
        """All that a person should hear: the reason, the warnings, what would be better."""
        return (self.reason, *self.warnings, *self.better)


def recommend(presets: PresetLibrary, machine: Machine, wishes: Wishes, *, must_run: bool = False) -> Recommendation:
    """Return the preset to take.

    Args:
        must_run: whether a server must have all that it needs; else one that lacks something may be named too.

    Raises:
        ValidationError: a wish is none, or no preset fits them all.
        GenerationRejectedError: ``must_run``, and the server can run none; says for the best one what is missing and
            where to put it.
    """
    _check(machine, wishes)
    task = wishes.task or "text"
    every = sorted(_wished(presets, wishes, task), key=lambda preset: -preset.needs.rank.value)
    looked = [_look(preset, presets, task, machine, wishes.within) for preset in every]
    runnable = [each for each in looked if not each.lacks]
    if must_run and not runnable:
        raise _lacking(looked)
    taken, warnings = _take(runnable or looked, machine, wishes)
    told = tuple(each._replace(why_not=_why_not(each, taken, machine, wishes)) for each in looked)
    return Recommendation(
        name=taken.preset.name,
        reason=_reason(taken, machine, wishes),
        vram_gb=machine.vram_gb,
        vram_source=machine.source,
        estimate=taken.estimate,
        tight=machine.vram_gb is not None and not taken.comfortable,
        better=tuple(_better(told, taken)),
        warnings=(*warnings, *_missing(taken)),
        candidates=told,
    )


def is_recommended(preset: Preset, vram_gb: float | None) -> bool:
    """Return whether a preset is recommended for so many GiB of VRAM; for None, unknown, none is."""
    return vram_gb is not None and vram_gb >= preset.needs.recommended_from.value * TOLERANCE


def _check(machine: Machine, wishes: Wishes) -> None:
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
    within = wishes.within
    if within is not None and (isinstance(within, bool) or not isinstance(within, int | float) or not within > 0):
        raise ValidationError(f"within={shown(within)}: expected seconds, more than 0")


def _wished(presets: PresetLibrary, wishes: Wishes, task: Task) -> tuple[Preset, ...]:
    wanted = Wanted(task=task, tier=wishes.quality, region=wishes.region, commercial=bool(wishes.commercial))
    left = select_presets(presets.values(), wanted)
    if not left.presets:
        asked = {"quality": wishes.quality, "region": wishes.region, "commercial": wishes.commercial}
        words = ", ".join(f"{name}={shown(value)}" for name, value in asked.items() if value is not None)
        limited = ", ".join(preset.name for preset in left.limited)
        hint = f"; within limits: {limited}" if limited else ""
        which = f" with {words}" if words else ""
        raise ValidationError(f"no preset makes {_A[presets.makes]} from {TASKS[task]}{which}{hint}")
    return left.presets


def _look(preset: Preset, presets: PresetLibrary, task: Task, machine: Machine, within: float | None) -> Candidate:
    estimate = estimate_vram(
        preset, task=task, vram_gb=machine.vram_gb, card=machine.card, pace=machine.pace, presets=presets
    )
    enough_ram = machine.ram_gb is None or machine.ram_gb >= preset.needs.min_ram_gb.value * TOLERANCE
    enough = machine.vram_gb is None or estimate.fits(machine.vram_gb)
    return Candidate(
        preset=preset,
        estimate=estimate,
        comfortable=enough_ram and is_recommended(preset, machine.vram_gb),
        fits=enough_ram and (enough or is_recommended(preset, machine.vram_gb)),
        lacks=missing(preset, task, machine.facts) if machine.facts is not None else (),
        within=within is None or (estimate.seconds is not None and estimate.seconds <= within),
    )


def _take(pool: list[Candidate], machine: Machine, wishes: Wishes) -> tuple[Candidate, tuple[str, ...]]:
    """Return the candidate to take, and what must be said about it."""
    if machine.vram_gb is None:
        fitting = [each for each in pool if each.fits] or pool
        return min(fitting, key=lambda each: each.rank), ()
    comfortable = [each for each in pool if each.comfortable]
    tight = [each for each in pool if each.fits and not each.comfortable]
    for group in (comfortable, tight):
        if quick := [each for each in group if each.within]:
            return max(quick, key=lambda each: each.rank), ()
    if fitting := comfortable or tight:
        timed = [each for each in fitting if each.estimate.seconds is not None]
        taken = min(timed or fitting, key=lambda each: (each.estimate.seconds or 0.0, -each.rank))
        return taken, (f"nothing is known to be done within {duration(wishes.within or 0.0)} here",)
    return _smallest(pool, machine, wishes)


def _smallest(pool: list[Candidate], machine: Machine, wishes: Wishes) -> tuple[Candidate, tuple[str, ...]]:
    """Return the lightest candidate where none fits; where filters left too little, say so."""
    least = min(pool, key=lambda each: (each.estimate.needed_gb, each.preset.needs.min_ram_gb.value, each.rank))
    ram = least.preset.needs.min_ram_gb.value
    words = f"{least.preset.name!r} needs {least.estimate.needed_gb:.1f} GiB of VRAM and {ram:g} GiB of RAM"
    there = f"{machine.vram_gb:.1f} GiB of VRAM" + (f" and {machine.ram_gb:.1f} GiB of RAM" if machine.ram_gb else "")
    filtered = wishes.quality or wishes.region or wishes.commercial
    if filtered and (machine.vram_gb or 0.0) >= _LEAST_GB * TOLERANCE:
        raise ValidationError(f"no preset that was asked for fits: the lightest of them, {words}; there are {there}")
    return least, (f"too little for every preset: {words}, the least of all; there are {there}",)


def missing(preset: Preset, task: Task, facts: ServerFacts) -> tuple[str, ...]:
    """Return one line for each node class, and its pack, and each file of ``preset`` that the server lacks."""
    view = preset.at(task)
    classes = dict.fromkeys(node["class_type"] for node in view.template.graph.values())
    absent = [name for name in classes if name not in facts.node_classes]
    lines = [f"node class {name}: this server does not know it" for name in absent]
    if absent and preset.packs:
        packs = ", ".join(f"{pack.name} (GitHub {pack.repository})" for pack in preset.packs)
        lines.append(f"node pack {packs}: into ComfyUI/custom_nodes/, then restart ComfyUI")
    return (
        *lines,
        *(place_file(file) for file in view.files.values() if file.name not in facts.files.get(file.folder, ())),
    )


def _lacking(looked: Iterable[Candidate]) -> GenerationRejectedError:
    every = list(looked)
    best = next((each for each in every if each.comfortable), None) or next(
        (each for each in every if each.fits), every[-1]
    )
    lines = "\n".join(f"  {line}" for line in best.lacks)
    return GenerationRejectedError(
        f"the server can run no preset yet; what is missing for {best.preset.name!r}:\n{lines}"
    )


def _reason(taken: Candidate, machine: Machine, wishes: Wishes) -> str:
    what = f"preset {taken.preset.name!r} was taken: "
    source = TASKS[wishes.task or "text"]
    has = "that the server has" if machine.facts is not None and not taken.lacks else "that there is"
    if machine.vram_gb is None:
        return f"{what}the lightest for {source} {has}, since its VRAM is not known"
    seconds = taken.estimate.seconds
    time = "how long it takes is not known" if seconds is None else f"about {duration(seconds)}"
    rough = ", roughly" if taken.estimate.rough and seconds is not None else ""
    if not taken.fits:
        return f"{what}the smallest for {source} {has}"
    limit = f" and be done within {duration(wishes.within)}" if wishes.within is not None and taken.within else ""
    room = f"{machine.vram_gb:.1f} GiB of VRAM can hold{limit}"
    tight = "" if taken.comfortable else "; tight: weights are streamed from RAM, and slower"
    return f"{what}the best for {source} {has} and that {room}; {time}{rough}{tight}"


def _missing(taken: Candidate) -> Iterable[str]:
    """Say what is to be fetched before the preset runs."""
    if taken.lacks:
        yield "\n".join(["the server lacks for it:", *(f"  {line}" for line in taken.lacks)])


def _why_not(each: Candidate, taken: Candidate, machine: Machine, wishes: Wishes) -> str:
    if each.preset.name == taken.preset.name:
        return ""
    if not each.fits:
        ram = each.preset.needs.min_ram_gb.value
        if machine.ram_gb is not None and machine.ram_gb < ram * TOLERANCE:
            return f"needs {ram:g} GiB of RAM; there are {machine.ram_gb:.1f}"
        return f"needs {each.estimate.needed_gb:.1f} GiB of VRAM"
    if each.lacks and not taken.lacks:
        return f"not on the server: {'; '.join(each.lacks)}"
    if not each.within:
        seconds = each.estimate.seconds
        return "how long it takes is not known" if seconds is None else f"takes about {duration(seconds)}"
    if taken.comfortable and not each.comfortable:
        return f"tight: recommended from {each.preset.needs.recommended_from.value:g} GiB"
    return "ranked below" if each.rank < taken.rank else "ranked above, and heavier"


def _better(looked: Iterable[Candidate], taken: Candidate) -> Iterable[str]:
    """Name the best that takes too long, and the best that lacks least, where they rank above what was taken."""
    above = [each for each in looked if each.rank > taken.rank and each.comfortable]
    slow = [each for each in above if not each.lacks and not each.within]
    absent = [each for each in above if each.lacks and each.within and not taken.lacks]
    for group, key in ((slow, _by_rank), (absent, _by_what_lacks)):
        if group:
            best = min(group, key=key)
            yield f"{best.preset.name} would be better ({best.preset.output()}), but {_price(best)}"


def _by_rank(each: Candidate) -> tuple[int, int]:
    return 0, -each.rank


def _by_what_lacks(each: Candidate) -> tuple[int, int]:
    return len(each.lacks), -each.rank


def _price(each: Candidate) -> str:
    if each.lacks:
        return "\n".join(["the server lacks:", *(f"  {line}" for line in each.lacks)])
    seconds = each.estimate.seconds
    return "how long it takes is not known" if seconds is None else f"it takes about {duration(seconds)} here"
