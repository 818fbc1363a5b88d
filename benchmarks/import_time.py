"""Measure what `import comfy_headless`, and a first answer, add to bare Python: medians of interleaved runs.

The exit code is 1 if one is over its limit.

usage: python benchmarks/import_time.py [ROUNDS]
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BARE = "bare Python"
CASES = {
    BARE: "pass",
    "import comfy_headless": "import comfy_headless",
    "get_recommended_preset(16)": "import comfy_headless; comfy_headless.get_recommended_preset(16)",
}
LIMITS_MS = {"import comfy_headless": 50, "get_recommended_preset(16)": 400}


def milliseconds(code: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
    return (time.perf_counter() - start) * 1000


def main(rounds: int) -> int:
    """Print the medians and what they add."""
    times: dict[str, list[float]] = {name: [] for name in CASES}
    for _ in range(rounds):
        for name, code in CASES.items():
            times[name].append(milliseconds(code))
    medians = {name: statistics.median(values) for name, values in times.items()}
    print(f"{BARE:28} {medians[BARE]:7.1f} ms, {rounds} rounds")
    added = {name: medians[name] - medians[BARE] for name in LIMITS_MS}
    for name, limit in LIMITS_MS.items():
        print(f"{name:28} {medians[name]:7.1f} ms: {added[name]:.1f} more, of at most {limit}")
    return int(any(added[name] > limit for name, limit in LIMITS_MS.items()))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 20))
