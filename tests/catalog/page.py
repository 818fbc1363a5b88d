"""The tables of docs/presets.md and docs/vram.md: ``python -m tests.catalog.page`` writes them anew."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from comfy_headless.catalog.networks import Peak, Report
from comfy_headless.catalog.preset import Preset
from comfy_headless.catalog.presets import PRESETS, VIDEO_PRESETS
from comfy_headless.catalog.selection import Wanted, select_presets
from comfy_headless.catalog.vram import VramEstimate, duration, estimate_vram

ROOT: Final = Path(__file__).resolve().parents[2]
FROM: Final = {"text": "text", "image": "a first image", "first_last": "a first and a last image"}

RUNS: Final = {
    "ltxv_2b": "ltx_standard",
    "ltx2_19b": "ltx2_quick",
    "hunyuan_13b": "hunyuan",
    "hunyuan15_8b": "hunyuan15_720p",
    "wan21_1.3b": "wan_1.3b",
    "wan22_14b": "wan_14b",
    "wan22_5b": "wan_5b",
    "mochi_10b": "mochi",
    "svd_xt": "svd_xt",
    "cogvideox_5b": "cogvideo",
    "animatediff_sd15": "animatediff_standard",
}
"""The preset that runs a network as those did who measured it."""

WHOLE: Final = 4096
"""Pixels and frames of a tile that holds every clip: the most that VAEDecodeTiled takes."""


def of_peak(peak: Peak) -> VramEstimate:
    """The estimate of a job whose peak was measured, with the files that were loaded."""
    preset = PRESETS[RUNS[peak.network]]
    named = {key.partition("/")[0]: PRESETS.files[key] for key in peak.files}
    files = {role: named[file.folder] for role, file in preset.at("text").files.items()}
    assert len(files) == len(peak.files)
    return estimate_vram(
        preset,
        files=files,
        precision="fp8" if peak.cast else None,
        width=peak.width,
        height=peak.height,
        frames=peak.frames,
        tile_size=peak.tile or WHOLE,
        tile_frames=WHOLE,
    )


def of_report(report: Report) -> VramEstimate:
    """The estimate of a job that somebody ran on a small card."""
    return estimate_vram(
        RUNS[report.network],
        precision=report.precision,
        width=report.width,
        height=report.height,
        frames=report.frames,
    )


def presets() -> Iterator[tuple[str, ...]]:
    """The row of each preset, in the order of ``presets list``."""
    for preset in _every():
        needs = preset.needs
        yield (
            f"`{preset.name}`",
            preset.title,
            "; ".join(FROM[task] for task in preset.tasks),
            preset.output(),
            f"{needs.min_vram_gb.value:g} GiB, better {needs.rec_vram_gb.value:g}",
            f"{needs.min_ram_gb.value:g} GiB",
            _time(estimate_vram(preset)),
        )


def estimates() -> Iterator[tuple[str, ...]]:
    """What is estimated of each preset, as it is."""
    for preset in _every():
        told = estimate_vram(preset)
        work = f"{told.pflop:.1f}" if told.pflop is not None else ""
        gb = (f"{each:.1f}" for each in (told.needed_gb, told.peak_gb, told.ram_gb))
        yield f"`{preset.name}`", *gb, work, _time(told)


def peaks() -> Iterator[tuple[str, ...]]:
    """Each peak that was measured, beside its estimate."""
    for peak in PRESETS.networks.peaks:
        gb = of_peak(peak).peak_gb
        how = ", ".join(
            [*(["cast to fp8"] if peak.cast else []), f"tiles of {peak.tile} pixels" if peak.tile else "whole pictures"]
        )
        job = f"{peak.width}x{peak.height}x{peak.frames}"
        yield f"`{peak.network}`", job, how, f"{peak.peak_gb:.1f}", f"{gb:.1f}", f"{gb / peak.peak_gb - 1:+.0%}"


def reports() -> Iterator[tuple[str, ...]]:
    """Each report of a small card, beside what is needed by the estimate."""
    for report in PRESETS.networks.reports:
        job = f"{report.width}x{report.height}x{report.frames}"
        yield f"`{report.network}`", job, f"{report.card_gb:g}", f"{of_report(report).needed_gb:.1f}", report.source


class Table(NamedTuple):
    """A table of a page, behind the comment that names it."""

    page: str
    name: str
    heads: tuple[str, ...]
    rows: Callable[[], Iterable[tuple[str, ...]]]


TABLES: Final = (
    Table(
        "presets.md",
        "presets",
        ("preset", "model", "makes a video from", "as it is", "VRAM", "RAM", "time"),
        presets,
    ),
    Table("vram.md", "peaks", ("network", "job", "decoded in", "measured", "estimated", "off"), peaks),
    Table("vram.md", "reports", ("network", "job", "card", "needed", "source"), reports),
    Table("vram.md", "estimates", ("preset", "needed", "peak", "RAM", "PFLOP", "time"), estimates),
)


def anew(page: Path) -> str:
    """The text of a page with its tables as they are now."""
    text = page.read_text(encoding="utf-8")
    for table in TABLES:
        if table.page == page.name:
            lines = (table.heads, ("---",) * len(table.heads), *table.rows())
            written = "".join(f"| {' | '.join(line)} |\n".replace("|  |", "| |") for line in lines)
            before, mark, after = text.partition(f"<!-- {table.name} -->\n")
            assert mark
            text = before + mark + written + re.sub(r"\A(\|.*\n)*", "", after)
    return text


def main() -> None:
    """Put the tables into their pages."""
    for page in {ROOT / "docs" / table.page for table in TABLES}:
        page.write_text(anew(page), encoding="utf-8")


def _every() -> tuple[Preset, ...]:
    return select_presets(VIDEO_PRESETS.values(), Wanted()).presets


def _time(told: VramEstimate) -> str:
    return duration(told.seconds) if told.seconds is not None else ""


if __name__ == "__main__":
    main()
