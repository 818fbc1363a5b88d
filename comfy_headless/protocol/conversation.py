"""Ask a ComfyUI server something that may be asked twice, and read its answers.

Rules: only calls that change nothing are repeated; a connection that is refused at the very first call means that
nothing is there (``ComfyUIOfflineError``, at once); an answer that is not what was asked for (5xx, 429, HTML) is
waited out up to ``patience``; other refusals end at once with the server's words.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Container, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlsplit

from comfy_headless.errors import ComfyUIConnectionError, ComfyUIOfflineError, without_secrets
from comfy_headless.protocol.access import OPEN, Access
from comfy_headless.protocol.effects import Broken, Call, Flow, Now, Reply, Sleep
from comfy_headless.protocol.executor import Executor
from comfy_headless.protocol.known import Known
from comfy_headless.protocol.timing import Timing

if TYPE_CHECKING:
    from comfy_headless.protocol.plugin import Plugin

logger = logging.getLogger("comfy_headless")

_WELL: Final = (200, 201, 204)


class Server(NamedTuple):
    """Who is talked to, as whom, and how patiently.

    Args:
        address: base address, without a trailing slash; it may carry a login (``http://user:password@host``).
        socket: frames are wanted.
        access: what else lets one in.
        known: what was learned of it before; None keeps nothing.
        executor: what runs jobs there, if it is no ComfyUI server.
        plugins: what looks at graphs, events and results of a client's jobs.
        drive: performs a flow with a server of this kind, on connections of its own; None where nobody can.
        word: what stands for the executor where an address is typed; empty where nobody knows one.
    """

    address: str
    client_id: str
    timing: Timing
    socket: bool = True
    access: Access = OPEN
    known: Known | None = None
    executor: Executor | None = None
    plugins: tuple[Plugin, ...] = ()
    drive: Callable[..., Any] | None = None
    word: str = ""

    @property
    def url(self) -> str:
        """The address as it may be shown: without what lets one in."""
        return without_secrets(self.address)

    @property
    def named(self) -> str:
        """What is typed at ``--server`` to mean it."""
        return self.url if self.executor is None else self.word or self.executor.name.lower().replace(" ", "-")

    def __repr__(self) -> str:
        return f"Server({self.url}, {self.access!r})"


class Attempt(NamedTuple):
    """What one call gave: a JSON ``value``, or the ``problem`` in words, and how long the server asks to wait."""

    value: Any = None
    problem: str | None = None
    status: int | None = None
    retry_after: float | None = None
    broken: str | None = None

    @property
    def passing(self) -> bool:
        """True if the same call may succeed later."""
        return self.status is None or self.status in (*_WELL, 408, 425, 429) or self.status >= 500


def read(call: Call, reply: Reply) -> Attempt:
    """Read an answer as JSON, or say what came instead."""
    if reply.status in _WELL:
        try:
            return Attempt(reply.json() if reply.body else None, status=reply.status)
        except ValueError:
            problem = f"{call.method} {call.route} answered {reply.status} without JSON: {reply.first_line()}"
            return Attempt(problem=without_secrets(problem), status=reply.status)
    elsewhere = reply.headers.get("location")
    words = f"go to {elsewhere}" if elsewhere and 300 <= reply.status < 400 else reply.first_line()
    problem = without_secrets(f"{call.method} {call.route} answered {reply.status}: {words}")
    return Attempt(problem=problem, status=reply.status, retry_after=retry_after(reply))


def attempt(call: Call, reading: Callable[[Call, Reply], Attempt] = read) -> Flow[Attempt]:
    """Perform ``call`` once; every way in which it can fail becomes a sentence."""
    try:
        reply: Reply = yield call
    except Broken as broken:
        return Attempt(problem=f"{call.method} {call.route}: {broken}", broken=broken.kind)
    return reading(call, reply)


def retry_after(reply: Reply) -> float | None:
    """Return the Retry-After header in seconds (0-3600), None if there is none (dates are not understood)."""
    value = reply.headers.get("retry-after", "")
    return min(3600.0, float(value)) if value.replace(".", "", 1).isdecimal() else None


def _sleep(seconds: float) -> Flow[None]:
    yield Sleep(seconds)


def ask(
    server: Server,
    route: str,
    *,
    params: Sequence[tuple[str, str]] = (),
    timeout: float | None = None,
    first: bool = True,
    pause: Callable[[float], Flow[None]] = _sleep,
) -> Flow[Any]:
    """GET JSON, patiently.

    Args:
        first: nothing is known of this server yet: a refused connection is final.
        pause: waits so many seconds before the call is made again.

    Raises:
        ComfyUIOfflineError: refused, and ``first``.
        ComfyUIConnectionError: refused with a reason, or no sensible answer within ``patience``.
    """
    call = Call("GET", route, params, timeout=timeout or server.timing.read)
    tried = yield from persist(server, call, first=first, pause=pause)
    if tried.problem is not None:
        raise ComfyUIConnectionError(
            f"{server.url}: {tried.problem}{barred(server, tried)}", url=server.url, status=tried.status
        )
    return tried.value


def persist(
    server: Server,
    call: Call,
    *,
    first: bool = True,
    reading: Callable[[Call, Reply], Attempt] = read,
    final: Container[int] = (),
    pause: Callable[[float], Flow[None]] = _sleep,
) -> Flow[Attempt]:
    """Make a call that may be made twice until it succeeds, is refused with a reason, or ``patience`` ends.

    Args:
        reading: what reads an answer.
        final: statuses that are refusals here, though they pass elsewhere.
        pause: waits so many seconds before the call is made again.

    Raises:
        ComfyUIOfflineError: no connection, and ``first``.
    """
    timing = server.timing
    started = yield Now()
    wait = timing.retry
    while True:
        tried = yield from attempt(call, reading)
        if tried.problem is None:
            return tried
        if tried.broken == "refused" and first:
            raise offline(server, tried.problem)
        now = yield Now()
        if not tried.passing or tried.status in final or now - started > timing.patience:
            return tried
        first = first and tried.broken is not None
        logger.info("%s; asking again", tried.problem)
        yield from pause(max(wait, tried.retry_after or 0.0))
        wait = min(wait * 2, timing.last_poll)


def barred(server: Server, tried: Attempt) -> str:
    """Return what to do where the server, or a proxy before it, lets nobody in, to be put behind the problem."""
    if tried.status not in (401, 403, 407):
        return ""
    sent = bool(server.access.headers or server.access.cookies) or "@" in server.address
    head = "another login may be wanted than was sent" if sent else "if a login is wanted"
    return f"; {head}: give token=, auth= or headers=, or COMFY_HEADLESS_TOKEN for the server of COMFY_HEADLESS_URL"


def offline(server: Server, problem: str) -> ComfyUIOfflineError:
    """Return the error for a server that is not there."""
    if "CERTIFICATE_VERIFY_FAILED" in problem:
        return ComfyUIOfflineError(
            f"the certificate of {server.url} is not trusted here ({problem}). Name the file that vouches for it with "
            "ca= or COMFY_HEADLESS_CA; verify=False takes any certificate, so that anybody between can read along",
            url=server.url,
        )
    parts = urlsplit(server.url)
    plain = parts.port is None and parts.scheme == "http" and not parts.path
    port = f"{server.url}:8188 is ComfyUI's own port. " if plain else ""
    return ComfyUIOfflineError(
        f"no ComfyUI answers at {server.url} ({problem}). {port}Start it (comfy-headless serve FOLDER, or python "
        "main.py), name another with server=, --server or COMFY_HEADLESS_URL, or try without one: comfy-headless "
        "simulate",
        url=server.url,
    )
