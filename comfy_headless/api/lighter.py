"""Run a job; where the server's memory runs out, say what would take less, or go down that way.

Going down frees the server's memory and changes one thing at a time, twice at the most; a step that the server refuses
does not count. The seed stays, and the deadline is that of the whole.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from textwrap import shorten
from typing import Any, Final, Literal, NamedTuple, get_args

from comfy_headless.api.learning import learn_from
from comfy_headless.api.memory_words import AGAIN, explained
from comfy_headless.api.preparing import Ready, Request, plan_request, prepare, prepare_again
from comfy_headless.api.recommend import machine_of, machine_with
from comfy_headless.catalog.candidates import NO_CARD, Machine
from comfy_headless.catalog.compiler import WorkflowCompiler
from comfy_headless.catalog.facts import read_facts, read_free_gb
from comfy_headless.catalog.lighter import StepDown, estimate_request, steps_down
from comfy_headless.catalog.preset import Preset, task_for
from comfy_headless.catalog.preset_file import Task
from comfy_headless.catalog.vram import VramEstimate
from comfy_headless.catalog.ways_down import merged
from comfy_headless.errors import (
    ComfyHeadlessError,
    GenerationFailedError,
    GenerationRejectedError,
    GenerationTimeoutError,
    OutOfMemoryError,
    ValidationError,
)
from comfy_headless.graph.values import shown
from comfy_headless.protocol.conversation import Server, attempt
from comfy_headless.protocol.effects import Call, Deadline, Flow, T, Work
from comfy_headless.protocol.result import Result
from comfy_headless.protocol.routes import free
from comfy_headless.protocol.run import Wait, failed, run

logger = logging.getLogger("comfy_headless")

OnOom = Literal["raise", "lighter"]
MOST: Final = 2
"""Steps down in all: more would make something else than what was asked for."""

_WORDS: Final = 400
"""Characters of a refusal that are repeated where something else failed."""


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
        result = yield from failed(error, started, descent.at.ready.label)
        return replace(result, warnings=descent.at.told)
    yield from learn_from(server, request.presets, descent.at.ready.compiled, result)
    return result


class _At(NamedTuple):
    """How far down a call is.

    Args:
        request: what ran last, as ``ready``.
        tried: the steps that were taken.
        again: whether the same was run again in the memory that was freed.
        told: what was changed, and where memory had run out.
    """

    request: Request
    ready: Ready
    tried: tuple[StepDown, ...] = ()
    again: bool = False
    told: tuple[str, ...] = ()


class _Seen(NamedTuple):
    """What is known after memory ran out: estimate, GiB of the card, what of them is free, the steps down."""

    estimate: VramEstimate | None
    vram_gb: float | None
    free_gb: float | None
    steps: tuple[StepDown, ...]


class _Descent:
    """One call; ``at`` is what ran last."""

    def __init__(
        self, server: Server, request: Request, ready: Ready, wait: Wait, lighter: bool, started: float
    ) -> None:
        self.at = _At(request, ready)
        self._server, self._wait, self._lighter, self._started = server, wait, lighter, started
        self._first = request, ready
        self._files_given = bool(request.values.get("files"))
        self._refused: dict[str, str] = {}

    def run(self) -> Flow[Result]:
        """Run, and go down as long as memory runs out and more may be changed."""
        ran = yield from self._once()
        while not isinstance(ran, Result):
            last = not self._lighter or len(self.at.tried) + self.at.again == MOST
            if last:
                yield Deadline(None)  # nothing runs any more: what follows only says why
            seen = yield from self._between(self._look(ran, last=last), ran)
            went = None if last else (yield from self._go_down(seen.steps, ran))
            if went is None:
                raise self._explained(ran, seen)
            ran = went
        return replace(ran, warnings=(*self.at.told, *ran.warnings))

    def _once(self) -> Flow[Result | OutOfMemoryError]:
        """Run what is ready; where the server refuses a model file, what it has for it is taken."""
        try:
            try:
                return (yield from self._run())
            except GenerationRejectedError as error:
                ready = yield from prepare_again(
                    self._server, self.at.request, self.at.ready, error, self._wait.destination
                )
                self.at = self.at._replace(ready=ready)
                return (yield from self._run())
        except OutOfMemoryError as error:
            return error

    def _run(self) -> Flow[Result]:
        ready = self.at.ready
        return run(self._server, ready.graph, self._wait, label=ready.label, started=self._started)

    def _between(self, flow: Flow[T], ran: OutOfMemoryError) -> Flow[T]:
        """Perform what is done between two runs; a deadline that passes meanwhile says that nothing runs."""
        try:
            return (yield from flow)
        except GenerationTimeoutError as error:
            raise _late(ran, self._wait.timeout or 0.0) from error

    def _look(self, ran: OutOfMemoryError, *, last: bool) -> Flow[_Seen]:
        """Return what is known, and the steps down from here; between two runs memory is freed."""
        machine, free_gb = yield from self._there(last=last)
        facts = machine.facts
        preset, task = self._what()
        known: dict[str, Any] = {
            "files": self.at.ready.compiled.files,
            "vram_gb": machine.vram_gb,
            "card": machine.card or NO_CARD,
            "pace": machine.pace,
            "presets": self.at.request.presets,
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
        return _Seen(estimate, machine.vram_gb, free_gb, steps)

    def _there(self, *, last: bool) -> Flow[tuple[Machine, float | None]]:
        """Return what it runs on, and GiB that are free there; between two runs the server's memory is freed."""
        if self._server.executor is not None:  # the next run has another machine, maybe
            return (yield from machine_of(self._server)), None
        stats = yield from attempt(Call("GET", "/system_stats", timeout=self._server.timing.read))
        if not last:
            yield from free(self._server)
        info = yield from attempt(Call("GET", "/object_info", timeout=self._server.timing.transfer))
        if not isinstance(stats.value, dict) or not isinstance(info.value, dict):
            return Machine(None, ""), None
        facts = read_facts(info.value, stats.value)
        return (yield Work(machine_with, (facts, self._server.url))), read_free_gb(stats.value)

    def _explained(self, ran: OutOfMemoryError, seen: _Seen) -> OutOfMemoryError:
        steps = [step for step in seen.steps if step.argument not in self._refused]
        return explained(
            ran,
            seen.estimate,
            seen.vram_gb,
            seen.free_gb,
            steps,
            self.at.tried,
            again=self.at.again,
            refused=self._refused,
        )

    def _go_down(self, steps: Iterable[StepDown], ran: OutOfMemoryError) -> Flow[Result | OutOfMemoryError | None]:
        """Run with the first step that can be made and that the server takes, rather one of another kind than before.

        Without any, what failed is run again in the memory that was freed. None if nothing ran.
        """
        before = {name for step in self.at.tried for name in _changed(step)}
        left = [step for step in steps if step.argument not in self._refused]
        for step in sorted(left, key=lambda step: not before.isdisjoint(_changed(step))):
            request = self._with(step)
            try:
                request, ready = yield from self._between(self._prepared(request), ran)
            except ValidationError as problem:  # such as a file that is to end on .mp4, and a preset that makes .webm
                logger.info("%s: %s", step.argument, problem)
                continue
            except GenerationRejectedError as refused:
                self._refuse(step.argument, refused, ran)
                continue
            notes = tuple(dict.fromkeys((*_reasons(*self._first), *ready.label.notes)))
            ready = ready._replace(label=ready.label._replace(notes=notes))
            lower = self.at._replace(request=request, ready=ready, tried=(*self.at.tried, step))
            went = yield from self._take(lower, step.argument, ran, f"went down with {step.argument}")
            if went is not None:
                return went
        if self.at.tried or self.at.again or self._refused:
            return None
        what = "no step down is known; freed the server's memory and ran it again as it was"
        return (yield from self._take(self.at._replace(again=True), AGAIN, ran, what))

    def _prepared(self, request: Request) -> Flow[tuple[Request, Ready]]:
        destination, timeout = self._wait.destination, self._wait.timeout
        until = None if timeout is None else self._started + timeout
        request, compiled = yield from plan_request(self._server, request, destination, until=until)
        return request, (yield from prepare(self._server, request, compiled, destination))

    def _take(self, lower: _At, name: str, ran: OutOfMemoryError, what: str) -> Flow[Result | OutOfMemoryError | None]:
        """Run from further down; None, and all as it was, where the server refuses that."""
        before = self.at
        self.at = lower._replace(told=(*before.told, _told(ran, what)))
        logger.warning("%s", self.at.told[-1])
        try:
            return (yield from self._once())
        except (GenerationRejectedError, ValidationError) as refused:
            self.at = before
            self._refuse(name, refused, ran)
            return None

    def _refuse(self, name: str, error: ComfyHeadlessError, ran: OutOfMemoryError) -> None:
        """Keep what was refused, and why, in a line."""
        self._refused[name] = shorten(str(error), _WORDS, placeholder=" ...")
        told = _told(ran, f"{name} was refused: {self._refused[name]}")
        self.at = self.at._replace(told=(*self.at.told, told))
        logger.warning("%s", told)

    def _with(self, step: StepDown) -> Request:
        """Return the request with a step: the same seed and, of the same preset, the same files."""
        preset, task = self._what()
        files = {
            role: name
            for role, name in self.at.ready.compiled.files.items()
            if name != preset.at(task).files[role].name
        }
        values = merged({**self._seeded(), **({} if "preset" in step.changes else {"files": files})}, step.changes)
        return self.at.request._replace(preset=values.pop("preset", preset.name), values=values)

    def _what(self) -> tuple[Preset, Task]:
        task = task_for(self.at.request.values.get("image"), self.at.request.values.get("last_image"))
        return self.at.request.presets[self.at.ready.compiled.preset or ""], task

    def _seeded(self) -> dict[str, Any]:
        """Return what was asked for, with the seed that ran."""
        seed = self.at.ready.compiled.seed
        return {**self.at.request.values, **({"seed": seed} if seed is not None else {})}


def _told(ran: OutOfMemoryError, what: str) -> str:
    place = f" at node {ran.node_id} ({ran.node_type})" if ran.node_id else ""
    return f"out of memory{place}: {what}"


def _changed(step: StepDown) -> set[str]:
    """Return what a step gives another value; what it only takes back does not count."""
    return {name for name, value in step.changes.items() if value is not None and name != "allow_untested"}


def _reasons(request: Request, ready: Ready) -> tuple[str, ...]:
    """Return why the preset was taken, where the caller named none: the notes that compiling alone does not give."""
    if request.preset is not None:
        return ()
    compiled = WorkflowCompiler(request.presets).compile(ready.compiled.preset or "", request.prompt, **request.values)
    return tuple(note for note in ready.label.notes if note not in compiled.notes)


def _late(ran: OutOfMemoryError, timeout: float) -> GenerationTimeoutError:
    """Return the error for a deadline that passed between two runs."""
    return GenerationTimeoutError(
        f"not done after {timeout:g} s; prompt {ran.prompt_id}: had run out of memory, nothing of it runs there",
        prompt_id=ran.prompt_id,
        timeout=timeout,
    )
