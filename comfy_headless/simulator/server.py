"""The simulator as people use it: ``with Simulator() as sim: sim.url``; it runs in a thread of its own.

Everything of the server lives in that thread's event loop; the methods here may be called from any other thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from aiohttp import web

from comfy_headless.errors import ComfyHeadlessError, ValidationError
from comfy_headless.graph.schemas import Schemas
from comfy_headless.simulator.app import make_app
from comfy_headless.simulator.faults import Fault
from comfy_headless.simulator.folders import Folders
from comfy_headless.simulator.hardware import DeviceType, given_hardware, is_number
from comfy_headless.simulator.machine import Machine, Request
from comfy_headless.simulator.model_files import given_files, given_metadata
from comfy_headless.simulator.sockets import reset
from comfy_headless.simulator.worker import work

HOST = "127.0.0.1"
T = TypeVar("T")


class Simulator:
    """A ComfyUI server that runs no model, on a loopback address.

    >>> with Simulator(vram_gb=12) as sim:
    ...     sim.url.startswith("http://127.0.0.1:")
    True

    Args:
        port: 0 takes a free one.
        files: model files per folder, such as ``{"vae": ["wan_2.1_vae.safetensors"]}``. None: every name in the
            shipped presets and templates; ``{}``: a bare server.
        metadata: what the headers of model files say, ``{"loras": {"x.safetensors": {"ss_network_dim": "8"}}}``; these
            files are there too.
        vram_gb: GiB of the graphics card; a sequence is several cards.
        ram_gb: GiB of the machine; with ``device="cpu"`` or "mps" reported as VRAM too, as the real server does.
        device: what the server says it runs on.
        device_name: the card, such as "NVIDIA GeForce RTX 4090"; a sequence names each of several cards. None:
            "Simulated".
        windows: be a server on Windows: sub-folders in its lists of model files and in its history have a backslash,
            and it wants a model's name back exactly so.
        step_seconds: how long a sampler step takes.
        max_upload_mb: MiB that one request may bring, as ``--max-upload-size`` says it.
        output_folder: where results are kept; None: a temporary folder that goes with the simulator.
        user_folder: where settings and users' files are kept, those of the one user below ``default``; None: a
            temporary folder too.
        faults: what goes wrong, see ``comfy_headless.simulator.faults``.
        packs: node packs it has beside ComfyUI's own nodes, of those that ``Schemas.packs()`` names; None: all of them;
            ``()``: a stock server.
        object_info: node schemas as ``/object_info`` gives them; None: those of ComfyUI 0.30.0 and the packs.

    Raises:
        ValidationError: an argument is none that a server can have, or packs are named beside schemas; at the start:
            the port is taken, or a folder cannot be made.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        files: Mapping[str, Iterable[str]] | None = None,
        metadata: Mapping[str, Mapping[str, Mapping[str, str]]] | None = None,
        vram_gb: float | Sequence[float] = 24.0,
        ram_gb: float = 64.0,
        device: DeviceType = "cuda",
        device_name: str | Sequence[str] | None = None,
        windows: bool = False,
        step_seconds: float = 0.0,
        max_upload_mb: float = 100,
        output_folder: str | Path | None = None,
        user_folder: str | Path | None = None,
        faults: Iterable[Fault] = (),
        packs: Iterable[str] | None = None,
        object_info: Mapping[str, Any] | None = None,
    ) -> None:
        if not 0 <= port <= 65535:
            raise ValidationError(f"port {port}: expected 0 (any free one) to 65535")
        if not is_number(step_seconds) or step_seconds < 0:
            raise ValidationError(f"step_seconds {step_seconds!r}: expected a number of seconds, 0 or more")
        if not is_number(max_upload_mb) or max_upload_mb <= 0:
            raise ValidationError(f"max_upload_mb {max_upload_mb!r}: expected a number of MiB above 0, such as 100")
        self._port = port
        self._metadata = given_metadata(metadata, windows=windows)
        self._files = given_files(files, self._metadata, windows=windows)
        self._hardware = given_hardware(
            vram_gb=vram_gb, device_name=device_name, ram_gb=ram_gb, device=device, windows=windows
        )
        self._step_seconds = step_seconds
        self._most_upload = max_upload_mb * 1024 * 1024
        self._output_folder = _absolute(output_folder)
        self._user_folder = _absolute(user_folder)
        self._faults = tuple(faults)
        self._schemas = _schemas(packs, object_info)
        self._running: _Running | None = None

    @property
    def url(self) -> str:
        """Base address of the server."""
        return f"http://{HOST}:{self._there.port}"

    @property
    def output_folder(self) -> Path:
        """Where the results lie."""
        return self._there.machine.folders.output

    @property
    def input_folder(self) -> Path:
        """Where the uploads lie."""
        return self._there.machine.folders.input

    @property
    def user_folder(self) -> Path:
        """Where settings and users' files lie."""
        return self._there.machine.folders.user

    @property
    def models_folder(self) -> Path:
        """Where previews of model files are looked for: ``loras/x.png`` is that of the LoRA ``x.safetensors``."""
        return self._there.machine.folders.base / "models"

    @property
    def requests(self) -> tuple[Request, ...]:
        """Every request so far, in order of arrival."""
        return tuple(self._there.machine.journal.requests)

    @property
    def jobs(self) -> tuple[str, ...]:
        """The prompt_id of every job that was queued, in order, once per time."""
        return tuple(self._there.machine.journal.submitted)

    @property
    def jobs_run(self) -> dict[str, int]:
        """How often each prompt_id was run."""
        return dict(self._there.machine.journal.runs)

    def add(self, *faults: Fault) -> None:
        """Let more go wrong, from now on."""
        machine = self._there.machine
        self._there.call(lambda: machine.plan.add(faults))

    def clear_faults(self) -> None:
        """Let nothing go wrong any more."""
        self._there.call(self._there.machine.plan.clear)

    def restart(self, *, away: float = 0.0) -> None:
        """Forget everything but the files, be away for so many seconds, and return when the server answers again."""
        self._there.wait_for(self._there.restart(away))

    def start(self) -> Simulator:
        """Start the server and return when it answers."""
        if self._running is None:
            self._running = _Running(
                self._port,
                self._make_machine,
                keep_output=self._output_folder,
                keep_user=self._user_folder,
                windows=self._hardware.windows,
            )
        return self

    def stop(self) -> None:
        """End the server, its connections and its thread, and remove its temporary folder."""
        running, self._running = self._running, None
        if running is not None:
            running.stop()

    def __enter__(self) -> Simulator:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Simulator:
        return await asyncio.to_thread(self.start)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.stop)

    @property
    def _there(self) -> _Running:
        if self._running is None:
            raise ValidationError("the simulator is not running; use `with Simulator() as sim:` or sim.start()")
        return self._running

    def _make_machine(self, folders: Folders) -> Machine:
        return Machine(
            schemas=self._schemas,
            files=self._files,
            metadata=self._metadata,
            folders=folders,
            hardware=self._hardware,
            step_seconds=self._step_seconds,
            most_upload=self._most_upload,
            faults=self._faults,
        )


def _schemas(packs: Iterable[str] | None, object_info: Mapping[str, Any] | None) -> Schemas:
    if object_info is None:
        return Schemas.snapshot(Schemas.packs() if packs is None else packs)
    if packs is not None:
        raise ValidationError("packs and object_info: expected one of them; object_info says what all nodes are")
    return Schemas.from_object_info(object_info)


def _absolute(folder: str | Path | None) -> Path | None:
    return None if folder is None else Path(folder).absolute()


class _Running:
    """A server that runs: the thread, its loop, the socket it listens on."""

    def __init__(
        self,
        port: int,
        make: Callable[[Folders], Machine],
        *,
        keep_output: Path | None,
        keep_user: Path | None,
        windows: bool,
    ) -> None:
        self.port = port
        self.machine: Machine
        self._make = make
        self._base = _temporary_folder()
        output, user = keep_output or self._base / "output", keep_user or self._base / "user"
        self._folders = Folders(self._base / "input", output, self._base / "temp", user, self._base, windows)
        self._loop = self._prepare()
        self._up = threading.Event()
        self._answers = False
        self._failed: ComfyHeadlessError | None = None
        self._thread = threading.Thread(target=self._live, name="comfy-headless-simulator", daemon=True)
        self._thread.start()
        self._up.wait()
        if not self._answers:
            self._thread.join()
            raise self._failed or ComfyHeadlessError("the simulator failed to start; its thread printed the error")

    def _prepare(self) -> asyncio.AbstractEventLoop:
        """Make the folders and the loop, or neither."""
        try:
            self._folders.create()
            return asyncio.new_event_loop()
        except OSError as error:
            shutil.rmtree(self._base, ignore_errors=True)
            what = f"cannot make the folder {error.filename}" if error.filename else "the simulator cannot start"
            raise ValidationError(f"{what}: {error.strerror}") from error

    def call(self, action: Callable[[], None]) -> None:
        """Do something in the server's loop and wait until it is done."""

        async def act() -> None:
            action()

        self.wait_for(act())

    def wait_for(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the server's loop and return its result."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def stop(self) -> None:
        """End it; returns when the thread has ended."""
        with contextlib.suppress(RuntimeError):  # the loop is closed if the server has ended by itself
            self._loop.call_soon_threadsafe(self._stop_event.set)
        self._thread.join()

    def _live(self) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._serve())
        finally:
            shutil.rmtree(self._base, ignore_errors=True)
            self._up.set()

    async def _serve(self) -> None:
        self._stop_event = asyncio.Event()
        self.machine = self._make(self._folders)
        self._web = web.AppRunner(make_app(self.machine), access_log=None, shutdown_timeout=0.1)
        try:
            await self._web.setup()
            await self._listen()
        except OSError as error:
            hint = "; port 0 takes a free one" if self.port else ""
            self._failed = ValidationError(f"cannot listen on {HOST}:{self.port}: {error.strerror}{hint}")
            self._failed.__cause__ = error
        else:
            await self._until_stopped()
        finally:
            await self._web.cleanup()
            self.machine.threads.shutdown(cancel_futures=True)

    async def _listen(self) -> None:
        self._site = web.TCPSite(self._web, HOST, self.port)
        await self._site.start()
        self.port = int(self._web.addresses[0][1])

    async def _until_stopped(self) -> None:
        self._start_worker()
        restarts = asyncio.create_task(self._restart_when_asked())
        self._answers = True
        self._up.set()
        await self._stop_event.wait()
        self.machine.closing.set()
        await _cancel(restarts)
        await _cancel(self._worker)
        self._drop_connections()

    async def _restart_when_asked(self) -> None:
        while True:
            await self.restart(await self.machine.restart_asked.get())

    async def restart(self, away: float) -> None:
        """Stop listening, forget all, and listen again."""
        await self._site.stop()
        with _held(self.port):
            self._drop_connections()
            await _cancel(self._worker)
            self.machine.forget()
            await asyncio.sleep(away)
            await self._listen()
        self._start_worker()

    def _start_worker(self) -> None:
        self._worker = asyncio.create_task(work(self.machine))
        self._worker.add_done_callback(self._worker_ended)

    def _worker_ended(self, worker: asyncio.Task[None]) -> None:
        """End the server if its worker failed, so that nobody waits for a job for ever; the thread raises the error."""
        if not worker.cancelled():
            self._stop_event.set()

    def _drop_connections(self) -> None:
        server = self._web.server
        assert server is not None
        for connection in list(server.connections):
            reset(connection.transport)


def _held(port: int) -> socket.socket:
    """Keep a port for ourselves while nobody listens there: who connects is refused, who wants it gets another."""
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # so that we can listen beside it, as asyncio does
    held.bind((HOST, port))
    return held


def _temporary_folder() -> Path:
    try:
        return Path(tempfile.mkdtemp(prefix="comfy-headless-simulator-"))
    except OSError as error:
        raise ValidationError(f"cannot make a folder in {tempfile.gettempdir()}: {error.strerror}") from error


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def serve(*, port: int = 8188, ready: Callable[[str], None] | None = None, **settings: Any) -> None:
    """Run a simulator until interrupted; the ``simulate`` command.

    Args:
        ready: called with the address once the server answers.
        settings: as for `Simulator`.
    """
    with Simulator(port=port, **settings) as simulator:
        if ready is not None:
            ready(simulator.url)
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()
