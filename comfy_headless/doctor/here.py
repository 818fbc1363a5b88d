"""This machine: its GPUs and its RAM, the disk for what is made, its ffmpeg."""

from __future__ import annotations

import os
import shlex
import shutil
from pathlib import Path

from comfy_headless.errors import ComfyHeadlessError, ValidationError
from comfy_headless.features import FEATURES, missing_reason
from comfy_headless.health.disk import Disk, find_disk
from comfy_headless.health.ffmpeg import try_ffmpeg
from comfy_headless.health.gpus import find_gpus
from comfy_headless.health.ram import find_ram
from comfy_headless.health.report import HealthLine, gib, installs, setting
from comfy_headless.protocol.destination import read_out

_LITTLE_GB, _NOTHING_GB = 5.0, 0.2
"""GiB that are free: below the first a few long videos fill the disk, below the second one does."""


def lines_here(out: str | os.PathLike[str] | None, needs_gpu: bool) -> tuple[HealthLine, ...]:
    """Look at this machine.

    Args:
        out: where results go, as for ``generate_video``.
        needs_gpu: nothing else is known that computes: that this machine has no GPU is a warning.
    """
    return (_gpus(needs_gpu), _ram(), _disk(out), _ffmpeg())


def _gpus(needed: bool) -> HealthLine:
    gpus = find_gpus()
    facts = {"count": len(gpus.found), "vram_gb": max((gpu.vram_gb for gpu in gpus.found), default=None)}
    if gpus.found:
        remark = f" ({gpus.reason})" if gpus.reason else ""
        texts = [f"{gpu.name}, {gib(gpu.vram_gb)} of VRAM" for gpu in gpus.found]
        return HealthLine("gpu here", "ok", "; ".join(texts) + remark, None, facts)
    if missing_reason("health") is not None:
        return HealthLine("gpu here", "warn", f"not looked for: {_plain(gpus.reason)}", installs("health"), facts)
    if needed:
        return HealthLine("gpu here", "warn", f"none found: {gpus.reason}", "nvidia-smi", facts)
    return HealthLine("gpu here", "ok", f"none; the server has one. Here: {gpus.reason}", None, facts)


def _ram() -> HealthLine:
    ram = find_ram()
    if ram.total_gb is not None:
        return HealthLine("ram here", "ok", gib(ram.total_gb), None, {"ram_gb": ram.total_gb})
    remedy = installs("health") if missing_reason("health") is not None else "free -h"
    return HealthLine("ram here", "warn", f"not known: {_plain(ram.reason)}", remedy)


def _disk(out: str | os.PathLike[str] | None) -> HealthLine:
    try:
        folder = read_out(out).folder.absolute()
    except (ValidationError, OSError) as error:  # nobody knows that home; the current folder is gone
        return HealthLine("disk", "fail", f"no folder for what is made: {error}", "cd ~")
    return disk_line(folder, find_disk(folder))


def disk_line(folder: Path, disk: Disk) -> HealthLine:
    """Return what is said of the disk on which a folder lies, or would lie."""
    where = f"{folder}" if disk.folder == folder else f"{folder}, which is not there yet"
    facts = {"folder": str(folder), "free_gb": disk.free_gb, "total_gb": disk.total_gb}
    if disk.reason is not None:
        text = f"nothing can be written to {where}: {disk.reason}"
        return HealthLine("disk", "fail", text, shlex.join(["ls", "-ld", str(disk.folder)]), facts)
    assert disk.free_gb is not None
    assert disk.total_gb is not None
    text = f"{disk.free_gb:.1f} of {gib(disk.total_gb)} free at {where}"
    if disk.free_gb < _LITTLE_GB:
        return HealthLine(
            "disk",
            "fail" if disk.free_gb < _NOTHING_GB else "warn",
            text,
            shlex.join(["df", "-h", str(disk.folder)]),
            facts,
        )
    return HealthLine("disk", "ok", text, None, facts)


def _ffmpeg() -> HealthLine:
    path, without = _binary()
    if path is None:
        text = f"none found, so nothing is looked at or made smaller: {without}"
        return HealthLine("ffmpeg", "warn", text, installs("media"), {"path": None})
    found = try_ffmpeg(path)
    facts = {"path": path, "version": found.version, "h264": found.h264}
    called = path if shutil.which("ffmpeg") == path else "that of imageio-ffmpeg"
    if found.version is None:
        return HealthLine("ffmpeg", "warn", f"{path} does not run: {found.reason}", _other(path), facts)
    if not found.h264:
        text = f"{called}, version {found.version}, cannot encode h264: {found.reason}"
        return HealthLine("ffmpeg", "warn", text, _other(path), facts)
    return HealthLine("ffmpeg", "ok", f"{called}, version {found.version}, encodes h264", None, facts)


def _binary() -> tuple[str | None, str]:
    """Return the ffmpeg that would be run, or None and why there is none."""
    if FEATURES["media"]:
        from comfy_headless.media.command import binary

        try:
            return binary(), ""
        except ComfyHeadlessError as error:
            return None, _plain(str(error))
    return shutil.which("ffmpeg"), f"none on PATH; {missing_reason('media')}"


def _other(path: str) -> str:
    """Return the line that brings another ffmpeg than the one that is found first."""
    if missing_reason("media") is not None:
        return installs("media")
    return setting("PATH", f"/folder/of/another:{'%PATH%' if os.name == 'nt' else '$PATH'}")


def _plain(reason: str | None) -> str:
    """Return a reason without the command that the remedy tells."""
    return (reason or "").split("; pip install")[0]
