"""How much memory and time a preset takes: from the networks its files hold, the size of the clip, and the card.

Memory is in GiB; ``footprint.py`` says what is needed and what the peak is. What is not modelled stands in the notes;
docs/vram.md compares all with what was measured.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from comfy_headless.catalog.cards import FIXED_SECONDS, REFERENCE, Card, find_card
from comfy_headless.catalog.facts import TOLERANCE
from comfy_headless.catalog.footprint import Tile, Work, footprint
from comfy_headless.catalog.loading import Load, Part, load
from comfy_headless.catalog.memory import Clip, known_bits
from comfy_headless.catalog.preset import Preset
from comfy_headless.catalog.preset_file import ModelFile, Task
from comfy_headless.catalog.presets import PRESETS, PresetLibrary, no_preset
from comfy_headless.catalog.settings import effective
from comfy_headless.catalog.stages import Sampled, count_passes, count_steps, sampled
from comfy_headless.catalog.variants import Variants, parted
from comfy_headless.errors import ValidationError
from comfy_headless.graph.transforms.decoding import COG_TILES, TILES
from comfy_headless.graph.values import nearest, shown

_PROCESS: Final = 2.0
"""GiB of main memory beside the weights (judged: 0.54 were measured on a CPU, a CUDA build takes more)."""

_TILE: Final = Tile(TILES["tile_size"], TILES["temporal_size"])
"""Of the variant ``tiled_decode``."""

_NO_MATTER: Final[Mapping[str, str]] = {
    "prompt": "leave it out",
    "negative_prompt": "leave it out",
    "seed": "leave it out",
    "image": "task='image' says that there is one",
    "last_image": "task='first_last' says that there is one",
}
"""Arguments that calls have beside settings, and what to give instead."""

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
        work: what finished runs are compared by: a network and its PFLOP, or the preset and how much more is asked
            than it makes as it is.
        parts: what takes memory: weights, then what is computed, of which the largest counts.
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
    work: tuple[str, float]
    parts: tuple[Part, ...]
    notes: tuple[str, ...]

    def fits(self, vram_gb: float) -> bool:
        """Return whether it runs with so many GiB, if slowly; a card reports up to a tenth less than its name says."""
        return vram_gb >= self.needed_gb * TOLERANCE

    def streams(self, vram_gb: float) -> bool:
        """Return whether not all stays on such a card: weights come from main memory, which takes longer."""
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
        pace: seconds per unit of ``work`` that finished runs showed, by its name.
        presets: where names are looked up; None is all that there are.
        settings: of the preset, and variants: ``precision="fp8"`` and ``tiled_decode=True`` change the estimate.

    Raises:
        ValidationError: unknown preset, task, role or setting; a value that does not fit, or that nothing has.
    """
    return estimate(preset, settings, task=task, vram_gb=vram_gb, card=card, files=files, pace=pace, presets=presets)


def estimate(
    preset: str | Preset,
    settings: Mapping[str, Any],
    *,
    task: Task | None = None,
    vram_gb: float | None = None,
    card: str | None = None,
    files: Mapping[str, ModelFile] | None = None,
    pace: Mapping[str, float] | None = None,
    presets: PresetLibrary | None = None,
) -> VramEstimate:
    """Perform ``estimate_vram`` with settings that may be called anything. Raises as it does."""
    library = PRESETS if presets is None else presets
    if not isinstance(library, PresetLibrary):
        raise ValidationError(f"presets={shown(presets)}: expected a PresetLibrary")
    found = _find(preset, library)
    chosen = _task(found, task)
    check_gb("vram_gb", vram_gb)
    if card is not None and not isinstance(card, str):
        raise ValidationError(f"card={shown(card)}: expected the name of a card")
    if pace is not None and not isinstance(pace, Mapping):
        raise ValidationError(f"pace={shown(pace)}: expected seconds for each name of work, {{'wan22_5b': 4.0}}")
    _check_pace(pace or {})
    variants, rest = parted(settings)
    untested = rest.pop("allow_untested", None)
    _check_about(rest)
    values = effective(found, chosen, rest, allow_untested=untested is not False).values
    wanted = {**{name: item.value for name, item in found.variants.items()}, **_checked(variants)}
    named = _files(found, chosen, {} if files is None else files)
    on = find_card(REFERENCE, None) if card is None and vram_gb is None else find_card(card, vram_gb)
    stages = sampled(found, chosen, values, named, library.networks)
    job = _Job(found, chosen, values, wanted, named, stages, on, pace or {}, library)
    return _described(job) if stages else _told(job)


def duration(seconds: float) -> str:
    """Return how long something takes, in one unit: ``"34 s"``, ``"5 min"``, ``"2.1 h"``."""
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5970 else f"{seconds / 3600:.1f} h"


def check_gb(name: str, value: object) -> None:
    """Raise ValidationError unless a value is None or an amount of memory in GiB."""
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e6:
        raise ValidationError(f"{name}={shown(value)}: expected GiB, more than 0")


def fixed_seconds(preset: Preset) -> float:
    """Return what a run of a preset takes whatever it computes; the times of images have it in them."""
    return FIXED_SECONDS if preset.makes == "video" else 0.0


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
    networks, last = job.library.networks, job.stages[-1]
    weights = load(job.files.values(), networks, [stage.network for stage in job.stages], job.variants.get("precision"))
    clip = Clip(job.values.get("width", last.clip.width), job.values.get("height", last.clip.height), *last.clip[2:])
    found = footprint(Work(job.stages, clip, _tile(job), job.task != "text"), weights, networks)
    counted = [stage.pflop for stage in job.stages if stage.pflop is not None]
    work = sum(counted) if len(counted) == len(job.stages) else None
    seconds, rough = _seconds(job, work)
    return VramEstimate(
        preset=job.preset.name,
        task=job.task,
        needed_gb=found.needed_gb,
        needed_source=found.source,
        peak_gb=found.peak_gb,
        ram_gb=weights.gb + _PROCESS,
        seconds=seconds,
        card=_card_words(job),
        rough=rough,
        pflop=work,
        work=_work(job, work),
        parts=found.parts,
        notes=_notes(job, weights, seconds),
    )


def _told(job: _Job) -> VramEstimate:
    """Repeat what a preset says itself, where no network is described."""
    needs = job.preset.needs
    seconds, rough = _seconds(job, None)
    why = "no network is described for its files: memory as the preset says, whatever the settings"
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
        work=_work(job, None),
        parts=(),
        notes=(why, *_notes(job, Load((), ()), seconds)),
    )


def _find(preset: object, library: PresetLibrary) -> Preset:
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
    if not isinstance(task, str) or task not in preset.tasks:
        raise ValidationError(f"preset {preset.name!r} has no task {shown(task)}; it has: {', '.join(preset.tasks)}")
    return task


def _check_about(settings: Mapping[str, Any]) -> None:
    """Raise ValidationError if something is given that generate_video takes, and an estimate does not depend on."""
    for name, hint in _NO_MATTER.items():
        if settings.get(name) is not None:
            raise ValidationError(f"{name}={shown(settings[name])}: no estimate depends on it; {hint}")


def _checked(variants: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return variants; raises ValidationError if one does not fit, or nobody knows how large such weights are."""
    Variants(**variants)
    precision = variants.get("precision")
    if precision is not None and known_bits(precision) is None:
        raise ValidationError(
            f"precision={shown(precision)}: its size is not known; fp16, fp8, Q4_K_M and the like are"
        )
    return variants


def _files(preset: Preset, task: Task, others: Mapping[str, ModelFile]) -> dict[str, ModelFile]:
    own = dict(preset.at(task).files)
    if not isinstance(others, Mapping):
        raise ValidationError(f"files={shown(others)}: expected a ModelFile for each role, such as {{'model': file}}")
    for role, file in others.items():
        if role not in own:
            hint = nearest(str(role), own)
            raise ValidationError(f"files: {preset.name} has no role {role!r}{hint} It has: {', '.join(own) or 'none'}")
        if not isinstance(file, ModelFile):
            raise ValidationError(
                f"files: {role}={shown(file)}: expected a ModelFile, such as one of VIDEO_PRESETS.files"
            )
    return {**own, **others}


def _tile(job: _Job) -> Tile | None:
    """Return how the clip is decoded in tiles, None for whole pictures: by its template, else by the variant."""
    for node in job.preset.template(job.task).graph.values():
        inputs = node["inputs"]
        if node["class_type"] == "VAEDecodeTiled":
            side = job.values.get("tile_size", inputs.get("tile_size"))
            frames = job.values.get("tile_frames", inputs.get("temporal_size"))
            return Tile(
                side if isinstance(side, int) else _TILE.side, frames if isinstance(frames, int) else _TILE.frames
            )
        if inputs.get("enable_vae_tiling") is True:  # CogVideoXWrapper's decoder
            return Tile(max(COG_TILES["tile_sample_min_height"], COG_TILES["tile_sample_min_width"]))
    return _TILE if job.variants.get("tiled_decode") else None


def _seconds(job: _Job, work: float | None) -> tuple[float | None, bool]:
    """Return the time on the job's card, and whether it is rough: learned, else counted, else what the preset says."""
    fixed = fixed_seconds(job.preset)
    name, amount = _work(job, work)
    if name in job.pace:
        return fixed + amount * job.pace[name], False
    if job.card is None:
        return None, True
    if work is not None:
        return fixed + work * 1000 / job.card.tflops, True
    own, reference = job.preset.needs.seconds, find_card(REFERENCE, None)
    if own is None or reference is None:
        return None, True
    return fixed + own.value * _share(job) * reference.tflops / job.card.tflops, True


def _work(job: _Job, pflop: float | None) -> tuple[str, float]:
    """Return by what finished runs are compared: the operations of a network, else what the preset makes."""
    names = {stage.network.name for stage in job.stages}
    return (names.pop(), pflop) if pflop is not None and len(names) == 1 else (job.preset.name, _share(job))


def _check_pace(pace: Mapping[str, object]) -> None:
    for name, value in pace.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
            raise ValidationError(f"pace: {name}={shown(value)}: expected seconds per unit of work, more than 0")


def _share(job: _Job) -> float:
    """Return how much more is sampled than by the preset as it is."""
    plain = effective(job.preset, job.task, {}, allow_untested=True).values
    share = count_passes(job.values.get("cfg")) / count_passes(plain.get("cfg"))
    for name in ("width", "height", "frames", "images"):
        share *= job.values[name] / plain[name] if plain.get(name) else 1.0
    return share * (count_steps(job.values["steps"]) / count_steps(plain["steps"]) if plain.get("steps") else 1.0)


def _card_words(job: _Job) -> str:
    return job.card.name if job.card is not None else "a card that is not known"


def _notes(job: _Job, weights: Load, seconds: float | None) -> tuple[str, ...]:
    """Say what is not known, or not modelled."""
    asked = [name for name in _UNMODELLED if job.variants.get(name)]
    uncounted = job.preset.needs.seconds is None and (not job.stages or any(each.pflop is None for each in job.stages))
    why = "the operations of its network are not counted" if uncounted else "nothing tells how fast the card is"
    return (
        *weights.unknown,
        *([f"not modelled: {', '.join(asked)}"] if asked else []),
        *([f"the time is not known: {why}"] if seconds is None else []),
    )
