"""Where the frames of one job wait for their reader, one mailbox for each wait.

Frames that matter (which node, what it made, the end) are kept in order. Of those that only paint a picture
(progress, previews) the newest of each kind is kept: a slow reader loses pictures, never an end, and memory stays
bounded. Progress keeps its place before what came after it, so that the last step of a node is told, and told before
the next node.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from comfy_headless.protocol.frames import LOST, PREVIEW, Frame

_PASSING: Final = frozenset({PREVIEW, "progress", "progress_state", "text"})
_NEEDED: Final = frozenset({LOST, "executed"})


class Mailbox:
    """Frames of one job for one wait. Not locked: its owner is.

    Args:
        quiet: take in only what the job made and its end: nobody is told of the rest, so it need wake nobody.
    """

    __slots__ = ("_kept", "_passing", "quiet")

    def __init__(self, *, quiet: bool = False) -> None:
        self.quiet = quiet
        self._kept: deque[Frame] = deque()
        self._passing: dict[str, Frame] = {}

    def put(self, frame: Frame) -> bool:
        """Add a frame, a passing one in its elder's place; False if it is not for this wait."""
        if self.quiet and not frame.ends and frame.type not in _NEEDED:
            return False
        if frame.type in _PASSING:
            self._passing.pop(frame.type, None)
            self._passing[frame.type] = frame
        else:
            preview = self._passing.pop(PREVIEW, None)
            self._kept.extend(self._passing.values())
            self._kept.append(frame)
            self._passing = {PREVIEW: preview} if preview is not None else {}
        return True

    def take(self) -> Frame | None:
        """Take the next frame, passing ones last; None if there is none."""
        if self._passing and not self._kept:
            return self._passing.pop(next(iter(self._passing)))
        return self._kept.popleft() if self._kept else None


class Mailboxes:
    """All mailboxes of a socket, by prompt_id: whoever waits for a job gets each of its frames. Not locked."""

    __slots__ = ("_boxes",)

    def __init__(self) -> None:
        self._boxes: dict[str, list[Mailbox]] = {}

    def __bool__(self) -> bool:
        return bool(self._boxes)

    def add(self, prompt_id: str, mailbox: Mailbox) -> None:
        """Give ``mailbox`` the frames of ``prompt_id`` from now on; again changes nothing."""
        boxes = self._boxes.setdefault(prompt_id, [])
        if mailbox not in boxes:
            boxes.append(mailbox)

    def remove(self, prompt_id: str, mailbox: Mailbox) -> None:
        """Give it no more."""
        boxes = self._boxes.get(prompt_id, [])
        if mailbox in boxes:
            boxes.remove(mailbox)
        if not boxes:
            self._boxes.pop(prompt_id, None)

    def deliver(self, frame: Frame) -> bool:
        """Put a frame into the mailboxes of its job; False if nobody waits for it."""
        taken = [mailbox.put(frame) for mailbox in self._boxes.get(frame.prompt_id or "", ())]
        return any(taken)

    def lost(self) -> None:
        """Tell everybody that the socket dropped."""
        for prompt_id in self._boxes:
            self.deliver(Frame(LOST, prompt_id))
