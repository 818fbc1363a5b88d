"""The GPUs of this machine, as NVIDIA's own library names them.

pynvml is loaded when somebody asks, not when this is imported: most recommendations need no look at the machine.
"""

from __future__ import annotations

from dataclasses import dataclass

from comfy_headless.features import require


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU, or one instance of a GPU in MIG mode.

    Args:
        name: as NVML says it; of an instance with its profile (``NVIDIA H100 PCIe MIG 1g.10gb``).
        vram_gb: GiB in all, used ones too.
        index: NVML's number of the GPU; of an instance, that of the GPU it is part of.
        mig: it is an instance.
        unified: it has no memory of its own; ``vram_gb`` is the RAM of the machine.
    """

    name: str
    vram_gb: float
    index: int
    mig: bool = False
    unified: bool = False


@dataclass(frozen=True, slots=True)
class Gpus:
    """What was found, in NVML's order.

    Args:
        found: every GPU whose memory is known.
        reason: why there is none, or what else is to be said of those that are there; None if there is nothing.
    """

    found: tuple[Gpu, ...]
    reason: str | None


def find_gpus() -> Gpus:
    """Return the NVIDIA GPUs of this machine; whatever goes wrong is a reason, never an exception.

    A GPU that cannot be asked does not hide the others. ``CUDA_VISIBLE_DEVICES`` is not looked at: it is a matter of
    the process that uses them.
    """
    try:
        require("health", "looking for GPUs")
        from comfy_headless.health.nvml import read_gpus
    except ImportError as error:  # FeatureMissingError is one
        return Gpus((), str(error))
    return read_gpus()
