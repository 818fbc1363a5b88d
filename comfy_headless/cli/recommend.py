"""``comfy-headless recommend``: which preset to take, why, how long it takes, and why not the others."""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from typing import Annotated, Any, Final

import typer

from comfy_headless.api.recommend import get_recommended_preset
from comfy_headless.catalog.candidates import Candidate
from comfy_headless.catalog.recommend import Recommendation
from comfy_headless.cli import options as o
from comfy_headless.cli.output import Action, Answer, Terminal
from comfy_headless.cli.presets_list import TierName
from comfy_headless.cli.recommend_page import page

EPILOG: Final = "Example:\n\ncomfy-headless recommend --vram-gb 8 --within 10m"


class IntentName(StrEnum):
    """What is to be seen, as ``--intent`` takes it."""

    PORTRAIT = "portrait"
    ANIMAL = "animal"
    OBJECT = "object"
    SCENE = "scene"
    ACTION = "action"
    ABSTRACT = "abstract"


def recommend(
    vram_gb: Annotated[
        float | None,
        typer.Option(**o.NUMBER, help="GiB of the graphics card; without it the server's, else this machine's."),
    ] = None,
    ram_gb: Annotated[
        float | None, typer.Option(**o.NUMBER, help="GiB of main memory; without it that of the same machine.")
    ] = None,
    task: Annotated[o.TaskName | None, typer.Option(help="What it is made from; without it text.")] = None,
    quality: Annotated[TierName | None, typer.Option(help="Only presets of this tier.")] = None,
    intent: Annotated[
        IntentName | None, typer.Option(help="What is to be seen. Changes nothing yet: nobody has measured it.")
    ] = None,
    region: Annotated[
        str | None, typer.Option(help="Only licences that hold there: a country's code such as DE, or EU.")
    ] = None,
    commercial: Annotated[
        bool, typer.Option("--commercial", help="Only licences that may serve any business.")
    ] = False,
    within: Annotated[
        float | None, typer.Option(**o.SPAN, help="Only what is done so soon: seconds, or such as 10m, 1h.")
    ] = None,
    images: Annotated[bool, typer.Option("--images", help="The presets for images instead of videos.")] = False,
    server: Annotated[
        str | None,
        typer.Option(help="Address of ComfyUI, whose card and model files count; without it COMFY_HEADLESS_URL."),
    ] = None,
    as_json: o.Json = False,
    log_json: o.LogJson = False,
    debug: o.Debug = False,
) -> Action:
    """Say which preset to take, why, how long it takes, and why not the others.

    Without --vram-gb and --server it asks COMFY_HEADLESS_URL, else a ComfyUI at http://localhost:8188 if one answers,
    else the graphics card of this machine; the answer says which.
    """
    asked = {
        "vram_gb": vram_gb,
        "ram_gb": ram_gb,
        "task": task and task.value,
        "quality": quality and quality.value,
        "intent": intent and intent.value,
        "region": region,
        "commercial": commercial or None,
        "within": within,
        "makes": "image" if images else "video",
        "server": server,
    }
    return partial(_recommend, asked)


def _recommend(asked: dict[str, Any], terminal: Terminal) -> Answer:
    found = get_recommended_preset(**asked, explain=True)
    return Answer(_data(found, asked), page(found, terminal.width))


def _data(found: Recommendation, asked: dict[str, Any]) -> dict[str, Any]:
    estimate = found.estimate
    return {
        "preset": found.name,
        "reason": found.reason,
        "makes": asked["makes"],
        "task": estimate.task,
        "within": asked["within"],
        "vram_gb": _rounded(found.vram_gb),
        "vram_source": found.vram_source,
        "ram_gb": _rounded(found.ram_gb),
        "needed_gb": _rounded(estimate.needed_gb),
        "peak_gb": _rounded(estimate.peak_gb),
        "card": estimate.card,
        "seconds": _rounded(estimate.seconds),
        "rough": estimate.rough,
        "tight": found.tight,
        "missing": list(found.missing),
        "files": found.filling.files if found.filling else None,
        "warnings": list(found.warnings),
        "alternatives": list(found.alternatives),
        "candidates": [_brief(each) for each in found.candidates],
    }


def _brief(each: Candidate) -> dict[str, Any]:
    needs, estimate = each.preset.needs, each.estimate
    return {
        "preset": each.name,
        "rank": each.rank,
        "needed_gb": _rounded(estimate.needed_gb),
        "recommended_from_gb": needs.recommended_from.value,
        "min_ram_gb": needs.min_ram_gb.value,
        "seconds": _rounded(estimate.seconds),
        "rough": estimate.rough,
        "recommended": each.recommended,
        "fits": each.fits,
        "within": each.within,
        "missing": list(each.lacks),
        "why_not": each.why_not,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
