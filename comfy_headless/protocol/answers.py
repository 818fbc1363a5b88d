"""What the routes of a server have in common: parts of an address, calls that are made once, refusals in one sentence.

A refusal names the server, what was asked for and the server's own words. A route that is not there is told apart from
a thing that is not there: the first is a matter of the server's age.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar
from urllib.parse import quote

from comfy_headless.errors import ComfyUIConnectionError, ValidationError
from comfy_headless.protocol.conversation import Attempt, Server, attempt, barred, offline, persist, read
from comfy_headless.protocol.effects import Call, Flow, Reply, json_body

T = TypeVar("T")

NOT_THERE = (404, 405)
"""How a server answers to a route that it has not: its web root has no such file (GET), or takes none (POST)."""


def told(
    server: Server,
    route: str,
    kind: type[T],
    *,
    params: tuple[tuple[str, str], ...] = (),
    timeout: float | None = None,
) -> Flow[T]:
    """GET JSON of one kind from a route that needs no name, patiently.

    Raises:
        ComfyUIOfflineError: nothing answers.
        ComfyUIConnectionError: the server has no such route, or gives no sensible answer within ``patience``.
    """
    call = Call("GET", route, params, timeout=timeout or server.timing.read)
    tried = yield from persist(server, call)
    if tried.status in NOT_THERE:
        raise lacks(server, call)
    if tried.problem is not None:
        raise refusal(server, tried)
    if not isinstance(tried.value, kind):
        raise strange(server, call, tried.value)
    return tried.value


def post(server: Server, route: str, body: Mapping[str, Any], *, again: bool) -> Flow[Any]:
    """POST JSON, and give the JSON of the answer (None for an empty one). See ``change``."""
    call = Call("POST", route, body=json_body(body), timeout=server.timing.read)
    return (yield from change(server, call, again=again))


def change(server: Server, call: Call, *, again: bool) -> Flow[Any]:
    """Make a call that changes something, to a route that needs no name; give the JSON of the answer.

    Args:
        again: the call may be made twice, since the second one changes nothing more.

    Raises:
        As ``told``; ComfyUIConnectionError also if the answer to a call that is made once is lost.
    """
    tried = yield from persist(server, call) if again else once(server, call)
    if tried.status in NOT_THERE:
        raise lacks(server, call)
    if tried.problem is not None:
        raise refusal(server, tried)
    return tried.value


def once(server: Server, call: Call) -> Flow[Attempt]:
    """Make a call that must not be made twice blindly.

    Raises:
        ComfyUIOfflineError: no connection, so nothing was sent.
        ComfyUIConnectionError: it was sent, and the answer is lost.
    """
    tried = yield from attempt(call)
    if tried.broken == "refused":
        raise offline(server, tried.problem or "")
    if tried.broken is not None:
        raise refusal(server, tried, hint="the server may have done it: look before you send it again")
    return tried


def whole(call: Call, reply: Reply) -> Attempt:
    """Read an answer as the bytes that came, or say what came instead; a web page of somebody in between is none."""
    if reply.status not in (200, 206):
        return read(call, reply)
    kind = reply.headers.get("content-type", "")
    if kind.startswith("text/html") and "content-disposition" not in reply.headers:
        return Attempt(problem=f"{call.method} {call.route} answered {reply.status} with a web page", status=200)
    return Attempt(reply, status=reply.status)


def refusal(server: Server, tried: Attempt, what: str = "", *, hint: str = "") -> ComfyUIConnectionError:
    """Return the error for a call that was refused or broke.

    Args:
        what: what was asked for.
        hint: what to do about it.
    """
    said = ": ".join(part for part in (server.url, what, tried.problem) if part)
    said += f"; {hint}" if hint else barred(server, tried)
    return ComfyUIConnectionError(said, url=server.url, status=tried.status)


def lacks(server: Server, call: Call) -> ComfyUIConnectionError:
    """Return the error for a route that this server has not."""
    return ComfyUIConnectionError(
        f"{server.url} has no {call.method} {call.route}: its ComfyUI is another version (0.30.0 has it), or something "
        "in front of it keeps that route away",
        url=server.url,
        status=404,
    )


def strange(server: Server, call: Call, value: Any) -> ComfyUIConnectionError:
    """Return the error for an answer of another shape than expected."""
    shown = repr(value)[:80]
    return ComfyUIConnectionError(f"{server.url}: {call.method} {call.route} answered {shown}", url=server.url)


def unknown(server: Server, what: str, name: str, known: Iterable[str]) -> ComfyUIConnectionError:
    """Return the error for a name that the server does not know: the nearest one, and all that there are."""
    names = sorted(known)
    spelt = {each.casefold(): each for each in names}
    close = difflib.get_close_matches(name.casefold(), spelt, n=1, cutoff=0.5)
    meant = f"; did you mean {spelt[close[0]]!r}?" if close else "."
    most = ", ".join(names[:40]) + (", ..." if len(names) > 40 else "")
    said = f"{server.url} has no {what} {name!r}{meant} There are: {most or 'none'}"
    return ComfyUIConnectionError(said, url=server.url, status=404)


def segment(value: Any, name: str) -> str:
    """Return a name as one part of an address, slashes in it quoted; raises ValidationError.

    Args:
        name: how the error calls it.
    """
    text = filled(value, name)
    if not {"", ".", ".."}.isdisjoint(text.replace("\\", "/").split("/")):
        raise ValidationError(f"{name}={text[:80]!r}: a name without empty parts, . and .. is expected")
    return quote(text, safe="")


def filled(value: Any, name: str) -> str:
    """Return ``value`` if it is a text that says something; raises ValidationError."""
    if isinstance(value, str) and value.strip() and "\0" not in value:
        return value
    raise ValidationError(f"{name}={repr(value)[:80]}: expected a text that is not empty")


def one_of(value: Any, name: str, known: Iterable[str]) -> str:
    """Return ``value`` if it is one of ``known``; raises ValidationError that lists them."""
    there = tuple(known)
    if isinstance(value, str) and value in there:
        return value
    raise ValidationError(f"{name}={repr(value)[:80]}; there are: {', '.join(there)}")


def whole_number(value: Any, name: str, *, least: int = 0) -> int:
    """Return ``value`` if it is a whole number of at least ``least``; raises ValidationError."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= least:
        return value
    raise ValidationError(f"{name}={repr(value)[:80]}: expected a whole number of {least} or more")


def job_ids(prompt_ids: Any) -> list[str]:
    """Return the ids of jobs as a list; raises ValidationError, also for one bare id, whose letters would be taken."""
    if isinstance(prompt_ids, Iterable) and not isinstance(prompt_ids, str | bytes | Mapping):
        return [filled(each, "prompt_ids") for each in prompt_ids]
    raise ValidationError(f"prompt_ids={repr(prompt_ids)[:80]}: expected a list of ids, as queue_prompt gives them")


def texts(value: Any) -> tuple[str, ...]:
    """Return the texts of a list."""
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()


def number(value: Any) -> float | None:
    """Return a number that a server gave, None if it gave none."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
