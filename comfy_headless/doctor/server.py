"""What a server tells of itself, and what to do about one that does not answer as a ComfyUI does."""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from comfy_headless.config import is_local
from comfy_headless.doctor.trouble import curl, odd_answer, one_line, unreachable
from comfy_headless.features import missing_reason
from comfy_headless.graph.ages import is_older, version_in
from comfy_headless.graph.classes import UPDATE
from comfy_headless.graph.snapshot import core
from comfy_headless.health.ram import GIB
from comfy_headless.health.report import HealthLine, gib, installs
from comfy_headless.protocol.conversation import Server, attempt, read
from comfy_headless.protocol.effects import Broken, Call, Flow, Now, Reply, Work
from comfy_headless.protocol.routes import read_queue
from comfy_headless.transport.handshake import Handshake, shake_hands

_ROUND_TRIPS: Final = 5
_SLOW: Final = 0.5
"""Seconds of a round trip above which every look at a job is felt."""
_OLDEST: Final = "0.3.64"
"""The oldest ComfyUI whose protocol was read for this package."""
_DEVICE: Final = re.compile(r"(?:\w+:\d+ )?(?P<name>.+?)(?: : \w+)?")
"""As ComfyUI names one (comfy/model_management.py, get_torch_device_name): ``cuda:0 NVIDIA L4 : cudaMallocAsync``."""
_LITTLE: Final = 0.1
"""Share of the RAM that is free, below which it is little."""


class Asked(NamedTuple):
    """What came of asking a server.

    Args:
        lines: in the order in which they are told.
        has_gpu: it computes on one; None if it does not answer.
    """

    lines: tuple[HealthLine, ...]
    has_gpu: bool | None


def ask_server(server: Server) -> Flow[Asked]:
    """Ask a server for all that it tells of its health; whatever goes wrong is a line."""
    limit = server.timing.read
    call = Call("GET", "/system_stats", timeout=limit, limit=limit)
    try:
        reply: Reply = yield call
    except Broken as broken:
        line: HealthLine = yield Work(unreachable, (server, broken), long=True)
        return Asked((line,), None)
    told = read(call, reply)
    stats: Any = told.value
    if not (isinstance(stats, Mapping) and isinstance(stats.get("system"), Mapping)):
        return Asked((odd_answer(server, reply, told.problem),), None)
    seconds = yield from _round_trips(limit)
    queue = read_queue((yield from attempt(Call("GET", "/queue", timeout=limit))).value)
    lines = [_reached(server, seconds), _version(stats), _queue(queue, server), *_devices(stats), _ram(stats)]
    lines.append((yield from _socket(server, limit)))
    return Asked(tuple(line for line in lines if line is not None), any(True for _ in _gpus(stats)))


def _round_trips(limit: float) -> Flow[list[float]]:
    """Return how long small answers took, in seconds; the connection is there already."""
    seconds: list[float] = []
    while len(seconds) < _ROUND_TRIPS and sum(seconds) < limit:
        began: float = yield Now()
        tried = yield from attempt(Call("GET", "/prompt", timeout=limit, limit=limit))
        ended: float = yield Now()
        if tried.status is None:
            break
        seconds.append(ended - began)
    return seconds


def _reached(server: Server, seconds: list[float]) -> HealthLine:
    if not seconds:
        return HealthLine("server", "warn", f"{server.url} answers, but not to small requests", curl(server, "/prompt"))
    median = statistics.median(seconds)
    text = f"{server.url} answers in {_time(median)}"
    facts = {"round_trip_seconds": median}
    if median > _SLOW:
        return HealthLine("server", "warn", f"{text}: far away, or busy", curl(server, "/prompt"), facts)
    return HealthLine("server", "ok", text, None, facts)


def _version(stats: Mapping[str, Any]) -> HealthLine:
    system, version = stats["system"], version_in(stats)
    python = str(system.get("python_version") or "").split(" ")[0]
    torch = system.get("pytorch_version")
    beside = ", ".join(filter(None, [python and f"Python {python}", torch and f"torch {torch}"]))
    facts = {"comfyui": version, "python": python or None, "torch": torch if isinstance(torch, str) else None}
    about = f" ({beside})" if beside else ""
    newest = core().comfyui
    if version is None:
        text = f"ComfyUI does not say its version{about}: older than any that this package knows"
        return HealthLine("version", "warn", text, UPDATE, facts)
    if is_older(version, _OLDEST):
        text = f"ComfyUI {version}{about}, older than {_OLDEST}: many presets need a newer one"
        return HealthLine("version", "warn", text, UPDATE, facts)
    age = f", older than {newest}, which the presets were made with" if is_older(version, newest) else ""
    return HealthLine("version", "ok", f"ComfyUI {version}{about}{age}", None, facts)


def _queue(queue: Any, server: Server) -> HealthLine:
    if queue is None:
        return HealthLine("queue", "warn", "GET /queue does not answer as ComfyUI does", curl(server, "/queue"))
    running, waiting = len(queue.running), len(queue.pending)
    facts = {"running": running, "waiting": waiting}
    if not running and not waiting:
        return HealthLine("queue", "ok", "empty", None, facts)
    return HealthLine("queue", "ok", f"{running} running, {waiting} waiting", None, facts)


def _devices(stats: Mapping[str, Any]) -> Iterator[HealthLine]:
    gpus = list(_gpus(stats))
    if not gpus:
        text = "the server computes on its CPU: a video takes hours"
        yield HealthLine("devices", "warn", text, "nvidia-smi", {"count": 0})
        return
    texts = []
    for gpu in gpus:
        name = str(gpu.get("name") or gpu.get("type"))
        named = _DEVICE.fullmatch(name)
        texts.append(f"{named['name'] if named else name}, {_room(gpu, 'vram', 'VRAM')}")
    best = max(gpus, key=lambda gpu: _size(gpu.get("vram_total")) or 0.0)
    facts = {
        "count": len(gpus),
        "vram_gb": _size(best.get("vram_total")),
        "vram_free_gb": _size(best.get("vram_free")),
    }
    yield HealthLine("devices", "ok", "; ".join(texts), None, facts)


def _gpus(stats: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    devices = stats.get("devices")
    for device in devices if isinstance(devices, list) else ():
        if isinstance(device, Mapping) and device.get("type") != "cpu":
            yield device


def _ram(stats: Mapping[str, Any]) -> HealthLine | None:
    system = stats["system"]
    total, free = _size(system.get("ram_total")), _size(system.get("ram_free"))
    if total is None:
        return None
    facts = {"ram_gb": total, "ram_free_gb": free}
    text = _room(system, "ram", "the server's RAM")
    if free is not None and free < total * _LITTLE:
        return HealthLine("ram", "warn", f"{text}: models are read from the disk again", "free -h", facts)
    return HealthLine("ram", "ok", text, None, facts)


def _socket(server: Server, limit: float) -> Flow[HealthLine]:
    if (reason := missing_reason("websocket")) is not None:
        text = f"not tried, so jobs tell no steps: {reason}"
        return HealthLine("websocket", "warn", text, installs("websocket"))
    shaken: Handshake = yield Work(shake_hands, (server, limit), long=True)
    if shaken.seconds is not None:
        text = f"opens in {_time(shaken.seconds)}"
        return HealthLine("websocket", "ok", text, None, {"seconds": shaken.seconds})
    text = f"does not open, so jobs tell no steps: {one_line(shaken.problem or '')}"
    if is_local(server.url):
        return HealthLine("websocket", "warn", text, curl(server, "/ws"))
    remedy = 'proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";'
    return HealthLine("websocket", "warn", f"{text}. In nginx, its location needs the line below", remedy)


def _room(told: Mapping[str, Any], what: str, words: str) -> str:
    total, free = _size(told.get(f"{what}_total")), _size(told.get(f"{what}_free"))
    if total is None:
        return f"an unknown size of {words}"
    return f"{gib(total)} of {words}" if free is None else f"{free:.1f} of {gib(total)} of {words} free"


def _size(value: object) -> float | None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return value / GIB if number and 0 <= value < 1e6 * GIB else None  # type: ignore[operator]


def _time(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
