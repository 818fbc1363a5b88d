"""Mailboxes: a slow reader loses pictures, never an end."""

from __future__ import annotations

from comfy_headless.protocol.frames import LOST, PREVIEW, Frame
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
