"""Mailboxes: a slow reader loses pictures, never an end."""

from __future__ import annotations

from comfy_headless.protocol.frames import PREVIEW, Frame
from comfy_headless.transport.mailbox import Mailbox


def test_passing_frames_replace_their_elders() -> None:
    """Ten thousand previews and steps take the room of one each; what matters stays, in order."""
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
    assert [frame.type for frame in taken] == ["execution_start", "executed", "executing", PREVIEW, "progress"]
    assert taken[3].image == b"9999"
