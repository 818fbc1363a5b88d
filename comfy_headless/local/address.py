"""Where a ComfyUI of this machine listens: free ports, and what answers there."""

from __future__ import annotations

import http.client
import json
import socket
from typing import Any, Final

_EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}
_ANSWER: Final = 5.0


def reachable(host: str) -> str:
    """Return the address by which this machine reaches what listens on ``host``, of several the first."""
    first = host.split(",")[0].strip()
    return _EVERYWHERE.get(first, first)


def base_url(host: str, port: int) -> str:
    """Return the address of a server for a client."""
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def free_port(host: str) -> int:
    """Return a port that nothing listens on now; raises OSError if there is no such host."""
    with socket.socket(_family(host)) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def is_free(host: str, port: int) -> bool:
    """Say whether nothing listens there; raises OSError if there is no such host, or a port is not for everybody."""
    with socket.socket(_family(host)) as probe:
        probe.settimeout(_ANSWER)
        return probe.connect_ex((host, port)) != 0


def system_at(host: str, port: int) -> dict[str, Any] | None:
    """Return what a ComfyUI that answers there says of its system, None if there is none; never through a proxy."""
    connection = http.client.HTTPConnection(host, port, timeout=_ANSWER)
    try:
        connection.request("GET", "/system_stats")
        reply = connection.getresponse()
        told = json.loads(reply.read()) if reply.status == 200 else None
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()
    system = told.get("system") if isinstance(told, dict) else None
    return system if isinstance(system, dict) else None


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
