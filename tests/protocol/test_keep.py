"""Which ends nobody heard: the flow that keeps the socket, on answers and frames given to it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest

from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.effects import Announce, Attend, Call, HangUp, Listen, Now, Reply
from comfy_headless.protocol.frames import BACK, CLOSED, CONNECTED, LOST, QUEUED, Frame
from comfy_headless.protocol.keep import keep, keepers, queued_by
from comfy_headless.protocol.timing import Timing

TIMING = Timing()
OPEN = Frame(CONNECTED)
START = Frame("execution_start", "p", {"prompt_id": "p"})
END = Frame("executing", "p", {"node": None, "prompt_id": "p"})
ENTRY = {"prompt": [0, "p", {}, {"client_id": "me"}, []], "outputs": {}, "status": {"status_str": "success"}}


class World:
    """A server and a clock, for one run of the flow.

    Args:
        heard: pairs of a time and the frame that comes then; the last is followed by the end.
        queue: jobs in the queue: ids and the clientId of each.
        history: entries by id.
        refuses: so many times the socket cannot be opened.
        lasts: so long the first sockets stay open that are opened again.
    """

    def __init__(
        self,
        heard: Iterable[tuple[float, Frame]],
        *,
        queue: dict[str, str] | None = None,
        history: dict[str, Any] | None = None,
        refuses: int = 0,
        lasts: Iterable[float] = (),
        until: float = 1000.0,
    ) -> None:
        self.heard = [*heard, (until, Frame(CLOSED))]
        self.queue, self.history, self.refuses = queue or {}, history or {}, refuses
        self.lasts = [*lasts]
        self.now = 0.0
        self.told: list[tuple[float, Frame]] = []
        self.attended: list[float] = []
        self.hung_up: list[float] = []
        self.asked: list[tuple[float, str]] = []

    def run(self, jobs: dict[str, bool] | None = None) -> World:
        """Perform the flow to its end."""
        flow, answer = keep(Server("http://h", "me", TIMING), jobs or {}), None
        try:
            while True:
                answer = self.perform(flow.send(answer))
        except StopIteration:
            return self

    def perform(self, effect: Any) -> Any:
        match effect:
            case Now():
                return self.now
            case Listen(_, timeout):
                when, frame = self.heard[0]
                if when <= self.now + timeout:
                    self.now = max(self.now, when)
                    self.heard.pop(0)
                    return frame
                self.now += timeout
                return None
            case Attend():
                self.attended.append(self.now)
                self.refuses -= 1
                if self.refuses >= 0:
                    return "refused"
                drops = [(self.now + self.lasts.pop(0), Frame(LOST))] if self.lasts else []
                self.heard[:0] = [(self.now, Frame(BACK)), *drops]
                return None
            case HangUp():
                self.hung_up.append(self.now)
                self.heard.insert(0, (self.now, Frame(LOST)))
                return None
            case Announce(frame):
                self.told.append((self.now, frame))
                return None
            case Call(_, route):
                self.asked.append((self.now, route))
                return Reply(200, {}, json.dumps(self.answer(route)).encode())
        raise AssertionError(effect)

    def answer(self, route: str) -> Any:
        if route == "/queue":
            items = [
                [number, name, {}, {"client_id": whose}] for number, (name, whose) in enumerate(self.queue.items())
            ]
            return {"queue_running": items[:1], "queue_pending": items[1:]}
        prompt_id = route.rpartition("/")[2]
        return {prompt_id: self.history[prompt_id]} if prompt_id in self.history else {}

    @property
    def ends(self) -> list[tuple[float, str | None, str]]:
        """What was told: when, of which job, with which status."""
        return [(when, frame.prompt_id, frame.data["status"]) for when, frame in self.told]


def test_nothing_is_asked_while_nothing_is_open() -> None:
    """Without jobs there is no look, however long; a job that has ended is none."""
    world = World([(0, OPEN), (1, START), (2, END)]).run()
    assert (world.asked, world.told, world.attended) == ([], [], [])


def test_a_missed_end_is_told_a_moment_after_the_look() -> None:
    """Lost, opened again at once, looked for, told: one that comes meanwhile by the socket is not told twice."""
    lost = [(0.0, OPEN), (1.0, START), (2.0, Frame(LOST))]
    world = World(lost, history={"p": ENTRY}).run()
    assert world.ends == [(2.0 + TIMING.retry, "p", "done")]
    assert [route for _, route in world.asked] == ["/queue", "/history/p"]
    world = World([*lost, (2.0 + TIMING.retry / 2, END)], history={"p": ENTRY}).run()
    assert world.ends == []


def test_opening_is_tried_for_as_long_as_it_takes() -> None:
    """The waits double, up to ``last_poll``; no patience ends."""
    world = World([(0, OPEN), (10, Frame(LOST))], refuses=100).run()
    waits = [after - before for before, after in zip(world.attended, world.attended[1:], strict=False)]
    assert world.attended[0] == 10
    assert waits[:5] == [0.25, 0.5, 1.0, 2.0, 4.0]
    assert {*waits[5:]} == {TIMING.last_poll}
    assert len(world.attended) == 101


def test_a_socket_that_opens_and_drops() -> None:
    """The waits grow there too, and begin anew only after a socket that stayed open for ``last_poll``."""
    lasts = [0.03] * 7 + [TIMING.last_poll, 0.03]
    world = World([(0, OPEN), (10, Frame(LOST))], lasts=lasts).run()
    waits = [after - before for before, after in zip(world.attended, world.attended[1:], strict=False)]
    assert world.attended[0] == 10
    closed = [round(wait - last, 3) for wait, last in zip(waits, lasts, strict=True)]
    assert closed == [0.25, 0.5, 1.0, 2.0, 4.0, 5.0, 5.0, 0.0, 0.25]


@pytest.mark.parametrize(("sure", "told"), [(True, ["unknown"]), (False, [])])
def test_a_job_that_is_nowhere(sure: bool, told: list[str]) -> None:
    """Seen twice over ``gone`` seconds it is told, if the server is known to have had it; else it may still come."""
    frames = [(0.0, OPEN), (1.0, Frame(QUEUED, "p", {"sure": sure})), (2.0, Frame(LOST))]
    world = World(frames, until=20).run()
    assert [status for _, _, status in world.ends] == told
    assert all(when >= 2 + TIMING.gone for when, _, _ in world.ends)


def test_a_job_of_somebody_else() -> None:
    """A job that this client only waits for is none of its own; one that waits in the queue has not ended."""
    frames = [(0.0, OPEN), (1.0, Frame(QUEUED, "p", {"sure": False})), (2.0, Frame(LOST))]
    other = {**ENTRY, "prompt": [0, "p", {}, {"client_id": "you"}, []]}
    assert World(frames, history={"p": other}, until=20).run().ends == []
    assert World(frames, queue={"p": "me"}, until=20).run().ends == []


def test_an_answer_that_comes_after_the_end() -> None:
    """A job whose POST is answered when it has ended already is over; the same id may be queued anew."""
    frames = [(0.0, OPEN), (1.0, Frame(QUEUED, "p", {"sure": False})), (1.1, START), (1.2, END)]
    late = (1.3, Frame(QUEUED, "p", {"sure": True}))
    assert World([*frames, late, (2.0, Frame(LOST))], history={"p": ENTRY}, until=20).run().asked == []
    world = World([*frames, late, frames[1], late, (2.0, Frame(LOST))], history={"p": ENTRY}, until=20).run()
    assert [status for _, _, status in world.ends] == ["done"]


def test_a_silent_socket() -> None:
    """After ``idle`` seconds in which no job began or ended they are looked for; a missed end opens it anew."""
    world = World([(0.0, OPEN), (1.0, START)], history={"p": ENTRY}, until=100).run()
    assert world.ends == [(1 + TIMING.idle + TIMING.retry, "p", "done")]
    assert world.hung_up == [1 + TIMING.idle + TIMING.retry]
    assert len(world.attended) == 1
    world = World([(0.0, OPEN), (1.0, START)], queue={"p": "me"}, until=100).run()
    assert world.hung_up == []
    assert len(world.asked) == 3  # at 31, 61 and 91 seconds


def test_who_keeps_the_socket_hears_little() -> None:
    """Beginnings, ends, and how the socket fares: nothing of what lies between."""
    assert all(keepers(frame) for frame in (OPEN, START, END, Frame(LOST), Frame(QUEUED, "p"), Frame(CLOSED)))
    between = Frame("executing", "p", {"node": "3"})
    assert not any(
        keepers(frame) for frame in (between, Frame("progress", "p"), Frame("status"), Frame("executed", "p"))
    )


def test_which_call_queues_a_job() -> None:
    """An accepted POST /prompt, whoever makes it; nothing else."""
    reply = Reply(200, {}, b'{"prompt_id": "p", "number": 1}')
    assert queued_by(Call("POST", "/prompt"), reply) == "p"
    assert queued_by(Call("GET", "/prompt"), reply) is None
    assert queued_by(Call("POST", "/free"), reply) is None
    for other in (Reply(400, {}, reply.body), Reply(200, {}, b"<html>"), Reply(200, {}, b'{"prompt_id": 7}')):
        assert queued_by(Call("POST", "/prompt"), other) is None
