"""One run of a ComfyUI, from its start to its end."""

from __future__ import annotations

import logging
import math
import os
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from comfy_headless.errors import ComfyUIOfflineError, ValidationError
from comfy_headless.local.address import base_url, system_at
from comfy_headless.local.log import Started, cause, listens, remedy, tail
from comfy_headless.local.process import Watched

logger = logging.getLogger("comfy_headless")

_LOOK: Final = 0.1
_KEPT: Final = 200
"""Lines of a log that are still known when its file is gone."""
_READ: Final = 1000
"""Lines of a log in which it is looked for that it listens."""
_LOOKED_AT, _SHOWN = 40, 15
"""Lines of a log in which a cause is looked for, and of these those that an error shows."""
_SILENT: Final = 10.0
"""Seconds after which one with the same command line is taken for ours though our log does not say that it listens: it
may be told not to (``--dont-print-server``), and one that cannot have its port has mostly died by then."""


class Run:
    """A ComfyUI that was started once. The thread that watches it holds this, and nothing that is the caller's.

    Args:
        log: the file for what it says; None is one in the temporary folder, which stays only if it dies.

    Raises:
        ValidationError: it cannot be run, or the log not be written.
    """

    def __init__(
        self,
        command: Sequence[str],
        variables: Mapping[str, str],
        *,
        started: Started,
        host: str,
        log: Path | None,
    ) -> None:
        self.started, self.host = started, host
        self.url = base_url(host, started.port)
        self.up = False
        self._command = list(command)
        self._passing, self._said = log is None, ""
        self.log = _log_file(log, started.port)
        try:
            self.watched = Watched(command, folder=started.folder, log=self.log, variables=variables, ended=self._ended)
        except OSError as error:
            if self._passing:
                self.forget_log()
            raise ValidationError(f"{started.python} cannot be run: {error.strerror or error}") from error
        logger.info("the ComfyUI in %s starts at %s; its log: %s", started.folder, self.url, self.log)

    def wait_until_up(self, timeout: float, halt: threading.Event) -> None:
        """Wait until it answers: itself, and not another program that has taken its port while it was loading.

        Raises:
            ComfyUIOfflineError: it died, ``timeout`` seconds have passed, or ``halt`` is set.
        """
        until, since = time.monotonic() + timeout, math.inf
        while True:
            if halt.is_set():
                raise stopped_early(self.started.folder, self.url)
            if (code := self.watched.wait(_LOOK)) is not None:
                raise self._error(f"ended with {_code(code)} before it answered", code)
            system = system_at(self.host, self.started.port)
            now = time.monotonic()
            since = math.inf if system is None else min(since, now)
            if system is not None and self._is_ours(system, now - since) and self.watched.code is None:
                self.up = True
                return
            if now > until:
                late = "does not answer" if system is None else "does not listen, but another program answers,"
                words = f"{late} at {self.url} after {timeout:g} s"
                raise self._error(f"{words}; timeout= or --timeout gives it longer" if system is None else words)

    def _is_ours(self, system: Mapping[str, Any], seconds: float) -> bool:
        """Say whether what has answered for so many seconds is this one.

        Args:
            system: of GET /system_stats; it has the words of its command line (server.py, 0.30.0).
        """
        if listens(self.tail(_READ), self.started.port):
            return True
        words = system.get("argv")
        return seconds >= _SILENT and isinstance(words, list) and self._command[-len(words) :] == words

    def death(self) -> ComfyUIOfflineError | None:
        """Return what there is to say if it has ended by itself, else None."""
        code = self.watched.code
        return None if code is None or self.watched.stopped else self._error(f"has ended with {_code(code)}", code)

    def stop(self, seconds: float) -> None:
        """End it, within ``seconds`` before force is used; a log that nobody asked for goes if it did not die."""
        self.watched.stop(seconds)
        if self.watched.stopped:
            self._said = tail(self.log, _KEPT)
            if self._passing:
                self.forget_log()

    def tail(self, lines: int) -> str:
        """Return its last lines."""
        return tail(self.log, lines) or "\n".join(self._said.split("\n")[-lines:])

    def forget_log(self) -> None:
        """Remove the file with what it said."""
        with suppress(OSError):
            self.log.unlink()

    def _ended(self, code: int) -> None:
        if self.up:
            logger.error("%s", self._error(f"has ended with {_code(code)}", code).message.split("\n")[0])

    def _error(self, what: str, code: int | None = None) -> ComfyUIOfflineError:
        self._passing = False  # the message names it
        text = self.tail(_LOOKED_AT)
        why, help_ = cause(text), remedy(text, self.started)
        lines = [f"the ComfyUI in {self.started.folder} {what}{f': {why}' if why else ''}"]
        if code == -9:
            lines.append("somebody killed it; where nobody did, the machine ran out of RAM")
        elif help_:
            lines.append(f"try: {help_}")
        if text:
            lines += [f"the end of its log, {self.log}:", *(f"  {line}" for line in text.split("\n")[-_SHOWN:])]
        else:
            lines.append("its log is empty")
        return ComfyUIOfflineError("\n".join(lines), url=self.url)


def stopped_early(folder: Path, url: str) -> ComfyUIOfflineError:
    """Return the error for one that was stopped while it started."""
    return ComfyUIOfflineError(f"the ComfyUI in {folder} was stopped before it answered", url=url)


def _code(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"code {code}"


def _log_file(named: Path | None, port: int) -> Path:
    try:
        if named is None:
            number, path = tempfile.mkstemp(prefix=f"comfyui-{port}-", suffix=".log")
            os.close(number)
            return Path(path)
        with named.open("wb"):
            return named.absolute()
    except OSError as error:
        raise ValidationError(
            f"log={str(named)!r}: {error.strerror or error}" if named else f"no log in the temporary folder: {error}"
        ) from error
