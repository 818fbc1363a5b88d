"""What a finished run teaches: how long such work takes on that device of that server."""

from __future__ import annotations

from functools import partial
from typing import Final, cast

from comfy_headless.api.pace import learn
from comfy_headless.catalog.cards import FIXED_SECONDS
from comfy_headless.catalog.compiled import CompiledWorkflow
from comfy_headless.catalog.facts import read_devices
from comfy_headless.catalog.preset_file import Task
from comfy_headless.catalog.presets import PresetLibrary
from comfy_headless.catalog.variants import VARIANTS
from comfy_headless.catalog.vram import estimate_vram
from comfy_headless.graph.marking.sight import Sight
from comfy_headless.graph.schemas import Schemas
from comfy_headless.protocol.conversation import Attempt, Server, attempt
from comfy_headless.protocol.effects import Call, Flow, Work
from comfy_headless.protocol.result import Result

_WAIT: Final = 2.0
"""Seconds that a result may be kept waiting for what its run teaches."""

_SIMULATED: Final = "Simulated"
"""In the name of a device that teaches nothing."""


def learn_from(server: Server, presets: PresetLibrary, compiled: CompiledWorkflow, result: Result) -> Flow[None]:
    """Keep how long a finished run took; one whose samples the server still had teaches nothing."""
    samplers = Sight(compiled.graph, Schemas.snapshot(Schemas.packs())).samplers
    if not result.worked or result.status != "completed" or set(samplers) & set(result.kept):
        return
    asked: Attempt = yield from attempt(Call("GET", "/system_stats", timeout=_WAIT))
    devices = read_devices(asked.value) if isinstance(asked.value, dict) else ()
    device = max(devices, key=lambda each: each.vram_gb, default=None)
    if device is None or _SIMULATED in device.name:
        return
    preset, task = presets[compiled.preset or ""], cast(Task, compiled.task)
    own = {**preset.at(task).settings, **preset.at(task).declared}
    settings = {name: value for name, value in compiled.settings.items() if name in own or name in VARIANTS}
    estimate = estimate_vram(preset, task=task, **settings)
    name, amount = estimate.work
    seconds = max(result.worked - FIXED_SECONDS, result.worked / 4)
    note = partial(learn, unit="work" if estimate.pflop is None else "pflop")
    yield Work(note, (server.url, device.name, name, amount, seconds))
