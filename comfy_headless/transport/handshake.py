"""Open a WebSocket once, to see whether it opens."""

from __future__ import annotations

import time
from typing import NamedTuple
from uuid import uuid4

from comfy_headless.errors import without_secrets
from comfy_headless.features import require
from comfy_headless.protocol.conversation import Server
from comfy_headless.transport.reach import Reach


class Handshake(NamedTuple):
    """How opening went.

    Args:
        seconds: until the first frame was there; None if it did not open.
        problem: why it did not open, or that no frame came.
    """

    seconds: float | None
    problem: str | None


def shake_hands(server: Server, limit: float) -> Handshake:
    """Open the WebSocket of a server under a name of its own, wait for the first frame, and close it.

    ComfyUI sends its status to whoever connects (server.py, 0.30.0): a socket that stays silent is cut on the way.

    Args:
        limit: seconds for each step.

    Raises:
        FeatureMissingError: the extra ``websocket`` is not installed.
    """
    require("websocket", "opening a WebSocket")
    from websockets.exceptions import WebSocketException
    from websockets.sync.client import connect

    began = time.monotonic()
    try:
        with connect(**Reach(server).socket_options(uuid4().hex, limit)) as connection:
            connection.recv(timeout=limit)
            return Handshake(time.monotonic() - began, None)
    except (OSError, WebSocketException) as error:  # TimeoutError is an OSError
        return Handshake(None, without_secrets(str(error) or type(error).__name__))
