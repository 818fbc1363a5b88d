"""One job from graph to result: subscribe, submit, watch, collect.

Any end of the wait that leaves the job alive (deadline, Ctrl-C, a cancelled task) cancels that prompt on the server,
by its id. A connection that stays broken cancels nothing: the job can be taken up again.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple
from uuid import uuid4

from comfy_headless.errors import (
    ComfyHeadlessError,
    ComfyUIConnectionError,
    GenerationFailedError,
    GenerationTimeoutError,
)
from comfy_headless.protocol.collect import Collector, saved_in
from comfy_headless.protocol.conversation import Server, ask
from comfy_headless.protocol.destination import Destination, prepare
from comfy_headless.protocol.effects import Deadline, Flow, Now, Sleep, Subscribe, Work
from comfy_headless.protocol.events import Progress
from comfy_headless.protocol.result import Result
from comfy_headless.protocol.routes import cancel, history
from comfy_headless.protocol.submit import submit
from comfy_headless.protocol.watch import Teller, watch

logger = logging.getLogger("comfy_headless")

_PREVIEWS: Final[Mapping[str, Any]] = {"preview_method": "latent2rgb"}
"""Asks for a picture with each step, whatever the server was started with (ComfyUI 0.30.0, latent_preview.py; a server
that does not know it keeps it and does nothing). latent2rgb needs no model file."""


class Label(NamedTuple):
    """What a result should carry besides the files."""

    preset: str | None = None
    seed: int | None = None
    settings: Mapping[str, Any] = {}
    warnings: tuple[str, ...] = ()


class Wait(NamedTuple):
    """How to wait for a job.

    Args:
        destination: where files go; None downloads nothing.
        on_progress: called with ``Progress``; plain or async.
        timeout: seconds from the call on until the prompt is cancelled; None waits as long as it takes.
        raise_on_error: False turns a failed or timed-out generation into a result with status "failed".
    """

    destination: Destination | None = None
    on_progress: Callable[[Progress], Any] | None = None
    timeout: float | None = None
    raise_on_error: bool = True


def run(
    server: Server,
    graph: Mapping[str, Any],
    wait: Wait,
    *,
    label: Label | None = None,
    prompt_id: str | None = None,
    extra_data: Mapping[str, Any] | None = None,
    started: float | None = None,
) -> Flow[Result]:
    """Run ``graph`` and return its result. That ``wait.destination`` can be written is the caller's to ``prepare``.

    Raises:
        GenerationRejectedError, GenerationFailedError, OutOfMemoryError: the server said no.
        GenerationTimeoutError: ``timeout`` passed.
        ComfyUIConnectionError: the exchange broke.
        ResultSaveError: the job is done, but a file could not be brought here.
    """
    prompt_id = prompt_id or str(uuid4())
    if started is None:
        started = yield from begin(wait)
    server = yield from _subscribed(server, prompt_id, wait)
    if server.socket and wait.on_progress is not None:
        extra_data = {**_PREVIEWS, **(extra_data or {})}
    accepted: str | None = None
    alive = True
    try:
        accepted = yield from submit(server, graph, prompt_id, extra_data=extra_data)
        if accepted != prompt_id:  # a server too old for ids of ours
            server = yield from _subscribed(server, accepted, wait)
        result = yield from _finish(server, graph, accepted, wait, label or Label(), started)
        alive = False
        return result
    except GenerationTimeoutError as error:
        late = yield from _give_up(server, accepted or prompt_id, wait, sent_only=accepted is None)
        alive = False
        if wait.raise_on_error:
            raise late from error
        now = yield Now()
        return _failed(late, accepted or prompt_id, now - started, label or Label())
    except GenerationFailedError as error:
        alive = False
        if wait.raise_on_error:
            raise
        now = yield Now()
        return _failed(error, accepted or prompt_id, now - started, label or Label())
    except ComfyHeadlessError:
        alive = False
        raise
    finally:
        if alive:
            yield from _cancel(server, accepted or prompt_id, sent_only=accepted is None)


def begin(wait: Wait) -> Flow[float]:
    """Set the deadline of a call that begins now; give the time."""
    started = yield Now()
    if wait.timeout is not None:
        yield Deadline(started + wait.timeout, wait.timeout)
    return float(started)


def take_up(server: Server, prompt_id: str, wait: Wait, *, graph: Mapping[str, Any] | None = None) -> Flow[Result]:
    """Wait for a job that was submitted before, by whomever, and return its result.

    Leaving this wait does not cancel the job, except when ``timeout`` passes.

    Raises:
        As ``run``; GenerationFailedError also if the server knows no such job.
    """
    started = yield from begin(wait)
    if wait.destination is not None:
        yield Work(prepare, (wait.destination,))
    server = yield from _subscribed(server, prompt_id, wait)
    if graph is None:
        graph = yield from _graph_of(server, prompt_id)
    try:
        return (yield from _finish(server, graph, prompt_id, wait, Label(), started, at_once=True))
    except GenerationTimeoutError as error:
        late = yield from _give_up(server, prompt_id, wait, sent_only=False)
        if wait.raise_on_error:
            raise late from error
        now = yield Now()
        return _failed(late, prompt_id, now - started, Label())
    except GenerationFailedError as error:
        if wait.raise_on_error:
            raise
        now = yield Now()
        return _failed(error, prompt_id, now - started, Label())


def _subscribed(server: Server, prompt_id: str, wait: Wait) -> Flow[Server]:
    """Register a job at the socket; where it cannot be opened, the job is waited for as one that is polled."""
    opened = server.socket and (yield Subscribe(prompt_id, wait.on_progress is None))
    return server._replace(socket=bool(opened))


def _finish(
    server: Server,
    graph: Mapping[str, Any],
    prompt_id: str,
    wait: Wait,
    label: Label,
    started: float,
    *,
    at_once: bool = False,
) -> Flow[Result]:
    teller = Teller(wait.on_progress)
    collector = Collector(server, prompt_id, wait.destination)
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
        saved, previews = saved_in(entry, graph)
        outputs = yield from collector.collect(saved)
    finally:
        yield from collector.discard()
    warnings = [*label.warnings, *collector.warnings]
    if previews and not saved:
        warnings.append(f"the graph only made previews ({previews}); nothing was saved: use SaveVideo or SaveImage")
    elif not saved:
        warnings.append("the job ended well, but the server names nothing that it made")
    if teller.error:
        warnings.append(f"on_progress failed and was not called again: {teller.error}")
    now = yield Now()
    return Result(
        "completed",
        prompt_id,
        now - started,
        outputs,
        seed=label.seed,
        preset=label.preset,
        settings=label.settings,
        warnings=tuple(warnings),
        callback_error=teller.error,
    )


def _failed(error: ComfyHeadlessError, prompt_id: str, duration: float, label: Label) -> Result:
    return Result(
        "failed",
        prompt_id,
        duration,
        seed=label.seed,
        preset=label.preset,
        settings=label.settings,
        warnings=label.warnings,
        error=str(error),
    )


def _give_up(server: Server, prompt_id: str, wait: Wait, *, sent_only: bool) -> Flow[GenerationTimeoutError]:
    """Cancel a job whose deadline has passed; give the error that says what became of it."""
    outcome = yield from _cancel(server, prompt_id, sent_only=sent_only)
    timeout = wait.timeout or 0.0
    return GenerationTimeoutError(f"not done after {timeout:g} s; {outcome}", prompt_id=prompt_id, timeout=timeout)


def _cancel(server: Server, prompt_id: str, *, sent_only: bool) -> Flow[str]:
    """Cancel a job as far as the server lets us, and say what became of it, in a note of what made us leave too.

    A POST that is still on its way is waited for a moment.
    """
    outcome, level = f"prompt {prompt_id}: interrupted before it was cancelled; it may still run", logging.WARNING
    try:
        yield Deadline(None)
        cancelled = yield from cancel(server, prompt_id)
        if sent_only and not cancelled:
            yield Sleep(server.timing.lookup_gap / 4)
            cancelled = yield from cancel(server, prompt_id)
        if cancelled:
            outcome, level = f"prompt {prompt_id}: cancelled on the server", logging.INFO
        elif sent_only:
            outcome = f"prompt {prompt_id}: not there yet, but sent; the server may still take and run it"
        else:
            outcome, level = f"prompt {prompt_id}: not running any more: ask wait_for_completion for it", logging.INFO
    except ComfyUIConnectionError as error:
        outcome = f"prompt {prompt_id}: {error}; it may still run"
    finally:
        logger.log(level, "%s", outcome)
        leaving = sys.exception()
        if leaving is not None and not isinstance(leaving, ComfyHeadlessError):
            leaving.add_note(outcome)
    return outcome


def _graph_of(server: Server, prompt_id: str) -> Flow[Mapping[str, Any]]:
    """Return the graph of a queued, running or ended job; empty if the server does not tell."""
    queue: Any = yield from ask(server, "/queue")
    lists = [queue.get("queue_running"), queue.get("queue_pending")] if isinstance(queue, dict) else []
    items = [item for items in lists if isinstance(items, list) for item in items]
    if not any(isinstance(item, list) and len(item) > 2 and item[1] == prompt_id for item in items):
        entry = yield from history(server, prompt_id)
        items = [entry.get("prompt")] if entry is not None else []
    for item in items:
        if isinstance(item, list) and len(item) > 2 and item[1] == prompt_id and isinstance(item[2], dict):
            return item[2]
    return {}
