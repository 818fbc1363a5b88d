"""What a server has, read from its answers: node classes, model files, devices, memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from comfy_headless.graph.ages import version_in
from comfy_headless.graph.file_inputs import MODEL_INPUTS

GIB: Final = 1024**3
TOLERANCE: Final = 0.9
"""Needs are compared with this share: a "16 GB" card reports 15.6 to 15.99 GiB, a T4 14.56, an L4 of 24 GB 22.28."""

_NO_MACHINE: Final = 1e6
"""GiB; so much no machine has, and ``vram.check_gb`` takes no more."""


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
        version: of ComfyUI, as it says it; None if it does not.
    """

    node_classes: frozenset[str]
    files: Mapping[str, frozenset[str]]
    devices: tuple[Device, ...] = ()
    ram_gb: float | None = None
    version: str | None = None

    @property
    def device(self) -> Device | None:
        """The device with most memory; None if none is told."""
        return max(self.devices, key=lambda device: device.vram_gb, default=None)

    @property
    def vram_gb(self) -> float | None:
        """GiB of the best device; None if unknown."""
        return self.device.vram_gb if self.device else None


def read_facts(object_info: Any, system_stats: Any) -> ServerFacts:
    """Read the answers of ``/object_info`` and ``/system_stats``; what is not as expected in them is passed over."""
    nodes, system = _mapping(object_info), _mapping(_mapping(system_stats).get("system"))
    files: dict[str, set[str]] = {}
    for (node_class, name), folder in MODEL_INPUTS.items():
        files.setdefault(folder, set()).update(_choices(nodes.get(node_class), name))
    listed = {folder: frozenset(names) for folder, names in files.items()}
    ram_gb, version = _size(system.get("ram_total")), version_in(system_stats)
    return ServerFacts(frozenset(nodes), listed, read_devices(system_stats), ram_gb, version)


def read_devices(system_stats: Any) -> tuple[Device, ...]:
    """Return the devices that ``/system_stats`` names, without the CPU: it reports the RAM as VRAM."""
    return tuple(device for device, _ in _devices(system_stats))


def read_free_gb(system_stats: Any) -> float | None:
    """Return the GiB that are free on the device with most memory; None if ``/system_stats`` does not say."""
    found = max(_devices(system_stats), key=lambda each: each[0].vram_gb, default=None)
    free = found[1].get("vram_free") if found else None
    return 0.0 if free == 0 and not isinstance(free, bool) else _size(free)


def _devices(system_stats: Any) -> list[tuple[Device, Mapping[str, Any]]]:
    """What computes and says how much memory it has, each with all that is said of it."""
    found = []
    devices = _mapping(system_stats).get("devices")
    for told in map(_mapping, devices if isinstance(devices, list) else ()):
        vram_gb, name = _size(told.get("vram_total")), told.get("name")
        if vram_gb is not None and told.get("type") != "cpu":
            found.append((Device(name if isinstance(name, str) else "", vram_gb), told))
    return found


def _size(value: object) -> float | None:
    """Return bytes as GiB; None for what is no number above zero, or more than any machine has."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < _NO_MACHINE * GIB:
        return None
    return value / GIB


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _choices(node: Any, name: str) -> list[str]:
    inputs = _mapping(_mapping(node).get("input"))
    for group in ("required", "optional"):
        spec = _mapping(inputs.get(group)).get(name)
        if isinstance(spec, list) and spec:
            options = (
                spec[0] if isinstance(spec[0], list) else _mapping(spec[1] if len(spec) > 1 else None).get("options")
            )
            return [option for option in (options if isinstance(options, list) else ()) if isinstance(option, str)]
    return []
