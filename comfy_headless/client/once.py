"""Perform one flow on connections of its own, for whoever holds no client: a function, an output fetched later."""

from __future__ import annotations

import time

from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.effects import Flow, T
from comfy_headless.transport.sync import HttpClient, SyncTransport


def drive_once(server: Server, flow: Flow[T], *, http: HttpClient | None = None) -> T:
    """Perform ``flow`` in this thread, and close everything.

    Args:
        http: a client of the caller's that makes all requests.
    """
    transport = SyncTransport(server, clock=time.monotonic, http=http)
    try:
        return transport.drive(flow)
    finally:
        transport.close()
