"""Fail on a skipped or expected-to-fail test that is not listed with its reason.

usage: python check_skips.py EXPECTED.txt REPORT.xml ...     (the reports are those of pytest --junitxml)
A line of the list is a test's name as the report prints it, a tab, and the beginning of the reason.
"""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path


def expected(path: Path) -> list[tuple[str, str]]:
    """Test and reason of each line that is neither empty nor a comment."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip() and line[0] != "#"]
    return [(test, reason) for test, _, reason in (line.partition("\t") for line in lines)]


def skips(path: Path) -> list[tuple[str, str]]:
    """Test and reason of each skip in a report; a module that was skipped whole has its own name."""
    cases = ElementTree.parse(path).iter("testcase")
    return [
        (f"{case.get('classname')}::{case.get('name')}", skip.get("message") or skip.text or "")
        for case in cases
        for skip in case.iter("skipped")
    ]


def main(listed: Path, *reports: Path) -> int:
    """Print what was not expected; 1 if there was anything."""
    known, surprises, total = expected(listed), [], 0
    for report in reports:
        for test, reason in skips(report):
            total += 1
            if not any(test == name and reason.startswith(why) for name, why in known):
                surprises.append(f"{report.name}: {test}: {reason}")
    sys.stdout.write("".join(f"unexpected skip: {line}\n" for line in surprises))
    sys.stdout.write(f"{total} skipped in {len(reports)} runs, {len(surprises)} of them unexpected\n")
    return int(bool(surprises))


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:])))
