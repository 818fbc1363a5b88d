"""Measure what `import comfy_headless` adds to bare Python: medians of interleaved runs; 1 if over the limit.

usage: python benchmarks/import_time.py [ROUNDS]
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

LIMIT_MS = 50
ROOT = Path(__file__).resolve().parents[1]
CASES = {"bare Python": "pass", "import comfy_headless": "import comfy_headless"}


def milliseconds(code: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
    return (time.perf_counter() - start) * 1000


def main(rounds: int) -> int:
    """Print the medians and their difference."""
    times: dict[str, list[float]] = {name: [] for name in CASES}
    for _ in range(rounds):
        for name, code in CASES.items():
            times[name].append(milliseconds(code))
    medians = {name: statistics.median(values) for name, values in times.items()}
    for name, median in medians.items():
        print(f"{name:24} {median:7.1f} ms")
    bare, imported = medians.values()
    print(f"{'difference':24} {imported - bare:7.1f} ms of at most {LIMIT_MS} ms, {rounds} rounds")
    return int(imported - bare > LIMIT_MS)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 20))
