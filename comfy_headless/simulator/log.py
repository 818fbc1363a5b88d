"""What the server writes into its log, and who is told of it as it is written (ComfyUI 0.30.0, app/logger.py)."""

from __future__ import annotations

from collections import deque
from datetime import datetime
from typing import Any, Literal, TypeAlias

from comfy_headless.simulator.sockets import Sockets

Level: TypeAlias = Literal["INFO", "WARNING", "ERROR"]
_MOST = 300
_MARKS = {"INFO": "\x1b[32m", "WARNING": "\x1b[1m\x1b[33m", "ERROR": "\x1b[1m\x1b[31m"}
_SIZE = {"cols": 80, "rows": 24}
"""Of a terminal that is none."""


class Log:
    """The latest lines, and the clients that are told of new ones."""

    def __init__(self, sockets: Sockets) -> None:
        self._entries: deque[dict[str, str]] = deque(maxlen=_MOST)
        self._sockets = sockets
        self._subscribers: set[str] = set()
        self._size_told = False
        self.write("Starting server")

    def write(self, text: str, level: Level = "INFO") -> None:
        """Add a line, marked and coloured as the real server's are."""
        now = datetime.now().isoformat(timespec="microseconds")
        entry = {"t": now, "m": f"{_MARKS[level]}[{level}]\x1b[0m {text}\n"}
        self._entries.append(entry)
        self._subscribers = {name for name in self._subscribers if self._sockets.is_open(name)}
        if not self._subscribers:
            return
        size = None if self._size_told else _SIZE
        self._size_told = True
        for client_id in self._subscribers:
            self._sockets.send("logs", {"entries": [entry], "size": size}, client_id)

    def subscribe(self, client_id: str) -> None:
        """Tell a client of new lines, as long as it has a socket."""
        self._subscribers.add(client_id)

    def unsubscribe(self, client_id: str) -> None:
        """Tell a client no more."""
        self._subscribers.discard(client_id)

    def text(self) -> str:
        """Return all lines with their times."""
        return "".join(f"{entry['t']} - {entry['m']}" for entry in self._entries)

    def raw(self) -> dict[str, Any]:
        """Return all lines as they are, and the size of the terminal; after that no event tells it."""
        self._size_told = True
        return {"entries": list(self._entries), "size": _SIZE}
