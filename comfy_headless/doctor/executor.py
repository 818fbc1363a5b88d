"""What a cloud tells of itself: whether it answers, and whether it takes the key. Nothing that costs is asked."""

from __future__ import annotations

from typing import Final

from comfy_headless.doctor.server import Asked
from comfy_headless.doctor.trouble import KEYS, curl, one_line
from comfy_headless.errors import ComfyUIConnectionError
from comfy_headless.health.report import HealthLine, setting
from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.effects import Flow
from comfy_headless.protocol.executor import Executor

_NO_JOB: Final = "0"
"""The id of a job that nobody has: whether it is there is asked for free, and only with a key that is right."""
_BARRED: Final = (401, 403, 407)


def ask_executor(server: Server, executor: Executor) -> Flow[Asked]:
    """Ask a place that is no ComfyUI server whether it answers; whatever goes wrong is a line."""
    brief = server._replace(timing=server.timing._replace(patience=server.timing.read))
    try:
        yield from executor.seek(brief, _NO_JOB)
    except ComfyUIConnectionError as error:
        if error.status is None or error.status in _BARRED or error.status >= 500:
            return Asked((_failure(server, error),), True)
    text = f"{executor.name} answers at {server.url} and takes who asks; what it has, its jobs tell"
    return Asked((HealthLine("server", "ok", text),), True)


def _failure(server: Server, error: ComfyUIConnectionError) -> HealthLine:
    facts = {"status": error.status}
    variable = KEYS.get(server.word) if error.status in _BARRED else None
    remedy = curl(server, "") if variable is None else setting(variable, "KEY")
    return HealthLine("server", "fail", one_line(str(error)), remedy, facts)
