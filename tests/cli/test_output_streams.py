"""Streams that are closed or full: the job's end is told where something can still be read."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.program import environment

PROGRAM = f"{sys.executable} -m comfy_headless"
MAKE = f"{PROGRAM} generate x --simulate --preset wan_5b --seconds 0.1 --untested --out clip.mp4"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full is Linux's"),
]


def shell(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a line in bash, where the first command that fails gives the code."""
    words = ["bash", "-c", f"set -o pipefail; {line}"]
    return subprocess.run(words, cwd=folder, env=environment(), capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    ("redirection", "code", "said"),
    [
        (">&-", 1, "cannot write to stdout: it is closed. It was to say: clip.mp4"),
        (">/dev/full", 1, "cannot write to stdout: No space left on device. It was to say: clip.mp4"),
        ("--json >/dev/full", 1, "cannot write to stdout: No space left on device"),
        ("2>&-", 0, ""),
        ("| head -c 0", 0, ""),
    ],
)
def test_what_cannot_be_written_is_said_elsewhere(redirection: str, code: int, said: str, tmp_path: Path) -> None:
    """The video is there, its path is told on the stream that is left; it is no fault of the program."""
    done = shell(f"{MAKE} {redirection}", tmp_path)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "fault of comfy-headless" not in done.stderr
    assert (tmp_path / "clip.mp4").stat().st_size > 0


@pytest.mark.parametrize("words", ["--help", "generate --help", "", "presets list", "presets show wan_5b --json"])
def test_a_pipe_that_is_closed_early(words: str, tmp_path: Path) -> None:
    """Help and lists end quietly, with the code they have anyway, when their reader has seen enough."""
    for reader in ("head -1", "true"):
        done = shell(f"{PROGRAM} {words} | {reader}", tmp_path)
        assert (done.returncode, done.stderr) == (0 if words else 2, "")


@pytest.mark.parametrize("words", ["--help", "generate --help", "", "--version", "--help --json"])
@pytest.mark.parametrize(("target", "problem"), [("/dev/full", "No space left on device"), ("&-", "it is closed")])
def test_help_that_cannot_be_written(words: str, target: str, problem: str, tmp_path: Path) -> None:
    """Help on a full disk or a closed stream is one readable line and code 1; it is no fault of the program."""
    done = shell(f"{PROGRAM} {words} >{target}", tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: cannot write to stdout: {problem}")
    assert len(done.stderr.splitlines()) == 1


def test_an_error_whose_object_cannot_be_written(tmp_path: Path) -> None:
    """With --json and a full disk the error is a block on stderr, and its code stays."""
    done = shell(f"{PROGRAM} presets show wan5b --json >/dev/full", tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("error: no preset 'wan5b'")
