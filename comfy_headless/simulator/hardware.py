"""What a simulated server runs on, and what ``/system_stats`` says of it (ComfyUI 0.30.0, server.py)."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from comfy_headless.errors import ValidationError

VERSION = "0.30.0"
OLD_VERSION = "0.3.64"
GIB = 2**30
_NEW = ("comfy_package_versions", "deploy_environment")
DEVICES = ("cuda", "cpu", "mps")
DeviceType: TypeAlias = Literal["cuda", "cpu", "mps"]


@dataclass(frozen=True, slots=True)
class Hardware:
    """One machine.

    Args:
        vram_gb: GiB of each card; not looked at unless ``device`` is "cuda".
        names: of the cards, one each.
        windows: it runs Windows; else the system that this process runs on.
    """

    vram_gb: tuple[float, ...]
    names: tuple[str, ...]
    ram_gb: float
    device: DeviceType
    windows: bool


def given_hardware(
    *,
    vram_gb: float | Sequence[float],
    device_name: str | Sequence[str] | None,
    ram_gb: float,
    device: DeviceType,
    windows: bool,
) -> Hardware:
    """Return the machine with these cards; several if ``vram_gb`` is a sequence.

    Args:
        device_name: one name for all cards, or one for each; None: they are called "Simulated".

    Raises:
        ValidationError: a size that is no number above 0, an unknown device, no card, or names that are not one each.
    """
    sizes = tuple(vram_gb) if isinstance(vram_gb, list | tuple) else (vram_gb,)
    for name, size in [*(("vram_gb", size) for size in sizes), ("ram_gb", ram_gb)]:
        if not is_number(size) or size <= 0:
            raise ValidationError(f"{name} {size!r}: expected a number of GiB above 0, such as 24")
    if not sizes:
        raise ValidationError(f"vram_gb {vram_gb!r}: expected the GiB of one card or more, such as (24, 12)")
    if device not in DEVICES:
        raise ValidationError(f"device {device!r}: expected one of {', '.join(DEVICES)}")
    if device_name is not None and device != "cuda":
        raise ValidationError(f"device_name {device_name!r}: expected none with device {device!r}; only cards have one")
    return Hardware(sizes, _names(device_name, len(sizes)), ram_gb, device, windows)


def is_number(value: object) -> bool:
    """Return whether it is a number that can be counted with."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _names(device_name: str | Sequence[str] | None, cards: int) -> tuple[str, ...]:
    if device_name is None or isinstance(device_name, str):
        return ("Simulated" if device_name is None else device_name,) * cards
    names = tuple(device_name)
    if len(names) not in (1, cards):
        raise ValidationError(f"device_name {device_name!r}: expected one name for all, or one for each of {cards}")
    return names if len(names) == cards else names * cards


def stats(hardware: Hardware, *, old: bool = False) -> dict[str, Any]:
    """Return what /system_stats says; all memory is free, since nothing is loaded.

    Args:
        old: as a ComfyUI 0.3.64 says it: of the first card only.
    """
    ram = round(hardware.ram_gb * GIB)
    system = {
        "os": "win32" if hardware.windows else sys.platform,
        "ram_total": ram,
        "ram_free": ram,
        "comfyui_version": VERSION,
        "required_frontend_version": "none",
        "installed_templates_version": None,
        "required_templates_version": "none",
        "comfy_package_versions": [],
        "python_version": sys.version,
        "pytorch_version": "none (simulated)",
        "embedded_python": False,
        "deploy_environment": "simulator",
        "argv": ["comfy-headless", "simulate"],
    }
    devices = list(_devices(hardware))
    if not old:
        return {"system": system, "devices": devices}
    told = {key: value for key, value in system.items() if key not in _NEW}
    return {"system": {**told, "comfyui_version": OLD_VERSION}, "devices": devices[:1]}


def _devices(hardware: Hardware) -> Iterator[dict[str, Any]]:
    """Say what each device is; the names and numbers are those of model_management.py."""
    if hardware.device != "cuda":  # it shares the machine's memory, and has neither a number nor a name
        ram = round(hardware.ram_gb * GIB)
        memory = dict.fromkeys(("vram_total", "vram_free", "torch_vram_total", "torch_vram_free"), ram)
        yield {"name": hardware.device, "type": hardware.device, "index": None, **memory}
        return
    for index, (name, vram_gb) in enumerate(zip(hardware.names, hardware.vram_gb, strict=True)):
        allocator = "cudaMallocAsync" if "NVIDIA" in name else "native"  # as cuda_malloc.py chooses
        vram = round(vram_gb * GIB)
        yield {
            "name": f"cuda:{index} {name} : {allocator}",
            "type": "cuda",
            "index": index,
            "vram_total": vram,
            "vram_free": vram,
            "torch_vram_total": 0,
            "torch_vram_free": 0,
        }
