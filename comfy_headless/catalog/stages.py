"""What a preset samples, stage by stage: with which network, how large, how many steps, how many passes in each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from comfy_headless.catalog import memory
from comfy_headless.catalog.memory import Clip
from comfy_headless.catalog.networks import Network, Networks
from comfy_headless.catalog.preset import Preset
from comfy_headless.catalog.preset_file import ModelFile, Stage, Task


class Sampled(NamedTuple):
    """One stage of sampling.

    Args:
        passes: of the network in each step: 2 where a negative prompt counts.
        pflop: operations of the whole stage in units of 1e15; None where they are not counted.
    """

    network: Network
    clip: Clip
    steps: int
    passes: int
    pflop: float | None


def sampled(
    preset: Preset, task: Task, values: Mapping[str, Any], files: Mapping[str, ModelFile], networks: Networks
) -> tuple[Sampled, ...]:
    """Return the stages of sampling; none if the network or the size of one of them is not known.

    Args:
        values: all settings, as ``effective`` gives them.
        files: by role.
    """
    found = [_read(stage, preset, values, files, networks) for stage in preset.stages or (Stage(),)]
    return tuple(stage for stage in found if stage is not None) if None not in found else ()


def _read(
    stage: Stage, preset: Preset, values: Mapping[str, Any], files: Mapping[str, ModelFile], networks: Networks
) -> Sampled | None:
    network = _network(stage, preset, files, networks)
    if network is None or not {stage.width, stage.height, stage.steps} <= values.keys():
        return None
    clip = Clip(values[stage.width], values[stage.height], values.get("frames", 1), values.get("fps", 25.0))
    steps, passes = count_steps(values[stage.steps]), count_passes(values.get(stage.cfg))
    once = memory.pflop(network, networks.vae_of(network), clip)
    return Sampled(network, clip, steps, passes, once * steps * passes if once is not None else None)


def _network(stage: Stage, preset: Preset, files: Mapping[str, ModelFile], networks: Networks) -> Network | None:
    """Return the network of a stage: the one it names, or that of its role, or that of the preset's files."""
    own = [file for role, file in files.items() if stage.role in (role, None)]
    name = stage.network or next((file.network for file in own if file.network is not None), None)
    return networks.network(name, preset.path) if name is not None else None


def count_steps(value: Any) -> int:
    """Return how many steps a setting asks for: a number, or a list of sigmas, which names one more."""
    return len(str(value).split(",")) - 1 if isinstance(value, str) else int(value)


def count_passes(cfg: float | None) -> int:
    """Return how often the network runs in each step: once without guidance, else for both prompts."""
    return 1 if cfg in (None, 1) else 2
