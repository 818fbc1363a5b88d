"""``comfy-headless presets test``: a table of what holds of a preset, what does not, and what was not tried."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple

import typer

from comfy_headless.api.trial import Trial, try_preset
from comfy_headless.catalog.audit import Checked, State, locate_preset
from comfy_headless.catalog.preset_file import Task
from comfy_headless.cli import options as o
from comfy_headless.cli.completion import preset_names
from comfy_headless.cli.endings import DONE, FAILED
from comfy_headless.cli.graphics import Choice
from comfy_headless.cli.output import Action, Answer, Terminal, columns
from comfy_headless.config import server_url, shown_url
from comfy_headless.errors import ValidationError

EPILOG: Final = "Example:\n\ncomfy-headless presets test my_presets/my_model.toml --server http://localhost:8188"
_WORDS: Final = {State.OK: "ok", State.FAIL: "FAIL", State.NOT_TRIED: "not tried"}


class _How(NamedTuple):
    server: str | None
    simulate: bool
    tasks: tuple[Task, ...]
    keep: Path | None
    show_progress: bool | None


def test(
    named: Annotated[
        str,
        typer.Argument(
            metavar="NAME|FILE",
            help="Name of a preset, or its TOML file.",
            autocompletion=preset_names,
            show_default=False,
        ),
    ],
    server: Annotated[
        str | None, typer.Option(help="Address of a ComfyUI that runs it small; without it only what is known offline.")
    ] = None,
    simulate: o.Simulate = False,
    task: Annotated[o.TaskName | None, typer.Option(help="Only this task; without it all.")] = None,
    keep: Annotated[Path | None, typer.Option(**o.PATH, help="Folder for what was made; else it is deleted.")] = None,
    show_progress: o.ShowProgress = None,
    as_json: o.Json = False,
    log_json: o.LogJson = False,
    debug: o.Debug = False,
) -> Action:
    """Check a preset: that nothing is left to look up, that it compiles, and that a server makes what is asked.

    With a server small legal values are run, and some past the rules, to see what the nodes make of them. The exit
    code is 1 if something failed. Ctrl-C cancels the run.
    """
    tasks: tuple[Task, ...] = () if task is None else (task.value,)
    return partial(_test, named, _How(server, simulate, tasks, keep, show_progress))


def _test(named: str, how: _How, terminal: Terminal) -> Answer:
    with (
        _server(named, how, terminal) as url,
        terminal.progress(how.show_progress, Choice.OFF) as on_progress,
    ):
        trial = try_preset(
            named,
            server=url,
            tasks=how.tasks,
            keep=how.keep,
            on_progress=on_progress,
        )
    return Answer(_data(trial, url, how), _table(trial), DONE if trial.ok else FAILED)


@contextmanager
def _server(named: str, how: _How, terminal: Terminal) -> Iterator[str | None]:
    """Give the address of the server that is asked for: a simulated one has the files that the preset names."""
    if how.simulate and how.server is not None:
        raise ValidationError(f"--server {shown_url(how.server)} and --simulate: give one of them")
    if not how.simulate:
        yield None if how.server is None else server_url(how.server)
        return
    from comfy_headless.simulator import Simulator
    from comfy_headless.simulator.model_files import known_files

    files = known_files()
    for file in _files(named):
        files.setdefault(file[0], []).append(file[1])
    with Simulator(files=files) as simulator:
        terminal.note(f"simulated server at {simulator.url}: no model runs, the results are placeholders")
        yield simulator.url


def _files(named: str) -> list[tuple[str, str]]:
    try:
        return [(file.folder, file.name) for file in locate_preset(named).read().model_files().values()]
    except ValidationError:  # told where it is tried
        return []


def _table(trial: Trial) -> str:
    rows: list[tuple[str, ...]] = []
    for row in trial.rows:
        first, *more = row.seen.split("\n")
        rows.append((_WORDS[row.state], _name(row), first))
        rows += [("", "", f"  {line}") for line in more]
    counted = Counter(row.state for row in trial.rows)
    total = ", ".join(f"{counted[state]} {_WORDS[state]}" for state in State if counted[state])
    return f"{columns(rows)}\n{total}"


def _name(row: Checked) -> str:
    return row.check if row.task is None else f"{row.task}: {row.check}"


def _data(trial: Trial, url: str | None, how: _How) -> dict[str, Any]:
    return {
        "path": str(trial.path),
        "server": None if url is None else shown_url(url),
        "simulated": how.simulate,
        "ok": trial.ok,
        "checks": [row.to_dict() for row in trial.rows],
    }
