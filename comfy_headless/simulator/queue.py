"""The queue and the history of one server, as ComfyUI 0.30.0 keeps them (execution.py, PromptQueue).

Pending jobs are a heap on (number, prompt_id) and are shown in heap order, not in the order in which they will run.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from comfy_headless.simulator.faults import NodeFails

MOST_HISTORY = 10000
_serial = itertools.count()


@dataclass(frozen=True, slots=True)
class Item:
    """One submitted job.

    Args:
        number: lower runs first.
        extra_data: as submitted, with client_id and create_time, without the keys that are secret.
        outputs: ids of the output nodes to run.
        doomed: nodes that fail when they run, and how.
    """

    number: float
    prompt_id: str
    graph: dict[str, Any]
    extra_data: dict[str, Any]
    outputs: list[str]
    doomed: Mapping[str, NodeFails] = field(default_factory=dict)
    serial: int = field(default_factory=lambda: next(_serial))

    def __lt__(self, other: Item) -> bool:
        return (self.number, self.prompt_id, self.serial) < (other.number, other.prompt_id, other.serial)

    @property
    def client_id(self) -> str | None:
        """The socket that is told about the job; None: nobody."""
        named = self.extra_data.get("client_id")
        return named if isinstance(named, str) else None

    def public(self) -> list[Any]:
        """Return the five elements that /queue and history show."""
        return [self.number, self.prompt_id, self.graph, self.extra_data, self.outputs]


class Queue:
    """Pending, running and finished jobs.

    Args:
        changed: called after every change, to tell all sockets.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        self.pending: list[Item] = []
        self.running: Item | None = None
        self.history: dict[str, dict[str, Any]] = {}
        self._changed = changed
        self._filled = asyncio.Event()

    @property
    def remaining(self) -> int:
        """How many jobs are pending or running."""
        return len(self.pending) + (self.running is not None)

    def put(self, item: Item) -> None:
        """Queue a job."""
        heapq.heappush(self.pending, item)
        self._filled.set()
        self._changed()

    def meets_twin(self, item: Item) -> bool:
        """Say whether queueing a job compares it with one of the same number and id, on its way up the heap."""
        place = len(self.pending)
        while place:
            place = (place - 1) // 2
            above = self.pending[place]
            if (above.number, above.prompt_id) == (item.number, item.prompt_id):
                return True
            if above < item:
                break
        return False

    async def head(self) -> Item:
        """Wait for a job and return the one that runs next, leaving it pending."""
        while not self.pending:
            self._filled.clear()
            await self._filled.wait()
        return self.pending[0]

    def start(self) -> Item:
        """Make the next job the running one."""
        self.running = heapq.heappop(self.pending)
        self._changed()
        return self.running

    def finish(self, entry: dict[str, Any]) -> None:
        """Write the running job's history; of two jobs with one id the later stays."""
        assert self.running is not None
        item, self.running = self.running, None
        if len(self.history) > MOST_HISTORY:
            self.history.pop(next(iter(self.history)))
        self.history[item.prompt_id] = {"prompt": item.public(), **entry}
        self._changed()

    def clear(self) -> None:
        """Drop all pending jobs."""
        self.pending.clear()
        self._changed()

    def delete(self, prompt_id: str) -> bool:
        """Drop one pending job; say whether there was one."""
        for item in self.pending:
            if item.prompt_id == prompt_id:
                self.pending.remove(item)
                heapq.heapify(self.pending)
                self._changed()
                return True
        return False

    def forget(self) -> None:
        """Drop everything, as a restart does; nobody is told."""
        self.pending.clear()
        self.running = None
        self.history.clear()

    def history_page(self, max_items: int | None, offset: int | None) -> dict[str, Any]:
        """Return a part of history, oldest first; ``max_items`` without ``offset`` are the newest."""
        start = -1 if offset is None else offset
        if start < 0 and max_items is not None:
            start = len(self.history) - max_items
        entries = list(self.history.items())[max(0, start) :]
        if max_items is not None:
            entries = entries[: max(1, max_items)]
        return dict(entries)
