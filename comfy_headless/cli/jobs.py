"""``comfy-headless jobs``: what a server has to do, and jobs that are taken up by their id.

Leaving ``watch`` and ``fetch`` leaves the job alone; only ``cancel`` (and a ``--timeout``) ends it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Annotated, Any, Final

import typer

from comfy_headless.cli import options as o
from comfy_headless.cli.endings import DONE, FAILED, UNREACHABLE
from comfy_headless.cli.generate import How, report
from comfy_headless.cli.graphics import Choice
from comfy_headless.cli.job_table import table
from comfy_headless.cli.output import Action, Answer, Terminal
from comfy_headless.cli.server import job_command, named
from comfy_headless.client.executors import executor_name
from comfy_headless.client.job import Job
from comfy_headless.client.sync import ComfyClient
from comfy_headless.errors import ComfyUIConnectionError, GenerationFailedError, ValidationError

app = typer.Typer(help="List the jobs of a server; watch, cancel or fetch one.", no_args_is_help=False)

PromptId = Annotated[
    str, typer.Argument(metavar="PROMPT_ID", help="Id of a job, or its first 6 characters or more.", show_default=False)
]
PromptIds = Annotated[
    list[str],
    typer.Argument(
        metavar="PROMPT_ID...", help="Ids of jobs, or their first 6 characters or more.", show_default=False
    ),
]

_WHOLE_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SHORTEST: Final = 6
_LOOK_BACK: Final = 200
"""Ended jobs among which the beginning of an id is looked for; each comes with its graph."""


@app.command("list", epilog="Example:\n\ncomfy-headless jobs list --limit 5")
def list_jobs(
    limit: Annotated[int, typer.Option(**o.WHOLE, help="How many of the jobs that have ended.")] = 20,
    server: o.Server = None,
    as_json: o.Json = False,
    log_json: o.LogJson = False,
    debug: o.Debug = False,
) -> Action:
    """List the jobs of a server: the running one, those that wait in their order, and the last that ended."""
    return partial(_list, limit, server)


@app.command("watch", epilog="Example:\n\ncomfy-headless jobs watch 3f2b9c")
def watch_job(
    prompt_id: PromptId,
    server: o.Server = None,
    show_progress: o.ShowProgress = None,
    preview: o.Preview = Choice.AUTO,
    as_json: o.Json = False,
    log_json: o.LogJson = False,
    debug: o.Debug = False,
) -> Action:
    """Show how far a job is until it ends, and print where the server offers its files.

    Ctrl-C leaves the job alone. The exit code is that of the job: 0 done, 1 failed.
    """
    return partial(
        _take_up, prompt_id, How(server, False, None, None, False, show_progress, preview=preview), download=False
    )


@app.command("cancel", epilog="Example:\n\ncomfy-headless jobs cancel 3f2b9c 81d0aa")
def cancel_jobs(
    prompt_ids: PromptIds,
    server: o.Server = None,
    as_json: o.Json = False,
    log_json: o.LogJson = False,
    debug: o.Debug = False,
) -> Action:
    """Cancel jobs, waiting or running, and say what became of each.

    The exit code is 0 if none of them runs or waits any more, 1 if the server does not know one.
    """
    return partial(_cancel, prompt_ids, server)


@app.command("fetch", epilog="Example:\n\ncomfy-headless jobs fetch 3f2b9c --out sunset.mp4")
def fetch_job(
    prompt_id: PromptId,
    out: o.Out = None,
    overwrite: o.Overwrite = False,
    server: o.Server = None,
    timeout: o.Timeout = None,
    strict: o.Strict = False,
    show_progress: o.ShowProgress = None,
    preview: o.Preview = Choice.AUTO,
    as_json: o.Json = False,
    log_json: o.LogJson = False,
    debug: o.Debug = False,
) -> Action:
    """Bring the files of a job here; wait for it first if it has not ended.

    The paths are printed on stdout. Ctrl-C leaves the job alone.
    """
    return partial(
        _take_up, prompt_id, How(server, False, timeout, out, overwrite, show_progress, strict, preview=preview)
    )


def _list(limit: int, server: str | None, terminal: Terminal) -> Answer:
    with ComfyClient(server) as client:
        jobs = client.jobs(limit)
    url = named(server)
    data = {"server": url, "jobs": [job.to_dict() for job in jobs]}
    nothing = f"no jobs: nothing runs{', waits or has ended' if limit else ' or waits'} at {url}"
    return Answer(data, table(jobs, terminal.width) or nothing)


def _take_up(prompt_id: str, how: How, terminal: Terminal, *, download: bool = True) -> Answer:
    with ComfyClient(how.server) as client:
        job = _job(client, prompt_id, how.server)
        terminal.about(job.prompt_id)
        with (
            _left_alone(job, "fetch" if download else "watch"),
            terminal.progress(how.show_progress, how.preview) as on_progress,
        ):
            result = job.result(
                how.out,
                overwrite=how.overwrite,
                download=download,
                on_progress=on_progress,
                timeout=how.timeout,
                strict=how.strict,
            )
    if not download and result.outputs:
        terminal.note(f"to bring the files here: {job_command('fetch', job.prompt_id, job.place)}")
    return report(result, job.place, simulated=False, terminal=terminal, timed=False)


@contextmanager
def _left_alone(job: Job, command: str) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt as error:
        again = job_command(command, job.prompt_id, job.place)
        error.add_note(f"prompt {job.prompt_id}: left alone on {job.place}; to take it up again: {again}")
        raise


def _cancel(words: Sequence[str], server: str | None, terminal: Terminal) -> Answer:
    told: list[dict[str, Any]] = []
    code = DONE
    with ComfyClient(server) as client:
        for prompt_id in dict.fromkeys([_whole(client, word) for word in words]):
            try:
                became = _cancelled(client, prompt_id)
            except ComfyUIConnectionError as error:
                if not told:
                    raise
                told.append({"prompt_id": prompt_id, "became": "unclear", "error": str(error)})
                code = UNREACHABLE
                continue
            told.append({"prompt_id": prompt_id, "became": became, "error": None})
            code = code or (FAILED if became == "unknown" else DONE)
        if any(one["became"] == "unknown" for one in told):
            terminal.note(_where_to_look(client, server))
    return Answer({"server": named(server), "jobs": told}, "\n".join(_line(one) for one in told), code)


def _line(told: dict[str, Any]) -> str:
    return f"{told['prompt_id']}  {told['error'] or _BECAME[told['became']]}"


_BECAME: Final = {
    "cancelled": "cancelled",
    "ended": "had ended already",
    "unknown": "unknown: neither queued nor in the history of the server",
}


def _cancelled(client: ComfyClient, prompt_id: str) -> str:
    """Cancel a job and say in a word what became of it."""
    try:
        job = client.job(prompt_id)
    except GenerationFailedError:
        return "unknown"
    return "cancelled" if job.cancel() else "ended"


def _job(client: ComfyClient, word: str, server: str | None) -> Job:
    try:
        return client.job(_whole(client, word))
    except GenerationFailedError as error:
        remedy = _where_to_look(client, server)
        message = f"{error}.\n{remedy[0].upper()}{remedy[1:]}"
        raise GenerationFailedError(message, prompt_id=error.prompt_id) from error


def _where_to_look(client: ComfyClient, server: str | None) -> str:
    """Return where the id of a job is found that is not known by the one that was typed."""
    place = named(server)
    if executor_name(server) is not None:
        try:
            client.jobs(1)
        except ValidationError:
            return f"give the whole id, as it was printed: {place} does not tell which jobs it has"
    return f"what it has: {job_command('list', None, place)}"


def _whole(client: ComfyClient, word: str) -> str:
    """Return the id that ``word`` is, or is the only one to begin with it; as typed if there is none.

    Raises:
        ValidationError: it is too short, or several ids begin with it.
    """
    if _WHOLE_ID.fullmatch(word):
        return word
    if len(word) < _SHORTEST:
        raise ValidationError(
            f"{word!r} is no id of a job; give it whole, or at least its first {_SHORTEST} characters"
        )
    try:
        known = [job.prompt_id for job in client.jobs(_LOOK_BACK)]
    except ValidationError:  # a cloud that does not tell which jobs it has
        return word
    found = [word] if word in known else [prompt_id for prompt_id in known if prompt_id.startswith(word)]
    if len(found) > 1:
        lines = "".join(f"\n  {prompt_id}" for prompt_id in found)
        raise ValidationError(
            f"the ids of {len(found)} jobs begin with {word!r}; type more of the one you mean:{lines}"
        )
    return found[0] if found else word
