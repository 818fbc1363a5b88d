"""What ``presets show --vram`` says: the memory and time of one job, and each part of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from comfy_headless.catalog.cards import FIXED_SECONDS
from comfy_headless.catalog.preset import TASKS
from comfy_headless.catalog.vram import VramEstimate, duration
from comfy_headless.cli.preset_table import wrapped

_UNBROKEN: Final = 10**6
"""Columns where no terminal has any."""
_NAME: Final = 10


def estimate_data(told: VramEstimate, settings: Mapping[str, Any], vram_gb: float | None) -> dict[str, Any]:
    """Return an estimate as JSON-ready data.

    Args:
        settings: that it is of.
        vram_gb: GiB of the card that was asked about; None is none.
    """
    own = {name: value for name, value in asdict(told).items() if name != "work"}
    return {
        **own,
        "parts": [part._asdict() for part in told.parts],
        "settings": dict(settings),
        "vram_gb": vram_gb,
        "fits": told.fits(vram_gb) if vram_gb is not None else None,
        "streams": told.streams(vram_gb) if vram_gb is not None else None,
    }


def estimate_page(told: VramEstimate, what: str, vram_gb: float | None, width: int | None) -> str:
    """Return an estimate as lines.

    Args:
        what: is made, in words.
        vram_gb: GiB of the card that was asked about; None is none.
        width: columns of the terminal; None is none, and nothing is wrapped.
    """
    lines = wrapped(f"{told.preset}, from {TASKS[told.task]}: {what}", width or _UNBROKEN)
    lines.append("")
    for name, words in _facts(told, vram_gb):
        lines += wrapped(words, width or _UNBROKEN, name.ljust(_NAME), " " * _NAME)
    if told.parts:
        heading = "GiB of VRAM on a card with room: all weights, and the largest of what is computed"
        lines += ["", *wrapped(heading, width or _UNBROKEN), *_parts(told, width)]
    return "\n".join(lines)


def _facts(told: VramEstimate, vram_gb: float | None) -> Iterator[tuple[str, str]]:
    yield "needed", f"{told.needed_gb:.1f} GiB of VRAM at the least: {told.needed_source}"
    yield "peak", f"{told.peak_gb:.1f} GiB of VRAM on a card with room"
    yield "RAM", f"{told.ram_gb:.1f} GiB"
    work = f": {told.pflop:.3g} PFLOP, and {FIXED_SECONDS:g} s for all else" if told.pflop is not None else ""
    yield "time", f"about {duration(told.seconds)} ({told.card}){work}" if told.seconds is not None else "not known"
    if vram_gb is not None:
        yield f"{vram_gb:g} GiB", _verdict(told, vram_gb)
    yield from (("note", note) for note in told.notes)


def _verdict(told: VramEstimate, vram_gb: float) -> str:
    if not told.fits(vram_gb):
        return "too little"
    return "enough, not for everything at once: weights come from RAM" if told.streams(vram_gb) else "room for all"


def _parts(told: VramEstimate, width: int | None) -> Sequence[str]:
    names = max(len(part.name) for part in told.parts)
    indent = " " * (names + 10)
    lines: list[str] = []
    for part in told.parts:
        lines += wrapped(part.what, width or _UNBROKEN, f"  {part.name.ljust(names)}{part.gb:6.1f}  ", indent)
    return lines
