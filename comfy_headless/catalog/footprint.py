"""The VRAM that one job needs, and what it fills on a card with room: from its stages, its weights, its size.

Needed is what runs at all: weights streamed from main memory, one prompt at a time, pictures in tiles of 256 pixels; or
less, where somebody reported a smaller card. The peak is what a card with room shows: everything loaded at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from comfy_headless.catalog import memory
from comfy_headless.catalog.loading import Load, Part
from comfy_headless.catalog.memory import Clip
from comfy_headless.catalog.networks import Networks, Report, Vae
from comfy_headless.catalog.stages import Sampled

DECODED: Final = 0.87
"""Share of ComfyUI's reservation for decoding that is really used (measured: 7480 MiB between 1280x704 and 704x480 of
Wan 2.2 5B, cast to fp8; the formula says 8596)."""

_BASE: Final = 1.3
"""GiB: 0.8 that ComfyUI keeps free for inference (minimum_inference_memory), 0.5 for the CUDA context (judged)."""

_BLOCKS: Final = 3
"""Blocks of weights on the card at once while they are streamed: one computes, one comes, one goes (judged)."""

_LEAST_TILE: Final = 256
"""Pixels of a tile when ComfyUI decodes again after it ran out of memory (0.30.0, comfy/sd.py, VAE.decode)."""
_ENCODED_TILE: Final = 512
"""The same where it encodes (VAE.encode)."""

_COMPUTED: Final = "computed with ComfyUI's own formulas: weights streamed, one prompt at a time, decoded in tiles"


class Tile(NamedTuple):
    """How a clip is decoded in tiles.

    Args:
        side: pixels.
        frames: how many at once; None is all.
    """

    side: int
    frames: int | None = None


class Footprint(NamedTuple):
    """The VRAM of one job, in GiB.

    Args:
        needed_gb: without which it does not run.
        source: how that is known.
        peak_gb: that it fills on a card with room.
        parts: what takes memory: weights, then what is computed, of which the largest counts.
    """

    needed_gb: float
    source: str
    peak_gb: float
    parts: tuple[Part, ...]


class Work(NamedTuple):
    """What is done with the weights.

    Args:
        stages: of sampling.
        clip: that is decoded.
        tile: how; None decodes whole pictures.
        encodes: whether it begins with images.
    """

    stages: Sequence[Sampled]
    clip: Clip
    tile: Tile | None
    encodes: bool


def footprint(work: Work, weights: Load, networks: Networks) -> Footprint:
    """Return the VRAM of one job."""
    computed = _computed(work, networks)
    peak = weights.gb + max(part.gb for part in computed)
    needed, source = _needed(work, networks)
    return Footprint(min(needed, peak), source, peak, (*weights.parts, *computed))


def _computed(work: Work, networks: Networks) -> tuple[Part, ...]:
    """Return what is computed on a card with room."""
    vae = networks.vae_of(work.stages[-1].network)
    wanted = max(_sampling(stage, networks, batch=stage.passes) for stage in work.stages)
    both = ", both prompts at once" if any(stage.passes > 1 for stage in work.stages) else ""
    how = f"tiles of {work.tile.side} pixels" if work.tile else "whole pictures"
    return (
        Part("sampling", wanted, f"ComfyUI's formula{both}"),
        Part("decoding", _decoding(vae, work.clip, work.tile), f"{DECODED:g} of ComfyUI's formula, {how}"),
        *([Part("encoding", memory.encoding_gb(vae, work.clip), "ComfyUI's formula")] if work.encodes else []),
    )


def _needed(work: Work, networks: Networks) -> tuple[float, str]:
    """Return the least VRAM with which it runs, and how that is known."""
    vae = networks.vae_of(work.stages[-1].network)
    least = Tile(min(work.tile.side, _LEAST_TILE), work.tile.frames) if work.tile else Tile(_LEAST_TILE)
    coded = [_decoding(vae, work.clip, least)]
    if work.encodes:
        coded.append(memory.encoding_gb(vae, work.clip, tile=_ENCODED_TILE))
    streamed = [
        _sampling(stage, networks, batch=1) + _BLOCKS * memory.weights_gb(stage.network.largest_block, "bf16")
        for stage in work.stages
    ]
    computed = _BASE + max(*streamed, *(gb + memory.weights_gb(vae.parameters, "bf16") for gb in coded))
    covering = [report for report in networks.reports if _covers(report, work, networks)]
    least_card = min(covering, key=lambda report: report.card_gb, default=None)
    if least_card is None or least_card.card_gb >= computed:
        return computed, _COMPUTED
    return least_card.card_gb, least_card.source


def _covers(report: Report, work: Work, networks: Networks) -> bool:
    """Return whether somebody ran all that is sampled here, or more, with the same network."""
    clip = Clip(report.width, report.height, report.frames)
    for network, vae, own in ((stage.network, networks.vae_of(stage.network), stage.clip) for stage in work.stages):
        if network.name != report.network or memory.tokens(network, vae, own) > memory.tokens(network, vae, clip):
            return False
    return True


def _sampling(stage: Sampled, networks: Networks, *, batch: int) -> float:
    return memory.sampling_gb(stage.network, networks.vae_of(stage.network), stage.clip, batch=batch)


def _decoding(vae: Vae, clip: Clip, tile: Tile | None) -> float:
    side, frames = tile or (None, None)
    return DECODED * memory.decoding_gb(vae, clip, tile=side, tile_frames=frames)
