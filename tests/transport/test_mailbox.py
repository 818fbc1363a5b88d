"""Mailboxes: a slow reader loses pictures, never an end."""

from __future__ import annotations

from comfy_headless.protocol.frames import (
    BACK,
    CLOSED,
    CONNECTED,
    DROPPED,
    EVERYTHING,
    LOST,
    PREVIEW,
    QUEUED,
    Frame,
)
from comfy_headless.transport.mailbox import Mailbox, Mailboxes, needed


def test_passing_frames_replace_their_elders() -> None:
    """Of ten thousand previews and steps the last of each stays; the last step before what came after it."""
    mailbox = Mailbox()
    mailbox.put(Frame("execution_start", "p"))
    for number in range(10_000):
        mailbox.put(Frame(PREVIEW, "p", image=str(number).encode()))
        mailbox.put(Frame("progress", "p", {"value": number}))
    mailbox.put(Frame("executed", "p", {"node": "9"}))
    mailbox.put(Frame("executing", "p", {"node": None}))
    taken = []
    while (frame := mailbox.take()) is not None:
        taken.append(frame)
    assert [frame.type for frame in taken] == ["execution_start", "progress", "executed", "executing", PREVIEW]
    assert taken[1].data == {"value": 9999}
    assert taken[4].image == b"9999"


def test_every_wait_has_a_mailbox() -> None:
    """Who waits for a job gets each of its frames, also beside others, until removed."""
    boxes, first, second = Mailboxes(), Mailbox(), Mailbox()
    boxes.add("p", first)
    boxes.add("p", second)
    boxes.add("p", second)
    assert boxes.deliver(Frame("executed", "p"))
    assert not boxes.deliver(Frame("executed", "q"))
    assert not boxes.deliver(Frame("status"))
    boxes.remove("p", first)
    boxes.remove("p", first)
    boxes.lost()
    assert [frame.type for frame in iter(first.take, None) if frame is not None] == ["executed"]
    assert [frame.type for frame in iter(second.take, None) if frame is not None] == ["executed", LOST]
    boxes.remove("p", second)
    assert not boxes


def test_a_quiet_mailbox_takes_what_was_made_and_the_end() -> None:
    """Where nobody is told of progress, nothing of it wakes the wait; outputs, ends and a lost socket do."""
    mailbox = Mailbox(wants=needed)
    passed = [Frame("execution_start", "p"), Frame("progress", "p"), Frame("executing", "p", {"node": "3"})]
    assert not any(mailbox.put(frame) for frame in passed)
    wanted = [Frame("executed", "p"), Frame("execution_error", "p"), Frame("executing", "p", {"node": None})]
    assert all(mailbox.put(frame) for frame in [*wanted, Frame(LOST, "p")])
    assert [mailbox.take() for _ in range(4)] == [*wanted, Frame(LOST, "p")]


def test_a_reader_of_everything_may_fall_behind() -> None:
    """Beyond the bound the oldest go, and how many is told once; of pictures that of the job at work stays."""
    mailbox = Mailbox(most=3)
    for number in range(5):
        mailbox.put(Frame("executed", "p", {"number": number}))
    mailbox.put(Frame(PREVIEW, "o"))
    mailbox.put(Frame("execution_success", "o"))
    mailbox.put(Frame(PREVIEW, "p"))
    taken = [mailbox.take() for _ in range(5)]
    assert taken[0] == Frame(DROPPED, data={"count": 3})
    assert [frame and frame.data.get("number") for frame in taken[1:4]] == [3, 4, None]
    assert taken[4] == Frame(PREVIEW, "p")
    assert mailbox.take() is None


def test_who_listens_to_everything() -> None:
    """Every frame once, of jobs and of none; whether the socket is open, in the order in which that changed."""
    boxes, early, late, job = Mailboxes(), Mailbox(), Mailbox(), Mailbox()
    boxes.add(EVERYTHING, early)
    boxes.opened()
    boxes.add("p", job)
    boxes.add(EVERYTHING, late)
    assert boxes.deliver(Frame("status"))
    assert boxes.deliver(Frame("executed", "p"))
    boxes.lost()
    boxes.lost()
    boxes.opened()
    heard = [[frame.type for frame in iter(box.take, None) if frame is not None] for box in (early, late, job)]
    assert heard == [
        [CONNECTED, QUEUED, "status", "executed", LOST, BACK],
        [CONNECTED, "status", "executed", LOST, BACK],
        ["executed", LOST, LOST],
    ]


def test_the_last_to_leave_ends_it() -> None:
    """Who keeps the socket for the others is told when the last of them has left; whoever is dismissed is told so."""
    boxes, first, second, keeper = Mailboxes(), Mailbox(), Mailbox(), Mailbox(keeps=True)
    for mailbox in (first, second, keeper):
        boxes.add(EVERYTHING, mailbox)
    boxes.dismiss(first)
    boxes.dismiss(first)
    assert boxes.has(keeper)
    boxes.remove(EVERYTHING, second)
    assert not boxes.listened
    assert [first.take(), second.take(), keeper.take()] == [Frame(CLOSED), None, Frame(CLOSED)]
    assert first.take() is None
