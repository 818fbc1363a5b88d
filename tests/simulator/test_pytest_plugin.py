"""The fixture `comfy_server`, in a pytest of its own: with the extra, and in an environment that has pytest only."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

USING = """
import urllib.request
import pytest

def test_plain(comfy_server):
    assert urllib.request.urlopen(comfy_server.url + "/queue").status == 200

@pytest.mark.comfy_server(vram_gb=8)
def test_told(comfy_server):
    assert b"8589934592" in urllib.request.urlopen(comfy_server.url + "/system_stats").read()
"""
WRONG = """
import pytest

@pytest.mark.comfy_server(vram=8)
def test_misspelt(comfy_server):
    pass

@pytest.mark.comfy_server(8)
def test_unnamed(comfy_server):
    pass
"""
NOT_USING = "def test_nothing():\n    assert True\n"


def bare_environment(folder: Path) -> Path:
    """Make a folder that holds pytest and what it needs, by links, and nothing else."""
    made = folder / "environment"
    made.mkdir()
    waiting, seen = ["pytest"], set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        try:
            found = distribution(name)
        except PackageNotFoundError:
            continue  # for other systems or versions of Python
        waiting += [re.split(r"[^A-Za-z0-9._-]", wanted)[0] for wanted in found.requires or () if "extra" not in wanted]
        for top in {Path(str(file)).parts[0] for file in found.files or ()} - {"..", "__pycache__"}:
            (made / top).symlink_to(Path(str(found.locate_file(top))))
    return made


def run_pytest(folder: Path, test: str, *, bare: bool) -> tuple[int, str]:
    """Run one test file in a fresh interpreter with the plugin; return exit code and output."""
    (folder / "test_it.py").write_text(test)
    paths = [str(ROOT), str(bare_environment(folder))] if bare else [str(ROOT)]
    environ = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": os.pathsep.join(paths)}
    start = ["-S", "-m", "pytest"] if bare else ["-m", "pytest"]
    options = ["-q", "--strict-markers", "-p", "comfy_headless.simulator.pytest_plugin", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [sys.executable, *start, *options, "test_it.py"], cwd=folder, env=environ, capture_output=True, text=True
    )
    return done.returncode, done.stdout + done.stderr


def test_the_fixture_gives_a_running_simulator(tmp_path: Path) -> None:
    """With the extra, each test gets a server, and the marker its settings."""
    code, output = run_pytest(tmp_path, USING, bare=False)
    assert code == 0, output
    assert "2 passed" in output


def test_a_wrong_argument_of_the_marker_fails_the_test(tmp_path: Path) -> None:
    """The argument, the nearest and all known names are said; nothing is ignored."""
    code, output = run_pytest(tmp_path, WRONG, bare=False)
    assert code == 1, output
    assert "2 errors" in output
    assert "the marker comfy_server: no argument 'vram'; did you mean 'vram_gb'? known are port, files" in output
    assert "8 is given without a name, such as vram_gb=8; known are port, files" in output
    assert "Traceback" not in output


def test_without_the_extra_pytest_runs_and_the_fixture_says_what_to_install(tmp_path: Path) -> None:
    """With pytest alone the plugin loads, other tests pass, and the fixture names the command."""
    code, output = run_pytest(tmp_path, NOT_USING + USING, bare=True)
    assert code == 1, output
    assert "1 passed, 2 errors" in output
    assert "the fixture comfy_server cannot be used: the simulator needs the extra 'simulator'" in output
    assert "pip install" in output
    assert "Traceback" not in output
