"""The example service as tests run it: a process of its own, that can be killed and started again."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx

from tests.cli.program import ROOT, environment

UVICORN = (sys.executable, "-m", "uvicorn", "--app-dir", str(ROOT / "examples"), "service:app")


class Service:
    """``examples/service.py`` on a port of its own, in front of the ComfyUI server at ``comfy_url``."""

    def __init__(self, comfy_url: str, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"
        self._comfy_url, self.folder = comfy_url, folder
        self.http = httpx.Client(base_url=self.url, timeout=30)

    def __enter__(self) -> Service:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.http.close()
        self.kill()

    @property
    def log(self) -> str:
        """What the process wrote, over all its lives."""
        return (self.folder / "service.log").read_text(encoding="utf-8")

    def start(self) -> None:
        """Start the process and wait until it answers."""
        with (self.folder / "service.log").open("a", encoding="utf-8") as log:
            self._process = subprocess.Popen(
                [*UVICORN, "--port", str(self._port), "--timeout-graceful-shutdown", "1"],
                cwd=self.folder,
                env=environment(COMFY_HEADLESS_URL=self._comfy_url),
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        give_up = time.monotonic() + 30
        while True:
            assert self._process.poll() is None, self.log
            assert time.monotonic() < give_up, "the service does not answer"
            try:
                socket.create_connection(("127.0.0.1", self._port), 1).close()
                return
            except OSError:
                time.sleep(0.05)

    def kill(self) -> None:
        """Kill the process, which gets no word of it (SIGKILL)."""
        self._process.kill()
        self._process.wait(10)

    def terminate(self) -> int:
        """Ask the process to end, as a supervisor does (SIGTERM); give its exit status."""
        self._process.terminate()
        return self._process.wait(10)

    def submit(self, prompt: str = "a sunset", *, preset: str | None = "wan_5b", seed: int | None = None) -> Any:
        """Queue a video; give the answer's JSON."""
        answer = self.http.post("/videos", json={"prompt": prompt, "preset": preset, "seed": seed})
        assert answer.status_code == 202, answer.text
        return answer.json()

    def status(self, prompt_id: str) -> Any:
        """Where a video stands."""
        return self.http.get(f"/videos/{prompt_id}").json()["status"]

    @contextmanager
    def events(self, prompt_id: str) -> Iterator[Iterator[tuple[str, Any]]]:
        """Follow a video as a browser does: name and data of each event, until one leaves the block."""
        with httpx.Client(timeout=30) as own, own.stream("GET", f"{self.url}/videos/{prompt_id}/events") as stream:
            assert stream.status_code == 200, stream.read()
            assert stream.headers["content-type"].startswith("text/event-stream")
            yield read_events(stream.iter_lines())


def read_events(lines: Iterator[str]) -> Iterator[tuple[str, Any]]:
    """Read server-sent events line by line."""
    name, data = "message", ""
    for line in lines:
        field, _, value = line.partition(": ")
        if field == "event":
            name = value
        elif field == "data":
            data += value
        elif not line and data:
            yield name, json.loads(data)
            name, data = "message", ""
