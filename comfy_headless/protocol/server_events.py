"""Read a stream of server-sent events (WHATWG, HTML, 9.2.6) line by line, each event into a frame.

Only what clouds send is read: the name and the data, which is JSON. Comments keep a connection open and say nothing;
ids and times to wait are of no use where a stream cannot be resumed.
"""

from __future__ import annotations

import json

from comfy_headless.protocol.frames import Frame


class EventReader:
    """Decodes the events of one stream.

    Args:
        prompt_id: the job whose stream it is.
    """

    def __init__(self, prompt_id: str) -> None:
        self._prompt_id = prompt_id
        self._name = ""
        self._data: list[str] = []

    def read(self, line: str) -> Frame | None:
        """Take in one line, without its end; give the event that it completes, if it is one that can be understood."""
        if not line:
            return self._complete()
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            self._name = value
        elif name == "data":
            self._data.append(value)
        return None

    def _complete(self) -> Frame | None:
        name, text = self._name or "message", "\n".join(self._data)
        self._name, self._data = "", []
        try:
            data = json.loads(text) if text else None
        except (ValueError, RecursionError):
            return None
        return Frame(name, self._prompt_id, data) if isinstance(data, dict) else None
