"""One job from graph to result: subscribe, submit, watch, collect.

Any end of the wait that leaves the job alive (deadline, Ctrl-C, a cancelled task) cancels that prompt on the server,
by its id. A connection that stays broken cancels nothing: the job can be taken up again.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, NamedTuple
from uuid import uuid4

from comfy_headless.errors import (
    ComfyHeadlessError,
    ComfyUIConnectionError,
    FeatureMissingError,
    GenerationFailedError,
    GenerationTimeoutError,
    ResultSuspectError,
)
from comfy_headless.protocol.collect import Collector, outputs_in, saved_in
from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.destination import Destination, prepare
from comfy_headless.protocol.effects import Deadline, Flow, Now, Sleep, Subscribe, Work
from comfy_headless.protocol.events import Finished, OutputReady, Progress
from comfy_headless.protocol.result import Result
from comfy_headless.protocol.routes import cancel
from comfy_headless.protocol.spent import spent
from comfy_headless.protocol.status import recall
from comfy_headless.protocol.submit import Place, submit
from comfy_headless.protocol.telling import Teller
from comfy_headless.protocol.ticket import Label, Ticket
from comfy_headless.protocol.watch import subscribed, watch

logger = logging.getLogger("comfy_headless")

_PREVIEWS: Final[Mapping[str, Any]] = {"preview_method": "latent2rgb"}
"""Asks for a picture with each step, whatever the server was started with (ComfyUI 0.30.0, latent_preview.py; a server
that does not know it keeps it and does nothing). latent2rgb needs no model file."""


class Wait(NamedTuple):
    """How to wait for a job.

    Args:
        destination: where files go; None downloads nothing.
        on_progress: called with ``Progress``; plain or async.
        timeout: seconds from the call on until the prompt is cancelled; None waits as long as it takes.
        raise_on_error: False turns a failed or timed-out generation into a result with status "failed".
        look: called with the path of a video or image and what was asked of it; gives a line for each thing that is
            off, raises FeatureMissingError where nobody can look. None looks at nothing.
        strict: what is off is an error.
    """

    destination: Destination | None = None
    on_progress: Callable[[Progress], Any] | None = None
    timeout: float | None = None
    raise_on_error: bool = True
    look: Callable[[str, Mapping[str, Any]], tuple[str, ...]] | None = None
    strict: bool = False


def run(
    server: Server,
    graph: Mapping[str, Any],
    wait: Wait,
    *,
    label: Label = Label(),  # noqa: B008 - an immutable tuple
    started: float | None = None,
) -> Flow[Result]:
    """Run ``graph`` and return its result. That ``wait.destination`` can be written is the caller's to ``prepare``.

    Raises:
        GenerationRejectedError, GenerationFailedError, OutOfMemoryError: the server said no.
        GenerationTimeoutError: ``timeout`` passed.
        ComfyUIConnectionError: the exchange broke.
        ResultSaveError: the job is done, but a file could not be brought here.
        ResultSuspectError: the job is done, ``strict``, and something is off.
    """
    prompt_id = str(uuid4())
    if started is None:
        started = yield from begin(wait)
    wait = yield from _limited(server, wait, started)
    server = yield from subscribed(server, prompt_id, quiet=not _heard(server, wait))
    extra_data = label.extra_data()
    if server.socket and _heard(server, wait):
        extra_data |= _PREVIEWS
    accepted: str | None = None
    alive = True
    try:
        accepted = yield from submit(server, graph, prompt_id, extra_data=extra_data)
        if accepted != prompt_id:  # a server too old for ids of ours
            server = yield from subscribed(server, accepted, quiet=not _heard(server, wait))
        result = yield from _finish(server, graph, accepted, wait, label, started)
        alive = False
        return (yield from _looked_at(result, wait, label))
    except GenerationTimeoutError as error:
        late = yield from give_up(server, accepted or prompt_id, wait, sent_only=accepted is None)
        alive = False
        if wait.raise_on_error:
            raise late from error
        return (yield from failed(late, started, label))
    except GenerationFailedError as error:
        alive = False
        if wait.raise_on_error:
            raise
        return (yield from failed(error, started, label, prompt_id=accepted or prompt_id))
    except ComfyHeadlessError:
        alive = False
        raise
    finally:
        if alive:
            yield from _cancel(server, accepted or prompt_id, sent_only=accepted is None)


def _heard(server: Server, wait: Wait) -> bool:
    """Say whether somebody wants to know how far a job is."""
    return wait.on_progress is not None or bool(server.plugins)


def begin(wait: Wait) -> Flow[float]:
    """Set the deadline of a call that begins now; give the time."""
    started = yield Now()
    if wait.timeout is not None:
        yield Deadline(started + wait.timeout, wait.timeout)
    return float(started)


def _limited(server: Server, wait: Wait, started: float) -> Flow[Wait]:
    """Set the deadline of the server's own, where it has one and the call has none."""
    limit = server.executor.timeout if server.executor is not None and wait.timeout is None else None
    if limit is None:
        return wait
    yield Deadline(started + limit, limit)
    return wait._replace(timeout=limit)


def submit_new(
    server: Server,
    graph: Mapping[str, Any],
    label: Label = Label(),  # noqa: B008 - an immutable tuple
    *,
    prompt_id: str | None = None,
    extra_data: Mapping[str, Any] | None = None,
    place: Place = Place(),  # noqa: B008 - an immutable tuple
) -> Flow[Ticket]:
    """Queue ``graph``, to be left to itself; give its ticket.

    The socket is open before, so that whoever takes the job up next finds it open.

    Args:
        prompt_id: None: a new one. One that the server has already is run once more.
        extra_data: goes over what is sent along of our own.
        place: where in the queue, and what of it.

    Raises:
        As ``submit``; GenerationTimeoutError where the server has a deadline of its own and is full for so long.
    """
    prompt_id = prompt_id or str(uuid4())
    sent = label.extra_data()
    if server.socket:
        yield Subscribe(prompt_id)
        sent |= _PREVIEWS
    started = yield Now()
    wait = yield from _limited(server, Wait(), started)
    try:
        accepted = yield from submit(server, graph, prompt_id, extra_data={**sent, **(extra_data or {})}, place=place)
    except GenerationTimeoutError as error:
        raise (yield from give_up(server, prompt_id, wait, sent_only=True)) from error
    yield Deadline(None)
    return Ticket(accepted, graph, label)


def take_up(server: Server, ticket: Ticket | str, wait: Wait) -> Flow[Result]:
    """Wait for a job that was submitted before, by whomever, and return its result.

    Leaving this wait does not cancel the job, except when ``timeout`` passes.

    Args:
        ticket: the job; its id will do, the server is asked for the rest.

    Raises:
        As ``run``; GenerationFailedError also if the server knows no such job.
    """
    started = yield from begin(wait)
    wait = yield from _limited(server, wait, started)
    if wait.destination is not None:
        yield Work(prepare, (wait.destination,))
    prompt_id = ticket if isinstance(ticket, str) else ticket.prompt_id
    server = yield from subscribed(server, prompt_id, quiet=not _heard(server, wait))
    try:
        if isinstance(ticket, str):
            ticket = yield from recall(server, ticket)
        graph, label = ticket.graph, ticket.label
        result = yield from _finish(server, graph, prompt_id, wait, label, started, at_once=True)
    except GenerationTimeoutError as error:
        late = yield from give_up(server, prompt_id, wait, sent_only=False)
        if wait.raise_on_error:
            raise late from error
        return (yield from failed(late, started, _label_of(ticket)))
    except GenerationFailedError as error:
        if wait.raise_on_error:
            raise
        return (yield from failed(error, started, _label_of(ticket), prompt_id=prompt_id))
    return (yield from _looked_at(result, wait, label))


def _label_of(ticket: Ticket | str) -> Label:
    return Label() if isinstance(ticket, str) else ticket.label


class _Finished(NamedTuple):
    """A job that ended well, and who was told."""

    result: Result
    teller: Teller


def _finish(
    server: Server,
    graph: Mapping[str, Any],
    prompt_id: str,
    wait: Wait,
    label: Label,
    started: float,
    *,
    at_once: bool = False,
) -> Flow[_Finished]:
    teller = Teller(wait.on_progress, server.plugins)
    destination = wait.destination and wait.destination._replace(stem=label.stem)
    collector = Collector(server, prompt_id, destination, label)
    try:
        entry = yield from watch(
            server,
            graph,
            prompt_id,
            teller=teller,
            deadline=None if wait.timeout is None else started + wait.timeout,
            timeout=wait.timeout,
            executed=collector.executed,
            at_once=at_once,
        )
        saved, previews, unread = saved_in(entry, graph)
        cost = spent(entry)
        outputs = yield from collector.collect(saved)
    except (GenerationFailedError, GenerationTimeoutError) as error:
        yield from teller.announce(Finished("failed", str(error)))
        raise
    finally:
        yield from collector.discard()
    for event in (*map(OutputReady, outputs), Finished("done")):
        yield from teller.announce(event)
    warnings = [*collector.warnings, *unread]
    if previews and not saved:
        count = len(previews)
        warnings.append(f"the graph only made previews ({count}); nothing was saved: use SaveVideo or SaveImage")
    elif not saved:
        warnings.append("the job ended well, but the server names nothing that it made")
    now = yield Now()
    result = Result(
        "completed",
        prompt_id,
        now - started,
        outputs,
        seed=label.seed,
        preset=label.preset,
        settings=label.settings,
        notes=label.notes,
        warnings=(*warnings, *teller.warnings),
        callback_error=teller.error,
        worked=cost.seconds,
        kept=cost.kept,
        previews=tuple(one.output(server, prompt_id=prompt_id, label=label) for one in previews),
        raw=outputs_in(entry),
        cost=_cost_in(entry) if server.executor is not None else None,
        enhanced=label.enhanced,
    )
    return _Finished(result, teller)


def _cost_in(entry: Mapping[str, Any]) -> Mapping[str, Any] | None:
    told = entry.get("cost")
    return told if isinstance(told, dict) else None


def _looked_at(done: _Finished, wait: Wait, label: Label) -> Flow[Result]:
    """Look at what was made, then give it to the plugins."""
    result, teller = done
    result = yield from _with_findings(result, wait, label)
    before = len(teller.warnings)
    yield from teller.finish(result)
    more = teller.warnings[before:]
    return replace(result, warnings=(*result.warnings, *more), callback_error=teller.error) if more else result


def _with_findings(result: Result, wait: Wait, label: Label) -> Flow[Result]:
    """Open each video that is here, or each image of a preset; what is off is a warning, or an error if strict."""
    shown = result.videos or (result.images if label.preset else [])
    paths = [output.path for output in shown if output.path is not None]
    if not paths or wait.look is None:
        return result
    found: list[str] = []
    suspect = None
    for path in paths:
        try:
            lines = yield from _look(wait.look, str(path), label, result.prompt_id)
        except FeatureMissingError as error:
            return replace(result, warnings=(*result.warnings, f"nobody looked at the {shown[0].kind}: {error}"))
        found += [line if len(paths) == 1 else f"{path.name}: {line}" for line in lines]
        suspect = suspect or (path if lines else None)
    if suspect is not None and wait.strict:
        raise ResultSuspectError(
            "\n".join([f"{suspect} is made and kept, but looks wrong:", *(f"  {line}" for line in found)]),
            path=str(suspect),
            warnings=tuple(found),
        )
    return replace(result, warnings=(*result.warnings, *found), looked=True)


def _look(
    look: Callable[[str, Mapping[str, Any]], tuple[str, ...]], path: str, label: Label, prompt_id: str
) -> Flow[tuple[str, ...]]:
    """Look at one file. What ends this early is told in a note where the file is."""
    lines: tuple[str, ...] | None = None
    try:
        lines = yield Work(look, (path, label.asked), long=True)
        return lines
    finally:
        leaving = sys.exception()
        if lines is None and leaving is not None and not isinstance(leaving, ComfyHeadlessError):
            leaving.add_note(f"prompt {prompt_id}: done, {path} is here; only the look at it was interrupted")


def failed(
    error: GenerationFailedError | GenerationTimeoutError, started: float, label: Label, *, prompt_id: str = ""
) -> Flow[Result]:
    """Give the result that stands for an error where none is to be raised.

    Args:
        prompt_id: the job, where the error does not name it.
    """
    now = yield Now()
    return Result(
        "failed",
        error.prompt_id or prompt_id,
        now - started,
        seed=label.seed,
        preset=label.preset,
        settings=label.settings,
        notes=label.notes,
        error=str(error),
        enhanced=label.enhanced,
    )


def give_up(server: Server, prompt_id: str, wait: Wait, *, sent_only: bool) -> Flow[GenerationTimeoutError]:
    """Cancel a job whose deadline has passed; give the error that says what became of it."""
    outcome = yield from _cancel(server, prompt_id, sent_only=sent_only)
    timeout = wait.timeout or 0.0
    return GenerationTimeoutError(f"not done after {timeout:g} s; {outcome}", prompt_id=prompt_id, timeout=timeout)


def _cancel(server: Server, prompt_id: str, *, sent_only: bool) -> Flow[str]:
    """Cancel a job as far as the server lets us, and say what became of it, in a note of what made us leave too.

    A POST that is still on its way is waited for a moment. A second interrupt ends this at once.
    """
    lives = f"it may still run on {server.url}"
    if server.executor is None or not sent_only:
        lives += f": comfy-headless jobs cancel {prompt_id} --server {server.named}"
    outcome, level = f"prompt {prompt_id}: interrupted before it was cancelled; {lives}", logging.WARNING
    try:
        if isinstance(sys.exception(), KeyboardInterrupt):  # somebody sits there and waits
            logger.warning("cancelling prompt %s on %s ... (Ctrl-C again leaves at once)", prompt_id, server.url)
        yield Deadline(None)
        cancelled = yield from cancel(server, prompt_id)
        if sent_only and not cancelled and server.executor is None:
            yield Sleep(server.timing.lookup_gap / 4)
            cancelled = yield from cancel(server, prompt_id)
        if cancelled:
            outcome, level = f"prompt {prompt_id}: cancelled on the server", logging.INFO
        elif sent_only and server.executor is not None:
            outcome, level = f"prompt {prompt_id}: {server.executor.name} does not have it; nothing runs", logging.INFO
        elif sent_only:
            outcome = f"prompt {prompt_id}: not there yet, but sent; the server may still take and run it"
        else:
            outcome, level = f"prompt {prompt_id}: had ended already: client.job(prompt_id) brings it", logging.INFO
    except ComfyUIConnectionError as error:
        outcome = f"prompt {prompt_id}: {error}; {lives}"
    finally:
        leaving = sys.exception()
        if leaving is not None and not isinstance(leaving, ComfyHeadlessError):
            leaving.add_note(outcome)
            vars(leaving)["prompt_id"] = prompt_id  # for whoever reports it in parts
        logger.log(level, "%s", outcome)
    return outcome
