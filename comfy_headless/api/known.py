"""What a server has, asked as seldom as may be: once for each client, and not even once if its version is known.

What is remembered may let a graph pass, and never rejects one: whoever finds something wrong by it asks anew
(``anew=True``), since a file may have come a second ago.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

from comfy_headless.api.known_file import Kept, read_kept, version_of, write_kept
from comfy_headless.errors import without_secrets
from comfy_headless.graph.ages import version_in
from comfy_headless.graph.schemas import Schemas
from comfy_headless.graph.well_formed import is_well_formed
from comfy_headless.protocol import routes
from comfy_headless.protocol.conversation import Attempt, Server, attempt, offline
from comfy_headless.protocol.effects import Broken, Call, Flow, Now, Reply, Work
from comfy_headless.protocol.entries import LARGE, read_json
from comfy_headless.protocol.executor import Executor
from comfy_headless.protocol.known import Known, Told

logger = logging.getLogger("comfy_headless")

LASTS: Final = 600.0
"""Seconds after which what is remembered is held to the server's version again."""

_TOGETHER: Final = 1.0
"""Jobs that begin within so many seconds of each other ask together."""


class Nodes(NamedTuple):
    """The node classes of a server.

    Args:
        raw: as ``GET /object_info`` tells them.
        version: of the server, as it says itself; None if it does not.
        fresh: whether they were asked for just now.
        asked: whether this client has asked for them in the last ``LASTS`` seconds; else an earlier process has.
    """

    raw: Mapping[str, Any]
    schemas: Schemas
    version: str | None
    fresh: bool
    asked: bool = True


class _Unknown(Exception):
    """The server does not tell now; ``str`` says why."""


def nodes_of(server: Server, *, anew: bool = False) -> Flow[Nodes | None]:
    """Return what a server has, None if it does not tell within ``Timing.check``: said once for each client.

    Args:
        anew: what is remembered does not count.

    Raises:
        ComfyUIOfflineError: nothing answers, so no job can be sent either.
    """
    if server.executor is not None:
        return (yield from _told_by(server, server.executor, anew=anew))
    try:
        told, fresh = yield from _told(server, anew=anew)
    except _Unknown as reason:
        known = server.known
        if known is None or not known.warned:
            logger.warning("%s: jobs are sent without being checked before: %s", server.url, reason)
        if known is not None:
            known.warned = True
        return None
    return Nodes(told.nodes, told.indexed, told.version, fresh, told.asked)


def _told_by(server: Server, executor: Executor, *, anew: bool) -> Flow[Nodes | None]:
    """Return what an executor has, remembered as of a server; None where it does not tell."""
    now = yield Now()
    told = server.known.told if server.known else None
    fresh = anew or told is None or told.at is None or now - told.at >= LASTS
    if told is None or fresh:
        raw = yield from executor.nodes(server)
        if not isinstance(raw, Mapping) or not any(map(is_well_formed, raw.values())):
            return None
        indexed = yield Work(Schemas.from_object_info, (raw,), long=True)
        told = Told(raw, now, None, None, indexed)
        if server.known is not None:
            server.known.told = told
    return Nodes(told.nodes, told.indexed, told.version, fresh)


def asked_now(server: Server) -> Flow[tuple[Mapping[str, Any], dict[str, Any]]]:
    """Ask a server, patiently, what it has and what it runs on: ``/object_info`` and ``/system_stats``.

    What it has is remembered for the check before the job; a check that asked a moment ago has asked for this too.

    Raises:
        ComfyUIOfflineError: nothing answers.
        ComfyUIConnectionError: no sensible answer within ``patience``.
    """
    stats = yield from routes.system_stats(server)
    now = yield Now()
    known = server.known
    told = known.told if known else None
    if told is not None and told.asked and told.at is not None and now - told.at < _TOGETHER:
        return told.nodes, stats
    nodes = yield from routes.object_info(server)
    if known is not None and any(map(is_well_formed, nodes.values())):
        known.told = Told(nodes, now, version_in(stats), None, Schemas.from_object_info(nodes))
    return nodes, stats


def _told(server: Server, *, anew: bool) -> Flow[tuple[Told, bool]]:
    now = yield Now()
    known = server.known
    remembered = known.told if known else None
    if remembered is not None and remembered.at is not None and not anew and now - remembered.at < LASTS:
        return remembered, False
    limit = server.timing.check
    stats = yield from attempt(Call("GET", "/system_stats", timeout=limit, limit=limit, shared=_TOGETHER))
    if stats.broken == "refused" and (yield Now()) - now < limit:
        raise offline(server, stats.problem or "")
    if not isinstance(stats.value, dict):
        raise _Unknown(_words(stats))
    version = version_of(stats.value)
    kept: Kept | None = yield Work(read_kept, (server.url,), long=True)
    if kept is not None and kept.version != version:
        kept = None
    found = None if kept is None or anew else (yield from _recalled(server, kept, now, remembered))
    fresh = found is None
    if found is None:
        found, kept = yield from _asked(server, version, kept, now)
    found = found._replace(version=version_in(stats.value))
    if known is not None:
        known.told = found
    if fresh and kept is not None:
        yield Work(write_kept, (server.url, kept), long=True)
    return found, fresh


def _asked(server: Server, version: str, kept: Kept | None, now: float) -> Flow[tuple[Told, Kept | None]]:
    """Ask the server; give what it told, and what is to be kept of it if that is new."""
    named = (("If-None-Match", kept.etag),) if kept is not None and kept.etag else ()
    limit = server.timing.check
    call = Call("GET", "/object_info", timeout=limit, limit=limit, shared=_TOGETHER, headers=named)
    try:
        reply: Reply = yield call
    except Broken as broken:
        raise _Unknown(f"GET /object_info: {broken}") from None
    if reply.status == 304 and kept is not None:
        same = yield from _recalled(server, kept, now, server.known.told if server.known else None)
        if same is not None:
            return same._replace(at=now, asked=True), None
    if reply.status != 200:
        raise _Unknown(without_secrets(f"GET /object_info answered {reply.status}: {reply.first_line()}"))
    nodes = yield Work(_json, (reply,), long=len(reply.body) > LARGE)
    known = server.known
    if known is not None and known.told is not None and known.told.nodes is nodes:
        return known.told._replace(at=now), None  # somebody has shared this answer, and read it already
    etag = reply.headers.get("etag")
    if not isinstance(nodes, dict) or not any(map(is_well_formed, nodes.values())):
        raise _Unknown(f"GET /object_info answered something else: {reply.first_line()}")
    return Told(nodes, now, None, etag, Schemas.from_object_info(nodes)), Kept(version, etag, reply.body)


def _json(reply: Reply) -> Any:
    try:
        return _read(reply.body) if len(reply.body) <= LARGE else reply.json()
    except (ValueError, RecursionError):
        return None


@lru_cache(maxsize=1)
def _read(body: bytes) -> Any:
    """Read what a server tells each of its clients alike: once, as long as it says the same."""
    return read_json(body)


def _recalled(server: Server, kept: Kept, now: float, before: Told | None) -> Flow[Told | None]:
    """Read what was kept on the disk, once for all jobs that do so together; None if that cannot be read.

    Args:
        before: what was remembered when the job began.
    """
    known = server.known or Known()
    found: Told | None = yield Work(_indexed, (known, kept, now, before), long=len(kept.body) > LARGE)
    return found


def _indexed(known: Known, kept: Kept, now: float, before: Told | None) -> Told | None:
    with known.reading:
        if known.told is not before:
            return known.told  # somebody else has read it meanwhile
        try:
            nodes = _read(kept.body) if len(kept.body) <= LARGE else read_json(kept.body)
        except (ValueError, RecursionError) as error:
            logger.debug("what was kept of a server is no JSON: %s", error)
            return None
        if not isinstance(nodes, dict):
            return None
        known.told = Told(nodes, now, None, kept.etag, Schemas.from_object_info(nodes), asked=False)
        return known.told


def _words(tried: Attempt) -> str:
    return tried.problem or "GET /system_stats answered something else"
