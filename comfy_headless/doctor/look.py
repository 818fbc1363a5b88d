"""``check_health``: look at the server, this machine and this package, and say what is wrong."""

from __future__ import annotations

import os

from comfy_headless.client.once import drive_once
from comfy_headless.client.options import server_of
from comfy_headless.config import named_url, shown_url
from comfy_headless.doctor.executor import ask_executor
from comfy_headless.doctor.here import lines_here
from comfy_headless.doctor.server import Asked, ask_server
from comfy_headless.doctor.setup import lines_of_setup
from comfy_headless.doctor.trouble import cannot_be_asked
from comfy_headless.errors import ValidationError
from comfy_headless.graph.values import shown
from comfy_headless.health.report import HealthLine, HealthReport
from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.effects import Flow, Work
from comfy_headless.protocol.executor import Executor
from comfy_headless.protocol.timing import Timing


def check_health(
    server: str | Executor | None = None, *, out: str | os.PathLike[str] | None = None, timeout: float = 5.0
) -> HealthReport:
    """Look at the server, this machine and how this package is set up. Nothing is sent that changes anything.

    What is wrong, be it the address or the whole machine, is a line of the report, never an exception.

    Args:
        server: address; None is COMFY_HEADLESS_URL, then ``http://localhost:8188``.
        out: where results are to go, as for ``generate_video``; None is the current folder.
        timeout: seconds that an answer of the server may take.

    Raises:
        ValidationError: ``timeout`` is no number above 0.
    """
    if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not timeout > 0:
        raise ValidationError(f"timeout={shown(timeout)}: expected seconds, more than 0")
    try:
        asked = server_of(server, "auto", Timing(connect=timeout, read=timeout), None)
    except ValidationError as error:
        named = server if isinstance(server, str) else named_url()
        return HealthReport(shown_url(named or ""), (cannot_be_asked(str(error)), *_all_here(out, None)))
    return drive_once(asked, health_of(asked, out=out))


def health_of(server: Server, *, out: str | os.PathLike[str] | None = None) -> Flow[HealthReport]:
    """Look at a server, this machine and how this package is set up. See `check_health`."""
    told: Asked = yield from ask_server(server) if server.executor is None else ask_executor(server, server.executor)
    here: tuple[HealthLine, ...] = yield Work(_all_here, (out, told.has_gpu), long=True)
    return HealthReport(server.url, (*told.lines, *here))


def _all_here(out: str | os.PathLike[str] | None, server_has_gpu: bool | None) -> tuple[HealthLine, ...]:
    return (*lines_here(out, needs_gpu=not server_has_gpu), *lines_of_setup())
