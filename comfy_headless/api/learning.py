"""What a finished run teaches: how long such work takes on that device of that server.

The rule, since what a server says that a run took has all in it, not only the sampling. A run teaches nothing

- if the server had kept what its samplers made: nothing was sampled;
- if it upscaled, interpolated, compiled its model or skipped steps: no estimate counts that;
- if its sampling is less than twice what such a run takes whatever it computes (``vram.fixed_seconds``): half of that
  being wrong would change the pace by more than a quarter;
- if, on a card whose name is known, its sampling is more than five times as long or as short as the card computes
  to: the worst of the runs in ``cards.toml`` is off by less than three times, so something else was measured;
- if a node that loads a model file ran, unless the card is known and computes for two minutes: the time has the
  loading in it, of which nobody knows how long it took, half a minute from a fast disk for the largest models. The
  next such run has its models loaded.

"Sampling" is the time without the fixed seconds, and of a known card the shorter of what was measured and what it
computes to. Of what is kept the median counts (``pace.py``).

Nothing of this costs a result that is there: what our own data has wrong is logged, and an interrupt says where the
files are.
"""

from __future__ import annotations

import logging
import sys
from functools import partial
from typing import Final, NamedTuple, cast

from comfy_headless.api.pace import Unit, learn
from comfy_headless.catalog.cards import find_card
from comfy_headless.catalog.compiled import CompiledWorkflow
from comfy_headless.catalog.facts import Device, read_devices
from comfy_headless.catalog.preset_file import Task
from comfy_headless.catalog.presets import PresetLibrary
from comfy_headless.catalog.variants import VARIANTS
from comfy_headless.catalog.vram import estimate, fixed_seconds
from comfy_headless.errors import ComfyHeadlessError
from comfy_headless.graph.file_inputs import MODEL_INPUTS
from comfy_headless.graph.marking.sight import Sight
from comfy_headless.graph.schemas import Schemas
from comfy_headless.protocol.conversation import Attempt, Server, attempt
from comfy_headless.protocol.effects import Call, Deadline, Flow, Work
from comfy_headless.protocol.result import Result

logger = logging.getLogger("comfy_headless")

LONG: Final = 2.0
"""Times the fixed seconds that sampling must take."""
FAR: Final = 5.0
"""Times longer, or shorter, than a known card computes to: not believed."""
COLD: Final = 120.0
"""Seconds that a known card must compute for where models were loaded too."""

_WAIT: Final = 2.0
"""Seconds that a result may be kept waiting for what its run teaches."""

_SIMULATED: Final = "Simulated"
"""In the name of a device that teaches nothing."""

_UNCOUNTED: Final = ("upscale", "interpolate", "torch_compile", "easy_cache")
"""Variants that change the time by what no estimate counts."""

_LOADERS: Final = frozenset(node_class for node_class, _ in MODEL_INPUTS)


class Lesson(NamedTuple):
    """What a run teaches.

    Args:
        name: of the network, or the preset, whose pace it is.
        amount: of work that was done.
        seconds: that it took.
        unit: what ``amount`` counts.
    """

    name: str
    amount: float
    seconds: float
    unit: Unit


def learn_from(server: Server, presets: PresetLibrary, compiled: CompiledWorkflow, result: Result) -> Flow[None]:
    """Keep how long a finished run took, if it teaches anything. No error comes of it, and no deadline holds for it.

    An executor's teaches nothing: the next may run on another card.
    """
    if server.executor is not None:
        return
    done = False
    try:
        yield Deadline(None)
        yield from _learn(server, presets, compiled, result)
        done = True
    except ComfyHeadlessError as error:
        logger.warning("how long this run took is not learned: %s", error)
        done = True
    finally:
        leaving = sys.exception()
        if not done and leaving is not None:
            where = f"{', '.join(map(str, result.files))} is here; " if result.files else ""
            leaving.add_note(f"prompt {result.prompt_id}: done, {where}only what its time teaches was interrupted")


def lesson(presets: PresetLibrary, compiled: CompiledWorkflow, result: Result, device: Device) -> Lesson | None:
    """Return what a finished run teaches; None for nothing.

    Raises:
        ValidationError: what our own data says of its network, or of cards, is wrong.
    """
    preset, task = presets.get(compiled.preset or ""), cast(Task, compiled.task)
    if preset is None or task not in preset.tasks:  # changed while it ran
        return None
    if result.worked is None or any(compiled.settings.get(name) for name in _UNCOUNTED):
        return None
    own = {**preset.at(task).settings, **preset.at(task).declared}
    settings = {name: value for name, value in compiled.settings.items() if name in own or name in VARIANTS}
    vram_gb = None if find_card(device.name, None) is None else device.vram_gb  # which would do for an unknown name
    found = estimate(preset, settings, task=task, card=device.name, vram_gb=vram_gb, presets=presets)
    fixed = fixed_seconds(preset)
    seconds = result.worked - fixed
    computed = None if found.seconds is None else found.seconds - fixed
    if not _believed(seconds, computed, fixed, cold=_loaded(compiled, result)):
        return None
    name, amount = found.work
    return Lesson(name, amount, seconds, "work" if found.pflop is None else "pflop")


def _learn(server: Server, presets: PresetLibrary, compiled: CompiledWorkflow, result: Result) -> Flow[None]:
    if not result.worked or result.status != "completed":
        return
    samplers = Sight(compiled.graph, Schemas.snapshot(Schemas.packs())).samplers
    if set(samplers) & set(result.kept):
        return
    asked: Attempt = yield from attempt(Call("GET", "/system_stats", timeout=_WAIT))
    device = max(read_devices(asked.value), key=lambda each: each.vram_gb, default=None)
    if device is None or _SIMULATED in device.name:
        return
    taught: Lesson | None = yield Work(lesson, (presets, compiled, result, device))
    if taught is not None:
        note = partial(learn, unit=taught.unit)
        yield Work(note, (server.url, device.name, taught.name, taught.amount, taught.seconds))


def _believed(seconds: float, computed: float | None, fixed: float, *, cold: bool) -> bool:
    """Return whether the time of a run is that of its sampling, as the rule above says.

    Args:
        seconds: that sampling took.
        computed: that it takes by what the card computes; None where nobody knows.
        cold: models were loaded too.
    """
    shorter = seconds if computed is None else min(seconds, computed)
    if seconds <= 0 or shorter < LONG * fixed:
        return False
    if computed is None:
        return not cold
    return computed / FAR <= seconds <= computed * FAR and not (cold and computed < COLD)


def _loaded(compiled: CompiledWorkflow, result: Result) -> bool:
    """Return whether a node ran that loads a model file."""
    loaders = {node_id for node_id, node in compiled.graph.items() if node["class_type"] in _LOADERS}
    return not loaders <= set(result.kept)
