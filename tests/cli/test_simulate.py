"""`simulate`: a server until it is interrupted."""

from __future__ import annotations

import json
import signal
import socket
from pathlib import Path

import pytest

from comfy_headless.client.sync import ComfyClient
from tests.cli.program import Program, finish, process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_server_until_interrupted(folder: Path, number: int) -> None:
    """The address is printed when the server answers; an interrupt ends it with code 0."""
    started = process("simulate", "--port", 0, "--vram-gb", 12, "--device", "cuda", cwd=folder)
    assert started.stdout is not None
    url = started.stdout.readline().strip()
    with ComfyClient(url) as client:
        assert client.system_stats()["devices"][0]["vram_total"] == 12 * 2**30
    started.send_signal(number)
    code, out, err = finish(started)
    assert (code, out) == (0, "")
    assert "Ctrl-C ends it" in err
    assert "Traceback" not in err


def test_a_stock_server(folder: Path) -> None:
    """--no-packs leaves the classes of node packs away."""
    started = process("simulate", "--port", 0, "--no-packs", cwd=folder)
    assert started.stdout is not None
    with ComfyClient(started.stdout.readline().strip()) as client:
        assert "KSampler" in client.object_info() and "VHS_VideoCombine" not in client.object_info()
    started.send_signal(signal.SIGINT)
    assert finish(started)[0] == 0


def test_json(folder: Path) -> None:
    """--json prints the address as one object, and nothing more at the end."""
    started = process("simulate", "--port", 0, "--bare", "--json", cwd=folder)
    assert started.stdout is not None
    lines = [started.stdout.readline() for _ in range(3)]
    started.send_signal(signal.SIGINT)
    code, out, err = finish(started)
    assert (code, out, err) == (0, "", "")
    assert json.loads("".join(lines))["server"].startswith("http://127.0.0.1:")


def test_a_port_that_is_taken(program: Program) -> None:
    """A port that cannot be had is wrong use."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, out, err = program("simulate", "--port", port)
    assert (code, out) == (2, "")
    assert f"cannot listen on 127.0.0.1:{port}" in err
    assert program("simulate", "--port", "99999").code == 2
