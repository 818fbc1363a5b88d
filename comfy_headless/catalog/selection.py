"""Which presets fit what a person asks for: one filter after the other, each told with how many it left."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from comfy_headless.catalog.facts import TOLERANCE
from comfy_headless.catalog.preset import Preset
from comfy_headless.catalog.preset_file import Task
from comfy_headless.errors import ValidationError
from comfy_headless.graph.values import nearest

Tier = Literal["draft", "standard", "quality"]

# fmt: off
EUROPEAN_UNION: Final = frozenset({
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU",
    "IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
})
# fmt: on
"""Its members by ISO 3166 (european-union.europa.eu, EU countries: 27 since 2020)."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What presets must fit; None asks for nothing.

    Args:
        vram_gb: GiB of a card: those stay that it can run, if slowly.
        licence: a part of the licence's name, capitals or not.
        packs: the node packs that a server has: those stay that need no other.
        region: ISO 3166 code of a country, or EU: those go whose licence excludes it.
        commercial: those stay that may serve a business without limits.
    """

    family: str | None = None
    task: Task | None = None
    tier: Tier | None = None
    vram_gb: float | None = None
    licence: str | None = None
    packs: Collection[str] | None = None
    region: str | None = None
    commercial: bool = False


class Step(NamedTuple):
    """A filter, named as in Wanted, and how many presets it left."""

    filter: str
    left: int


class Selection(NamedTuple):
    """The presets that are left.

    Args:
        presets: by family, in each the lightest first.
        limited: where ``commercial`` was asked: those that may serve a business with limits, and fit all else.
        steps: the filters that were asked for, in their order.
        lightest: of those that ``vram_gb`` was to choose from, the one that needs the least; None if not asked.
    """

    presets: tuple[Preset, ...]
    limited: tuple[Preset, ...]
    steps: tuple[Step, ...]
    lightest: Preset | None


def select_presets(presets: Iterable[Preset], wanted: Wanted) -> Selection:
    """Return the presets that fit.

    Raises:
        ValidationError: there is no such family, pack or region.
    """
    every = sorted(presets, key=lambda preset: (preset.family, preset.needs.rank.value))
    left, limited, steps, lightest = every, [], [], None
    for name, keeps in _filters(every, wanted).items():
        if name == "vram_gb" and left:
            lightest = min(left, key=lambda preset: preset.needs.min_vram_gb.value)
        if name == "commercial":
            limited = [preset for preset in left if preset.licence.commercial == "limited"]
        left = [preset for preset in left if keeps(preset)]
        steps.append(Step(name, len(left)))
    return Selection(tuple(left), tuple(limited), tuple(steps), lightest)


def fits(preset: Preset, vram_gb: float | None) -> bool:
    """Return whether a preset runs with so many GiB of VRAM, if slowly; None, unknown, is enough."""
    return vram_gb is None or vram_gb >= preset.needs.min_vram_gb.value * TOLERANCE


def has_ram(preset: Preset, ram_gb: float | None) -> bool:
    """Return whether so many GiB of main memory are enough for a preset; None, unknown, is enough."""
    return ram_gb is None or ram_gb >= preset.needs.min_ram_gb.value * TOLERANCE


def is_recommended(preset: Preset, vram_gb: float | None) -> bool:
    """Return whether a preset is recommended for so many GiB of VRAM; for None, unknown, none is."""
    return vram_gb is not None and vram_gb >= preset.needs.recommended_from.value * TOLERANCE


def excludes(preset: Preset, region: str) -> bool:
    """Return whether the licence excludes a region: an ISO 3166 code, or EU."""
    return bool({region, "EU" if region in EUROPEAN_UNION else region} & set(preset.licence.excludes))


def _filters(presets: Collection[Preset], wanted: Wanted) -> dict[str, Callable[[Preset], bool]]:
    """Return the filters that are asked for, by name; the one for business use comes last."""
    filters: dict[str, Callable[[Preset], bool]] = {}
    if (family := wanted.family) is not None:
        _known("family", family, {preset.family for preset in presets})
        filters["family"] = lambda preset: preset.family == family
    if (task := wanted.task) is not None:
        filters["task"] = lambda preset: task in preset.tasks
    if (tier := wanted.tier) is not None:
        filters["tier"] = lambda preset: preset.tier == tier
    if (vram_gb := wanted.vram_gb) is not None:
        if not vram_gb > 0:
            raise ValidationError(f"vram={vram_gb:g}: expected GiB, more than 0")
        filters["vram_gb"] = lambda preset: fits(preset, vram_gb)
    if (licence := wanted.licence) is not None:
        filters["licence"] = lambda preset: licence.casefold() in preset.licence.name.casefold()
    if (packs := wanted.packs) is not None:
        for pack in packs:
            _known("pack", pack, {each.name for preset in presets for each in preset.packs})
        filters["packs"] = lambda preset: {pack.name for pack in preset.packs} <= set(packs)
    if (region := wanted.region) is not None:
        code = _region(region)
        filters["region"] = lambda preset: not excludes(preset, code)
    if wanted.commercial:
        filters["commercial"] = lambda preset: preset.licence.commercial == "yes"
    return filters


def _known(what: str, name: str, names: Collection[str]) -> None:
    if name not in names:
        raise ValidationError(f"no {what} {name!r}{nearest(name, names)} There are: {', '.join(sorted(names))}")


def _region(region: str) -> str:
    code = region.upper()
    if len(code) != 2 or not code.isascii() or not code.isalpha():
        raise ValidationError(f"region {region!r}: expected an ISO 3166 code such as DE, or EU")
    return "GB" if code == "UK" else code
