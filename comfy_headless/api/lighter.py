"""Run a job; where the server's memory runs out, say what would take less, or go down that way.

Going down frees the server's memory and changes one thing at a time, twice at the most. The seed stays, and the
deadline is that of the whole.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import Any, Final, Literal, get_args

from comfy_headless.api.learning import learn_from
from comfy_headless.api.memory_words import explained
from comfy_headless.api.preparing import Ready, Request, prepare_again, prepare_request
from comfy_headless.api.recommend import machine_with
from comfy_headless.catalog.candidates import Machine
from comfy_headless.catalog.compiler import WorkflowCompiler
from comfy_headless.catalog.facts import GIB, read_facts
from comfy_headless.catalog.lighter import StepDown, estimate_request, steps_down
from comfy_headless.catalog.preset import Preset, task_for
from comfy_headless.catalog.preset_file import Task
from comfy_headless.catalog.ways_down import merged
from comfy_headless.errors import (
    GenerationFailedError,
    GenerationRejectedError,
    GenerationTimeoutError,
    OutOfMemoryError,
    ValidationError,
)
from comfy_headless.graph.values import shown
from comfy_headless.protocol.conversation import Server, attempt
from comfy_headless.protocol.effects import Call, Deadline, Flow, Work
from comfy_headless.protocol.result import Result
from comfy_headless.protocol.routes import free
from comfy_headless.protocol.run import Wait, failed, run

logger = logging.getLogger("comfy_headless")

OnOom = Literal["raise", "lighter"]
MOST: Final = 2
"""Steps down in all: more would make something else than what was asked for."""

_NO_CARD: Final = "cpu"
"""A device of which no time is known."""


def check_on_oom(on_oom: object) -> None:
    """Raise ValidationError unless it is one of ``OnOom``."""
    if on_oom not in get_args(OnOom):
        raise ValidationError(f"on_oom={shown(on_oom)}: expected {' or '.join(get_args(OnOom))}")


def run_or_lighter(
    server: Server, request: Request, ready: Ready, wait: Wait, *, lighter: bool, started: float
) -> Flow[Result]:
    """Run what is ready and return its result.

    Args:
        lighter: go down where memory runs out; False raises.

    Raises:
        As ``run``; an OutOfMemoryError says what was estimated, what there was, what was tried, and what to try next.
    """
    descent = _Descent(server, request, ready, wait._replace(raise_on_error=True), lighter, started)
    try:
        result = yield from descent.run()
    except (GenerationFailedError, GenerationTimeoutError) as error:
        if wait.raise_on_error:
            raise
        return (yield from failed(error, started, descent.ready.label))
    yield from learn_from(server, request.presets, descent.ready.compiled, result)
    return result


class _Descent:
    """One call. ``request`` and ``ready`` are those that ran last; ``told`` says what was changed, and where."""

    def __init__(
        self, server: Server, request: Request, ready: Ready, wait: Wait, lighter: bool, started: float
    ) -> None:
        self.request, self.ready = request, ready
        self._server, self._wait, self._lighter, self._started = server, wait, lighter, started
        self._first = request, ready
        self._files_given = bool(request.values.get("files"))
        self._tried: list[StepDown] = []
        self._told: list[str] = []

    def run(self) -> Flow[Result]:
        """Run, and go down as long as memory runs out and more may be changed."""
        while True:
            ran = yield from self._once()
            if isinstance(ran, Result):
                return replace(ran, warnings=(*self._told, *ran.warnings))
            last = not self._lighter or len(self._told) == MOST
            if last:
                yield Deadline(None)  # nothing runs any more: what follows only says why
            try:
                steps, error = yield from self._look(ran, last=last)
                if last or not (yield from self._go_down(steps, error)):
                    raise error
            except GenerationTimeoutError as error:
                raise _late(ran, self._wait.timeout or 0.0) from error

    def _once(self) -> Flow[Result | OutOfMemoryError]:
        """Run what is ready; where the server refuses a model file, what it has for it is taken."""
        try:
            try:
                return (yield from self._run())
            except GenerationRejectedError as error:
                self.ready = yield from prepare_again(
                    self._server, self.request, self.ready, error, self._wait.destination
                )
                return (yield from self._run())
        except OutOfMemoryError as error:
            return error

    def _run(self) -> Flow[Result]:
        return run(self._server, self.ready.graph, self._wait, label=self.ready.label, started=self._started)

    def _look(self, ran: OutOfMemoryError, *, last: bool) -> Flow[tuple[tuple[StepDown, ...], OutOfMemoryError]]:
        """Return the steps down from here, and the error that tells them; between two runs memory is freed."""
        stats = yield from attempt(Call("GET", "/system_stats", timeout=self._server.timing.read))
        if not last:
            yield from free(self._server)
        info = yield from attempt(Call("GET", "/object_info", timeout=self._server.timing.transfer))
        told = isinstance(stats.value, dict) and isinstance(info.value, dict)
        facts = read_facts(info.value, stats.value) if told else None
        free_gb = _free_gb(stats.value) if told else None
        machine: Machine = (yield Work(machine_with, (facts, self._server.url))) if facts else Machine(None, "")
        preset, task = self._what()
        known: dict[str, Any] = {
            "files": self.ready.compiled.files,
            "vram_gb": machine.vram_gb,
            "card": machine.card or _NO_CARD,
            "pace": machine.pace,
            "presets": self.request.presets,
        }
        asked = {name: value for name, value in self._seeded().items() if name != "files" or self._files_given}
        estimated = partial(estimate_request, preset, task, asked, **known)
        found = partial(steps_down, preset, task, asked, failed_at=ran.node_type, facts=facts, **known)
        try:
            estimate = yield Work(estimated, long=True)
            steps: tuple[StepDown, ...] = yield Work(found, long=True)
        except ValidationError as error:  # such as a precision whose size nobody knows
            logger.info("no steps down: %s", error)
            estimate, steps = None, ()
        return steps, explained(ran, estimate, machine.vram_gb, free_gb, steps, self._tried)

    def _go_down(self, steps: Iterable[StepDown], error: OutOfMemoryError) -> Flow[bool]:
        """Get the first step ready that can be, rather one of another kind than before.

        Without any, what failed is run again in the memory that was freed.
        """
        before = {name for step in self._tried for name in _changed(step)}
        for step in sorted(steps, key=lambda step: not before.isdisjoint(_changed(step))):
            request = self._with(step)
            try:
                ready = yield from prepare_request(self._server, request, self._wait.destination)
            except ValidationError as problem:  # such as a file that is to end on .mp4, and a preset that makes .webm
                logger.info("%s: %s", step.argument, problem)
                continue
            notes = tuple(dict.fromkeys((*_reasons(*self._first), *ready.label.notes)))
            self.request, self.ready = request, ready._replace(label=ready.label._replace(notes=notes))
            self._tried.append(step)
            self._tell(error, f"went down with {step.argument}")
            return True
        if self._told:
            return False
        self._tell(error, "no step down is known; freed the server's memory and ran it again as it was")
        return True

    def _with(self, step: StepDown) -> Request:
        """Return the request with a step: the same seed and, of the same preset, the same files."""
        preset, task = self._what()
        files = {
            role: name for role, name in self.ready.compiled.files.items() if name != preset.at(task).files[role].name
        }
        values = merged({**self._seeded(), **({} if "preset" in step.changes else {"files": files})}, step.changes)
        return self.request._replace(preset=values.pop("preset", preset.name), values=values)

    def _what(self) -> tuple[Preset, Task]:
        task = task_for(self.request.values.get("image"), self.request.values.get("last_image"))
        return self.request.presets[self.ready.compiled.preset or ""], task

    def _seeded(self) -> dict[str, Any]:
        """Return what was asked for, with the seed that ran."""
        seed = self.ready.compiled.seed
        return {**self.request.values, **({"seed": seed} if seed is not None else {})}

    def _tell(self, error: OutOfMemoryError, what: str) -> None:
        place = f" at node {error.node_id} ({error.node_type})" if error.node_id else ""
        self._told.append(f"out of memory{place}: {what}")
        logger.warning("%s", self._told[-1])


def _changed(step: StepDown) -> set[str]:
    """Return what a step gives another value; what it only takes back does not count."""
    return {name for name, value in step.changes.items() if value is not None and name != "allow_untested"}


def _reasons(request: Request, ready: Ready) -> tuple[str, ...]:
    """Return why the preset was taken, where the caller named none: the notes that compiling alone does not give."""
    if request.preset is not None:
        return ()
    compiled = WorkflowCompiler(request.presets).compile(ready.compiled.preset or "", request.prompt, **request.values)
    return tuple(note for note in ready.label.notes if note not in compiled.notes)


def _free_gb(stats: Any) -> float | None:
    """Return the GiB that are free on the device with most memory; None if ``/system_stats`` does not say."""
    devices = [each for each in stats.get("devices") or () if isinstance(each, dict) and each.get("type") != "cpu"]
    best = max(devices, key=lambda device: _number(device.get("vram_total")) or 0.0, default={})
    free_bytes = _number(best.get("vram_free"))
    return None if free_bytes is None else free_bytes / GIB


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0 else None


def _late(ran: OutOfMemoryError, timeout: float) -> GenerationTimeoutError:
    """Return the error for a deadline that passed between two runs."""
    return GenerationTimeoutError(
        f"not done after {timeout:g} s; prompt {ran.prompt_id}: had run out of memory, nothing of it runs there",
        prompt_id=ran.prompt_id,
        timeout=timeout,
    )
