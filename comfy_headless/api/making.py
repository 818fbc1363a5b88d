"""Make a video, or an image: choose a preset, compile, upload, run."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

from comfy_headless.api.lighter import OnOom, check_on_oom, run_or_lighter
from comfy_headless.api.preparing import Ready, label_of, plan_request, prepare, prepare_again, request_of
from comfy_headless.api.sending import settled
from comfy_headless.catalog.presets import IMAGE_PRESETS, VIDEO_PRESETS, PresetLibrary
from comfy_headless.client.options import wait_of
from comfy_headless.errors import GenerationRejectedError, GenerationTimeoutError, ValidationError
from comfy_headless.graph.values import shown
from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.destination import Destination, read_out
from comfy_headless.protocol.effects import Flow
from comfy_headless.protocol.events import Progress
from comfy_headless.protocol.result import Result
from comfy_headless.protocol.run import begin, failed, submit_new
from comfy_headless.protocol.ticket import Label, Ticket

Path = str | os.PathLike[str]
Kind = Literal["video", "image"]
PRESETS_OF: Final[Mapping[Kind, PresetLibrary]] = {"video": VIDEO_PRESETS, "image": IMAGE_PRESETS}
"""The presets that make each kind of thing."""


def make(
    server: Server,
    kind: Kind,
    prompt: str,
    /,
    *,
    out: Path | None = None,
    overwrite: bool = False,
    on_progress: Callable[[Progress], Any] | None = None,
    timeout: float | None = None,
    raise_on_error: bool = True,
    strict: bool = False,
    on_oom: OnOom = "raise",
    **request: Any,
) -> Flow[Result]:
    """Make what a prompt asks for and return its result. See ``comfy_headless.generate_video``."""
    wait = wait_of(
        out=out,
        overwrite=overwrite,
        on_progress=on_progress,
        timeout=timeout,
        raise_on_error=raise_on_error,
        strict=strict,
    )
    check_on_oom(on_oom)
    started = yield from begin(wait)
    asked = request_of(PRESETS_OF[kind], prompt, **request)
    asked = asked._replace(values=(yield from settled(asked.values)))
    label = Label()
    try:
        until = None if wait.timeout is None else started + wait.timeout
        asked, compiled = yield from plan_request(server, asked, wait.destination, until=until)
        label = label_of(compiled)
        ready: Ready = yield from prepare(server, asked, compiled, wait.destination)
    except (GenerationRejectedError, GenerationTimeoutError) as error:
        if raise_on_error:
            raise
        return (yield from failed(error, started, label))
    return (yield from run_or_lighter(server, asked, ready, wait, lighter=on_oom == "lighter", started=started))


def queue(
    server: Server,
    kind: Kind,
    prompt: str,
    /,
    *,
    out: Path | None = None,
    overwrite: bool = False,
    **request: Any,
) -> Flow[tuple[Ticket, Destination]]:
    """Queue what a prompt asks for, to be left to itself; give its ticket and where its files are to go."""
    for name in ("on_progress", "timeout", "raise_on_error", "strict"):
        if name in request:
            raise ValidationError(f"{name}={request[name]!r}: nobody waits here; give it to job.result({name}=...)")
    if "on_oom" in request:
        raise ValidationError(f"on_oom={shown(request['on_oom'])}: nobody waits here who could go down; leave it out")
    destination = read_out(out, overwrite=overwrite)
    asked = request_of(PRESETS_OF[kind], prompt, **request)
    asked = asked._replace(values=(yield from settled(asked.values)))
    asked, compiled = yield from plan_request(server, asked, destination)
    ready: Ready = yield from prepare(server, asked, compiled, destination)
    try:
        return (yield from submit_new(server, ready.graph, ready.label)), destination
    except GenerationRejectedError as error:
        ready = yield from prepare_again(server, asked, ready, error, destination)
        return (yield from submit_new(server, ready.graph, ready.label)), destination
