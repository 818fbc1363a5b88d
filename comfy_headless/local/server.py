"""``ComfyServer``: a ComfyUI of this machine that runs as long as a ``with`` block does."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from comfy_headless.config import comfyui_folder, expanded
from comfy_headless.errors import ComfyHeadlessError, ComfyUIOfflineError, ValidationError
from comfy_headless.graph.values import shown
from comfy_headless.local.address import base_url, free_port, is_free, reachable
from comfy_headless.local.command import check_args, check_gpu, command_line, tied, variables
from comfy_headless.local.folder import find_folder, find_python
from comfy_headless.local.log import Started, port_taken
from comfy_headless.local.run import Run, stopped_early

if TYPE_CHECKING:
    from comfy_headless.client.sync import ComfyClient

logger = logging.getLogger("comfy_headless")

_TRIES: Final = 3
"""How often a port is drawn, if somebody else takes the one that was free a moment ago."""


class ComfyServer:
    """A ComfyUI of this machine: started with the ``with`` block (or ``async with``), stopped at its end.

    It ends with this process too; if this process is killed by force, on Linux only.

    Args:
        folder: where ComfyUI lies, or the folder that it lies in; None is the one of COMFY_HEADLESS_COMFYUI.
        port: 0 takes a free one.
        host: the address to listen on; ``0.0.0.0`` is every one of this machine.
        gpu: number of a GPU as nvidia-smi counts, several such as ``"0,1"``, or ``"cpu"``; None leaves it to ComfyUI.
        args: further words of ComfyUI's command line, such as ``("--lowvram",)``.
        python: the Python that ComfyUI runs with, or the folder of its environment; None finds the one beside it.
        env: variables to set for it, besides those of this process; None takes one away.
        log: the file for what it says; None is one in the temporary folder, which stays only if it dies.
        timeout: seconds until it must answer.
        stop_seconds: how long it may take to end before it is ended by force.

    Raises:
        ValidationError: there is no ComfyUI, no Python for it, or an argument is wrong.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str] | None = None,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        gpu: int | str | None = None,
        args: Sequence[str] = (),
        python: str | os.PathLike[str] | None = None,
        env: Mapping[str, str | None] | None = None,
        log: str | os.PathLike[str] | None = None,
        timeout: float = 300.0,
        stop_seconds: float = 10.0,
    ) -> None:
        self.folder: Path = find_folder(_named(folder))
        self.python: Path = find_python(self.folder, python)
        self._port, self._host = _port(port), host
        self._gpu, self._args, self._env = check_gpu(gpu), check_args(args), env
        self._log = None if log is None else expanded(log, "log")
        self._timeout, self._stop_seconds = _seconds(timeout, "timeout"), _seconds(stop_seconds, "stop_seconds")
        self._halt = threading.Event()
        """Set by who stops the one that is there, or is just being started; each start has its own."""
        self._run: Run | None = None
        self._leave: weakref.finalize[[float], ComfyServer] | None = None

    def __enter__(self) -> ComfyServer:
        return self.start()

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        died = self._run.death() if self._run is not None else None
        if isinstance(error, ComfyHeadlessError) and died is not None and str(died) != str(error):
            error.add_note(str(died))
        self.stop()

    async def __aenter__(self) -> ComfyServer:
        halt = threading.Event()
        starting = asyncio.get_running_loop().run_in_executor(None, self._start, halt)
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            halt.set()
            starting.add_done_callback(lambda done: done.cancelled() or done.exception())  # it is known why
            await asyncio.wait([starting])
            await asyncio.to_thread(self.stop)
            raise

    async def __aexit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        await asyncio.to_thread(self.__exit__, kind, error, traceback)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.folder)!r}{f', {self.url!r}' if self.running else ''})"

    @property
    def url(self) -> str:
        """Where it answers; empty before the first start."""
        return self._run.url if self._run is not None else ""

    @property
    def port(self) -> int:
        """Its port; 0 before a free one was taken."""
        return self._run.started.port if self._run is not None else self._port

    @property
    def running(self) -> bool:
        """Whether its process is there."""
        return self._run is not None and self._run.watched.code is None

    @property
    def pid(self) -> int | None:
        """The number of its process; None if there is none."""
        return self._run.watched.pid if self._run is not None and self.running else None

    @property
    def log(self) -> Path | None:
        """The file with what it says; None before the first start."""
        return self._run.log if self._run is not None else None

    def start(self) -> ComfyServer:
        """Start it and wait until it answers.

        Raises:
            ValidationError: the port is taken, its Python cannot be run, the log cannot be written, or it runs already.
            ComfyUIOfflineError: it died, or did not answer in time; the message has the end of its log.
        """
        return self._start(threading.Event())

    def stop(self) -> None:
        """End it with all that it started: gently, then by force. Nothing happens if it does not run.

        A start that another thread is at fails.
        """
        self._halt.set()
        if self._leave is not None:
            self._leave()

    def restart(self) -> ComfyServer:
        """Stop it and start it again, at the same port. Raises as ``start``."""
        self._port = self.port
        self.stop()
        return self.start()

    def check(self) -> None:
        """Do nothing unless it has ended by itself.

        Raises:
            ComfyUIOfflineError: it has; the message has the end of its log.
        """
        if self._run is not None and (died := self._run.death()) is not None:
            raise died

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait for its end, at most ``timeout`` seconds; return its exit code, None if it still runs."""
        return self._run.watched.wait(timeout) if self._run is not None else None

    def log_tail(self, lines: int = 20) -> str:
        """Return the last lines that it said, without colours; of a long log at most 64 KiB are read."""
        return self._run.tail(lines) if self._run is not None else ""

    def client(self, **options: Any) -> ComfyClient:
        """Return a client of this server; it takes what ``ComfyClient`` takes."""
        from comfy_headless.client.sync import ComfyClient

        if not self.running:
            raise ValidationError(f"the ComfyUI in {self.folder} does not run; start() or a with block starts it")
        return ComfyClient(self.url, **options)

    def _start(self, halt: threading.Event) -> ComfyServer:
        if self.running:
            raise ValidationError(f"the ComfyUI in {self.folder} runs already, at {self.url}")
        self._halt = halt
        for left in reversed(range(_TRIES)):
            try:
                self._start_at(self._port, halt)
                break
            except ComfyUIOfflineError as error:
                if halt.is_set() or self._port or not left or not port_taken(self.log_tail()):
                    raise
                logger.info("%s; taking another port", error.message.split("\n")[0])
                if self._run is not None and self._log is None:
                    self._run.forget_log()
        return self

    def _start_at(self, port: int, halt: threading.Event) -> None:
        host = reachable(self._host)
        try:
            port = port or free_port(host)
            taken = not is_free(host, port)
        except OSError as error:
            why = error.strerror or error
            raise ValidationError(f"host={self._host!r}: {why}; expected an address of this machine") from error
        if taken:
            taken_by = f"port {port} of {host} is taken by another program"
            raise ValidationError(f"{taken_by}; port=0 or --port 0 takes a free one")
        if halt.is_set():
            raise stopped_early(self.folder, base_url(host, port))
        command = command_line(self.python, host=self._host, port=port, gpu=self._gpu, args=self._args)
        run = Run(
            tied(command),
            variables(os.environ, self._gpu, self._env),
            started=Started(self.folder, self.python, port),
            host=host,
            log=self._log,
        )
        self._run, self._leave = run, weakref.finalize(self, run.stop, self._stop_seconds)
        try:
            run.wait_until_up(self._timeout, halt)
        except BaseException:
            self._leave()
            raise


def _named(folder: str | os.PathLike[str] | None) -> str | os.PathLike[str]:
    named = comfyui_folder() if folder is None else folder
    if named is None:
        raise ValidationError(
            "no folder of a ComfyUI is named: give it, such as '~/ComfyUI', or set COMFY_HEADLESS_COMFYUI"
        )
    return named


def _port(port: int) -> int:
    if isinstance(port, int) and not isinstance(port, bool) and 0 <= port < 65536:
        return port
    raise ValidationError(f"port={shown(port)}: expected 0 for a free one, or a number below 65536")


def _seconds(value: float, name: str) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
        return float(value)
    raise ValidationError(f"{name}={shown(value)}: expected seconds, more than 0")
