"""What a server has, read from its answers: node classes, model files, devices, memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from comfy_headless.graph.file_inputs import MODEL_INPUTS

GIB: Final = 1024**3
TOLERANCE: Final = 0.9
"""Needs are compared with this share: a "16 GB" card reports 15.6 to 15.99 GiB, a T4 14.56, an L4 of 24 GB 22.28."""


class Device(NamedTuple):
    """Something that a server computes on.

    Args:
        name: as the server says it, such as ``cuda:0 NVIDIA GeForce RTX 4090 : cudaMallocAsync``.
        vram_gb: GiB, all of it.
    """

    name: str
    vram_gb: float


class ServerFacts(NamedTuple):
    """What a server has.

    Args:
        node_classes: names of its node classes.
        files: model file names per model folder, as it lists them: with sub-folders, and its own separator.
        devices: all but its CPU.
        ram_gb: GiB of main memory; None if it does not say.
    """

    node_classes: frozenset[str]
    files: Mapping[str, frozenset[str]]
    devices: tuple[Device, ...] = ()
    ram_gb: float | None = None

    @property
    def device(self) -> Device | None:
        """The device with most memory; None if none is told."""
        return max(self.devices, key=lambda device: device.vram_gb, default=None)

    @property
    def vram_gb(self) -> float | None:
        """GiB of the best device; None if unknown."""
        return self.device.vram_gb if self.device else None


def read_facts(object_info: Mapping[str, Any], system_stats: Mapping[str, Any]) -> ServerFacts:
    """Read the answers of ``/object_info`` and ``/system_stats``."""
    files: dict[str, set[str]] = {}
    for (node_class, name), folder in MODEL_INPUTS.items():
        files.setdefault(folder, set()).update(_choices(object_info.get(node_class), name))
    listed = {folder: frozenset(names) for folder, names in files.items()}
    return ServerFacts(frozenset(object_info), listed, read_devices(system_stats), _ram(system_stats))


def read_devices(system_stats: Mapping[str, Any]) -> tuple[Device, ...]:
    """Return the devices that ``/system_stats`` names, without the CPU: it reports the RAM as VRAM."""
    devices = system_stats.get("devices")
    return tuple(
        Device(str(device.get("name", "")), device["vram_total"] / GIB)
        for device in (devices if isinstance(devices, list) else ())
        if isinstance(device, dict) and _is_size(device.get("vram_total")) and device.get("type") != "cpu"
    )


def _ram(system_stats: Mapping[str, Any]) -> float | None:
    system = system_stats.get("system")
    total = system.get("ram_total") if isinstance(system, dict) else None
    return total / GIB if isinstance(total, int | float) and _is_size(total) else None


def _is_size(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0


def _choices(node: Any, name: str) -> list[str]:
    for group in ("required", "optional"):
        spec = ((node or {}).get("input", {}).get(group) or {}).get(name)
        if isinstance(spec, list) and spec:
            options = spec[0] if isinstance(spec[0], list) else (spec[1] if len(spec) > 1 else {}).get("options")
            return [option for option in options or () if isinstance(option, str)]
    return []
