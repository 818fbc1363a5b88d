"""Fold what a job makes into one value, as it comes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from comfy_headless.errors import GenerationTimeoutError
from comfy_headless.protocol.collect import saved_in
from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.effects import Flow
from comfy_headless.protocol.follow import Outputs
from comfy_headless.protocol.output import Output
from comfy_headless.protocol.run import Wait, begin, give_up
from comfy_headless.protocol.status import recall
from comfy_headless.protocol.telling import Teller
from comfy_headless.protocol.watch import subscribed, watch


def fold(server: Server, prompt_id: str, reduce: Callable[[Any, Output], Any], initial: Any, wait: Wait) -> Flow[Any]:
    """Wait for a job; give ``reduce(... reduce(reduce(initial, first), second) ..., last)`` of what it saved.

    Outputs come in the order in which nodes save them; those that a socket did not tell come at the end. Leaving the
    wait leaves the job alone, except when ``wait.timeout`` passes. What ``reduce`` raises ends the wait.

    Raises:
        GenerationFailedError: it failed, or the server knows no such job.
        GenerationTimeoutError: ``timeout`` passed; the prompt was cancelled.
        ComfyUIConnectionError: the server stayed away.
    """
    value = initial

    def take(output: Output) -> Flow[None]:
        nonlocal value
        value = reduce(value, output)
        yield from ()

    outputs = Outputs(server, take, prompt_id)
    started = yield from begin(wait)
    server = yield from subscribed(server, prompt_id, quiet=wait.on_progress is None)
    try:
        ticket = yield from recall(server, prompt_id)
        outputs.label = ticket.label
        entry = yield from watch(
            server,
            ticket.graph,
            prompt_id,
            teller=Teller(wait.on_progress),
            deadline=None if wait.timeout is None else started + wait.timeout,
            timeout=wait.timeout,
            executed=outputs.executed,
            at_once=True,
        )
    except GenerationTimeoutError as error:
        raise (yield from give_up(server, prompt_id, wait, sent_only=False)) from error
    for one in saved_in(entry, ticket.graph).saved:
        yield from outputs.tell(one)
    return value
