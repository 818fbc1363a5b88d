"""Who is told how far a job is, and how: one argument or two, plugins, and those that fail."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from comfy_headless.errors import ValidationError
from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.effects import Flow, Notify, T
from comfy_headless.protocol.events import Event, Finished, Progress, Queued, Started
from comfy_headless.protocol.plugin import Plugin, before_submit, plugins_of
from comfy_headless.protocol.telling import Teller, one_argument
from comfy_headless.protocol.timing import Timing

GRAPH = {"1": {"class_type": "SaveImage", "inputs": {}}}


def performed(flow: Flow[T]) -> T:
    """Perform a flow that only calls back."""
    answer: Any = None
    error: RuntimeError | ArithmeticError | None = None
    try:
        while True:
            effect = flow.send(answer) if error is None else flow.throw(error)
            assert isinstance(effect, Notify)
            answer, error = None, None
            try:
                answer = effect.callback(effect.event)
            except (RuntimeError, ArithmeticError) as raised:
                error = raised
    except StopIteration as done:
        value: T = done.value
        return value


class Journal(Plugin):
    """Keeps what it hears."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    def on_event(self, event: Event) -> None:
        self.heard.append(event)

    def after_result(self, result: Any) -> None:
        self.heard.append(result)


class Broken(Plugin):
    """Fails wherever it is asked to."""

    def __init__(self, *where: str) -> None:
        self.where = where

    def before_submit(self, graph: dict[str, Any]) -> None:
        self._fail("before_submit")

    def on_event(self, event: Event) -> None:
        self._fail("on_event")

    def after_result(self, result: Any) -> None:
        self._fail("after_result")

    def _fail(self, name: str) -> None:
        if name in self.where:
            raise RuntimeError(f"{name} is broken")


class Changes(Plugin):
    """Gives another graph, or changes the one it has."""

    def __init__(self, change: Callable[[dict[str, Any]], Any]) -> None:
        self.change = change

    def before_submit(self, graph: dict[str, Any]) -> Any:
        return self.change(graph)


STEP = Progress(40.0, "3", "KSampler", 2, 5)


class Callable2:
    """An object that is called."""

    def __call__(self, pct: float, msg: str) -> list[Any]:
        return [pct, msg]


def two(pct: float, msg: str) -> list[Any]:
    return [pct, msg]


def three(extra: str, pct: float, msg: str) -> list[Any]:
    return [pct, msg]


@pytest.mark.parametrize(
    "callback", [two, lambda pct, msg: [pct, msg], Callable2(), partial(three, "x"), Callable2().__call__]
)
def test_a_callback_of_two_arguments(callback: Callable[..., Any]) -> None:
    """One that needs two gets the share that is done, 0.0 to 1.0, and a sentence, as in comfy-headless 3.x."""
    told = one_argument(callback)
    assert told(STEP) == [0.4, "KSampler, step 2 of 5"]
    assert [told(each)[1] for each in (Progress(0.0, queue_position=3), Progress(0.0), Progress(100.0))] == [
        "Queue position 3",
        "Starting",
        "Completed",
    ]


def test_a_callback_of_one_argument_is_left_alone() -> None:
    """So is one with more that it does not need, one that takes anything, and one whose signature cannot be read."""
    heard: list[Any] = []

    def optional(progress: Progress, note: str = "") -> None:
        heard.append(progress)

    def anything(*arguments: Any) -> None:
        heard.append(arguments)

    for callback in (optional, anything, heard.append, print, dict.fromkeys, int):
        assert one_argument(callback) is callback


def test_plugins_hear_events() -> None:
    """The place in the queue, the start, each step and the end, once each, beside ``on_progress``."""
    journal, steps = Journal(), list[Any]()
    teller = Teller(steps.append, [journal])
    for progress in (None, Progress(0.0, queue_position=1), STEP, STEP):
        performed(teller.tell(progress))
    performed(teller.announce(Finished("done")))
    assert journal.heard == [Queued(1), Started(), STEP, Finished("done")]
    assert len(steps) == 3
    assert (teller.listens, teller.error, Teller(None).listens) == (True, None, False)


def test_who_fails_is_not_called_again(caplog: pytest.LogCaptureFixture) -> None:
    """An exception is logged once and told with its name; the others go on."""
    journal = Journal()
    teller = Teller(lambda _: 1 / 0, [Broken("on_event", "after_result"), journal])
    with caplog.at_level(logging.WARNING, "comfy_headless"):
        for _ in range(2):
            performed(teller.tell(STEP))
            performed(teller.announce(Finished("done")))
        performed(teller.finish("result"))
    assert journal.heard == [Started(), STEP, Finished("done"), Finished("done"), "result"]
    assert [record.getMessage() for record in caplog.records] == [
        "on_progress failed; it is not called again, the job goes on",
        "Broken.on_event failed; it is not called again, the job goes on",
    ]
    assert teller.error == "ZeroDivisionError: division by zero; Broken.on_event: RuntimeError: on_event is broken"
    assert teller.warnings[1] == "Broken.on_event failed and was not called again: RuntimeError: on_event is broken"


def with_plugins(*plugins: Plugin) -> Server:
    return Server("http://h", "me", Timing(), plugins=plugins)


def test_plugins_change_a_graph_one_after_the_other() -> None:
    """In place or by another one; None leaves it as it is."""

    def marked(graph: dict[str, Any]) -> None:
        graph["1"]["inputs"]["seen"] = True

    def grown(graph: dict[str, Any]) -> dict[str, Any]:
        return {**graph, "2": {"class_type": "PreviewImage", "inputs": {}}}

    graph = {"1": {"class_type": "SaveImage", "inputs": {}}}
    made = performed(before_submit(with_plugins(Plugin(), Changes(marked), Changes(grown)), graph))
    assert made == {
        "1": {"class_type": "SaveImage", "inputs": {"seen": True}},
        "2": {"class_type": "PreviewImage", "inputs": {}},
    }


@pytest.mark.parametrize("given", ["x", 5, [], {}, {"1": 5}, {"1": {"class_type": "A"}}])
def test_what_is_no_graph_is_refused(given: Any) -> None:
    """A plugin that gives something else is named."""
    with pytest.raises(ValidationError, match=r"the plugin Changes\.before_submit gave .*; expected a graph"):
        performed(before_submit(with_plugins(Changes(lambda _: given)), GRAPH))


def test_an_exception_before_a_job_passes_with_a_note() -> None:
    """It is the caller's own, as it was raised, and says whose it is."""
    with pytest.raises(RuntimeError, match="before_submit is broken") as caught:
        performed(before_submit(with_plugins(Broken("before_submit")), GRAPH))
    assert caught.value.__notes__ == ["raised by the plugin Broken.before_submit; nothing was sent"]


@pytest.mark.parametrize("plugins", [5, "x", {"a": 1}, [5], [Plugin], [object()]])
def test_what_is_no_plugin_is_refused(plugins: Any) -> None:
    """A client takes a list of instances."""
    with pytest.raises(ValidationError, match=r"comfy_headless\.Plugin"):
        plugins_of(plugins)
