"""A ComfyUI process in a temporary folder: API nodes on (826 classes), on loopback, offline; ends with the block."""

from __future__ import annotations

import json
import os
import shutil
import socket
import tempfile
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any

from comfy_headless.local.server import ComfyServer

from .install import VERSION, Installation, installation
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

SETTLED = {"OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}


class RealServer:
    """A ComfyUI server of its own: installed if need be, started with the `with` block, stopped at its end.

    Args:
        port: 0 for a free one.
        more: further arguments of ComfyUI's command line, such as `--preview-method latent2rgb`.
        version: of ComfyUI: one of `CARRIED`, or a folder that holds one.
    """

    def __init__(self, *, port: int = 0, more: tuple[str, ...] = (), version: str = VERSION) -> None:
        self.comfyui: Installation = installation(version)
        self._weights = weights(installation())
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
        self._server = ComfyServer(
            self.comfyui.source,
            port=self.port,
            gpu="cpu",
            args=self.arguments(),
            python=self.comfyui.python,
            env=self.environment(),
            log=self.log,
            timeout=START_SECONDS,
            stop_seconds=STOP_SECONDS,
        )
        try:
            self._server.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def arguments(self) -> list[str]:
        """More of ComfyUI's command line: nothing of it touches anything outside the server's folder."""
        own = {
            "--base-directory": self.folder,
            "--output-directory": self.folder / "output",
            "--input-directory": self.folder / "input",
            "--temp-directory": self.folder / "temp",
            "--user-directory": self.folder / "user",
            "--front-end-root": self.folder / "frontend",
            "--database-url": "sqlite:///:memory:",
        }
        return [*(str(word) for pair in own.items() for word in pair), *self._more]

    def environment(self) -> dict[str, str | None]:
        """Offline, one thread (miniature layers are too small to share), sets of strings always in the same order."""
        kept = {name: os.environ.get(name, value) for name, value in SETTLED.items()}
        gone = {name: None for name in os.environ if name.startswith("COMFY_") or name.upper() in OFFLINE}
        return {**kept, **gone, **OFFLINE}

    def stop(self) -> None:
        """End the process that was started here, and remove its folder."""
        self._server.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def free_port() -> int:
    """A port of loopback that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def get(url: str, timeout: float = 30) -> Any:
    """The JSON at an address."""
    with urllib.request.urlopen(url, timeout=timeout) as answer:
        return json.load(answer)
