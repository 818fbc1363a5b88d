"""Make a video, or an image: choose a preset, compile, upload, run."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, NamedTuple

from comfy_headless.api.checks import check_image
from comfy_headless.api.workflow import made_ready
from comfy_headless.catalog.choose import choose_preset, place_file
from comfy_headless.catalog.compiler import WorkflowCompiler
from comfy_headless.catalog.facts import read_facts
from comfy_headless.catalog.preset import task_for
from comfy_headless.catalog.preset_file import Task
from comfy_headless.catalog.presets import IMAGE_PRESETS, VIDEO_PRESETS, PresetLibrary
from comfy_headless.client.options import wait_of
from comfy_headless.errors import GenerationRejectedError, ValidationError
from comfy_headless.graph.outputs import sound_made
from comfy_headless.graph.source import Graph
from comfy_headless.protocol import routes
from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.destination import Destination, read_out
from comfy_headless.protocol.effects import Flow, Work
from comfy_headless.protocol.events import Progress
from comfy_headless.protocol.result import Result
from comfy_headless.protocol.run import begin, run, submit_new
from comfy_headless.protocol.ticket import Label, Ticket

logger = logging.getLogger("comfy_headless")

Path = str | os.PathLike[str]
Kind = Literal["video", "image"]
PRESETS_OF: Final[Mapping[Kind, PresetLibrary]] = {"video": VIDEO_PRESETS, "image": IMAGE_PRESETS}
"""The presets that make each kind of thing."""


class _Ready(NamedTuple):
    """A graph that can be queued, and what is known of it."""

    graph: Graph
    label: Label


def make(
    server: Server,
    kind: Kind,
    prompt: str,
    *,
    out: Path | None = None,
    overwrite: bool = False,
    on_progress: Callable[[Progress], Any] | None = None,
    timeout: float | None = None,
    raise_on_error: bool = True,
    strict: bool = False,
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
    started = yield from begin(wait)
    ready: _Ready = yield from _made_ready(server, PRESETS_OF[kind], prompt, wait.destination, **request)
    try:
        return (yield from run(server, ready.graph, wait, label=ready.label, started=started))
    except GenerationRejectedError as error:
        raise _with_remedies(error) from error


def queue(
    server: Server,
    kind: Kind,
    prompt: str,
    *,
    out: Path | None = None,
    overwrite: bool = False,
    **request: Any,
) -> Flow[tuple[Ticket, Destination]]:
    """Queue what a prompt asks for, to be left to itself; give its ticket and where its files are to go."""
    for name in ("on_progress", "timeout", "raise_on_error", "strict"):
        if name in request:
            raise ValidationError(f"{name}={request[name]!r}: nobody waits here; give it to job.result({name}=...)")
    destination = read_out(out, overwrite=overwrite)
    ready: _Ready = yield from _made_ready(server, PRESETS_OF[kind], prompt, destination, **request)
    try:
        return (yield from submit_new(server, ready.graph, ready.label)), destination
    except GenerationRejectedError as error:
        raise _with_remedies(error) from error


def _made_ready(
    server: Server,
    presets: PresetLibrary,
    prompt: str,
    destination: Destination | None,
    *,
    preset: str | None = None,
    image: Path | None = None,
    last_image: Path | None = None,
    negative_prompt: str | None = None,
    seed: int | None = None,
    allow_untested: bool = False,
    **settings: Any,
) -> Flow[_Ready]:
    """Check, choose, compile and upload: all that comes before the prompt is queued."""
    for name, path in (("image", image), ("last_image", last_image)):
        if path is not None:
            yield Work(check_image, (path, name))
    notes: tuple[str, ...] = ()
    if preset is None:
        preset, reason = yield from choose(server, presets, task_for(image, last_image))
        logger.info("%s", reason)
        notes = (reason,)
    compiled = WorkflowCompiler(presets).compile(
        preset,
        prompt,
        image=image,
        last_image=last_image,
        negative_prompt=negative_prompt,
        seed=seed,
        allow_untested=allow_untested,
        **settings,
    )
    graph = yield from made_ready(server, compiled, destination)
    notes = (*notes, *compiled.notes)
    label = Label(compiled.preset, compiled.seed, compiled.settings, notes, sound_made(graph))
    return _Ready(graph, label)


def choose(server: Server, presets: PresetLibrary, task: Task) -> Flow[tuple[str, str]]:
    """Ask the server what it has; give the preset to take, and why."""
    stats = yield from routes.system_stats(server)
    info = yield from routes.object_info(server)
    return choose_preset(read_facts(info, stats), presets, task)


def _with_remedies(error: GenerationRejectedError) -> GenerationRejectedError:
    """Say for each model file that the server lacks where it belongs, as far as it is described."""
    refused = " ".join(
        str(one.get("details")) for node in error.node_errors.values() for one in node.get("errors") or ()
    )
    lines = [place_file(file) for file in VIDEO_PRESETS.files.values() if f"'{file.name}' not in " in refused]
    if not lines:
        return error
    message = "\n".join([str(error), "missing on the server:", *(f"  {line}" for line in lines)])
    return GenerationRejectedError(
        message, prompt_id=error.prompt_id, server_message=error.server_message, node_errors=error.node_errors
    )
