"""A ComfyUI is found where people have it, and with it its Python; where it is not, what was looked at is said."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from comfy_headless import ComfyServer, ValidationError
from comfy_headless.local.folder import find_folder, find_python
from tests.cli.program import environment
from tests.local.stand_in import stand_in

posix = pytest.mark.skipif(os.name == "nt", reason="where a Python lies there is another matter")


def python_in(environment_folder: Path) -> Path:
    path = environment_folder / "bin/python"
    path.parent.mkdir(parents=True)
    path.symlink_to(sys.executable)
    return path


@pytest.mark.parametrize("named", ["ComfyUI", "ComfyUI/main.py", "."])
def test_the_folder_is_found(named: str, tmp_path: Path) -> None:
    """The folder itself, its main.py, or the folder that it lies in will do."""
    folder = stand_in(tmp_path / "ComfyUI")
    assert find_folder(tmp_path / named) == folder
    assert find_folder(str(tmp_path / named)) == folder


def test_the_home_is_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``~`` is the user's home, and a relative path that of the current folder."""
    folder = stand_in(tmp_path / "ComfyUI")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert find_folder("~/ComfyUI") == folder
    assert find_folder("ComfyUI") == folder


def test_the_environment_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """COMFY_HEADLESS_COMFYUI is the folder where none is given; without both, the error says so."""
    monkeypatch.setenv("COMFY_HEADLESS_COMFYUI", str(stand_in(tmp_path)))
    assert ComfyServer(python=sys.executable).folder == tmp_path
    monkeypatch.delenv("COMFY_HEADLESS_COMFYUI")
    with pytest.raises(ValidationError, match=r"no folder of a ComfyUI is named: give it, .* or set COMFY_HEADLESS"):
        ComfyServer()


def test_a_folder_without_comfyui(tmp_path: Path) -> None:
    """The error says what is wrong with the folder."""
    with pytest.raises(ValidationError, match=r"nowhere: it does not exist; expected a folder with main\.py and node"):
        find_folder(tmp_path / "nowhere")
    (tmp_path / "main.py").touch()
    with pytest.raises(ValidationError, match=r"it lacks nodes\.py, and so does ComfyUI within it"):
        find_folder(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(ValidationError, match=r"file: it is no folder"):
        find_folder(tmp_path / "file")
    for odd in ("", None, 3):
        with pytest.raises(ValidationError, match="expected the folder of a ComfyUI, such as"):
            find_folder(odd)  # type: ignore[arg-type]


@posix
@pytest.mark.parametrize("place", ["ComfyUI/venv", "ComfyUI/.venv", "venv", "env", "python_embeded"])
def test_its_python_is_beside_it(place: str, tmp_path: Path) -> None:
    """The Python of an environment within or beside the folder counts before all others."""
    folder = stand_in(tmp_path / "ComfyUI")
    python = python_in(tmp_path / place)
    assert find_python(folder, None) == python


@posix
def test_a_python_that_is_named(tmp_path: Path) -> None:
    """A Python may be named by its path, by that of its environment, or by a name on PATH."""
    python = python_in(tmp_path / "own")
    assert find_python(tmp_path, python) == python
    assert find_python(tmp_path, tmp_path / "own") == python
    assert find_python(tmp_path, "sh").name == "sh"
    for odd, words in {"nowhere": "does not exist", str(tmp_path): "no bin/python or"}.items():
        with pytest.raises(ValidationError, match=words):
            find_python(tmp_path, odd)
    (tmp_path / "file").touch()
    with pytest.raises(ValidationError, match="is not executable; expected a Python, or the folder of its env"):
        find_python(tmp_path, tmp_path / "file")


def test_this_python_where_it_has_torch(tmp_path: Path) -> None:
    """Without any other, the Python of this process does if it has torch; else all places are listed."""
    code = (
        "import sys; from comfy_headless.local.folder import find_python; from pathlib import Path;"
        "print(find_python(Path(sys.argv[1]), None))"
    )
    folder = stand_in(tmp_path / "ComfyUI")
    words = [sys.executable, "-S", "-c", code, str(folder)]
    done = subprocess.run(words, env=environment(), capture_output=True, text=True, timeout=60)
    assert "has no torch, and there is none in" in done.stderr
    assert f"\n  {folder / 'venv'}\n" in done.stderr
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch/__init__.py").touch()
    words[3] = f"import sys; sys.path.append({str(tmp_path)!r}); {code}"
    done = subprocess.run(words, env=environment(), capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == sys.executable


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"gpu": -1}, r"gpu=-1: expected a number such as 0, several such as '0,1', 'cpu', or None"),
        ({"gpu": "cuda:0"}, r"gpu='cuda:0': expected a number"),
        ({"gpu": True}, r"gpu=True: expected a number"),
        ({"args": "--lowvram"}, r"args='--lowvram': expected one text for each word, such as \('--lowvram',\)"),
        ({"args": ["--port", "1"]}, r"leave --port out: port= says it"),
        ({"args": ["--listen=0.0.0.0"]}, r"leave --listen out: host= says it"),
        ({"port": 70000}, r"port=70000: expected 0 for a free one, or a number below 65536"),
        ({"timeout": 0}, r"timeout=0: expected seconds, more than 0"),
        ({"stop_seconds": "1"}, r"stop_seconds='1': expected seconds, more than 0"),
    ],
)
def test_wrong_arguments(more: dict[str, object], words: str, tmp_path: Path) -> None:
    """An argument that cannot be meant is refused before anything is started."""
    with pytest.raises(ValidationError, match=words):
        ComfyServer(stand_in(tmp_path), python=sys.executable, **more)  # type: ignore[arg-type]


def test_a_host_that_is_not_here(tmp_path: Path) -> None:
    """An address that this machine does not have is refused before anything is started."""
    with pytest.raises(ValidationError, match=r"host='203\.0\.113\.7': .*; expected an address of this machine"):
        ComfyServer(stand_in(tmp_path), python=sys.executable, host="203.0.113.7").start()
