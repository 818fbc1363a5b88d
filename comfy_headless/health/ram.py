"""The RAM of this machine, counted as ComfyUI counts it: all that psutil sees, whatever a container may use of it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

from comfy_headless.features import require

GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Ram:
    """How much RAM there is.

    Args:
        total_gb: GiB in all, used ones too; None if that cannot be known.
        reason: why it is None.
    """

    total_gb: float | None
    reason: str | None


def find_ram() -> Ram:
    """Return the RAM of this machine; whatever goes wrong is a reason, never an exception."""
    try:
        require("health", "measuring the RAM")
        import psutil
    except ImportError as error:  # FeatureMissingError is one
        return Ram(None, str(error))
    try:
        with warnings.catch_warnings():  # it warns where /proc/meminfo lacks what we do not ask for
            warnings.simplefilter("ignore", RuntimeWarning)
            return Ram(psutil.virtual_memory().total / GIB, None)
    # A sandbox may hide /proc/meminfo (OSError) or show another one (LookupError, ValueError).
    except (psutil.Error, OSError, LookupError, ValueError) as error:
        return Ram(None, f"the RAM cannot be measured: psutil says {type(error).__name__}: {error}")
