"""Where the frames of one job wait for their reader.

Frames that matter (which node, what it made, the end) are kept in order. Of those that only paint a picture (progress,
previews) the newest of each kind is kept: a slow reader loses pictures, never an end, and memory stays bounded. Progress
keeps its place before what came after it, so that the last step of a node is told, and told before the next node.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from comfy_headless.protocol.frames import PREVIEW, Frame

_PASSING: Final = frozenset({PREVIEW, "progress", "progress_state", "text"})


class Mailbox:
    """Frames of one job. Not locked: its owner is."""

    __slots__ = ("_kept", "_passing")

    def __init__(self) -> None:
        self._kept: deque[Frame] = deque()
        self._passing: dict[str, Frame] = {}

    def put(self, frame: Frame) -> None:
        """Add a frame; a passing one replaces its elder."""
        if frame.type in _PASSING:
            self._passing.pop(frame.type, None)
            self._passing[frame.type] = frame
        else:
            preview = self._passing.pop(PREVIEW, None)
            self._kept.extend(self._passing.values())
            self._kept.append(frame)
            self._passing = {PREVIEW: preview} if preview is not None else {}

    def take(self) -> Frame | None:
        """Take the next frame, passing ones last; None if there is none."""
        if self._passing and not self._kept:
            return self._passing.pop(next(iter(self._passing)))
        return self._kept.popleft() if self._kept else None
