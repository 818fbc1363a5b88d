"""Try a preset: all that can be known offline, then a server's own word, then small runs whose files are opened."""

from __future__ import annotations

import logging
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

from comfy_headless.api.sending import made_ready
from comfy_headless.catalog.audit import Checked, Located, State, check_offline, locate_preset
from comfy_headless.catalog.facts import ServerFacts, read_facts
from comfy_headless.catalog.measured import Made, Outcome, rows_of
from comfy_headless.catalog.preset import Preset
from comfy_headless.catalog.preset_file import Task
from comfy_headless.catalog.probing import Ask, asks
from comfy_headless.catalog.roles import place_file
from comfy_headless.client.options import check_wait, server_of
from comfy_headless.errors import ComfyUIConnectionError, GenerationFailedError, ResultSaveError, ValidationError
from comfy_headless.features import require
from comfy_headless.graph.outputs import sound_made
from comfy_headless.graph.values import shown
from comfy_headless.protocol import routes
from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.destination import read_out
from comfy_headless.protocol.effects import Flow, Work
from comfy_headless.protocol.events import Progress
from comfy_headless.protocol.result import Result
from comfy_headless.protocol.run import Wait, begin, run
from comfy_headless.protocol.ticket import Label
from comfy_headless.protocol.timing import Timing
from comfy_headless.transport.sync import SyncTransport

logger = logging.getLogger("comfy_headless")

OFFLINE: Final = "no server is named"
_ON_A_SERVER: Final = ("node classes", "model files")
_BY_RUNNING: Final = ("runs", "size", "frames", "fps", "sound")


class Trial(NamedTuple):
    """What came of trying a preset.

    Args:
        path: its file.
        rows: the checks, in order.
    """

    path: Path
    rows: tuple[Checked, ...]

    @property
    def ok(self) -> bool:
        """Whether no check failed; what was not tried counts for nothing."""
        return all(row.state is not State.FAIL for row in self.rows)


def try_preset(
    named: str,
    *,
    server: str | None = None,
    tasks: Iterable[Task] = (),
    keep: str | os.PathLike[str] | None = None,
    on_progress: Callable[[Progress], Any] | None = None,
    timing: Timing = Timing(),  # noqa: B008 - an immutable tuple
) -> Trial:
    """Check a preset, and run it small where a server is named.

    Args:
        named: its name, or the path of its TOML file.
        server: address of a ComfyUI that is to run it; None checks what can be known offline.
        tasks: those to try; none are all.
        keep: folder for what was made; None keeps nothing.
        on_progress: called with ``Progress`` of each run.

    Raises:
        ValidationError: no such preset, file or task.
        ComfyUIConnectionError: the exchange with the server broke (ComfyUIOfflineError: nothing answers there).
        FeatureMissingError: with a server the extra ``media`` is needed.
    """
    check_wait(on_progress, None)
    located = locate_preset(named)
    read = _read(located)
    wanted = tuple(tasks)
    for task in wanted:
        if isinstance(read, Preset) and task not in read.tasks:
            raise ValidationError(f"{read.name} has no task {shown(task)}; it has: {', '.join(read.tasks)}")
    chosen = wanted or (tuple(read.tasks) if isinstance(read, Preset) else (None,))
    rows = [row for row in check_offline(located, read) if row.task is None or row.task in chosen]
    if server is None or not isinstance(read, Preset):
        why = OFFLINE if isinstance(read, Preset) else "the preset cannot be read"
        return Trial(located.path, (*rows, *_not_tried(chosen, (*_ON_A_SERVER, *_BY_RUNNING), why)))
    require("media", "trying a preset on a server")
    target = server_of(server, "auto", timing, None)
    transport = SyncTransport(target, clock=time.monotonic)
    with tempfile.TemporaryDirectory(prefix="comfy_headless_") as folder:
        where = Path(folder if keep is None else keep)
        try:
            rows += transport.drive(trying(target, read, wanted or tuple(read.tasks), where, Path(folder), on_progress))
        finally:
            transport.close()
    return Trial(located.path, tuple(rows))


def trying(
    server: Server,
    preset: Preset,
    tasks: Iterable[Task],
    keep: Path,
    folder: Path,
    on_progress: Callable[[Progress], Any] | None = None,
) -> Flow[list[Checked]]:
    """Ask a server what it has, and run the preset small; give the checks.

    Args:
        keep: where the files of the runs go.
        folder: for the test picture.
    """
    stats = yield from routes.system_stats(server)
    info = yield from routes.object_info(server)
    facts = read_facts(info, stats)
    picture = folder / "test_picture.png"
    yield Work(_draw, (picture,))
    rows: list[Checked] = []
    for task in tasks:
        there = list(_there(preset, task, facts))
        rows += there
        if any(row.state is State.FAIL for row in there):
            rows += _not_tried((task,), _BY_RUNNING, "the server lacks something")
            continue
        rows += yield from _measured(server, preset, task, keep, picture, on_progress)
    return rows


def _measured(
    server: Server,
    preset: Preset,
    task: Task,
    keep: Path,
    picture: Path,
    on_progress: Callable[[Progress], Any] | None,
) -> Flow[list[Checked]]:
    outcomes: list[Outcome] = []
    try:
        wanted = list(asks(preset, task, picture))
    except ValidationError as error:
        row = Checked("runs", task, State.FAIL, f"nothing small compiles: {error}")
        return [row, *_not_tried((task,), _BY_RUNNING[1:], "nothing ran")]
    for ask in wanted:
        told = ", ".join(f"{name} {value:g}" for name, value in ask.values.items() if isinstance(value, (int, float)))
        logger.info("%s, %s (%d of %d): %s", task, ask.name, len(outcomes) + 1, len(wanted), told)
        out = keep / f"{preset.name}_{task}_{ask.name.replace(' ', '_')}"
        outcome = yield from _outcome(server, ask, out, on_progress)
        outcomes.append(outcome)
        if ask is wanted[0] and outcome.problem:
            break
    return list(rows_of(preset, task, outcomes))


def _outcome(server: Server, ask: Ask, out: Path, on_progress: Callable[[Progress], Any] | None) -> Flow[Outcome]:
    """Run one graph and open what it made. What the server says against it is an outcome too."""
    sound = sound_made(ask.compiled.graph)
    wait = Wait(read_out(f"{out}{os.sep}", overwrite=True), on_progress)
    label = Label(ask.compiled.preset, ask.compiled.seed, sound=sound)
    started = yield from begin(wait)
    try:
        graph = (yield from made_ready(server, ask.compiled, wait.destination, check=False)).graph
        result: Result = yield from run(server, graph, wait, label=label, started=started)
    except ComfyUIConnectionError:
        raise
    except (GenerationFailedError, ResultSaveError) as error:
        yield Work(_remove_empty, (out,))
        return Outcome(ask, sound, problem=str(error))
    shown_files = [each for each in (*result.videos, *result.images) if each.path is not None]
    if not shown_files:
        return Outcome(ask, sound, problem="; ".join(result.warnings) or "nothing was saved")
    made: Made = yield Work(_open, (shown_files[0].path,), long=True)
    return Outcome(ask, sound, made, seconds=result.duration)


def _remove_empty(folder: Path) -> None:
    """A run that made nothing leaves no folder behind."""
    with suppress(OSError):
        folder.rmdir()


def _open(path: Path) -> Made:
    from comfy_headless.media.probe import probe

    found = probe(path)
    return Made(found.width, found.height, found.frames, found.fps, found.audio is not None)


def _draw(path: Path) -> None:
    """A picture of another size than any video that is asked for."""
    from comfy_headless.media.card import Card
    from comfy_headless.media.encode import write_image

    write_image(path, next(Card(200, 120, text="test picture").pictures()))


def _read(located: Located) -> Preset | ValidationError:
    try:
        return located.read()
    except ValidationError as error:
        return error


def _there(preset: Preset, task: Task, facts: ServerFacts) -> Iterator[Checked]:
    view = preset.at(task)
    classes = list(dict.fromkeys(node["class_type"] for node in view.template.graph.values()))
    absent = [name for name in classes if name not in facts.node_classes]
    packs = "".join(f"\nnode pack {pack.name}, from GitHub {pack.repository}" for pack in preset.packs if absent)
    seen = f"the server does not know {', '.join(absent)}{packs}" if absent else f"all {len(classes)} are there"
    yield Checked("node classes", task, State.FAIL if absent else State.OK, seen)
    lacking = [file for file in view.files.values() if file.name not in facts.files.get(file.folder, ())]
    seen = "\n".join(["not there", *map(place_file, lacking)]) if lacking else f"all {len(view.files)} are there"
    yield Checked("model files", task, State.FAIL if lacking else State.OK, seen)


def _not_tried(tasks: Iterable[Task | None], names: Iterable[str], why: str) -> Iterator[Checked]:
    for task in tasks:
        for name in names:
            yield Checked(name, task, State.NOT_TRIED, why)
