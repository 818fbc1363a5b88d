"""`doctor`: a page that fits a terminal, a line to paste under each trouble, and an exit code."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from comfy_headless.cli.doctor import page
from comfy_headless.health.report import HealthLine, HealthReport
from comfy_headless.simulator import Simulator
from comfy_headless.simulator.faults import Answer
from tests.cli.program import Program, finish, process
from tests.cli.schemas import PROMISED, checked

LONG = "comfy-headless presets test '/a/folder with a long name/and another one/and the preset in it.toml'"
REPORT = HealthReport(
    "http://gpu:8188",
    (
        HealthLine("server", "fail", "nothing answers at http://gpu:8188: Connection refused", "comfy-headless serve"),
        HealthLine("presets", "warn", "one of your own cannot be read, " * 4, LONG),
        HealthLine("queue", "ok", "empty"),
    ),
)


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Nothing in the environment, and an empty home without a ComfyUI."""
    for name in [name for name in os.environ if name.startswith(("COMFY_HEADLESS_", "COMFYUI_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(folder))


def closed_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        return f"http://127.0.0.1:{gone.getsockname()[1]}"


def test_a_page_of_80_columns() -> None:
    """Sentences are folded below their first word; what is to be pasted stays whole on a line of its own."""
    lines = page(REPORT, 80).splitlines()
    assert lines[0] == "fail  server   nothing answers at http://gpu:8188: Connection refused"
    assert lines[1] == "               try: comfy-headless serve"
    assert f"               try: {LONG}" in lines
    assert [line for line in lines if len(line) > 80 and LONG not in line] == []
    assert lines[-3:] == ["ok    queue    empty", "", "1 failure and 1 warning."]
    assert page(HealthReport("http://gpu", REPORT.lines[2:]), None).endswith("\n\nAll is well.")


def test_all_is_well(program: Program, server: str) -> None:
    """Nothing that fails ends with 0, and the numbers of the server are on the page."""
    ran = program("doctor", "--server", server)
    assert (ran.code, ran.err) == (0, "")
    assert "ok    version    ComfyUI 0.30.0" in ran.out
    assert "ok    queue      empty" in ran.out


@pytest.mark.slow
def test_a_machine_with_nothing(folder: Path) -> None:
    """No server, no ffmpeg on PATH, a home that cannot be written to: a page, exit code 1, no traceback."""
    variables = {"COMFY_HEADLESS_URL": closed_port(), "PATH": "/nowhere", "HOME": "/proc/none"}
    code, out, err = finish(process("doctor", cwd=folder, **variables))
    assert (code, err) == (1, "")
    assert out.startswith("fail  server     nothing answers at http://127.0.0.1:")
    assert "try: comfy-headless serve ~/ComfyUI --port " in out
    assert "warn  cache      nothing can be kept in /proc/none/.cache/comfy-headless: " in out
    assert out.splitlines()[-1].startswith("1 failure and ")


@pytest.mark.slow
@pytest.mark.parametrize(("home", "code"), [("http://", 1), ("http://nowhere.invalid", 1)])
def test_a_wrong_address(program: Program, home: str, code: int) -> None:
    """A wrong address is a line like others: all else is looked at."""
    ran = program("doctor", "--server", home, "--timeout", "1", "--json")
    assert ran.code == code
    data = checked(PROMISED["doctor"], ran.out)
    assert (data["ok"], data["lines"][0]["state"], len(data["lines"])) == (False, "fail", 11)


@pytest.mark.slow
def test_what_a_server_says_is_no_secret_told(program: Program) -> None:
    """What an address carries to be let in is on no line, whatever the server answers."""
    with Simulator(faults=[Answer("GET /system_stats", 401, times=None)]) as server:
        named = server.url.replace("//", "//user:hunter2@")
        ran = program("doctor", "--server", named, "--debug")
    assert ran.code == 1
    assert "lets nobody in like that (401); a login was sent" in ran.out
    assert "hunter2" not in ran.out + ran.err
