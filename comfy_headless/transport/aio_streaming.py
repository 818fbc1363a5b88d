"""Streams of events on asyncio: each is read by a task of its own, into the mailbox of its job."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import httpx

from comfy_headless.protocol.frames import LOST, Frame
from comfy_headless.protocol.server_events import EventReader
from comfy_headless.transport.http import BREAKS
from comfy_headless.transport.streaming import is_none

logger = logging.getLogger("comfy_headless")


async def read_events(
    prompt_id: str, opened: AbstractAsyncContextManager[httpx.Response], put: Callable[[Frame], object]
) -> None:
    """Read one stream until it ends; then a frame of the type ``LOST`` says so. To stop it, cancel its task."""
    final = False
    try:
        async with opened as response:
            final = is_none(response)
            if not final and response.status_code == 200:
                reader = EventReader(prompt_id)
                async for line in response.aiter_lines():
                    frame = reader.read(line)
                    if frame is not None:
                        put(frame)
    except (*BREAKS, OSError) as error:
        logger.debug("the stream of events ended: %s", error)
    put(Frame(LOST, prompt_id, {"final": final}))
