"""Mailboxes: a slow reader loses pictures, never an end."""

from __future__ import annotations

from comfy_headless.protocol.frames import PREVIEW, Frame
from comfy_headless.transport.mailbox import Mailbox


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
