"""A ComfyUI process in a temporary folder: API nodes on (826 classes), on loopback, offline; ends with the block."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any

from .install import Installation, installation
from .weights import Folders, weights

HERE = Path(__file__).resolve().parent
START_SECONDS = 240.0
STOP_SECONDS = 20.0
OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "DO_NOT_TRACK": "1",
    # API nodes call out only when they run; if a test runs one, it must not get far.
    "HTTP_PROXY": "http://127.0.0.1:9",
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "NO_PROXY": "127.0.0.1,localhost",
}


class RealServer:
    """A ComfyUI server of its own: installed if need be, started with the `with` block, stopped at its end.

    Args:
        port: 0 for a free one.
        more: further arguments of ComfyUI's command line, such as `--preview-method latent2rgb`.
    """

    def __init__(self, *, port: int = 0, more: tuple[str, ...] = ()) -> None:
        self.comfyui: Installation = installation()
        self._weights = weights(self.comfyui)
        self._more = more
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> RealServer:
        self.folder = Path(tempfile.mkdtemp(prefix="comfyui-"))
        for name in ("models", "input", "output", "temp", "user", "custom_nodes", "frontend"):
            (self.folder / name).mkdir()
        for path in (HERE / "custom_nodes").glob("*.py"):
            shutil.copy(path, self.folder / "custom_nodes")
        self.folders = Folders(
            self.folder / "models", self.folder / "input", self.folder / "output", weights=self._weights
        )
        self.log = self.folder / "server.log"
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment()
            )
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def command(self) -> list[str]:
        """ComfyUI's command line: nothing of it touches anything outside the server's folder."""
        own = {
            "--base-directory": self.folder,
            "--output-directory": self.folder / "output",
            "--input-directory": self.folder / "input",
            "--temp-directory": self.folder / "temp",
            "--user-directory": self.folder / "user",
            "--front-end-root": self.folder / "frontend",
            "--database-url": "sqlite:///:memory:",
            "--listen": "127.0.0.1",
            "--port": self.port,
        }
        flags = [str(word) for pair in own.items() for word in pair]
        main = [str(self.comfyui.python), str(self.comfyui.source / "main.py")]
        return [*main, "--cpu", "--disable-auto-launch", *flags, *self._more]

    def environment(self) -> dict[str, str]:
        """Offline, and one thread: miniature layers are too small to share, and waiting for the other one dominates."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "COMFY_"))}
        kept = {key: value for key, value in kept.items() if key.upper() not in OFFLINE}
        return {"OMP_NUM_THREADS": "1", **kept, **OFFLINE, "PYTHONUNBUFFERED": "1"}

    def stop(self) -> None:
        """End the process that was started here, and remove its folder."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise RuntimeError(f"ComfyUI ended with code {self._process.returncode}:\n{self._tail()}")
            try:
                get(f"{self.url}/system_stats")
            except OSError:
                time.sleep(0.2)
            else:
                return
        raise RuntimeError(f"ComfyUI does not answer after {START_SECONDS:.0f} s:\n{self._tail()}")

    def _tail(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")[-3000:]


def free_port() -> int:
    """A port of loopback that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def get(url: str, timeout: float = 30) -> Any:
    """The JSON at an address."""
    with urllib.request.urlopen(url, timeout=timeout) as answer:
        return json.load(answer)
