"""Precisions of weights: which is nearer to the original, and how large a file is in it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Final

from comfy_headless.catalog.facts import GIB
from comfy_headless.catalog.memory import bits
from comfy_headless.catalog.preset_file import ModelFile

QUALITY: Final[tuple[tuple[str, ...], ...]] = (
    ("fp32",),
    ("fp16", "bf16", "16 bit"),
    ("Q8_0",),
    ("fp8_scaled", "fp8_mixed", "int8"),
    ("Q6_K",),
    ("fp8_e4m3fn", "fp8", "fp8_e5m2"),
    ("Q5_K_M",),
    ("Q5_K_S",),
    ("Q5_1",),
    ("Q5_0",),
    ("Q4_K_M",),
    ("Q4_K_S",),
    ("Q4_1",),
    ("Q4_0",),
    ("Q3_K_L",),
    ("Q3_K_M",),
    ("Q3_K_S",),
    ("Q2_K",),
    ("fp4_mixed", "nvfp4", "fp4", "nf4"),
)
"""Precisions, the nearest to the original weights first.

GGUF: llama.cpp's perplexities (examples/perplexity/README.md, Llama 2 70B: Q6_K +0.16 %, Q5_K_M 0.40, Q4_K_M 1.20, Q4_0
3.61, Q3_K_M 4.72, Q2_K 8.82; OpenLLaMA 3B: 7.786 with 16 bits, Q8_0 7.787, Q5_1 7.842). Scaled fp8: on a par with Q8_0
as the maker of ComfyUI-GGUF thinks (its issue 138), and much better than fp8 without scales as that of
HunyuanVideoWrapper found (its issue 174). How 4 bit floats compare nobody has said: they come last.
"""

_RANKS: Final[Mapping[str, int]] = {name.lower(): rank for rank, names in enumerate(QUALITY) for name in names}


def rank(precision: str) -> int:
    """Return the place of a precision in ``QUALITY``: 0 is the best, and one that is not there comes last."""
    return _RANKS.get(precision.lower(), len(QUALITY))


def size_gb(file: ModelFile, same: Iterable[ModelFile]) -> float:
    """Return a file's size in GiB; where nobody has read it, by the bits of another precision; infinite if unknown.

    Args:
        same: files of the same network.
    """
    if file.size_gb is not None:
        return file.size_gb * 1e9 / GIB
    for other in same:
        if other.size_gb is not None:
            return other.size_gb * 1e9 / GIB * bits(file.precision) / bits(other.precision)
    return math.inf
