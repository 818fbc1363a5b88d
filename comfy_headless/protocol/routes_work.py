"""The routes of the queue and of the history, and those that stop what runs (0.30.0; the same in 0.3.64)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from comfy_headless.protocol.answers import filled, job_ids, post, strange, told, whole_number
from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.effects import Call, Flow
from comfy_headless.protocol.routes import queue
from comfy_headless.protocol.ticket import entry_without_keys


def queue_remaining(server: Server) -> Flow[int]:
    """GET /prompt: how many jobs wait or run."""
    value = yield from told(server, "/prompt", dict)
    info = value.get("exec_info")
    count = info.get("queue_remaining") if isinstance(info, dict) else None
    if not isinstance(count, int):
        raise strange(server, Call("GET", "/prompt"), value)
    return count


def clear_queue(server: Server) -> Flow[None]:
    """POST /queue: take all jobs out that wait; what runs goes on. Made once: others may queue meanwhile."""
    yield from post(server, "/queue", {"clear": True}, again=False)


def delete_queued(server: Server, prompt_ids: Iterable[str]) -> Flow[None]:
    """POST /queue: take these jobs out, as far as they wait; others are passed over."""
    yield from post(server, "/queue", {"delete": job_ids(prompt_ids)}, again=True)


def whole_history(server: Server, max_items: int | None = None, offset: int | None = None) -> Flow[dict[str, Any]]:
    """GET /history: entries by id, oldest first.

    Args:
        max_items: at most so many; without ``offset`` the newest of them.
        offset: entries to leave out, counted from the oldest.
    """
    most = () if max_items is None else (("max_items", str(whole_number(max_items, "max_items", least=1))),)
    skip = () if offset is None else (("offset", str(whole_number(offset, "offset"))),)
    entries = yield from told(server, "/history", dict, params=(*most, *skip), timeout=server.timing.transfer)
    return {prompt_id: entry_without_keys(entry) for prompt_id, entry in entries.items()}


def clear_history(server: Server) -> Flow[None]:
    """POST /history: forget all jobs that ended; their files stay. Made once: others may end meanwhile."""
    yield from post(server, "/history", {"clear": True}, again=False)


def delete_history(server: Server, prompt_ids: Iterable[str]) -> Flow[None]:
    """POST /history: forget these jobs; their files stay, and ids that are not there are passed over."""
    yield from post(server, "/history", {"delete": job_ids(prompt_ids)}, again=True)


def interrupt(server: Server, prompt_id: str | None = None) -> Flow[None]:
    """POST /interrupt: stop that job if it is the one that runs; without an id, whatever runs (sent once).

    A server that is too old to read the id would stop whatever runs, so the queue is looked at before.
    """
    if prompt_id is None:
        yield from post(server, "/interrupt", {}, again=False)
    elif filled(prompt_id, "prompt_id") in (yield from queue(server)).running:
        yield from post(server, "/interrupt", {"prompt_id": prompt_id}, again=True)
