"""How long a server worked on a job, and what it had already: the messages of a history entry, with their times."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

_LATEST: Final = 2**63
"""Milliseconds since 1970; no clock shows as many."""


class Spent(NamedTuple):
    """What a job cost the server.

    Args:
        seconds: from the first node to the last; None if its history has no times.
        kept: ids of the nodes whose results it still had.
    """

    seconds: float | None
    kept: tuple[str, ...]


def spent(entry: Mapping[str, Any]) -> Spent:
    """Read a history entry; what is not as expected is passed over."""
    status = entry.get("status")
    messages = status.get("messages") if isinstance(status, dict) else None
    told = {
        pair[0]: pair[1]
        for pair in (messages if isinstance(messages, list) else ())
        if isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str) and isinstance(pair[1], dict)
    }
    begun, ended = (_time(told.get(name)) for name in ("execution_start", "execution_success"))
    nodes = told.get("execution_cached", {}).get("nodes")
    kept = tuple(str(node) for node in nodes) if isinstance(nodes, list) else ()
    return Spent((ended - begun) / 1000 if begun is not None and ended is not None and ended >= begun else None, kept)


def _time(data: Any) -> int | None:
    """Return the time of a message in milliseconds; servers before 0.3 have none."""
    stamp = data.get("timestamp") if isinstance(data, dict) else None
    return stamp if isinstance(stamp, int) and not isinstance(stamp, bool) and 0 <= stamp < _LATEST else None
