"""Tell callers how far a job is: ``on_progress``, and the plugins of a client.

An exception in one of them is logged once and ends its calls; it never ends the job.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from comfy_headless.protocol.effects import Flow, Notify
from comfy_headless.protocol.events import Event, Preview, Progress, Queued, Started, picture_type

if TYPE_CHECKING:
    from comfy_headless.protocol.plugin import Plugin

logger = logging.getLogger("comfy_headless")


class Teller:
    """Calls ``on_progress`` with each step, and plugins with each event.

    ``errors`` holds what became of those that failed, ``warnings`` the same in sentences.
    """

    def __init__(self, callback: Callable[..., Any] | None, plugins: Sequence[Plugin] = ()) -> None:
        self._callback = None if callback is None else one_argument(callback)
        self._plugins = list(plugins)
        self._events = ProgressEvents()
        self.errors: list[str] = []
        self.warnings: list[str] = []

    @property
    def error(self) -> str | None:
        """Why somebody is not told any more, None if all are."""
        return "; ".join(self.errors) or None

    @property
    def listens(self) -> bool:
        """True while there is somebody to tell."""
        return self._callback is not None or bool(self._plugins)

    def tell(self, progress: Progress | None) -> Flow[None]:
        """Tell ``progress``, unless there is nobody to tell or nothing to say."""
        if progress is None:
            return
        if self._callback is not None and not (yield from self._call("on_progress", self._callback, progress)):
            self._callback = None
        for event in self._events.of(progress) if self._plugins else ():
            yield from self.announce(event)

    def announce(self, event: Event) -> Flow[None]:
        """Tell an event to the plugins."""
        for plugin in tuple(self._plugins):
            if not (yield from self._call(f"{plugin}.on_event", plugin.on_event, event)):
                self._plugins.remove(plugin)

    def finish(self, result: Any) -> Flow[None]:
        """Give the plugins a result."""
        for plugin in tuple(self._plugins):
            yield from self._call(f"{plugin}.after_result", plugin.after_result, result)

    def _call(self, name: str, function: Callable[[Any], Any], value: Any) -> Flow[bool]:
        try:
            yield Notify(function, value)
        except Exception as error:
            logger.warning("%s failed; it is not called again, the job goes on", name, exc_info=True)
            words = f"{type(error).__name__}: {error}"
            self.errors.append(words if name == "on_progress" else f"{name}: {words}")
            self.warnings.append(f"{name} failed and was not called again: {words}")
            return False
        return True


class ProgressEvents:
    """Turns what ``on_progress`` is called with into the events of ``job.events()``."""

    def __init__(self) -> None:
        self._started = False
        self._last: Progress | None = None

    def of(self, progress: Progress) -> Iterator[Event]:
        """Yield what is new: the place in the queue, the start, a picture, a step."""
        if progress.queue_position:
            yield Queued(progress.queue_position)
            return
        if not self._started:
            if progress.progress >= 100:  # it had ended before
                return
            self._started = True
            yield Started()
        if progress.preview is not None:
            yield Preview(progress.preview, picture_type(progress.preview), progress.node)
        step = replace(progress, preview=None, eta=None)
        if step != self._last and (progress.node is not None or progress.progress):
            self._last = step
            yield replace(progress, preview=None)


def one_argument(callback: Callable[..., Any]) -> Callable[[Progress], Any]:
    """Return ``callback`` as one of ``Progress`` alone: one that needs two arguments is of comfy-headless 3.x.

    Such a one is called with the share that is done (0.0 to 1.0) and a sentence. One whose signature cannot be read
    takes ``Progress``.
    """
    try:
        signature = inspect.signature(callback)
    except (ValueError, TypeError):
        return callback
    if _takes(signature, 1) or not _takes(signature, 2):
        return callback
    return lambda progress: callback(progress.progress / 100, _sentence(progress))


def _takes(signature: inspect.Signature, count: int) -> bool:
    try:
        signature.bind(*[None] * count)
    except TypeError:
        return False
    return True


def _sentence(progress: Progress) -> str:
    if progress.queue_position:
        return f"Queue position {progress.queue_position}"
    if progress.progress >= 100:
        return "Completed"
    step = f", step {progress.step} of {progress.steps}" if progress.steps else ""
    return f"{progress.title}{step}" if progress.title else "Starting"
