"""``comfy-headless presets list``: the presets that fit, as a table to choose from."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import partial
from typing import Annotated, Any, Final

import typer

from comfy_headless.catalog.preset import Preset
from comfy_headless.catalog.presets import IMAGE_PRESETS, VIDEO_PRESETS
from comfy_headless.catalog.selection import Selection, Tier, Wanted, is_recommended, select_presets
from comfy_headless.catalog.vram import estimate_vram
from comfy_headless.cli import options as o
from comfy_headless.cli.completion import NO_PACKS, family_names, licence_names, pack_names
from comfy_headless.cli.output import Action, Answer, Terminal
from comfy_headless.cli.preset_table import licence_line, table, wrapped

EPILOG: Final = "Example:\n\ncomfy-headless presets list --task image --vram 8 --packs none"
_UNBROKEN: Final = 10**6
"""Columns where no terminal has any."""
_OPTIONS: Final = {"vram_gb": "vram"}
"""Filters that the command line calls otherwise."""


class TierName(StrEnum):
    """A tier, as ``--tier`` takes it."""

    DRAFT = "draft"
    STANDARD = "standard"
    QUALITY = "quality"


_TIERS: Final[Mapping[TierName, Tier]] = {
    TierName.DRAFT: "draft",
    TierName.STANDARD: "standard",
    TierName.QUALITY: "quality",
}


def list_presets(
    family: Annotated[str | None, typer.Option(help="Of this family.", autocompletion=family_names)] = None,
    task: Annotated[o.TaskName | None, typer.Option(help="That make a video from this.")] = None,
    tier: Annotated[TierName | None, typer.Option(help="Of this tier.")] = None,
    vram: Annotated[
        float | None,
        typer.Option(**o.NUMBER, help="That run with so many GiB; those recommended for it get a mark."),
    ] = None,
    licence: Annotated[
        str | None, typer.Option(help="With this in the licence's name.", autocompletion=licence_names)
    ] = None,
    commercial: Annotated[
        bool, typer.Option("--commercial", help="That may serve a business; what has limits is told apart.")
    ] = False,
    region: Annotated[
        str | None, typer.Option(help="Whose licence holds there: a country's code such as DE, or EU.")
    ] = None,
    packs: Annotated[
        list[str] | None,
        typer.Option(help="That need no other node pack: none, or a name; may be repeated.", autocompletion=pack_names),
    ] = None,
    images: Annotated[bool, typer.Option("--images", help="The presets for images instead of videos.")] = False,
    as_json: o.Json = False,
    log_json: o.LogJson = False,
    debug: o.Debug = False,
) -> Action:
    """List all presets, or those that fit: the built-in ones and those of COMFY_HEADLESS_PRESETS.

    By family, the lightest first. Filters may be combined.
    """
    wanted = Wanted(
        family=family,
        task=task.value if task else None,
        tier=_TIERS[tier] if tier else None,
        vram_gb=vram,
        licence=licence,
        packs=None if packs is None else {pack for pack in packs if pack != NO_PACKS},
        region=region,
        commercial=commercial,
    )
    return partial(_list, wanted, images)


def _list(wanted: Wanted, images: bool, terminal: Terminal) -> Answer:
    library = IMAGE_PRESETS if images else VIDEO_PRESETS
    selection = select_presets(library.values(), wanted)
    data = {
        "presets": [_brief(preset, wanted.vram_gb) for preset in selection.presets],
        "limited": [_brief(preset, wanted.vram_gb) for preset in selection.limited],
        "filters": [{"filter": _typed(step.filter, wanted), "left": step.left} for step in selection.steps],
    }
    text = table(selection.presets, terminal.width, vram_gb=wanted.vram_gb) if selection.presets else ""
    if not text:
        text = _nothing(selection, wanted, len(library), "image" if images else "video")
    limited = _limited(selection, terminal.width)
    if limited and terminal.width is None:  # a program that reads lines gets presets only
        terminal.note(limited)
        limited = ""
    return Answer(data, "\n\n".join(part for part in (text, limited) if part))


def _typed(name: str, wanted: Wanted) -> str:
    """A filter as it is typed."""
    value = getattr(wanted, name)
    option = f"--{_OPTIONS.get(name, name)}"
    if name == "packs":
        return " ".join(f"{option} {pack}" for pack in sorted(value) or [NO_PACKS])
    if value is True:
        return option
    return f"{option} {value:g}" if isinstance(value, float) else f"{option} {value}"


def _nothing(selection: Selection, wanted: Wanted, count: int, kind: str) -> str:
    """Say which filter emptied the list."""
    if not selection.steps:
        return f"there are no presets for {kind}s"
    lines, before = [], count
    for name, left in selection.steps:
        lines.append(f"  {_typed(name, wanted)} leaves {left or 'none'} of {before}")
        before = left
        if not left:
            break
    if selection.steps[len(lines) - 1].filter == "vram_gb" and selection.lightest is not None:
        least = selection.lightest
        lines.append(f"  the lightest of them, {least.name}, needs {least.needs.min_vram_gb.value:g} GiB")
    return "\n".join(["no preset is left:", *lines])


def _limited(selection: Selection, width: int | None) -> str:
    """Name the presets that may serve a business within limits, and the limits."""
    by_licence: dict[tuple[str, ...], list[str]] = {}
    for preset in selection.limited:
        by_licence.setdefault((licence_line(preset), *preset.licence.limits), []).append(preset.name)
    if not by_licence:
        return ""
    told = wrapped("not listed, since businesses may use them within limits only:", width or _UNBROKEN)
    for lines, names in by_licence.items():
        told += wrapped(", ".join(names), width or _UNBROKEN, "  ", "  ")
        for line in lines:
            told += wrapped(line, width or _UNBROKEN, "    ", "      ")
    return "\n".join(told)


def _brief(preset: Preset, vram_gb: float | None) -> dict[str, Any]:
    needs, licence = preset.needs, preset.licence
    video = preset.makes == "video"
    return {
        "name": preset.name,
        "title": preset.title,
        "description": preset.description,
        "makes": preset.makes,
        "family": preset.family,
        "model": preset.model.value,
        "tier": preset.tier,
        "tasks": list(preset.tasks),
        "width": preset.value("width"),
        "height": preset.value("height"),
        "frames": preset.value("frames") if video else None,
        "fps": preset.value("fps") if video else None,
        "needs": {
            "min_vram_gb": needs.min_vram_gb.value,
            "rec_vram_gb": needs.rec_vram_gb.value,
            "min_ram_gb": needs.min_ram_gb.value,
            "seconds": estimate_vram(preset).seconds,
        },
        "recommended": is_recommended(preset, vram_gb) if vram_gb is not None else None,
        "licence": licence.model_dump(mode="json", exclude={"source"}),
        "packs": [pack.name for pack in preset.packs],
        "path": str(preset.path),
        "summary": str(preset),
    }
