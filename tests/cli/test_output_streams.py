"""Streams that are closed or full: the job's end is told where something can still be read."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

MAKE = (
    f"{sys.executable} -m comfy_headless generate x --simulate --preset wan_5b --seconds 0.1 --untested --out clip.mp4"
)

pytestmark = pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full is Linux's")


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
    script = f"set -o pipefail; {MAKE} {redirection}"
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "fault of comfy-headless" not in done.stderr
    assert (tmp_path / "clip.mp4").stat().st_size > 0
