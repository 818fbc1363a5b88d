"""The RAM of the machine is what psutil says, or a sentence."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from comfy_headless.features import install_hint
from comfy_headless.health.ram import Ram, find_ram
from tests.cli.program import environment


def say(code: str, *flags: str) -> str:
    """What a process of its own prints."""
    done = subprocess.run(
        [sys.executable, "-W", "error", *flags, "-c", code],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout.strip()


def test_ram_of_this_machine() -> None:
    """All RAM, in GiB."""
    assert find_ram() == Ram(psutil.virtual_memory().total / 1024**3, None)


@pytest.mark.parametrize(
    ("meminfo", "answer"),
    [
        ("MemTotal: 16777216 kB\nMemFree: 1 kB\n", Ram(16.0, None)),
        (None, "FileNotFoundError"),
        ("", "KeyError"),
        ("MemTotal: much kB\n", "ValueError"),
    ],
    ids=["bare", "missing", "empty", "nonsense"],
)
def test_a_sandbox_that_hides_it(meminfo: str | None, answer: Ram | str, tmp_path: Path) -> None:
    """The total is enough; where the system does not say even that, the reason has psutil's words."""
    if meminfo is not None:
        (tmp_path / "meminfo").write_text(meminfo, encoding="utf-8")
    said = say(
        "import psutil; from comfy_headless.health.ram import find_ram;"
        f"psutil.PROCFS_PATH = {str(tmp_path)!r}; print(find_ram())"
    )
    if isinstance(answer, Ram):
        assert said == repr(answer)
    else:
        assert f'Ram(total_gb=None, reason="the RAM cannot be measured: psutil says {answer}: ' in said.replace(
            "'", '"'
        )


def test_without_the_extra() -> None:
    """Where the extra is missing, the reason names the command that installs it."""
    said = say("from comfy_headless.health.ram import find_ram; print(find_ram())", "-S")
    missing = "measuring the RAM needs the extra 'health': module 'psutil' is not installed"
    assert said == repr(Ram(None, f"{missing}; {install_hint('health')}"))
