"""The room where a folder lies is told, and whether it can be written to; whatever goes wrong is a reason."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from comfy_headless.doctor.here import disk_line
from comfy_headless.health.disk import Disk, find_disk


def test_a_folder_and_one_that_is_not_there(tmp_path: Path) -> None:
    """A folder that is not there is where its nearest parent is, and is not made."""
    there = find_disk(tmp_path)
    assert there.reason is None
    assert there.free_gb is not None
    assert there.total_gb is not None
    assert 0 < there.free_gb <= there.total_gb
    assert find_disk(tmp_path / "a/b").folder == tmp_path
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_way(tmp_path: Path) -> None:
    """A file where a folder should be is the reason why nothing can be written."""
    (tmp_path / "file").touch()
    assert find_disk(tmp_path / "file").reason == "a file is where a folder should be"


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is a place where nobody writes")
def test_a_disk_for_reading_only() -> None:
    """Writing is tried: permissions alone do not tell."""
    assert find_disk(Path("/proc/none")).reason


@pytest.mark.skipif(os.name == "nt", reason="paths")
@pytest.mark.parametrize(
    ("free_gb", "state", "text", "remedy"),
    [
        (50.0, "ok", "50.0 of 100.0 GiB free at /out", None),
        (4.9, "warn", "4.9 of 100.0 GiB free at /out", "df -h /out"),
        (0.1, "fail", "0.1 of 100.0 GiB free at /out", "df -h /out"),
    ],
)
def test_how_much_is_enough(free_gb: float, state: str, text: str, remedy: str | None) -> None:
    """Little room is a warning, no room a failure."""
    line = disk_line(Path("/out"), Disk(Path("/out"), free_gb, 100.0, None))
    assert (line.state, line.text, line.remedy) == (state, text, remedy)
