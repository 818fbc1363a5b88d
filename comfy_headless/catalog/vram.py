"""How much memory and time a preset takes: from the networks its files hold, the size of the clip, and the card.

Needed is what runs at all: weights streamed from main memory, one prompt at a time, decoding in tiles of 256 pixels; or
less, where somebody reported a smaller card. The peak is what a card with room shows: everything loaded at once. All in
GiB. What is not modelled stands in the notes; docs/vram.md compares both with what was measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from comfy_headless.catalog import memory
from comfy_headless.catalog.cards import FIXED_SECONDS, REFERENCE, Card, find_card
from comfy_headless.catalog.facts import TOLERANCE
from comfy_headless.catalog.loading import Load, Part, load
from comfy_headless.catalog.memory import Clip
from comfy_headless.catalog.networks import Report, Vae
from comfy_headless.catalog.preset import Preset
from comfy_headless.catalog.preset_file import ModelFile, Task
from comfy_headless.catalog.presets import PRESETS, PresetLibrary, no_preset
from comfy_headless.catalog.settings import effective
from comfy_headless.catalog.stages import Sampled, sampled
from comfy_headless.catalog.variants import parted
from comfy_headless.errors import ValidationError
from comfy_headless.graph.values import shown

_BASE: Final = 1.3
"""GiB: 0.8 that ComfyUI keeps free for inference (minimum_inference_memory), 0.5 for the CUDA context (judged)."""

_PROCESS: Final = 2.0
"""GiB of main memory beside the weights (judged: 0.54 were measured on a CPU, a CUDA build takes more)."""

_BLOCKS: Final = 3
"""Blocks of weights on the card at once while they are streamed: one computes, one comes, one goes (judged)."""

DECODED: Final = 0.87
"""Share of ComfyUI's reservation for decoding that is really used (measured: 7480 MiB between 1280x704 and 704x480 of
Wan 2.2 5B, cast to fp8; the formula says 8596)."""

_LEAST_TILE: Final = 256

_UNMODELLED: Final = ("upscale", "interpolate", "loras", "torch_compile", "easy_cache")


@dataclass(frozen=True, slots=True)
class VramEstimate:
    """What a preset takes with certain settings.

    Args:
        needed_gb: GiB of VRAM without which it does not run.
        needed_source: how that is known: computed, or whose report it is.
        peak_gb: GiB of VRAM that it fills on a card with room.
        ram_gb: GiB of main memory for the weights and ComfyUI.
        seconds: that it takes on ``card``; None where nobody knows.
        card: for which card, in words.
        rough: whether the time was only computed; one that was learned from finished runs is not.
        pflop: operations of all steps in units of 1e15; None where they are not counted.
        parts: what takes memory: weights, then what is computed.
        notes: what is not modelled.
    """

    preset: str
    task: Task
    needed_gb: float
    needed_source: str
    peak_gb: float
    ram_gb: float
    seconds: float | None
    card: str
    rough: bool
    pflop: float | None
    parts: tuple[Part, ...]
    notes: tuple[str, ...]

    def fits(self, vram_gb: float) -> bool:
        """Return whether it runs with so many GiB, if slowly; a card reports up to a tenth less than its name says."""
        return vram_gb >= self.needed_gb * TOLERANCE

    def streams(self, vram_gb: float) -> bool:
        """Return whether weights are streamed from main memory on such a card, which takes longer."""
        return vram_gb < self.peak_gb * TOLERANCE


def estimate_vram(
    preset: str | Preset,
    *,
    task: Task | None = None,
    vram_gb: float | None = None,
    card: str | None = None,
    files: Mapping[str, ModelFile] | None = None,
    pace: Mapping[str, float] | None = None,
    presets: PresetLibrary | None = None,
    **settings: Any,
) -> VramEstimate:
    """Return what a preset takes in memory and time.

    Args:
        preset: its name, or itself.
        task: text, image or first_last; None is its first.
        vram_gb: GiB of the card, for the time on an unknown one; None and no ``card`` is an RTX 4090.
        card: its name, such as ``NVIDIA GeForce RTX 4070``, or as a server tells it.
        files: other model files than the preset's own, by role.
        pace: seconds per PFLOP that finished runs showed, by network.
        presets: where names are looked up; None is all that there are.
        settings: of the preset, and variants: ``precision="fp8"`` and ``tiled_decode`` change the estimate.

    Raises:
        ValidationError: unknown preset, task, role or setting; a value that does not fit, or that no memory has.
    """
    library = PRESETS if presets is None else presets
    found = _find(preset, library)
    chosen = _task(found, task)
    check_gb("vram_gb", vram_gb)
    variants, rest = parted(settings)
    rest.pop("allow_untested", None)
    values = effective(found, chosen, rest, allow_untested=True).values
    own = {name: item.value for name, item in found.variants.items()}
    wanted = {**own, **variants}
    named = _files(found, chosen, files or {})
    on = find_card(card, vram_gb) if card is not None or vram_gb is not None else find_card(REFERENCE, None)
    stages = sampled(found, chosen, values, named, library.networks)
    job = _Job(found, chosen, values, wanted, named, stages, on, pace or {}, library)
    return _described(job) if stages else _told(job)


def duration(seconds: float) -> str:
    """Return how long something takes, in one unit: ``"34 s"``, ``"5 min"``, ``"2.1 h"``."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5970 else f"{seconds / 3600:.1f} h"


def check_gb(name: str, value: object) -> None:
    """Raise ValidationError unless a value is None or an amount of memory in GiB."""
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e6:
        raise ValidationError(f"{name}={shown(value)}: expected GiB, more than 0")


class _Job(NamedTuple):
    """All that an estimate follows from."""

    preset: Preset
    task: Task
    values: Mapping[str, Any]
    variants: Mapping[str, Any]
    files: Mapping[str, ModelFile]
    stages: tuple[Sampled, ...]
    card: Card | None
    pace: Mapping[str, float]
    library: PresetLibrary


def _described(job: _Job) -> VramEstimate:
    """Estimate a preset whose networks are described."""
    weights = _load(job)
    last = job.stages[-1]
    vae = job.library.networks.vae_of(last.network)
    clip = _clip(job.values)
    tile, tile_frames = _tiles(job)
    decoding = memory.decoding_gb(vae, clip, tile=tile, tile_frames=tile_frames)
    wanted = max(_sampling(job, stage, batch=stage.passes) for stage in job.stages)
    needed, source = _needed(job, vae, clip, tile_frames)
    how = f"in tiles of {tile} pixels" if tile else "whole pictures"
    parts = (
        *weights.parts,
        Part("sampling", wanted, "ComfyUI's own formula, both prompts at once" if last.passes > 1 else "its formula"),
        Part("decoding", decoding * DECODED, f"ComfyUI's own formula x {DECODED:g}, {how}"),
    )
    work = sum(stage.pflop or 0.0 for stage in job.stages) if all(stage.pflop for stage in job.stages) else None
    seconds, rough = _seconds(job, work)
    return VramEstimate(
        preset=job.preset.name,
        task=job.task,
        needed_gb=needed,
        needed_source=source,
        peak_gb=weights.gb + max(wanted, decoding * DECODED),
        ram_gb=weights.gb + _PROCESS,
        seconds=seconds,
        card=_card_words(job),
        rough=rough,
        pflop=work,
        parts=parts,
        notes=_notes(job, weights),
    )


def _told(job: _Job) -> VramEstimate:
    """Repeat what a preset says itself, where no network is described."""
    needs = job.preset.needs
    seconds, rough = _seconds(job, None)
    return VramEstimate(
        preset=job.preset.name,
        task=job.task,
        needed_gb=needs.min_vram_gb.value,
        needed_source=job.preset.sources[needs.min_vram_gb.source],
        peak_gb=needs.rec_vram_gb.value,
        ram_gb=needs.min_ram_gb.value,
        seconds=seconds,
        card=_card_words(job),
        rough=rough,
        pflop=None,
        parts=(),
        notes=("no network is described for its files: memory as the preset says, whatever the settings",),
    )


def _find(preset: str | Preset, library: PresetLibrary) -> Preset:
    if isinstance(preset, Preset):
        return preset
    if not isinstance(preset, str):
        raise ValidationError(f"preset={shown(preset)}: expected a preset's name, or a Preset")
    if preset not in library:
        raise no_preset(preset, library)
    return library[preset]


def _task(preset: Preset, task: Task | None) -> Task:
    if task is None:
        return next(iter(preset.tasks))
    if task not in preset.tasks:
        raise ValidationError(f"preset {preset.name!r} has no task {shown(task)}; it has: {', '.join(preset.tasks)}")
    return task


def _files(preset: Preset, task: Task, others: Mapping[str, ModelFile]) -> dict[str, ModelFile]:
    own = dict(preset.at(task).files)
    for role in others:
        if role not in own:
            raise ValidationError(f"files: {preset.name} has no role {role!r}; it has: {', '.join(own) or 'none'}")
    return {**own, **others}


def _clip(values: Mapping[str, Any]) -> Clip:
    return Clip(values["width"], values["height"], values.get("frames", 1), values.get("fps", 25.0))


def _load(job: _Job) -> Load:
    sampling = [stage.network for stage in job.stages]
    return load(job.files.values(), job.library.networks, sampling, job.variants.get("precision"))


def _sampling(job: _Job, stage: Sampled, *, batch: int) -> float:
    vae = job.library.networks.vae_of(stage.network)
    return memory.sampling_gb(stage.network, vae, stage.clip, batch=batch)


def _tiles(job: _Job) -> tuple[int | None, int | None]:
    """Return the side of a tile in pixels and its length in frames, None for whole pictures and clips."""
    wanted = job.variants.get("tiled_decode")
    graph = job.preset.template(job.task).graph
    tiled = any(
        node["class_type"] == "VAEDecodeTiled" or node["inputs"].get("enable_vae_tiling") for node in graph.values()
    )
    if wanted is False or (wanted is None and not tiled):
        return None, None
    return job.values.get("tile_size", 512 if wanted and not tiled else _LEAST_TILE), job.values.get("tile_frames")


def _needed(job: _Job, vae: Vae, clip: Clip, tile_frames: int | None) -> tuple[float, str]:
    """Return the least VRAM with which it runs, and how that is known."""
    streamed = max(
        _sampling(job, stage, batch=1) + _BLOCKS * memory.weights_gb(stage.network.largest_block, "bf16")
        for stage in job.stages
    )
    tiled = memory.decoding_gb(vae, clip, tile=_LEAST_TILE, tile_frames=tile_frames)
    decoded = tiled + memory.weights_gb(vae.parameters, "bf16")
    computed = _BASE + max(streamed, decoded)
    smaller = [report for report in job.library.networks.reports if report.card_gb < computed and _covers(report, job)]
    if smaller:
        least = min(smaller, key=lambda report: report.card_gb)
        return least.card_gb, least.source
    return computed, "computed with ComfyUI's own formulas: weights streamed, decoded in tiles of 256 pixels"


def _covers(report: Report, job: _Job) -> bool:
    """Return whether somebody ran all that is sampled here, or more, with the same network."""
    reported = Clip(report.width, report.height, report.frames)
    return all(
        stage.network.name == report.network and _tokens(job, stage, stage.clip) <= _tokens(job, stage, reported)
        for stage in job.stages
    )


def _tokens(job: _Job, stage: Sampled, clip: Clip) -> int:
    return memory.tokens(stage.network, job.library.networks.vae_of(stage.network), clip)


def _seconds(job: _Job, work: float | None) -> tuple[float | None, bool]:
    """Return the time on the job's card, and whether it is rough."""
    if job.card is None:
        return None, True
    if work is None:
        own = job.preset.needs.seconds
        reference = find_card(REFERENCE, None)
        if own is None or reference is None:
            return None, True
        return own.value * _share(job) * reference.tflops / job.card.tflops, True
    learned = [job.pace.get(stage.network.name) for stage in job.stages]
    if all(learned):
        paces = [pace for pace in learned if pace is not None]
        return FIXED_SECONDS + sum(
            (stage.pflop or 0.0) * pace for stage, pace in zip(job.stages, paces, strict=True)
        ), False
    return FIXED_SECONDS + work * 1000 / job.card.tflops, True


def _share(job: _Job) -> float:
    """Return how much more is asked than the preset as it is: steps, frames, pixels."""
    plain = effective(job.preset, job.task, {}).values
    share = 1.0
    for name in ("steps", "frames", "width", "height"):
        if plain.get(name):
            share *= job.values[name] / plain[name]
    return share


def _card_words(job: _Job) -> str:
    return job.card.name if job.card is not None else "a card that is not known"


def _notes(job: _Job, weights: Load) -> tuple[str, ...]:
    """Say what is not known, or not modelled."""
    asked = [name for name in _UNMODELLED if job.variants.get(name)] + ["encoding the images"] * (job.task != "text")
    untimed = job.preset.needs.seconds is None and any(stage.pflop is None for stage in job.stages)
    return (
        *weights.unknown,
        *([f"not modelled: {', '.join(asked)}"] if asked else []),
        *(["the time is not known: operations of its network are not counted"] if untimed else []),
    )
