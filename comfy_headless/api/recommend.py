"""Which preset to take: find out what there is to run it on, then ask the catalog.

What a caller says counts first; then the server; then the GPUs of this machine; then a size that is said to be assumed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any, Final, Literal, overload

from comfy_headless.catalog.candidates import Machine, Wishes, check_wishes
from comfy_headless.catalog.facts import ServerFacts, read_facts
from comfy_headless.catalog.intents import Intent
from comfy_headless.catalog.preset_file import Task
from comfy_headless.catalog.presets import IMAGE_PRESETS, VIDEO_PRESETS, PresetLibrary
from comfy_headless.catalog.recommend import DEFAULT_VRAM_GB, Recommendation, recommend
from comfy_headless.catalog.selection import Tier
from comfy_headless.config import DEFAULT_URL
from comfy_headless.errors import ComfyUIConnectionError, ValidationError
from comfy_headless.graph.values import shown
from comfy_headless.health.gpus import find_gpus
from comfy_headless.health.ram import find_ram
from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.effects import Flow, Work
from comfy_headless.protocol.executor import Executor
from comfy_headless.protocol.timing import Timing

Makes = Literal["video", "image"]

_LIBRARIES: Final[Mapping[str, PresetLibrary]] = {"video": VIDEO_PRESETS, "image": IMAGE_PRESETS}
_DEVICE: Final = re.compile(r"(?:\w+:\d+ )?(?P<name>.+?)(?: : \w+)?")
"""As ComfyUI names one (comfy/model_management.py, get_torch_device_name): ``cuda:0 NVIDIA L4 : cudaMallocAsync``."""
_BRIEF: Final = Timing(connect=1.0, read=5.0, patience=1.0)
"""For a server that nobody named: what does not answer like one at once is none."""


@overload
def get_recommended_preset(
    vram_gb: float | None = None,
    *,
    intent: Intent | None = None,
    quality: Tier | None = None,
    task: Task | None = None,
    ram_gb: float | None = None,
    region: str | None = None,
    commercial: bool | None = None,
    server: str | Executor | None = None,
    within: float | None = None,
    makes: Makes = "video",
    explain: Literal[False] = False,
) -> str: ...


@overload
def get_recommended_preset(
    vram_gb: float | None = None,
    *,
    intent: Intent | None = None,
    quality: Tier | None = None,
    task: Task | None = None,
    ram_gb: float | None = None,
    region: str | None = None,
    commercial: bool | None = None,
    server: str | Executor | None = None,
    within: float | None = None,
    makes: Makes = "video",
    explain: Literal[True],
) -> Recommendation: ...


def get_recommended_preset(
    vram_gb: float | None = None,
    *,
    intent: Intent | None = None,
    quality: Tier | None = None,
    task: Task | None = None,
    ram_gb: float | None = None,
    region: str | None = None,
    commercial: bool | None = None,
    server: str | Executor | None = None,
    within: float | None = None,
    makes: Makes = "video",
    explain: bool = False,
) -> str | Recommendation:
    """Return the name of the best preset that fits, or with ``explain`` the whole reasoning.

    Args:
        vram_gb: GiB of VRAM. None asks ``server``, else the one of COMFY_HEADLESS_URL, else one that answers at
            ``http://localhost:8188``, and takes its largest GPU; else the largest that the NVIDIA driver of this
            machine knows (extra ``health``); else 8. ``vram_source`` says which it was.
        intent: portrait, animal, object, scene, action or abstract. Noted, and no more: nobody has measured which
            preset is better at it.
        quality: draft, standard or quality.
        task: what it is made from: text, image, or first_last, a first and a last image; None is text.
        ram_gb: GiB of main memory; None takes what the machine has that told its VRAM.
        region: where it is to be used, an ISO 3166 code such as DE, or EU: those go whose licence excludes it.
        commercial: True leaves those that may serve a business without limits.
        server: address of a server, or a cloud such as ``RunningHub()``: what it has nodes and files for comes first.
        within: seconds that it may take there; what nobody knows is not within.
        makes: video or image.

    Raises:
        ValidationError: an argument is wrong, or no preset fits them all.
        ComfyUIConnectionError: a server that is named does not answer (ComfyUIOfflineError: nothing is there).
    """
    wishes = Wishes(task, intent, quality, region, commercial, within)
    _check(vram_gb, ram_gb, makes, wishes)
    if vram_gb is not None and server is None:
        machine = Machine(vram_gb, "as given", ram_gb=ram_gb)
    else:
        machine = asked_machine(vram_gb, ram_gb, server)
    found = recommend(_LIBRARIES[makes], machine, wishes)
    return found if explain else found.name


def recommended(
    server: Server,
    vram_gb: float | None = None,
    *,
    ram_gb: float | None = None,
    makes: Makes = "video",
    explain: bool = False,
    **wishes: Any,
) -> Flow[str | Recommendation]:
    """Recommend a preset for a server. See ``get_recommended_preset``."""
    wanted = Wishes(**wishes)
    _check(vram_gb, ram_gb, makes, wanted)
    machine = yield from machine_of(server, vram_gb=vram_gb, ram_gb=ram_gb)
    found = recommend(_LIBRARIES[makes], machine, wanted)
    return found if explain else found.name


def machine_of(server: Server, *, vram_gb: float | None = None, ram_gb: float | None = None) -> Flow[Machine]:
    """Ask a server what it runs on and what it has.

    Args:
        vram_gb: GiB that count in place of its own.
        ram_gb: as ``vram_gb``.
    """
    from comfy_headless.api.known import asked_now, nodes_of  # with what it keeps a file by, that a size does not need

    if server.executor is not None:
        told = yield from nodes_of(server)
        facts = read_facts(told.raw, None) if told is not None else None
        return _machine_at(server.executor, facts, vram_gb, ram_gb)
    nodes, stats = yield from asked_now(server)
    machine: Machine = yield Work(machine_with, (read_facts(nodes, stats), server.url, vram_gb, ram_gb))
    return machine


def machine_with(facts: ServerFacts, url: str, vram_gb: float | None = None, ram_gb: float | None = None) -> Machine:
    """Return what a server runs on, by what it told, and by the runs it has finished for this user.

    The arguments are those of ``machine_of``.
    """
    ram = facts.ram_gb if ram_gb is None else ram_gb
    if vram_gb is not None:
        return Machine(vram_gb, f"as given; files as {url} has them", ram_gb=ram, facts=facts)
    device = facts.device
    if device is None:
        return Machine(None, f"{url} tells no GPU", ram_gb=ram, facts=facts)
    from comfy_headless.api.pace import pace_of  # with what it reads a file by: 15 ms that a given size does not need

    named = _DEVICE.fullmatch(device.name)
    whose = f"{named['name'] if named else device.name} of {url}{_largest(len(facts.devices))}"
    return Machine(device.vram_gb, whose, device.name, ram, pace_of(url, device.name), facts)


def _machine_at(executor: Executor, facts: ServerFacts | None, vram_gb: float | None, ram_gb: float | None) -> Machine:
    """Return what an executor runs on, as it is documented; a size that is assumed where nobody says."""
    if vram_gb is not None:
        return Machine(vram_gb, f"as given; it runs on {executor.name}", ram_gb=ram_gb, facts=facts)
    if executor.vram_gb is None:
        source = f"assumed, since {executor.name} does not tell; vram_gb= or --vram-gb names another size"
        return Machine(DEFAULT_VRAM_GB, source, ram_gb=ram_gb, facts=facts)
    return Machine(executor.vram_gb, f"a machine of {executor.name}", ram_gb=ram_gb, facts=facts)


def machine_here(before: str, *, ram_gb: float | None = None) -> Machine:
    """Return this machine, as its NVIDIA driver tells it; where nothing tells, a size that is assumed.

    Args:
        before: what was asked first, in words.
        ram_gb: GiB that count in place of its own.
    """
    gpus = find_gpus()
    if not gpus.found:
        source = (
            f"assumed, since {before}, and this machine tells no GPU: {gpus.reason}. "
            "vram_gb= or --vram-gb names another size"
        )
        return Machine(DEFAULT_VRAM_GB, source, ram_gb=ram_gb)
    best = max(gpus.found, key=lambda gpu: gpu.vram_gb)
    remark = f" ({gpus.reason})" if gpus.reason else ""
    source = f"{best.name} of this machine{_largest(len(gpus.found))}{remark}, since {before}"
    return Machine(best.vram_gb, source, best.name, find_ram().total_gb if ram_gb is None else ram_gb)


def _largest(count: int) -> str:
    return f", the largest of {count}" if count > 1 else ""


def _check(vram_gb: float | None, ram_gb: float | None, makes: object, wishes: Wishes) -> None:
    """Find what is wrong before anybody is asked; raises ValidationError."""
    check_wishes(Machine(vram_gb, "", ram_gb=ram_gb), wishes)
    if not isinstance(makes, str) or makes not in _LIBRARIES:
        raise ValidationError(f"makes={shown(makes)}: expected {', '.join(_LIBRARIES)}")


def asked_machine(vram_gb: float | None, ram_gb: float | None, server: str | Executor | None) -> Machine:
    """Ask the server that is named, else one that may be where ComfyUI usually is, else this machine.

    The arguments, and what is raised, are those of ``get_recommended_preset``.
    """
    from comfy_headless.client.once import drive_once  # httpx: 100 ms that a given size does not need
    from comfy_headless.client.options import server_of

    named = server is not None or bool(os.environ.get("COMFY_HEADLESS_URL"))
    there = server_of(server, "polling", Timing() if named else _BRIEF, None)
    try:
        return drive_once(there, machine_of(there, vram_gb=vram_gb, ram_gb=ram_gb))
    except ComfyUIConnectionError:
        if named or there.executor is not None:
            raise
    return machine_here(f"no ComfyUI answers at {DEFAULT_URL}", ram_gb=ram_gb)
