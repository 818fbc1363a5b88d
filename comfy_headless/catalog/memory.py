"""How much memory and how many operations one job takes, by ComfyUI 0.30.0's own formulas: pure arithmetic.

What is sampled is reserved by ``BaseModel.memory_required`` (comfy/model_base.py), what is decoded and encoded by
``VAE.memory_used_decode`` and ``memory_used_encode`` (comfy/sd.py). These are reservations: a card shows less.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

from comfy_headless.catalog.facts import GIB as GIB
from comfy_headless.catalog.networks import Network, Vae

_MIB: Final = 1024**2
_BYTES: Final = 2
"""Of a number while computing: fp8 and GGUF weights compute in 16 bit too."""

_WIDE: Final = 16.0
_BITS: Final = {
    "fp32": _WIDE,
    "fp16": _WIDE,
    "bf16": _WIDE,
    "fp8": 8.0,
    "int8": 8.0,
    "q8_0": 8.5,
    "q6_k": 6.5625,
    "q5_k": 5.7,
    "q5": 5.5,
    "q4_k": 4.85,
    "q4": 4.5,
    "fp4": 4.5,
    "nvfp4": 4.5,
    "q3_k": 3.7,
    "q2_k": 2.8,
}
"""Bits of a weight in memory by how its precision begins. ComfyUI casts fp32 to 16 bit for diffusion models.
Those of GGUF are those of llama.cpp's table of quantisations."""


class Clip(NamedTuple):
    """What is made.

    Args:
        fps: frames a second; only sound needs it.
    """

    width: int
    height: int
    frames: int = 1
    fps: float = 25.0


class Cells(NamedTuple):
    """A latent's size: in time, height, width."""

    time: int
    height: int
    width: int


def cells(vae: Vae, clip: Clip) -> Cells:
    """Return the size of the latent of a clip."""
    time = (clip.frames - 1) // vae.temporal + 1 if vae.temporal > 1 else clip.frames
    return Cells(time, clip.height // vae.spatial, clip.width // vae.spatial)


def weights_gb(parameters: int, precision: str) -> float:
    """Return the GiB that so many weights take in memory."""
    return parameters * bits(precision) / 8 / GIB


def bits(precision: str) -> float:
    """Return the bits of one weight in memory; 16 for a precision that is not known."""
    return known_bits(precision) or _WIDE


def known_bits(precision: str) -> float | None:
    """Return the bits of one weight in memory, None if nothing is known; the longest known beginning counts."""
    name = precision.lower()
    return _BITS.get(max((start for start in _BITS if name.startswith(start)), key=len, default=""))


def sampling_gb(network: Network, vae: Vae, clip: Clip, *, batch: int) -> float:
    """Return the GiB that ComfyUI reserves for one step beside the weights.

    Args:
        batch: 2 with both prompts at once, which is what it wants; 1 is the least, one after the other.
    """
    size = cells(vae, clip)
    area = size.time * size.height * size.width
    if network.sound is not None:  # pictures and sound travel as one flat list of numbers
        sound = math.ceil(clip.frames / clip.fps * network.sound.cells_per_second) * network.sound.numbers
        area = area * vae.channels + sound
    return batch * area * _BYTES * 0.01 * network.memory_factor * _MIB / GIB


def decoding_gb(vae: Vae, clip: Clip, *, tile: int | None = None, tile_frames: int | None = None) -> float:
    """Return the GiB that ComfyUI reserves for decoding beside the VAE.

    Args:
        tile: pixels of a tile's side; None decodes whole pictures.
        tile_frames: frames of a tile.
    """
    time, height, width = cells(vae, clip)
    if tile is not None:
        side = max(1, tile // vae.spatial)
        height, width = min(height, side), min(width, side)
    if tile_frames is not None and vae.temporal > 1:
        time = min(time, max(2, tile_frames // vae.temporal))
    numbers = vae.decode_numbers if vae.decode_short is None or time > 4 else vae.decode_short
    held = {"one": 1, "latent": time, "frames": (time - 1) * vae.temporal + 1}[vae.decode_over]
    held = min(held, vae.decode_most or held)
    return numbers * height * width * held * _BYTES / GIB


def encoding_gb(vae: Vae, clip: Clip, *, tile: int | None = None) -> float:
    """Return the GiB that ComfyUI reserves for encoding the images that a clip begins or ends with, beside the VAE.

    Args:
        tile: pixels of a tile's side; None encodes whole pictures.
    """
    height, width = (min(side, tile or side) for side in (clip.height, clip.width))
    return vae.encode_numbers * height * width * _BYTES / GIB


def tokens(network: Network, vae: Vae, clip: Clip) -> int:
    """Return how many tokens the network sees."""
    size = cells(vae, clip)
    return math.prod(math.ceil(side / patch) for side, patch in zip(size, network.patch, strict=True))


def pflop(network: Network, vae: Vae, clip: Clip) -> float | None:
    """Return the operations of one pass in units of 1e15; None where they are not counted for this network."""
    if network.token_parameters is None:
        return None
    seen = tokens(network, vae, clip)
    attended = seen + network.text_tokens
    multiplied = 2 * network.token_parameters * seen
    return (multiplied + 4 * attended**2 * network.attention_width * network.attention_layers) / 1e15
