"""What both clients take: who the server is, and how to wait for a job."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, Unpack, cast
from uuid import uuid4

from comfy_headless.client.executors import executor_name, executor_of, transport_of, word_of
from comfy_headless.client.looking import look_at
from comfy_headless.client.reaching import Reaching, access_of
from comfy_headless.config import server_url
from comfy_headless.errors import ValidationError
from comfy_headless.features import require
from comfy_headless.graph.source import Graph, read_graph
from comfy_headless.graph.values import nearest, shown
from comfy_headless.protocol.access import Access
from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.destination import read_out
from comfy_headless.protocol.events import Progress
from comfy_headless.protocol.executor import Executor
from comfy_headless.protocol.known import Known
from comfy_headless.protocol.run import Wait
from comfy_headless.protocol.timing import Timing
from comfy_headless.transport.socket import socket_wanted

_LONGEST_POLL: Final = 3600.0
TRANSPORTS = ("auto", "websocket", "polling")

_ID: Final = re.compile(r"\w[\w.:-]*")  # what it may be inside an address; ComfyUI 0.30.0 takes lower-case UUIDs only


def server_of(
    url: str | Executor | None,
    transport: str | None,
    timing: Timing,
    client_id: str | None,
    *,
    poll_seconds: float | None = None,
    **reaching: Unpack[Reaching],
) -> Server:
    """Return whom a client talks to, and as whom; raises ValidationError, TypeError for an argument of no client."""
    for name in reaching.keys() - Reaching.__annotations__.keys():
        own = ("url", "transport", "client_id", "poll_seconds", "http", "timing", "plugins")
        there = (*own, *Reaching.__annotations__)
        close = "; calls that wait take it." if name == "timeout" else nearest(name, there)
        raise TypeError(f"a client has no argument {name!r}{close} There are: {', '.join(there)}")
    executor = executor_of(url)
    transport = "polling" if executor is not None and transport is None else transport_of(transport)
    if transport not in TRANSPORTS:
        raise ValidationError(f"transport={transport!r}; there are: {', '.join(TRANSPORTS)}")
    if executor is None and url is not None and not isinstance(url, str):
        raise ValidationError(f"server {url!r} is not an address; expected text such as http://localhost:8188")
    if client_id is not None and not (isinstance(client_id, str) and _ID.fullmatch(client_id)):
        raise ValidationError(f"client_id={shown(client_id)}: expected letters, digits, and . : - _")
    if poll_seconds is not None:
        number = isinstance(poll_seconds, (int, float)) and not isinstance(poll_seconds, bool)
        if not (number and 0 < poll_seconds <= _LONGEST_POLL):
            raise ValidationError(f"poll_seconds={shown(poll_seconds)}: expected seconds, 0 to {_LONGEST_POLL:g}")
        timing = timing._replace(first_poll_alone=poll_seconds, last_poll_alone=poll_seconds)
    if executor is not None:
        named = client_id or uuid4().hex
        timing = executor.timing if timing == Timing() else timing
        access = _access_to(executor, reaching)
        word = executor_name(url) if url is None or isinstance(url, str) else word_of(executor)
        return Server(executor.address, named, timing, False, access, Known(), executor, word=word or "")
    url = cast("str | None", url)
    access = access_of(url, **reaching)
    return Server(server_url(url), client_id or uuid4().hex, timing, socket_wanted(transport), access, Known())


def _access_to(executor: Executor, reaching: Reaching) -> Access:
    """Return what is known of the connections to an executor: it says itself who one is."""
    given = [name for name in reaching if name not in ("ca", "verify")]
    if given:
        raise ValidationError(f"{given[0]}=: {executor.name} is told who you are by its own arguments; see its class")
    return access_of(executor.address, **reaching)._replace(headers=(), cookies=(), comfy_org_key=None)


def graph_of(workflow: Mapping[str, Any]) -> Graph:
    """Return a graph to queue as it is, checked and copied; raises ValidationError."""
    if isinstance(workflow, (str, bytes, os.PathLike)):
        raise ValidationError(
            f"workflow={shown(workflow)}: queue_prompt takes the graph itself, as json.load gives it; "
            "run_workflow takes the path of a file"
        )
    return read_graph(workflow)


def job_id(prompt_id: str) -> str:
    """Return ``prompt_id`` if it can be the id of a job; raises ValidationError."""
    if isinstance(prompt_id, str) and _ID.fullmatch(prompt_id):
        return prompt_id
    raise ValidationError(f"prompt_id={shown(prompt_id)}: expected the id of a job, as queue_prompt gives it")


def count(value: int, name: str) -> int:
    """Return ``value`` if it is a whole number of at least 0; raises ValidationError."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise ValidationError(f"{name}={shown(value)}: expected a whole number of 0 or more")


def wait_of(
    *,
    out: str | os.PathLike[str] | None,
    overwrite: bool,
    on_progress: Callable[[Progress], Any] | None,
    timeout: float | None,
    raise_on_error: bool,
    strict: bool,
    download: bool = True,
) -> Wait:
    """Return how to wait; raises ValidationError, FeatureMissingError."""
    check_wait(on_progress, timeout)
    if strict and not download:
        raise ValidationError("strict=True: only a video that is brought here is looked at; give out=")
    if strict:
        require("media", "strict=True")
    destination = read_out(out, overwrite=overwrite) if download else None
    return Wait(destination, on_progress, timeout, raise_on_error, look_at, strict)


def check_wait(on_progress: Callable[[Progress], Any] | None, timeout: float | None) -> None:
    """Raise ValidationError for a deadline that is none, or a callback that cannot be called."""
    number = isinstance(timeout, (int, float)) and not isinstance(timeout, bool)
    if timeout is not None and not (number and timeout > 0):
        raise ValidationError(f"timeout={timeout!r}: give seconds above 0, or None to wait as long as it takes")
    if on_progress is not None and not callable(on_progress):
        raise ValidationError(f"on_progress={on_progress!r} cannot be called; give a function of one argument")
