"""``--log-json``: what happens, as one JSON object per line on stderr, in place of the display and of the notes.

Every line has ``time`` (UTC), ``level``, ``event``, and ``prompt_id`` once the job has one. What is told of a job is
``event.to_dict()`` as ``job.events()`` gives it, without pictures; a line of the log is the event ``log``, the end of a
command that failed is the event ``error``. Standard library only.
"""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import IO, Any

from comfy_headless.errors import without_secrets
from comfy_headless.models.progress import DownloadProgress
from comfy_headless.protocol.events import Event, Finished, OutputReady, Preview, Progress
from comfy_headless.protocol.result import Result
from comfy_headless.protocol.telling import ProgressEvents


class JsonLines(logging.Handler):
    """A handler of ``logging`` that writes records, and what else it is told, as lines.

    Args:
        stream: where they go.
    """

    def __init__(self, stream: IO[str]) -> None:
        super().__init__()
        self._stream = stream
        self._events = ProgressEvents()
        self._mark: tuple[str, str, int] | None = None
        self._lines = _Lines()
        self.setFormatter(self._lines)

    def about(self, prompt_id: str) -> None:
        """Say which job the following lines are about, where the log does not."""
        self._lines.prompt_id = prompt_id

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record; one that speaks of a job says which job the following lines are about."""
        self._lines.prompt_id = getattr(record, "prompt_id", None) or self._lines.prompt_id
        self._stream.write(self.format(record) + "\n")
        self._stream.flush()

    def say(self, text: str, level: int = logging.INFO) -> None:
        """Write a line of the log that is only for who called the command."""
        self.handle(_record(level, text))

    def show(self, progress: Progress) -> None:
        """Write what is new in a step forward, but pictures."""
        for event in self._events.of(progress):
            if not isinstance(event, Preview):
                self._tell(event)

    def download(self, progress: DownloadProgress) -> None:
        """Write how far a download is: at each file, and at each percent of it."""
        mark = progress.file, progress.phase, progress.done * 100 // max(progress.size, 1)
        if mark != self._mark:
            self._mark = mark
            self._write(progress.to_dict(), logging.INFO)

    def ended(self, result: Result) -> None:
        """Write what a job has made, and its end."""
        self.about(result.prompt_id)
        for output in result.outputs:
            self._tell(OutputReady(output))
        self._tell(Finished("done"))

    def failed(self, message: str) -> None:
        """Write the end of a job that the server could not do."""
        self._tell(Finished("failed", message), logging.ERROR)

    def error(self, data: Mapping[str, Any], error: BaseException | None = None) -> None:
        """Write how a command failed.

        Args:
            data: ``type``, ``message`` and what else the error carries.
            error: whose traceback is wanted.
        """
        trace = {"traceback": "".join(traceback.format_exception(error))} if error is not None else {}
        self._write({"event": "error", "error": data, **trace}, logging.ERROR)

    def _tell(self, event: Event, level: int = logging.INFO) -> None:
        self._write(event.to_dict(), level)

    def _write(self, data: Mapping[str, Any], level: int) -> None:
        self.handle(_record(level, "", told=data))


class _Lines(logging.Formatter):
    prompt_id: str | None = None

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": "log",
            "prompt_id": self.prompt_id,
        }
        told = getattr(record, "told", None)
        line |= told if told is not None else {"message": record.getMessage()}
        if record.exc_info:
            line["traceback"] = "".join(traceback.format_exception(*record.exc_info))
        return json.dumps(_shown(line), default=str)


def _shown(value: Any) -> Any:
    """Return data without secrets; text by text, since a secret may end at a quote that JSON escapes."""
    match value:
        case str():
            return without_secrets(value)
        case dict():
            return {name: _shown(item) for name, item in value.items()}
        case list() | tuple():
            return [_shown(item) for item in value]
    return value


def _record(level: int, text: str, **more: Any) -> logging.LogRecord:
    values = {"name": "comfy_headless", "levelno": level, "levelname": logging.getLevelName(level), "msg": text}
    return logging.makeLogRecord({**values, **more})
