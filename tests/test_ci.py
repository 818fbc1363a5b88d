"""CI's own rules: a skip that nobody listed fails, and a listed one does not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SKIPPING = """
import pytest

def test_runs():
    pass

@pytest.mark.skip(reason="no GPU here")
def test_skipped():
    pass

@pytest.mark.xfail(reason="later")
def test_expected_to_fail():
    assert False
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("listed", "status", "said"),
    [
        ("", 1, "2 skipped in 1 runs, 2 of them unexpected"),
        (
            "# all\ntest_it::test_skipped\tno GPU\n",
            1,
            "unexpected skip: report.xml: test_it::test_expected_",
        ),
        ("test_it::test_skipped\tno GPU\ntest_it::test_expected_to_fail\tlater\n", 0, "0 of them unexpected"),
        ("test_it::test_skipped\tno network\ntest_it::test_expected_to_fail\t\n", 1, "test_skipped: no GPU here"),
    ],
)
def test_only_listed_skips_pass(tmp_path: Path, listed: str, status: int, said: str) -> None:
    """A skip or an expected failure passes if its test and the beginning of its reason are listed."""
    (tmp_path / "test_it.py").write_text(SKIPPING, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    (tmp_path / "expected.txt").write_text(listed, encoding="utf-8")
    test = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml=report.xml"]
    subprocess.run(test, cwd=tmp_path, check=True, capture_output=True, timeout=60)
    check = [sys.executable, str(ROOT / ".ci/check_skips.py"), "expected.txt", "report.xml"]
    done = subprocess.run(check, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (status, "")
    assert said in done.stdout
