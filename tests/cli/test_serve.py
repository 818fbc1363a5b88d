"""`serve`: a ComfyUI of this machine until it is interrupted; one that dies says why."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

import pytest

from comfy_headless.client.sync import ComfyClient
from tests.cli.program import Program, finish, process
from tests.cli.schemas import PROMISED, checked
from tests.local.stand_in import stand_in

pytestmark = pytest.mark.slow
"""Takes its time, all together."""

DIES_WHEN_ASKED = "if self.path == '/queue': print('RuntimeError: the card is lost'), os._exit(3)"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_server_until_interrupted(folder: Path, number: int) -> None:
    """The address is printed when it answers; an interrupt ends it, and the program with code 0."""
    stand_in(folder / "ComfyUI")
    words = ("serve", "ComfyUI", "--port", 0, "--gpu", 1, "--python", sys.executable, "--json", "--", "--lowvram")
    started = process(*words, cwd=folder)
    assert started.stdout is not None
    text = ""
    while not text.endswith("}\n"):
        text += started.stdout.readline()
    data = checked(PROMISED["serve"], text)
    with ComfyClient(data["server"]) as client:
        told = client.system_stats()["system"]
    assert told["argv"][-1] == "--lowvram"
    assert told["environ"]["CUDA_VISIBLE_DEVICES"] == "1"
    started.send_signal(number)
    code, _, err = finish(started)
    assert code == 0
    assert "Traceback" not in err
    assert not Path(data["log"]).exists()


def test_one_that_dies(folder: Path) -> None:
    """A server that ends by itself ends the program with the end of its log."""
    stand_in(folder, after=DIES_WHEN_ASKED)
    started = process("serve", ".", "--port", 0, "--python", sys.executable, "--log", "log", cwd=folder)
    assert started.stdout is not None
    url = started.stdout.readline().strip()
    with pytest.raises(Exception, match="GET /queue"), ComfyClient(url) as client:
        client.queue()
    code, _, err = finish(started)
    assert code == 3
    assert "has ended with code 3: RuntimeError: the card is lost" in err
    assert "Traceback" not in err


def test_no_folder(program: Program, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Without a folder one is looked for; the error says how to name it."""
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.delenv("COMFY_HEADLESS_COMFYUI", raising=False)
    ran = program("serve", "--json")
    assert ran.code == 2
    assert "set COMFY_HEADLESS_COMFYUI" in json.loads(ran.out)["error"]["message"]
