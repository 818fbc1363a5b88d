"""`simulate`: a server until it is interrupted."""

from __future__ import annotations

import json
import signal
import socket
from pathlib import Path

import pytest

from comfy_headless.client.sync import ComfyClient
from tests.cli.program import Program, finish, process

pytestmark = pytest.mark.slow
"""Takes its time, all together."""


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


def test_another_machine_with_other_files(folder: Path) -> None:
    """Cards with names, Windows, and the model files of a JSON file: the server says what it was told."""
    (folder / "files.json").write_text('{"vae": ["wan/v.safetensors"]}', encoding="utf-8")
    cards = ("--vram-gb", 8, "--vram-gb", 24, "--device-name", "NVIDIA T4", "--device-name", "NVIDIA L4")
    started = process("simulate", "--port", 0, "--windows", *cards, "--files", "files.json", cwd=folder)
    assert started.stdout is not None
    with ComfyClient(started.stdout.readline().strip()) as client:
        told = client.system_stats()
        listed = client.object_info()["VAELoader"]["input"]["required"]["vae_name"][0]
    started.send_signal(signal.SIGINT)
    assert finish(started)[0] == 0
    assert told["system"]["os"] == "win32"
    assert [(card["name"], card["vram_total"] / 2**30) for card in told["devices"]] == [
        ("cuda:0 NVIDIA T4 : cudaMallocAsync", 8),
        ("cuda:1 NVIDIA L4 : cudaMallocAsync", 24),
    ]
    assert "wan\\v.safetensors" in listed


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "--files files.json: No such file or directory"),
        (b"{", "--files files.json: not JSON: "),
        (b"\xff", "--files files.json: not JSON: "),
        *(
            (text, "--files files.json: expected names per folder")
            for text in (b"[]", b'{"vae": "x"}', b'{"vae": [1]}')
        ),
    ],
)
def test_files_that_cannot_be_had(program: Program, folder: Path, text: bytes | None, told: str) -> None:
    """A file that is not there, or that holds no names per folder, is wrong use."""
    if text is not None:
        (folder / "files.json").write_bytes(text)
    code, out, err = program("simulate", "--port", 0, "--files", "files.json")
    assert (code, out) == (2, "")
    assert told in err


def test_options_that_exclude_each_other(program: Program) -> None:
    """Files for a bare server, and names that are not one for each card, are wrong use."""
    assert "--files x.json and --bare: give one of them" in program("simulate", "--files", "x.json", "--bare").err
    code, _, err = program("simulate", "--device-name", "a", "--device-name", "b")
    assert code == 2
    assert "expected one name for all, or one for each of 1" in err


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
