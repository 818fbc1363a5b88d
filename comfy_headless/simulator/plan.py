"""Which faults strike now: counts the meetings of each fault, and nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from comfy_headless.simulator.faults import Fault

F = TypeVar("F", bound=Fault)


@dataclass(frozen=True, slots=True)
class Subject:
    """The job a meeting is about: its prompt_id, and its place in the order of submission."""

    prompt_id: str
    place: int


@dataclass(slots=True)
class _Entry:
    fault: Fault
    met: int = 0
    struck: int = 0
    since: float | None = None


@dataclass(slots=True)
class Plan:
    """The faults of one simulator."""

    _entries: list[_Entry] = field(default_factory=list)
    clock: Callable[[], float] = time.monotonic

    def add(self, faults: Iterable[Fault]) -> None:
        """Take more faults; the order of adding is the order of striking."""
        self._entries.extend(_Entry(fault) for fault in faults)

    def clear(self) -> None:
        """Drop all faults."""
        self._entries.clear()

    def has(self, kind: type[Fault]) -> bool:
        """Say whether a fault of that kind was ever added."""
        return any(isinstance(entry.fault, kind) for entry in self._entries)

    def strikes(
        self, kind: type[F], *, about: Subject | None = None, where: Callable[[F], bool] = lambda _: True
    ) -> list[F]:
        """Return the faults of a kind that strike at this meeting, and count it.

        Args:
            about: the job at hand; a fault for one job strikes at that one only.
            where: says whether this is a meeting for the fault (the route, the node).
        """
        return [
            entry.fault
            for entry in list(self._entries)
            if isinstance(entry.fault, kind)
            and _concerns(entry.fault, about)
            and where(entry.fault)
            and self._counted(entry)
        ]

    def _counted(self, entry: _Entry) -> bool:
        entry.met += 1
        fault = entry.fault
        if entry.met <= fault.skip:
            return False
        if fault.seconds is not None:
            now = self.clock()
            entry.since = now if entry.since is None else entry.since
            return now - entry.since < fault.seconds
        if fault.times is not None and entry.struck >= fault.times:
            return False
        entry.struck += 1
        return True


def _concerns(fault: Fault, about: Subject | None) -> bool:
    if fault.job is None:
        return True
    return about is not None and fault.job in (about.prompt_id, about.place)
