"""Whether a request has room: in the card's memory, in the server's, and on the disk that the file goes to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from comfy_headless.catalog.candidates import Machine
from comfy_headless.catalog.lighter import StepDown
from comfy_headless.catalog.preset import Preset
from comfy_headless.catalog.selection import has_ram
from comfy_headless.catalog.vram import VramEstimate
from comfy_headless.graph.kinds import KINDS
from comfy_headless.graph.lines import remarked
from comfy_headless.graph.report import Problem

_PIXEL: Final = {"video": 1.5, "image": 4.0}
"""Bytes a pixel of a file that nothing could compress: H.264 with 4:2:0 and 8 bits, whose I_PCM blocks hold the samples
as they are (ITU-T H.264, 7.3.5); PNG with an alpha channel, whose stored blocks do (RFC 1951, 3.2.4)."""

_MORE: Final = 1.1
"""What headers and a container add, at the most (measured: 0.54 % for noise, ``-f lavfi -i nullsrc,geq=random``, 25
frames of 640x384, libx264 -crf 0; 58 % less at crf 23. The other codecs are judged to need no more)."""

_SOUND: Final = 48_000 * 2 * 2
"""Bytes a second of sound that is not compressed: 48 kHz, two channels of 16 bits."""

_REST: Final = 2**20
"""Bytes for a thumbnail, a folder and the like (judged)."""


def memory_problems(preset: Preset, told: VramEstimate, machine: Machine, steps: Iterable[StepDown]) -> list[Problem]:
    """Return what a preset takes and a machine may not have; what is unknown is enough.

    Args:
        told: what it takes there.
        steps: what takes less, the least loss first.
    """
    found = []
    ways = tuple(steps)
    if machine.vram_gb is not None and not told.fits(machine.vram_gb):
        details = f"{preset.name} needs {told.needed_gb:.1f} GiB ({told.needed_source}), there are "
        details += f"{machine.vram_gb:.1f}: {machine.source}"
        found.append(_problem("vram_too_small", details, _smaller(ways, machine.vram_gb, _recommend(machine))))
    if not has_ram(preset, machine.ram_gb):
        needed = preset.needs.min_ram_gb.value
        details = f"{preset.name} needs {needed:g} GiB, there are {machine.ram_gb:.1f}"
        lighter = [step for step in ways if "preset" in step.changes]
        other = remarked(_recommend(machine), "what fits there")
        found.append(_problem("ram_too_small", details, _line(lighter[0]) if lighter else other))
    return found


def largest_file(makes: str, settings: Mapping[str, Any]) -> int | None:
    """Return how many bytes the file that is made has at the most; None where its size is not known.

    Args:
        makes: video or image.
        settings: of the request, variants too, as compiling gives them.
    """
    width, height = settings.get("width"), settings.get("height")
    if not isinstance(width, int) or not isinstance(height, int):
        return None
    count = settings.get("frames" if makes == "video" else "images") or 1
    fps = settings.get("fps") or 0
    seconds = count / fps if makes == "video" and fps else 0
    area = width * height * float(settings.get("upscale") or 1) ** 2
    pixels = area * count * (settings.get("interpolate") or 1)
    return int((pixels * _PIXEL[makes] + seconds * _SOUND) * _MORE) + _REST


def disk_problem(bytes_needed: int, free: int, where: str) -> Problem | None:
    """Return that a file may not fit on a disk; None if it surely does.

    Args:
        bytes_needed: at the most, as ``largest_file`` says.
        free: bytes.
        where: the folder, in words.
    """
    if bytes_needed <= free:
        return None
    details = f"{where} has {free / 1e6:.0f} MB free, and the file may have up to {bytes_needed / 1e6:.0f} MB"
    return _problem("disk_too_small", details, "make room there, or name another folder with --out")


def _problem(kind: str, details: str, remedy: str) -> Problem:
    return Problem(None, None, None, kind, KINDS[kind].meaning, details, refused=False, remedy=remedy)


def _recommend(machine: Machine) -> str:
    """Return the command that says which presets a machine can run."""
    sizes = (("--vram-gb", machine.vram_gb), ("--ram-gb", machine.ram_gb))
    return " ".join(["comfy-headless recommend", *(f"{name} {size:.1f}" for name, size in sizes if size is not None)])


def _smaller(ways: tuple[StepDown, ...], vram_gb: float, recommend: str) -> str:
    """Return the first step that fits; where none does, the command that says what would."""
    fitting = next((step for step in ways if step.estimate.fits(vram_gb)), None)
    if fitting is not None:
        return _line(fitting)
    each = "; ".join(f"{step.option}: {step.estimate.needed_gb:.1f} GiB" for step in ways)
    return remarked(recommend, f"what fits there; not enough alone: {each}" if each else "what fits there")


def _line(step: StepDown) -> str:
    return remarked(step.option, f"in Python: {step.argument}; needs {step.estimate.needed_gb:.1f} GiB then")
