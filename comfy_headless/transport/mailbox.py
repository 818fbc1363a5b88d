"""Where frames wait for their reader: one mailbox for each wait for a job, and for each who listens to everything.

Frames that matter (which node, what it made, the end) are kept in order. Of those that only paint a picture
(progress, previews) the newest of each kind is kept: a slow reader loses pictures, never an end, and memory stays
bounded. Progress keeps its place before what came after it, so that the last step of a node is told, and told before
the next node. Who listens to everything may fall behind without end: beyond a bound the oldest go, and their number
is told in their place.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final, TypeAlias

from comfy_headless.protocol.frames import BACK, CLOSED, CONNECTED, DROPPED, EVERYTHING, LOST, PREVIEW, QUEUED, Frame

Wants: TypeAlias = Callable[[Frame], bool]

_PASSING: Final = frozenset({PREVIEW, "progress", "progress_state", "text"})
_NEEDED: Final = frozenset({LOST, "executed"})


def needed(frame: Frame) -> bool:
    """Say whether a frame tells what a job made, or its end."""
    return frame.ends or frame.type in _NEEDED


class Mailbox:
    """Frames for one reader. Not locked: its owner is.

    Args:
        wants: says which frames to take in; None takes all. Nobody is woken for the others.
        most: how many frames may wait; None is any number.
        keeps: its reader keeps the socket open for the others: it is told when the last of them has left.
    """

    __slots__ = ("_dropped", "_kept", "_most", "_passing", "_wants", "keeps", "met")

    def __init__(self, *, wants: Wants | None = None, most: int | None = None, keeps: bool = False) -> None:
        self.keeps = keeps
        self.met = False
        self._wants, self._most = wants, most
        self._dropped = 0
        self._kept: deque[Frame] = deque()
        self._passing: dict[str, Frame] = {}

    def put(self, frame: Frame) -> bool:
        """Add a frame, a passing one in its elder's place; False if it is not wanted."""
        if self._wants is not None and not self._wants(frame):
            return False
        if frame.type in _PASSING:
            self._passing.pop(frame.type, None)
            self._passing[frame.type] = frame
        else:
            preview = self._passing.pop(PREVIEW, None)
            if self._most is not None and frame.ends:
                preview = None  # whoever hears all jobs shall not take it for one of the next
            self._kept.extend(self._passing.values())
            self._kept.append(frame)
            self._passing = {PREVIEW: preview} if preview is not None else {}
            while self._most is not None and len(self._kept) > self._most:
                self._kept.popleft()
                self._dropped += 1
        return True

    def take(self) -> Frame | None:
        """Take the next frame, passing ones last; None if there is none."""
        if self._dropped:
            count, self._dropped = self._dropped, 0
            return Frame(DROPPED, data={"count": count})
        if self._passing and not self._kept:
            return self._passing.pop(next(iter(self._passing)))
        return self._kept.popleft() if self._kept else None


class Mailboxes:
    """All mailboxes of a socket, by prompt_id: whoever waits for a job gets each of its frames. Not locked.

    Those below ``EVERYTHING`` get all frames, and are told when the socket opens.
    """

    __slots__ = ("_boxes", "_open")

    def __init__(self) -> None:
        self._boxes: dict[str, tuple[Mailbox, ...]] = {}
        self._open = False

    def __bool__(self) -> bool:
        return bool(self._boxes)

    @property
    def listened(self) -> bool:
        """True while somebody listens to everything."""
        return EVERYTHING in self._boxes

    def has(self, mailbox: Mailbox) -> bool:
        """Say whether a mailbox gets everything."""
        return mailbox in self._boxes.get(EVERYTHING, ())

    def add(self, prompt_id: str, mailbox: Mailbox) -> None:
        """Give ``mailbox`` the frames of ``prompt_id`` from now on; again changes nothing."""
        boxes = self._boxes.get(prompt_id, ())
        if mailbox in boxes:
            return
        self._boxes[prompt_id] = (*boxes, mailbox)
        if prompt_id != EVERYTHING:
            self.queued(prompt_id)
        elif self._open:
            _meet(mailbox)

    def remove(self, prompt_id: str, mailbox: Mailbox) -> None:
        """Give it no more. When all have left who listened to everything, so does who kept the socket for them."""
        boxes = tuple(one for one in self._boxes.get(prompt_id, ()) if one is not mailbox)
        if boxes:
            self._boxes[prompt_id] = boxes
        else:
            self._boxes.pop(prompt_id, None)
        if prompt_id == EVERYTHING and all(one.keeps for one in boxes):
            self.end()

    def dismiss(self, mailbox: Mailbox) -> None:
        """Tell one who listens to everything that nothing more comes."""
        if self.has(mailbox):
            mailbox.put(Frame(CLOSED))
            self.remove(EVERYTHING, mailbox)

    def end(self) -> None:
        """Tell all who listen to everything that nothing more comes."""
        for mailbox in self._boxes.pop(EVERYTHING, ()):
            mailbox.put(Frame(CLOSED))

    def deliver(self, frame: Frame) -> bool:
        """Put a frame into the mailboxes of its job, and of who listens to everything; False if nobody wants it."""
        taken = [mailbox.put(frame) for mailbox in self._boxes.get(frame.prompt_id, ())] if frame.prompt_id else []
        if EVERYTHING in self._boxes:
            taken += self.announce(frame)
        return any(taken)

    def announce(self, frame: Frame) -> list[bool]:
        """Put a frame into the mailboxes of who listens to everything."""
        return [mailbox.put(frame) for mailbox in self._boxes.get(EVERYTHING, ())]

    def queued(self, prompt_id: str, *, sure: bool = False) -> None:
        """Tell who keeps the socket of a job that is on its way to the server, or there."""
        if EVERYTHING in self._boxes:
            self.announce(Frame(QUEUED, prompt_id, {"sure": sure}))

    def opened(self) -> None:
        """Tell who listens to everything that the socket is open."""
        self._open = True
        for mailbox in self._boxes.get(EVERYTHING, ()):
            _meet(mailbox)

    def lost(self) -> None:
        """Tell everybody that the socket dropped."""
        was_open, self._open = self._open, False
        for prompt_id, boxes in self._boxes.items():
            for mailbox in boxes if prompt_id or was_open else ():
                mailbox.put(Frame(LOST, prompt_id or None))


def _meet(mailbox: Mailbox) -> None:
    mailbox.put(Frame(BACK if mailbox.met else CONNECTED))
    mailbox.met = True
