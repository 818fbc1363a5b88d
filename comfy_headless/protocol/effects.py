"""The effects that flows yield and transports perform.

A flow is a generator: it yields an effect, is sent what came of it, and returns the result. The order of calls, the
timeouts and the recovery are written once, in flows; ``transport.sync`` and ``transport.aio`` only perform effects.
Whatever goes wrong while an effect is performed (``Broken``, ``KeyboardInterrupt``, a cancelled task, an exception
of a callback) is thrown into the flow at that place, so ``try`` and ``finally`` in a flow mean what they say.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Generic, TypeAlias, TypeVar

from comfy_headless.errors import ValidationError
from comfy_headless.protocol.entries import read_json
from comfy_headless.protocol.frames import Frame

T = TypeVar("T")
Flow: TypeAlias = Generator["Effect", Any, T]


class Broken(Exception):
    """The exchange broke below HTTP.

    ``kind``: "refused" (no connection, nothing was sent), "timeout" (sent, no answer in time), "reset" (the
    connection ended in between). ``headers``: those of the answer, if it had begun.
    """

    def __init__(self, kind: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{kind}: {detail}" if detail else kind)
        self.kind = kind
        self.detail = detail
        self.headers = headers or {}


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer; header names are lower case. After a ``Download`` the body is empty unless it was refused."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""
    _read: list[Any] = field(default_factory=list, compare=False, repr=False)
    _reading: Lock = field(default_factory=Lock, compare=False, repr=False)

    def json(self) -> Any:
        """Return the body as JSON, read once for all who share this answer; raises ValueError where it is none."""
        with self._reading:
            if not self._read:
                try:
                    self._read.append(read_json(self.body))
                except RecursionError as error:
                    raise ValueError("it is nested too deeply") from error
            return self._read[0]

    @property
    def text(self) -> str:
        """The body as UTF-8 text; a byte that is none becomes a replacement character."""
        return self.body.decode("utf-8", "replace")

    def first_line(self) -> str:
        """Return the first line of the body, at most 200 characters, for error messages."""
        lines = self.body[:2000].decode("utf-8", "replace").strip().splitlines()
        return lines[0][:200] if lines else "(empty body)"


def json_body(value: Any) -> bytes:
    """Return ``value`` as the JSON body of a call; raises ValidationError for what JSON cannot hold."""
    try:
        return json.dumps(value, allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise ValidationError(f"this cannot be sent as JSON: {error}") from error


@dataclass(frozen=True, slots=True)
class Part:
    """A file to send in a multipart form: the field's name, the file's name, and a local path or its bytes."""

    field: str
    filename: str
    content: str | bytes


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP exchange; ``body`` is JSON unless ``headers`` say otherwise, ``timeout`` seconds of silence.

    ``route``: of the server, or an absolute address. To the latter goes what stands here, and nothing that lets one in
    at the server.

    Gives a ``Reply`` of any status; throws ``Broken``. ``limit``: seconds after which it breaks, even if it is answered
    bit by bit; None: as long as something comes. ``shared``: what another flow's call of the route gave will do, if it
    began at most so many seconds ago; None: ask for oneself.
    """

    method: str
    route: str
    params: Sequence[tuple[str, str]] = ()
    body: bytes | None = None
    form: Sequence[tuple[str, str]] = ()
    parts: Sequence[Part] = ()
    timeout: float = 10.0
    limit: float | None = None
    shared: float | None = None
    headers: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Download:
    """GET a file into the local file ``part``, from byte ``offset`` on (the file is cut to it first).

    ``route``: as of a ``Call``.

    Gives a ``Reply``; only answers 200 and 206 are written. Throws ``Broken`` (what came before stays in the file)
    and ``OSError`` of the local file. A 200 to a request with an offset starts the file anew.
    """

    route: str
    params: Sequence[tuple[str, str]]
    part: str
    offset: int = 0
    timeout: float = 30.0
    headers: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Subscribe:
    """Register ``prompt_id`` at the kept socket, opening it if need be. Gives True if the socket is open.

    ``quiet``: only frames that tell what the job made and that it ended.
    """

    prompt_id: str
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Listen:
    """Wait for the next frame of ``prompt_id``. Gives a ``Frame`` or None after ``timeout`` seconds.

    A frame of type ``LOST`` says that the socket dropped. Without a socket this is a plain wait.
    """

    prompt_id: str
    timeout: float


@dataclass(frozen=True, slots=True)
class Stream:
    """Make ``call``, whose answer is a stream of server-sent events, and give these out by ``Listen`` as they come.

    Each is a ``Frame`` of ``prompt_id`` with the event's name and data. One of type ``LOST`` says that the stream ended
    or could not be opened, ``final`` in it that there is none. It ends with the flow at the latest. Gives None at once.
    """

    prompt_id: str
    call: Call


@dataclass(frozen=True, slots=True)
class Attend:
    """Open the kept socket if it is not open, whatever came of it before. Gives None, or what stands against it."""


@dataclass(frozen=True, slots=True)
class HangUp:
    """Drop the kept socket, as if it had been lost."""


@dataclass(frozen=True, slots=True)
class Announce:
    """Give a frame of our own to all who listen to everything."""

    frame: Frame


@dataclass(frozen=True, slots=True)
class Notify:
    """Call the caller's callback, plain or async, with an event; give what it gives.

    Its exceptions are thrown into the flow.
    """

    callback: Callable[[Any], Any]
    event: Any


@dataclass(frozen=True, slots=True)
class Work:
    """Call ``function(*args)``: a few calls of the file system, too short for a thread to be worth its while.

    ``long``: it is long enough: on asyncio other flows go on meanwhile.
    """

    function: Callable[..., Any]
    args: tuple[Any, ...] = ()
    long: bool = False


@dataclass(frozen=True, slots=True)
class Fetch:
    """Call ``function(*args, stop)`` in a thread of its own: an exchange with a host that is not the server.

    ``stop`` is set when nobody waits for it any more: the deadline has passed, or the wait was left. Then the function
    is to end soon; what it gives is dropped. ``limit``: seconds after which ``Broken`` is thrown ("timeout"), whatever
    the function does; None: as long as it takes.
    """

    function: Callable[..., Any]
    args: tuple[Any, ...] = ()
    limit: float | None = None


@dataclass(frozen=True, slots=True)
class Tell:
    """Give an event to whoever iterates over this flow, and go on when the next one is asked for."""

    event: Any


@dataclass(frozen=True, slots=True)
class Sleep:
    """Wait that many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Deadline:
    """Let no exchange of this flow outlast ``timing.grace`` seconds after the time ``at`` of the transport's clock.

    Then ``GenerationTimeoutError`` is thrown, once: what the flow does about it is under no deadline. Callbacks and
    files are left alone: the first are the caller's, the second are quick. None: there is no deadline any more.
    """

    at: float | None
    timeout: float = 0.0


@dataclass(frozen=True, slots=True)
class Now:
    """Give the time of the transport's clock, in seconds."""


@dataclass(frozen=True, slots=True)
class Done(Generic[T]):
    """How a transport notes the end of a flow; no effect."""

    value: T


Effect: TypeAlias = (
    Call
    | Download
    | Subscribe
    | Listen
    | Stream
    | Attend
    | HangUp
    | Announce
    | Notify
    | Work
    | Fetch
    | Tell
    | Sleep
    | Deadline
    | Now
)
