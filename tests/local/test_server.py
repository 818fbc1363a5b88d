"""A ComfyUI of this machine is up within its block, gone after it, and says why where it dies."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from comfy_headless import ComfyServer, ComfyUIOfflineError, ValidationError
from tests.cli.program import environment
from tests.local.stand_in import alive, stand_in

STUBBORN = "signal.signal(signal.SIGINT, signal.SIG_IGN); signal.signal(signal.SIGTERM, signal.SIG_IGN)"
HANGS = "time.sleep(60)"
DIES = "raise ModuleNotFoundError(\"No module named 'einops'\")"
DIES_WHEN_ASKED = "if self.path == '/die': print('RuntimeError: the card is lost'), os._exit(3)"
WITH_A_CHILD = (
    "child = subprocess.Popen([sys.executable, '-S', '-c', 'import time; time.sleep(60)']);"
    "open('child', 'w').write(str(child.pid))"
)
TAKEN_ONCE = (
    "if not os.path.exists('tried'):\n"
    "    open('tried', 'w').close()\n"
    "    raise OSError(98, 'error while attempting to bind on address: address already in use')"
)
SLOWER = "open('loading', 'w').close(); time.sleep(0.5)"
SILENT = "print = lambda *words: None"
PARENT = """
import signal, sys, time
from comfy_headless import ComfyServer
server = ComfyServer(sys.argv[1], python=sys.executable, stop_seconds=5.0, log=sys.argv[1] + "/log").start()
print(server.pid, flush=True)
time.sleep(float(sys.argv[2]))
"""


def server_in(folder: Path, **more: object) -> ComfyServer:
    """A stand-in's server; it runs with the Python of the tests."""
    return ComfyServer(folder, **{"python": sys.executable, "timeout": 20.0, "stop_seconds": 5.0, **more})  # type: ignore[arg-type]


def until(condition: Callable[[], object], seconds: float = 10.0) -> bool:
    """Wait for a condition, and say whether it came."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def test_it_runs_within_the_block(tmp_path: Path) -> None:
    """It answers at a free port within the block; after it, it has ended as on Ctrl-C, and left no log."""
    with server_in(stand_in(tmp_path / "ComfyUI")) as server:
        assert server.running
        assert server.port
        pid, log = server.pid, server.log
        assert pid
        assert alive(pid)
        assert log
        assert log.exists()
        with server.client() as client:
            told = client.system_stats()["system"]
        assert told["folder"] == str(tmp_path / "ComfyUI")
        assert server.log_tail(1) == f"[INFO] To see the GUI go to: {server.url}"
        server.check()
        assert server.wait(0.01) is None
    assert not alive(pid)
    assert (server.pid, server.running, log.exists(), server.wait(0)) == (None, False, False, 0)
    assert server.log_tail(1) == "Stopped server"
    with pytest.raises(ValidationError, match="does not run; start"):
        server.client()


def test_it_is_told_what_was_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GPUs, arguments and variables reach it; what is about this process does not."""
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    monkeypatch.setenv("COMFY_HEADLESS_TOKEN", "secret")
    monkeypatch.setenv("KEPT", "1")
    monkeypatch.setenv("GONE", "1")
    more = {"gpu": "0,1", "args": ("--lowvram",), "env": {"GONE": None, "NEW": "2"}}
    with server_in(stand_in(tmp_path), **more) as server, server.client() as client:
        told = client.system_stats()["system"]
    assert told["argv"][-2:] == ["--disable-auto-launch", "--lowvram"]
    variables = told["environ"]
    assert (variables["CUDA_VISIBLE_DEVICES"], variables["HIP_VISIBLE_DEVICES"]) == ("0,1", "0,1")
    assert (variables["KEPT"], variables["NEW"]) == ("1", "2")
    assert not {"GONE", "PYTHONPATH", "COMFY_HEADLESS_TOKEN"} & set(variables)


@pytest.mark.slow
def test_an_exception_stops_it(tmp_path: Path) -> None:
    """Whatever leaves the block, the server goes with it."""
    pids = []
    with pytest.raises(KeyboardInterrupt), server_in(stand_in(tmp_path)) as server:
        pids.append(server.pid)
        raise KeyboardInterrupt
    assert not any(alive(pid) for pid in pids if pid)


def test_it_dies_at_its_start(tmp_path: Path) -> None:
    """The error has the exception, what to do about it, and the end of the log, which stays."""
    with pytest.raises(ComfyUIOfflineError) as caught:
        server_in(stand_in(tmp_path, before=DIES)).start()
    first, remedy, log, *rest = str(caught.value).splitlines()
    assert first == (
        f"the ComfyUI in {tmp_path} ended with code 1 before it answered: ModuleNotFoundError: No module named 'einops'"
    )
    assert remedy == f"try: einops is missing: {sys.executable} -m pip install -r {tmp_path}/requirements.txt"
    path = Path(log.removeprefix("the end of its log, ").rstrip(":"))
    assert rest[-1] == "  ModuleNotFoundError: No module named 'einops'"
    assert path.read_text().splitlines()[-1] == rest[-1].strip()
    path.unlink()


@pytest.mark.slow
def test_it_does_not_answer_in_time(tmp_path: Path) -> None:
    """One that hangs is ended when its time is over; a log of one's own stays in any case."""
    log = tmp_path / "own.log"
    server = server_in(stand_in(tmp_path, before=HANGS), timeout=0.3, log=log)
    with pytest.raises(
        ComfyUIOfflineError, match=r"does not answer at .* after 0\.3 s; timeout= or --timeout gives"
    ) as c:
        server.start()
    assert "its log is empty" in str(c.value)
    assert not server.running
    assert log.exists()


def test_a_taken_port_is_refused(tmp_path: Path) -> None:
    """A port on which something listens is the caller's mistake; nothing is started."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ValidationError, match=rf"port {port} of 127\.0\.0\.1 is taken by another program; port=0"):
            server_in(stand_in(tmp_path), port=port).start()


@pytest.mark.slow
def test_a_free_port_that_is_taken_meanwhile(tmp_path: Path) -> None:
    """Where the port was drawn, another one is drawn if somebody else was quicker."""
    with server_in(stand_in(tmp_path, before=TAKEN_ONCE)) as server:
        assert server.running


@pytest.mark.slow
def test_a_port_of_ones_own_that_is_taken_meanwhile(tmp_path: Path) -> None:
    """Where the port was named, the error says that it is taken."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
    server = server_in(stand_in(tmp_path, before=TAKEN_ONCE), port=port, log=tmp_path / "log")
    with pytest.raises(ComfyUIOfflineError, match=rf"try: port {port} is taken; port=0 or --port 0 takes a free one"):
        server.start()


@pytest.mark.slow
@pytest.mark.parametrize("words", [None, ["main.py", "--port", "8188"]])
def test_another_one_that_is_quicker(tmp_path: Path, words: list[str] | None) -> None:
    """It is not taken for the one that was started: that one dies of the port, and the error says so."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    class Another(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"system": {} if words is None else {"argv": words}}).encode())

        def log_message(self, *_: object) -> None:
            return

    def serve() -> HTTPServer:
        assert until((tmp_path / "loading").exists)
        other = HTTPServer(("127.0.0.1", port), Another)
        threading.Thread(target=other.serve_forever, args=(0.05,)).start()
        return other

    with ThreadPoolExecutor() as threads:
        other = threads.submit(serve)
        with pytest.raises(ComfyUIOfflineError, match=rf"ended with code 1 before.*\ntry: port {port} is taken"):
            server_in(stand_in(tmp_path, before=SLOWER), port=port, log=tmp_path / "log").start()
        other.result().shutdown()
        other.result().server_close()


@pytest.mark.slow
def test_one_that_does_not_say_that_it_listens(tmp_path: Path) -> None:
    """It is known by its command line, a while later."""
    with server_in(stand_in(tmp_path, before=SILENT), args=("--dont-print-server",)) as server:
        assert server.running
        assert server.log_tail() == ""


@pytest.mark.slow
def test_one_that_will_not_end_is_killed(tmp_path: Path) -> None:
    """Who takes no hint is ended by force, soon after the time it had."""
    with server_in(stand_in(tmp_path, before=STUBBORN), stop_seconds=0.2) as server:
        began = time.monotonic()
    assert time.monotonic() - began < 5
    assert server.wait(0) == -signal.SIGKILL


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="process groups")
def test_what_it_started_goes_too(tmp_path: Path) -> None:
    """A process that a node pack left running ends with the server."""
    with server_in(stand_in(tmp_path, before=WITH_A_CHILD)):
        child = int((tmp_path / "child").read_text())
        assert alive(child)
    assert until(lambda: not alive(child))


def test_it_dies_while_it_runs(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Its death is logged at once, check() raises it, and an error of the block carries it as a note."""
    lost = ComfyUIOfflineError("no answer", url="http://x")
    with (
        caplog.at_level(logging.ERROR, "comfy_headless"),
        pytest.raises(ComfyUIOfflineError, match="no answer") as caught,
        server_in(stand_in(tmp_path, after=DIES_WHEN_ASKED), log=tmp_path / "log") as server,
    ):
        urllib.request.urlopen(f"{server.url}/die", timeout=10).close()
        assert server.wait(10) == 3
        with pytest.raises(ComfyUIOfflineError, match="has ended with code 3: RuntimeError: the card is lost"):
            server.check()
        raise lost
    assert "has ended with code 3: RuntimeError: the card is lost" in caught.value.__notes__[0]
    assert [record.getMessage().splitlines()[0] for record in caplog.records] == [
        f"the ComfyUI in {tmp_path} has ended with code 3: RuntimeError: the card is lost"
    ]


@pytest.mark.slow
def test_it_starts_again_at_the_same_place(tmp_path: Path) -> None:
    """restart() gives another process at the same address; two at once there are not."""
    with server_in(stand_in(tmp_path)) as server:
        pid, url = server.pid, server.url
        with pytest.raises(ValidationError, match="runs already, at http"):
            server.start()
        server.restart()
        assert server.pid != pid
        assert server.url == url


@pytest.mark.slow
def test_on_asyncio(tmp_path: Path) -> None:
    """``async with`` does the same without stopping the loop; a cancelled start leaves nothing behind."""

    async def run() -> None:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                await asyncio.sleep(0.01)
                ticks += 1

        ticking = asyncio.create_task(tick())
        async with server_in(stand_in(tmp_path / "a")) as server:
            assert server.running
        assert not server.running
        assert ticks > 5
        ticking.cancel()
        hanging = server_in(stand_in(tmp_path / "b", before=HANGS), log=tmp_path / "log")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(hanging.__aenter__(), 0.5)
        assert not hanging.running

    asyncio.run(run())


@pytest.mark.parametrize("seconds", [0.0, *(pytest.param(late, marks=pytest.mark.slow) for late in (0.01, 0.1, 1.0))])
def test_a_start_that_is_cancelled(tmp_path: Path, seconds: float) -> None:
    """Whenever that is, nothing runs afterwards, and the loop ends."""
    server = server_in(stand_in(tmp_path, before=HANGS), timeout=60.0)

    async def run() -> None:
        starting = asyncio.create_task(server.__aenter__())
        await asyncio.sleep(0)  # it has begun
        await asyncio.sleep(seconds)
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting
        assert not server.running

    began = time.monotonic()
    asyncio.run(run())
    assert time.monotonic() - began < 20
    assert not server.running


def test_a_start_that_is_stopped(tmp_path: Path) -> None:
    """Whoever stops one that is just being started ends the start."""
    server = server_in(stand_in(tmp_path, before=HANGS), timeout=60.0)
    with ThreadPoolExecutor() as threads:
        starting = threads.submit(server.start)
        assert until(lambda: server.running)
        server.stop()
        with pytest.raises(ComfyUIOfflineError, match=r"was stopped before it answered|ended with .* before"):
            starting.result(20)
    assert not server.running


@pytest.mark.slow
@pytest.mark.parametrize("ends", ["by itself", "killed"])
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a killed process leaves it behind")
def test_it_ends_with_its_parent(tmp_path: Path, ends: str) -> None:
    """A process that ends without stopping its server, or that is killed, leaves none behind."""
    seconds = "0" if ends == "by itself" else "60"
    words = [sys.executable, "-W", "error", "-c", PARENT, str(stand_in(tmp_path)), seconds]
    with subprocess.Popen(words, stdout=subprocess.PIPE, env=environment(), text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        if ends == "killed":
            assert alive(pid)
            parent.kill()
    assert until(lambda: not alive(pid))
    assert ("Stopped server" in (tmp_path / "log").read_text()) == (ends == "by itself")


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("sh") is None, reason="needs a shell")
def test_it_ends_gently_where_interrupts_are_ignored(tmp_path: Path) -> None:
    """What a shell starts in the background ignores interrupts; the server that it starts does not."""
    command = [sys.executable, "-c", PARENT, str(stand_in(tmp_path)), "0"]
    words = ["sh", "-c", 'trap "" INT; exec "$@"', "sh", *command]
    subprocess.run(words, check=True, capture_output=True, env=environment(), timeout=60)
    assert (tmp_path / "log").read_text().splitlines()[-1] == "Stopped server"


def test_what_cannot_be_run(tmp_path: Path) -> None:
    """A Python that is none, and a log that cannot be written, are the caller's mistakes."""
    odd = tmp_path / "python"
    odd.write_bytes(b"\x7fELF")
    odd.chmod(0o755)
    with pytest.raises(ValidationError, match=r"python cannot be run: Exec format error"):
        server_in(stand_in(tmp_path / "x"), python=odd).start()
    with pytest.raises(ValidationError, match=r"log='.*nowhere/log': No such file or directory"):
        server_in(tmp_path / "x", log=tmp_path / "nowhere/log").start()


@pytest.mark.real_server
def test_a_real_one(tmp_path: Path) -> None:
    """A ComfyUI starts from its folder alone, runs on the CPU, and one that does not start says what to do."""
    from tests.conformance.comfyui.install import installation

    comfyui = installation()
    for name in ("custom_nodes", "models", "input", "output", "user", "frontend"):
        (tmp_path / name).mkdir()
    base = ("--base-directory", str(tmp_path), "--front-end-root", str(tmp_path / "frontend"))
    args = (*base, "--database-url", "sqlite:///:memory:")
    with ComfyServer(comfyui.source, gpu="cpu", args=args, stop_seconds=60) as server, server.client() as client:
        assert client.system_stats()["devices"][0]["type"] == "cpu"
        taken = ComfyServer(comfyui.source, gpu="cpu", args=args, port=server.port)
        with pytest.raises(ValidationError, match="is taken by another program"):
            taken.start()
    assert server.log_tail(1) == "Stopped server"
    assert server.wait(0) == 0
    wrong = ComfyServer(comfyui.source, gpu="cpu", args=("--low-vram",), log=tmp_path / "log")
    with pytest.raises(ComfyUIOfflineError, match=r"error: unrecognized arguments: --low-vram\ntry: see which there"):
        wrong.start()
