"""The table of ``presets list``: on a terminal by family, as wide as it is; elsewhere a line per preset, whole.

What does not fit beside the name stands below it. What all presets of a family share, licence and node packs, stands
once above them.
"""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from typing import Final, NamedTuple

from comfy_headless.catalog.preset import Preset
from comfy_headless.catalog.selection import is_recommended
from comfy_headless.catalog.vram import duration, estimate_vram
from comfy_headless.cli.output import columns

_FROM: Final = {"text": "text", "image": "image", "first_last": "first+last"}
_HEADS: Final = {
    "name": "PRESET",
    "title": "MODEL",
    "tasks": "FROM",
    "makes": "SIZE FRAMES@FPS",
    "tier": "TIER",
    "vram": "VRAM",
    "ram": "RAM",
    "time": "ON 4090",
}
_GOES: Final = ("title", "ram", "tier", "time", "tasks", "makes", "vram")
"""Which column goes below first where the terminal is narrow."""
_LEGEND: Final = {
    "vram": "VRAM: GiB at the least / for its own speed.",
    "ram": "RAM: GiB.",
    "time": "ON 4090: time on such a card, by an estimate.",
}
_GAP: Final = "  "


class _Row(NamedTuple):
    """A preset: its cells by column, and the same in words that need no heading."""

    preset: Preset
    cells: dict[str, str]
    words: dict[str, str]


def table(presets: Sequence[Preset], width: int | None, *, vram_gb: float | None = None) -> str:
    """Return presets as lines.

    Args:
        presets: those of a family in one piece.
        width: columns of the terminal; None is none, and nothing is wrapped.
        vram_gb: marks those that are recommended for so many GiB.
    """
    if width is None:
        return columns([_whole(preset, vram_gb) for preset in presets])
    rows = [_row(preset, vram_gb) for preset in presets]
    heads = {**_HEADS, "makes": "SIZE"} if all(preset.makes == "image" for preset in presets) else _HEADS
    sizes = {name: max(len(head), *(len(row.cells[name]) for row in rows)) for name, head in heads.items()}
    for column in _GOES:
        if sum(sizes.values()) + len(_GAP) * len(sizes) <= width:
            break
        del sizes[column]
    lines = [_GAP + _GAP.join(heads[name].ljust(size) for name, size in sizes.items()).rstrip()]
    for family, group in groupby(rows, key=lambda row: row.preset.family):
        lines += ["", *_family(family, list(group), sizes, width)]
    legend = " ".join(words for name, words in _LEGEND.items() if name in sizes)
    return "\n".join([*lines, "", *wrapped(legend, width), *_mark(vram_gb, width)])


def licence_line(preset: Preset) -> str:
    """Return the licence of the weights: name, whether it serves a business, where it does not hold."""
    licence = preset.licence
    where = f"; not in {', '.join(licence.excludes)}" if licence.excludes else ""
    return f"{licence.name} (commercial use: {licence.commercial}{where})"


def wrapped(text: str, width: int, first: str = "", below: str = "") -> list[str]:
    """Return a text as lines that end between words, the first one and those below it indented."""
    return textwrap.wrap(
        text, width, initial_indent=first, subsequent_indent=below, break_long_words=False, break_on_hyphens=False
    )


def _row(preset: Preset, vram_gb: float | None) -> _Row:
    needs, seconds = preset.needs, estimate_vram(preset).seconds
    least, better = f"{needs.min_vram_gb.value:g}", f"{needs.rec_vram_gb.value:g}"
    sources = ", ".join(_FROM[task] for task in preset.tasks)
    time = duration(seconds) if seconds is not None else ""
    mark = "*" if is_recommended(preset, vram_gb) else ""
    size = f"{preset.value('width')}x{preset.value('height')}" if preset.value("width") else "as the image"
    makes = f"{size} {preset.value('frames')}@{preset.value('fps'):g}" if preset.makes == "video" else size
    cells = {
        "name": preset.name,
        "title": preset.title,
        "tasks": sources,
        "makes": makes,
        "tier": preset.tier,
        "vram": f"{least}/{better}{mark}",
        "ram": f"{needs.min_ram_gb.value:g}",
        "time": time,
    }
    words = {
        "title": preset.title,
        "tasks": f"from {sources}",
        "makes": preset.output(),
        "tier": preset.tier,
        "vram": f"{least} GiB VRAM, better {better}{', recommended' if mark else ''}",
        "ram": f"{needs.min_ram_gb.value:g} GiB RAM",
        "time": f"{time} on a 4090" if time else "",
    }
    return _Row(preset, cells, words)


def _family(family: str, rows: Sequence[_Row], sizes: dict[str, int], width: int) -> list[str]:
    shared = Counter(_terms(row.preset) for row in rows).most_common(1)[0][0]
    lines = wrapped(f"{family}: {shared}", width, below=_GAP)
    for row in rows:
        lines.append(_GAP + _GAP.join(row.cells[name].ljust(size) for name, size in sizes.items()).rstrip())
        below = [words for name, words in row.words.items() if words and name not in sizes]
        terms = _terms(row.preset)
        for text in (", ".join(below), terms if terms != shared else ""):
            lines += wrapped(text, width, _GAP * 3, _GAP * 3)
    return lines


def _terms(preset: Preset) -> str:
    """The licence, and the node packs that must be installed."""
    packs = f"; needs {', '.join(pack.name for pack in preset.packs)}" if preset.packs else ""
    return f"{licence_line(preset)}{packs}"


def _mark(vram_gb: float | None, width: int) -> list[str]:
    if vram_gb is None:
        return []
    told = f"* recommended for {vram_gb:g} GiB; the others run there too, slower, with weights streamed from RAM."
    return wrapped(told, width)


def _whole(preset: Preset, vram_gb: float | None) -> tuple[str, ...]:
    words = _row(preset, vram_gb).words
    licence = preset.licence
    where = f", not in {' '.join(licence.excludes)}" if licence.excludes else ""
    return (
        preset.name,
        preset.family,
        *(words[name] for name in ("tasks", "makes", "tier", "vram", "ram", "time")),
        f"commercial use {licence.commercial}{where}",
        preset.title,
        f"needs {', '.join(pack.name for pack in preset.packs)}" if preset.packs else "no packs",
        licence.name,
    )
