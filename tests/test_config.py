"""Settings that name folders: the home of a user who is not here is an error that names the setting."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from comfy_headless import ComfyServer, ValidationError, check, check_health
from comfy_headless.cli import main
from comfy_headless.config import comfyui_folder, expanded, user_preset_folders
from comfy_headless.local.folder import find_folder, find_python, usual_folder
from comfy_headless.protocol.destination import read_out

NOBODY = "~nosuchuser/x"
ODD: dict[str, Callable[[], Any]] = {
    "COMFY_HEADLESS_COMFYUI": lambda: comfyui_folder(None, {"COMFY_HEADLESS_COMFYUI": NOBODY}),
    "COMFY_HEADLESS_PRESETS": lambda: user_preset_folders({"COMFY_HEADLESS_PRESETS": NOBODY}),
    "comfyui": lambda: comfyui_folder(NOBODY),
    "folder": lambda: find_folder(NOBODY),
    "python": lambda: find_python(Path(), NOBODY),
    "out": lambda: read_out(NOBODY),
}


@pytest.mark.parametrize("name", ODD)
def test_the_home_of_nobody(name: str) -> None:
    """The error names the argument or the variable, the path, and what to do."""
    with pytest.raises(ValidationError, match=f"^{name}='{NOBODY}': nobody knows where ~nosuchuser is; write"):
        ODD[name]()


def test_the_log_of_a_server(tmp_path: Path) -> None:
    """It is said before anything is started."""
    for name in ("main.py", "nodes.py"):
        (tmp_path / name).touch()
    with pytest.raises(ValidationError, match=f"^log='{NOBODY}': nobody knows"):
        ComfyServer(tmp_path, python=sys.executable, log=NOBODY)


@pytest.mark.parametrize(
    ("variable", "words"),
    [
        ("COMFY_HEADLESS_COMFYUI", ["models", "check", "--preset", "wan_5b"]),
        ("COMFY_HEADLESS_COMFYUI", ["serve"]),
        ("COMFY_HEADLESS_PRESETS", ["presets", "list"]),
    ],
)
def test_a_command(
    variable: str, words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It ends with that error, and with no traceback."""
    monkeypatch.setenv(variable, NOBODY)
    assert main(words) != 0
    err = capsys.readouterr().err
    assert f"{variable}='{NOBODY}'" in err and "Traceback" not in err


def test_doctor_tells_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has a line for each, and a ComfyUI where people have one is not looked for."""
    monkeypatch.setenv("COMFY_HEADLESS_COMFYUI", NOBODY)
    monkeypatch.setenv("COMFY_HEADLESS_PRESETS", NOBODY)
    report = check_health("http://127.0.0.1:9", out=NOBODY, timeout=0.2)
    for name in ("comfyui", "presets", "disk"):
        assert "nobody knows where ~nosuchuser is" in report[name].text
    assert usual_folder() is None


def test_a_check_of_a_place_that_is_none() -> None:
    """check says it before it looks at anything."""
    with pytest.raises(ValidationError, match=r"^out='~nosuchuser/x"):
        check(preset="wan_5b", out=f"{NOBODY}.mp4", server=None)


def test_a_home_that_is_known() -> None:
    """It stands in place of the tilde; other paths stay as they are."""
    assert expanded("~/x", "out") == Path.home() / "x"
    assert expanded("a/~b", "out") == Path("a/~b")
