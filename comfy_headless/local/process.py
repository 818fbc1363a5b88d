"""A process that is watched by a thread of its own, and ended with all that it started.

The thread that waits for the process is the one that starts it: on Linux the process is tied to that thread, which
lives exactly as long as there is something to wait for.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

# On Windows Ctrl-C reaches a group that was started so not at all, but Ctrl-Break does.
_GENTLE: Final = getattr(signal, "CTRL_BREAK_EVENT", signal.SIGINT)
_NEW_GROUP: Final = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
_REAPED: Final = 10.0
"""Seconds after which a process that was killed is left to the system: it hangs in a driver."""


class Watched:
    """A process in a group of its own, so that Ctrl-C at the terminal is nothing to it.

    Args:
        log: takes what it writes.
        ended: called in the watching thread when it has ended by itself, with its exit code.

    Raises:
        OSError: it cannot be started, or the log not be written.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        folder: Path,
        log: Path,
        variables: Mapping[str, str],
        ended: Callable[[int], None],
    ) -> None:
        self._owner = os.getpid()
        self._ended = ended
        self.stopped = False
        """It was, or is to be, ended from here."""
        self._process: subprocess.Popen[bytes] | None = None
        self._problem: OSError | None = None
        self._begun = threading.Event()
        self._over = threading.Event()
        threading.Thread(
            target=self._watch, args=(command, folder, log, variables), name="comfyui-watch", daemon=True
        ).start()
        try:
            self._begun.wait()
        except BaseException:  # an interrupt: nobody else will know of the process
            self._begun.wait()
            self.stop(_REAPED)
            raise
        if self._problem is not None:
            raise self._problem

    @property
    def pid(self) -> int:
        """The number of the process."""
        assert self._process is not None
        return self._process.pid

    @property
    def code(self) -> int | None:
        """The exit code (negative: the signal that ended it), None while it runs."""
        return self._process.returncode if self._process is not None and self._over.is_set() else None

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait for its end, at most so many seconds; return the exit code, None if it still runs."""
        self._over.wait(timeout)
        return self.code

    def stop(self, seconds: float) -> None:
        """End it: as Ctrl-C does, then more firmly, after ``seconds`` by force; with whatever it started."""
        if self._process is None or self._over.is_set() or self._owner != os.getpid():  # a fork of it stops nothing
            return
        self.stopped = True
        for sign, share in ((_GENTLE, 0.6), (signal.SIGTERM, 0.4)):
            self._send(sign)
            if self._over.wait(seconds * share):
                return
        self._kill()
        self._over.wait(_REAPED)

    def _watch(self, command: Sequence[str], folder: Path, log: Path, variables: Mapping[str, str]) -> None:
        try:
            with log.open("wb") as written:
                self._process = subprocess.Popen(
                    command,
                    cwd=folder,
                    env=dict(variables),
                    stdin=subprocess.DEVNULL,
                    stdout=written,
                    stderr=written,
                    start_new_session=True,
                    creationflags=_NEW_GROUP,
                )
        except OSError as error:
            self._problem = error
            return
        finally:
            self._begun.set()
        code = self._process.wait()
        self._kill()  # what it started; its number is not given away so soon
        if not self.stopped:
            self._ended(code)
        self._over.set()

    if sys.platform == "win32":

        def _send(self, sign: int) -> None:
            assert self._process is not None
            self._process.send_signal(sign)

        def _kill(self) -> None:
            kill = ["taskkill", "/PID", str(self.pid), "/T", "/F"]
            subprocess.run(kill, stdin=subprocess.DEVNULL, capture_output=True, check=False)

    else:

        def _send(self, sign: int) -> None:
            with suppress(ProcessLookupError, PermissionError):  # all are gone; macOS says the second of the dead
                os.killpg(self.pid, sign)

        def _kill(self) -> None:
            self._send(signal.SIGKILL)
