"""What ``recommend`` says: the answer, why, what it takes, what is missing, then the others with why not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from comfy_headless.catalog.candidates import Candidate
from comfy_headless.catalog.reasons import gib
from comfy_headless.catalog.recommend import Recommendation
from comfy_headless.catalog.vram import duration
from comfy_headless.cli.preset_table import wrapped

_UNBROKEN: Final = 10**6
"""Columns where no terminal has any."""
_HEADS: Final = ("THE OTHERS", "VRAM", "RAM", "TIME", "WHY NOT")
_LEAST: Final = 24
"""Columns that reasons have beside the numbers; where there are fewer they stand below."""
_LEGEND: Final = (
    "The best first. VRAM: GiB at the least / recommended from. RAM: GiB. TIME: of one run here, by an estimate; ? is "
    "not known. Tight: it runs, with more of it in RAM and slower than that."
)


def page(found: Recommendation, width: int | None) -> str:
    """Return a recommendation as lines.

    Args:
        width: columns of the terminal; None is none, and nothing is wrapped.
    """
    columns = width or _UNBROKEN
    taken = next(each for each in found.candidates if each.name == found.name)
    facts = list(_facts(found, taken))
    label = max(len(name) for name, _ in facts)
    lines = [*wrapped(f"{found.name}: {taken.preset.title}, {taken.preset.output()}", columns), ""]
    for name, text in facts:
        first, *rest = text.split("\n")
        indent = " " * (label + 2)
        lines += wrapped(first, columns, name.ljust(label + 2), indent)
        for line in rest:
            lines += wrapped(line.strip(), columns, f"{indent}- ", f"{indent}  ")
    others = [each for each in found.candidates if each.name != found.name]
    if others:
        lines += ["", *_table(others, columns), "", *wrapped(_LEGEND, columns)]
    return "\n".join(lines)


def _facts(found: Recommendation, taken: Candidate) -> Iterator[tuple[str, str]]:
    """Yield what is to be said, each under a word."""
    yield "on", _machine(found)
    yield "why", found.reason.removeprefix(f"preset {found.name!r}: ")
    needs, estimate = taken.preset.needs, found.estimate
    yield (
        "needs",
        f"{gib(estimate.needed_gb)} of VRAM at the least, better {needs.recommended_from.value:g} (it fills "
        f"{gib(estimate.peak_gb)} where there is room), and {needs.min_ram_gb.value:g} GiB of RAM",
    )
    yield from (_missing(line) for line in found.warnings)
    for line in found.alternatives:
        label, _, words = line.partition(": ")
        yield label, words
    if found.filling is None:
        yield "files", f"no server was asked; comfy-headless presets show {found.name} lists them"
    else:
        yield from (("file", note) for note in found.filling.notes)


def _machine(found: Recommendation) -> str:
    ram = f"; {gib(found.ram_gb)} of RAM" if found.ram_gb is not None else ""
    if found.vram_gb is None:
        return f"{found.vram_source}{ram}"
    return f"{gib(found.vram_gb)} of VRAM, {found.vram_source}{ram}"


def _missing(warning: str) -> tuple[str, str]:
    return ("missing" if "\n" in warning else "note"), warning


def _table(others: Iterable[Candidate], columns: int) -> list[str]:
    rows = [_HEADS, *(_cells(each) for each in others)]
    sizes = [max(len(row[at]) for row in rows) for at in range(len(_HEADS) - 1)]
    used = sum(sizes) + 2 * len(sizes)
    lines = []
    for *cells, why in rows:
        numbers = "  ".join(cell.ljust(size) for cell, size in zip(cells, sizes, strict=True))
        if columns - used >= _LEAST:
            lines += wrapped(why, columns, f"{numbers}  ", " " * used)
        else:
            lines += [numbers.rstrip(), *wrapped(why, columns, "    ", "    ")]
    return lines


def _cells(each: Candidate) -> tuple[str, ...]:
    needs, seconds = each.preset.needs, each.estimate.seconds
    return (
        each.name,
        f"{round(each.estimate.needed_gb, 1):g}/{needs.recommended_from.value:g}",
        f"{needs.min_ram_gb.value:g}",
        "-" if not each.fits else "?" if seconds is None else duration(seconds),
        each.why_not,
    )
