"""Which preset to take: a pure function of what there is, what it takes, and what is asked for.

Of the presets that fit all wishes the highest rank wins among those that are recommended for the VRAM; only if none of
those remains, among those that run there at all, which is called tight. With a server, what it can run now comes first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from comfy_headless.catalog import reasons
from comfy_headless.catalog.candidates import Candidate, Machine, Wishes, check_wishes, look_at
from comfy_headless.catalog.facts import TOLERANCE
from comfy_headless.catalog.fetching import fetch_all_line
from comfy_headless.catalog.preset import TASKS, Preset
from comfy_headless.catalog.preset_file import Task
from comfy_headless.catalog.presets import PresetLibrary
from comfy_headless.catalog.reasons import gib
from comfy_headless.catalog.roles import Filling
from comfy_headless.catalog.selection import Wanted, select_presets
from comfy_headless.catalog.vram import VramEstimate, duration
from comfy_headless.errors import GenerationRejectedError, ValidationError
from comfy_headless.graph.values import shown

DEFAULT_VRAM_GB: Final = 8.0
"""GiB that are assumed where nothing tells: the smallest card that most video models name."""

WITHIN: Final = 600.0
"""Seconds that a first try may take: that of a video for which nobody names a preset."""

LEAST_GB: Final = 4.0
"""Where the table of recommendations begins, in GiB: below it there is only the smallest."""

_A: Final = {"video": "a video", "image": "an image", None: "anything"}


@dataclass(frozen=True, slots=True)
class Recommendation:
    """The preset to take, and why.

    Args:
        name: of the preset.
        reason: why this one, and how long it takes, in a sentence.
        vram_gb: GiB that it was chosen for; None: unknown.
        vram_source: how they are known.
        ram_gb: GiB of main memory that it was chosen for; None: unknown, and not looked at.
        estimate: what it takes in memory and time.
        tight: whether it runs on less VRAM than it is recommended for, or on less than it needs.
        missing: a line for each thing that the server lacks for it.
        warnings: what to expect, and which wish changed nothing.
        alternatives: what to think of instead: better ones with their price, a quicker one.
        filling: which file of the server fills which role; None if no server was asked.
        candidates: all that fit the wishes, the best first, each with why it was not taken.
    """

    name: str
    reason: str
    vram_gb: float | None
    vram_source: str
    ram_gb: float | None
    estimate: VramEstimate
    tight: bool
    missing: tuple[str, ...]
    warnings: tuple[str, ...]
    alternatives: tuple[str, ...]
    filling: Filling | None
    candidates: tuple[Candidate, ...]

    @property
    def notes(self) -> tuple[str, ...]:
        """All that a person should hear: the reason, the warnings, what there is instead."""
        return (self.reason, *self.warnings, *self.alternatives)


class _Choice(NamedTuple):
    """A candidate that was taken, what it is among the others, and what must be said about it."""

    taken: Candidate
    how: reasons.How
    warnings: tuple[str, ...] = ()


def recommend(presets: PresetLibrary, machine: Machine, wishes: Wishes, *, must_run: bool = False) -> Recommendation:
    """Return the preset to take.

    Args:
        must_run: whether the server must have all that it needs, and the memory; else one that lacks something is
            named where the server has nothing that fits, and below ``LEAST_GB`` the smallest.

    Raises:
        ValidationError: a wish is none, or no preset fits them all, or can take the settings.
        GenerationRejectedError: ``must_run``, and the server can run none; says for the best one what is missing and
            where to put it.
    """
    check_wishes(machine, wishes)
    task = wishes.task or "text"
    every = sorted(_wished(presets, wishes, task), key=lambda preset: -preset.needs.rank.value)
    looked = [look_at(preset, presets, task, machine, wishes) for preset in every]
    able = [each for each in looked if not each.refuses]
    if not able:
        raise ValidationError(max(looked, key=_first).refuses)
    here = [each for each in able if not each.lacks]
    choice = _choose(here, machine, wishes) or _choose(able, machine, wishes)
    if must_run and (choice is None or choice.taken.lacks or not choice.taken.fits):
        raise _cannot_run(able, here, choice, machine)
    taken, how, warnings = choice or _smallest(able, machine, wishes)
    to_fetch = tuple(reasons.fetched(taken))
    return Recommendation(
        name=taken.name,
        reason=reasons.reason(taken, how, machine, wishes),
        vram_gb=machine.vram_gb,
        vram_source=machine.source,
        ram_gb=machine.ram_gb,
        estimate=taken.estimate,
        tight=machine.vram_gb is not None and not taken.recommended,
        missing=taken.lacks,
        warnings=(*warnings, *to_fetch, *_unheard(wishes)),
        alternatives=tuple(reasons.alternatives(able, taken, wishes.within or WITHIN)),
        filling=taken.filling,
        candidates=tuple(each._replace(why_not=reasons.why_not(each, taken, machine)) for each in looked),
    )


def _wished(presets: PresetLibrary, wishes: Wishes, task: Task) -> tuple[Preset, ...]:
    wanted = Wanted(task=task, tier=wishes.quality, region=wishes.region, commercial=bool(wishes.commercial))
    left = select_presets(presets.values(), wanted)
    if not left.presets:
        asked = {"quality": wishes.quality, "region": wishes.region, "commercial": wishes.commercial}
        words = ", ".join(f"{name}={shown(value)}" for name, value in asked.items() if value is not None)
        limited = ", ".join(preset.name for preset in left.limited)
        hint = f"; businesses may use these within limits: {limited}" if limited else ""
        which = f" with {words}" if words else ""
        raise ValidationError(f"no preset makes {_A[presets.makes]} from {TASKS[task]}{which}{hint}")
    return left.presets


def _first(each: Candidate) -> tuple[bool, bool, bool, int]:
    """What decides which would be taken, whatever it refuses."""
    return not each.lacks, each.recommended, each.fits, each.rank


def _choose(pool: Sequence[Candidate], machine: Machine, wishes: Wishes) -> _Choice | None:
    """Return the best that fits; None if none does."""
    fitting = [each for each in pool if each.fits]
    if not fitting:
        return None
    if machine.vram_gb is None:
        return _Choice(min(fitting, key=lambda each: each.rank), "lightest", _not_within(wishes))
    if machine.vram_gb < LEAST_GB * TOLERANCE:
        return _smallest(fitting, machine, wishes)
    recommended = [each for each in fitting if each.recommended]
    for group in (recommended, fitting):
        if quick := [each for each in group if each.within]:
            return _Choice(max(quick, key=lambda each: each.rank), "best")
    left = recommended or fitting
    timed = [each for each in left if each.estimate.seconds is not None]
    if timed:
        quickest = min(timed, key=lambda each: (each.estimate.seconds or 0.0, -each.rank))
        return _Choice(quickest, "quickest", _not_within(wishes))
    return _Choice(max(left, key=lambda each: each.rank), "best", _not_within(wishes))


def _smallest(pool: Sequence[Candidate], machine: Machine, wishes: Wishes) -> _Choice:
    """Return the one that needs the least, with a warning.

    Raises:
        ValidationError: it needs more than there is, and the wishes left out what would need less.
    """
    least = min(pool, key=_demand)
    if least.fits:
        few = f"{gib(machine.vram_gb or 0.0)} of VRAM are few: below {LEAST_GB:g} GiB there is only the smallest"
        return _Choice(least, "smallest", (few, *(() if least.within else _not_within(wishes))))
    needs = f"{least.name!r} needs {_needs(least)}; there are {_there(machine)}"
    asked = wishes.task not in (None, "text") or wishes.quality or wishes.region or wishes.commercial
    if asked and (machine.vram_gb is None or machine.vram_gb >= LEAST_GB * TOLERANCE):
        raise ValidationError(f"no preset that was asked for fits: the smallest of them, {needs}")
    few = f"too little for every preset: the smallest, {needs}"
    return _Choice(least, "smallest", (few, *(() if least.within else _not_within(wishes))))


def _demand(each: Candidate) -> tuple[bool, float, float, int]:
    """What decides which is the smallest: the RAM is there, least VRAM, least RAM, lowest rank."""
    return not each.enough_ram, each.estimate.needed_gb, each.preset.needs.min_ram_gb.value, each.rank


def _needs(each: Candidate) -> str:
    return f"{gib(each.estimate.needed_gb)} of VRAM and {each.preset.needs.min_ram_gb.value:g} GiB of RAM"


def _there(machine: Machine) -> str:
    amounts = [(machine.vram_gb, "VRAM"), (machine.ram_gb, "RAM")]
    return " and ".join(f"{gib(amount)} of {of}" for amount, of in amounts if amount is not None)


def _not_within(wishes: Wishes) -> tuple[str, ...]:
    return () if wishes.within is None else (f"nothing is known to be done within {duration(wishes.within)} here",)


def _unheard(wishes: Wishes) -> tuple[str, ...]:
    if wishes.intent is None:
        return ()
    return (f"intent {wishes.intent!r} changes nothing: nobody has measured which preset is better at it",)


def _cannot_run(
    looked: Sequence[Candidate], here: Sequence[Candidate], choice: _Choice | None, machine: Machine
) -> GenerationRejectedError:
    """Say why the server can run nothing: what is missing for the best, or how little memory there is."""
    if choice is None or not choice.taken.lacks:
        least = min(looked, key=_demand)
        return GenerationRejectedError(
            f"the server has {_there(machine)}, too little for every preset; the smallest, {least.name!r}, needs "
            f"{_needs(least)}. Name a preset to try it all the same"
        )
    short = [each for each in looked if each.fits and len(each.lacks) == 1 and each.filling and each.filling.roles]
    best = max(short, key=lambda each: (each.recommended, each.rank), default=choice.taken)
    lines = "\n".join(f"  {line}" for line in best.lacks)
    if best.filling and best.filling.missing and all(each.role for each in best.filling.missing):
        lines += f"\n{fetch_all_line(best.name)}"
    has = "the server can run no preset yet"
    if here:
        there = min(here, key=_demand)
        has = f"the server has the files of {there.name!r}, which needs {_needs(there)}; there are {_there(machine)}"
    return GenerationRejectedError(f"{has}; what is missing for {best.name!r}:\n{lines}")
