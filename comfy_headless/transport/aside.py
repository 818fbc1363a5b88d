"""A fetch in a thread of its own, which goes on for no longer than somebody waits for it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

from comfy_headless.protocol.effects import Fetch


@contextmanager
def aside(effect: Fetch) -> Iterator[Future[Any]]:
    """Begin a fetch and give what will come of it; at the end of the block the fetch is told to stop.

    Nothing waits for the thread: what it is in the middle of, such as looking up a name, may take its time.
    """
    stop = threading.Event()
    future: Future[Any] = Future()
    future.set_running_or_notify_cancel()  # so that nobody else can settle it

    def fetch() -> None:
        try:
            future.set_result(effect.function(*effect.args, stop))
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            future.set_exception(error)

    try:
        threading.Thread(target=fetch, name="comfy-headless-fetch", daemon=True).start()
        yield future
    finally:
        stop.set()
